// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/topology.h"

#include "libmpath/base/text.h"
#include "libmpath/view/format.h"
#include "libmpath/view/words.h"

namespace mpath::view {

namespace {

constexpr std::array<char, 6> column_letters = {'i', 'd', 'D', 't', 'T', 'o'};

void widen(PathColumns& columns, const PathRow& row) {
  for (std::size_t i = 0; i < columns.size(); ++i) {
    columns[i] = std::max(columns[i], value_of(column_letters[i], row, MonoTime{}).size());
  }
}

std::string first_line(const engine::MapView& map, const TopologyOptions& options) {
  std::string line;
  if (options.dry_run) {
    line += ": ";
  } else if (map.pending != engine::PendingAction::none) {
    line += fmt::format("{}: ", word(map.pending));
  }
  const std::string name = value_of('n', map, MonoTime{});
  line += name;
  if (const std::string wwid = value_of('w', map, MonoTime{}); wwid != name) line += fmt::format(" ({})", wwid);
  line += fmt::format(" {} {}", value_of('d', map, MonoTime{}), value_of('s', map, MonoTime{}));
  return options.bold ? "\x1b[1m" + line + "\x1b[0m\n" : line + '\n';
}

void append_group(std::string& out, const engine::GroupView& group, bool last, const PathColumns& columns) {
  out += fmt::format("{}-+- policy='{}' prio={} status={}\n", last ? '`' : '|', escape(group.selector),
                     std::max(group.priority, 0), word(group.state));
  for (std::size_t i = 0; i < group.paths.size(); ++i) {
    if (!group.paths[i]) continue;
    const PathRow row{*group.paths[i], true};
    out += fmt::format("{} {}-", last ? ' ' : '|', i + 1 == group.paths.size() ? '`' : '|');
    for (std::size_t column = 0; column < columns.size(); ++column) {
      out += fmt::format(" {:<{}}", value_of(column_letters[column], row, MonoTime{}), columns[column]);
    }
    out += '\n';
  }
}

}  // namespace

PathColumns measure_paths(const engine::MapView& map) {
  PathColumns columns{};
  for (const auto& group : map.groups) {
    for (const auto& path : group.paths) {
      if (path) widen(columns, {*path, true});
    }
  }
  return columns;
}

PathColumns measure_paths(std::span<const std::shared_ptr<const engine::PathView>> paths) {
  PathColumns columns{};
  for (const auto& path : paths) {
    if (path) widen(columns, {*path, !path->map_name.empty()});
  }
  return columns;
}

std::string topology(const engine::MapView& map, const PathColumns& columns, const TopologyOptions& options) {
  if (options.verbosity <= 0) return {};
  if (options.verbosity == 1) return value_of('n', map, MonoTime{}) + '\n';
  std::string out = first_line(map, options);
  out += fmt::format("size={} features='{}' hwhandler='{}' wp={}\n", size_text(map.size_sectors), escape(map.features),
                     escape(map.hardware_handler), value_of('r', map, MonoTime{}));
  for (std::size_t i = 0; i < map.groups.size(); ++i) {
    append_group(out, map.groups[i], i + 1 == map.groups.size(), columns);
  }
  return out;
}

}  // namespace mpath::view
