// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/json.h"

#include "libmpath/base/text.h"
#include "libmpath/view/format.h"
#include "libmpath/view/words.h"

namespace mpath::view {

namespace {

struct Field {
  std::string_view key;
  char letter;  ///< the wildcard that gives the value
  bool is_number = false;
};

constexpr Field map_fields[] = {
    {"name", 'n'}, {"uuid", 'w'}, {"sysfs", 'd'}, {"failback", 'F'}, {"queueing", 'Q'}, {"paths", 'N', true},
    {"write_prot", 'r'}, {"dm_st", 't'}, {"features", 'f'}, {"hwhandler", 'h'}, {"action", 'A'}, {"path_faults", '0', true},
    {"vend", 'v'}, {"prod", 'p'}, {"rev", 'e'}, {"switch_grp", '1', true}, {"map_loads", '2', true},
    {"total_q_time", '3', true}, {"q_timeouts", '4', true},
};

constexpr Field path_fields[] = {
    {"dev", 'd'}, {"dev_t", 'D'}, {"dm_st", 't'}, {"dev_st", 'o'}, {"chk_st", 'T'}, {"checker", 'c'}, {"pri", 'p', true},
    {"host_wwnn", 'N'}, {"target_wwnn", 'n'}, {"host_wwpn", 'R'}, {"target_wwpn", 'r'}, {"host_adapter", 'a'},
    {"lun_hex", 'L'}, {"marginal_st", 'M'},
};

/// The text is printable ASCII already; a quote and a backslash remain to be escaped (RFC 8259, section 7).
std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out += '"';
}

class Writer {
 public:
  explicit Writer(MonoTime now) : now_(now) {}

  std::string take() { return std::move(out_); }

  void line(int depth, std::string_view text) {
    out_.append(static_cast<std::size_t>(depth) * 3, ' ');
    out_ += text;
    out_ += '\n';
  }

  /// "key": [{ … },{ … }], or [] without elements. `element(i)` writes the lines of one at depth + 1.
  template <typename Element>
  void list(int depth, std::string_view key, std::size_t count, Element element) {
    if (count == 0) {
      line(depth, fmt::format("\"{}\": []", key));
      return;
    }
    line(depth, fmt::format("\"{}\": [{{", key));
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) line(depth, "},{");
      element(i);
    }
    line(depth, "}]");
  }

  void map(int depth, const engine::MapView& map) {
    for (const Field& field : map_fields) value(depth, field, value_of(field.letter, map, now_), false);
    list(depth, "path_groups", map.groups.size(), [&](std::size_t i) { group(depth + 1, map.groups[i], i + 1); });
  }

 private:
  void value(int depth, const Field& field, const std::string& text, bool last) {
    line(depth, fmt::format("\"{}\" : {}{}", field.key, field.is_number ? text : quoted(text), last ? "" : ","));
  }

  void group(int depth, const engine::GroupView& group, std::size_t number) {
    value(depth, {"selector", ' '}, escape(group.selector), false);
    value(depth, {"pri", ' ', true}, fmt::to_string(std::max(group.priority, 0)), false);
    value(depth, {"dm_st", ' '}, std::string(word(group.state)), false);
    value(depth, {"marginal_st", ' '}, group.marginal ? "marginal" : "normal", false);
    value(depth, {"group", ' ', true}, fmt::to_string(number), false);
    std::vector<const engine::PathView*> paths;
    for (const auto& path : group.paths) {
      if (path) paths.push_back(path.get());
    }
    list(depth, "paths", paths.size(), [&](std::size_t i) { path_object(depth + 1, *paths[i]); });
  }

  void path_object(int depth, const engine::PathView& path) {
    for (const Field& field : path_fields) {
      std::string text = value_of(field.letter, PathRow{path, true}, now_);
      // Strict readers take an unsigned number here, and none of them knows "disconnected".
      if (field.letter == 'p') text = fmt::to_string(std::max(path.priority.value_or(0), 0));
      if (field.letter == 'T' && path.health.state == PathState::disconnected) text = checker_word(PathState::down);
      bool last = &field == std::end(path_fields) - 1 && !path.suspect && !path.outlier;
      value(depth, field, text, last);
    }
    // Ours, and only where there is something to say: readers of the known keys see nothing new.
    if (path.suspect) value(depth, {"suspect_st", ' '}, path.suspect->avoided ? "avoided" : "reported", !path.outlier);
    if (path.outlier) value(depth, {"outlier_st", ' '}, engine::to_text(*path.outlier), true);
  }

  std::string out_;
  MonoTime now_;
};

void begin_document(Writer& writer) {
  writer.line(0, "{");
  writer.line(1, "\"major_version\": 0,");
  writer.line(1, "\"minor_version\": 1,");
}

}  // namespace

std::string maps_json(const engine::Snapshot& snapshot) {
  std::vector<const engine::MapView*> maps;
  for (const auto& map : snapshot.maps) {
    if (map) maps.push_back(map.get());
  }
  Writer writer(snapshot.now);
  begin_document(writer);
  writer.list(1, "maps", maps.size(), [&](std::size_t i) { writer.map(2, *maps[i]); });
  writer.line(0, "}");
  return writer.take();
}

std::string map_json(const engine::Snapshot& snapshot, const engine::MapView& map) {
  Writer writer(snapshot.now);
  begin_document(writer);
  writer.line(1, "\"map\":{");
  writer.map(2, map);
  writer.line(1, "}");
  writer.line(0, "}");
  return writer.take();
}

}  // namespace mpath::view
