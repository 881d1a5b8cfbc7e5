// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/drains.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"
#include "libmpath/policy/selection.h"
#include "libmpath/view/format.h"
#include "libmpath/view/words.h"

namespace mpath::view {

bool is_quiet(const engine::PathView& path) {
  return path.in_flight == 0 && (path.map_name.empty() || path.kernel_state == KernelPathState::failed);
}

DrainReport report_drains(const engine::Snapshot& snapshot, std::span<const std::string> words) {
  DrainReport report;
  for (const auto& path : snapshot.paths) {
    if (!path || path->drain_asked_for.empty()) continue;
    if (!words.empty() && !policy::selected_by_any(words, facts_of(*path))) continue;
    report.paths.push_back(path.get());
    report.emptying += is_quiet(*path) ? 0 : 1;
  }
  return report;
}

std::string drains_text(const engine::Snapshot& snapshot, const DrainReport& report) {
  if (report.paths.empty()) return "no path is drained\n";
  std::string out;
  for (const engine::PathView* path : report.paths) {
    const PathRow row{*path, true};
    out += fmt::format("{} {} {}: ", value_of('d', row, snapshot.now), value_of('i', row, snapshot.now), value_of('m', row, snapshot.now));
    if (!path->in_flight) {
      out += "drained, its I/O is not known";
    } else if (is_quiet(*path)) {
      out += "drained, no I/O is under way";
    } else {
      out += fmt::format("being drained, {} I/Os under way", *path->in_flight);
    }
    if (path->drain_undo_at != no_deadline) {
      out += fmt::format("; undone in {} s unless confirmed", seconds_until(snapshot.now, path->drain_undo_at).count());
    }
    out += fmt::format(" (asked for: {})\n", escape(path->drain_asked_for));
  }
  return out;
}

std::string drains_json(const engine::Snapshot& snapshot, const DrainReport& report) {
  nlohmann::ordered_json paths = nlohmann::ordered_json::array();
  for (const engine::PathView* path : report.paths) {
    const PathRow row{*path, true};
    nlohmann::ordered_json entry = {
        {"dev", value_of('d', row, snapshot.now)},
        {"dev_t", value_of('D', row, snapshot.now)},
        {"hcil", value_of('i', row, snapshot.now)},
        {"map", escape(path->map_name)},
        {"quiet", is_quiet(*path)},
        {"asked_for", escape(path->drain_asked_for)},
    };
    if (path->in_flight) entry["in_flight"] = *path->in_flight;
    if (path->drain_undo_at != no_deadline) entry["undone_in_seconds"] = seconds_until(snapshot.now, path->drain_undo_at).count();
    paths.push_back(std::move(entry));
  }
  const nlohmann::ordered_json document = {{"paths", std::move(paths)}, {"emptying", report.emptying}};
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mpath::view
