// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl plan`: what a reconfiguration would do, for people and as JSON: per map a diff of the table, each action with its reason and the
// line of the configuration behind it; which disks would become paths, or cease to be. Pure, any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libmpath/config/why.h"
#include "libmpath/engine/rehearsal.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// One thing that would be done to a map.
struct PlannedAction {
  std::string what;                      ///< "reload", "rename", "message switch_group 2"
  std::string reason;                    ///< "paths differ: add 8:48"
  std::vector<config::WhyLine> settings; ///< what of the configuration is behind it; may be empty
};

struct PlannedMap {
  std::string name;      ///< in the kernel, or that it would get
  std::string new_name;  ///< if it would be renamed
  Wwid wwid;
  DevNum devnum;         ///< not valid for a map that would be created
  std::vector<PlannedAction> actions;
  std::vector<std::string> diff;  ///< lines with ' ', '-' or '+' in front; empty if the table stays
  std::string deferred;           ///< what a load would have to wait for; empty if nothing
};

/// A disk that is judged otherwise than now.
struct PlannedPath {
  std::string name;
  bool becomes_path = false;
  std::string reason;
};

struct PlanReport {
  std::vector<PlannedMap> maps;      ///< only those with something to do
  std::vector<PlannedPath> paths;
  std::vector<std::string> remarks;  ///< what makes the answer less than whole
  std::vector<std::string> unknown;  ///< words that name no map
  std::size_t maps_looked_at = 0;
  [[nodiscard]] bool has_changes() const { return !maps.empty() || !paths.empty(); }
};

/// `words`: names or WWIDs of the maps that are wanted; all without any.
[[nodiscard]] PlanReport plan_report(const engine::Snapshot& now, const engine::RehearsalInputs& inputs, const std::vector<std::string>& words);

[[nodiscard]] std::string plan_text(const PlanReport& report);
/// One JSON object.
[[nodiscard]] std::string plan_json(const PlanReport& report);

/// Lines of two texts, the old one's with '-' and the new one's with '+' where they differ.
[[nodiscard]] std::vector<std::string> unified_diff(const std::vector<std::string>& before, const std::vector<std::string>& after);

}  // namespace mpath::view
