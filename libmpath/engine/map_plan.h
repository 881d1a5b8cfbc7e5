// SPDX-License-Identifier: LGPL-2.1-or-later
// What is to be done to one map, as a function of values. Each round of checks asks for it anew, and nearly always it comes to what it came
// to before: the engine keeps both and compares, which allocates nothing. Pure; any thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libmpath/plan/plan.h"
#include "libmpath/policy/layout.h"

namespace mpath::engine {

/// All that counts. make_map_plan() is given nothing else, so equal ones come to the same plan; what is shared is never changed, only
/// replaced, so pointers tell.
struct PlanInputs {
  std::vector<policy::Member> members;
  std::shared_ptr<const config::MapSettings> settings;
  std::shared_ptr<const KernelMap> kernel;  ///< null: there is none
  Wwid wwid;
  MapName name;                    ///< that it is to have
  TargetVersion target_version{};
  bool retries_expired = false;
  bool queueing_disabled = false;  ///< by command
  bool may_resize = false;
  plan::Options options;
  friend bool operator==(const PlanInputs&, const PlanInputs&) = default;
};

struct MapPlan {
  std::unique_ptr<const TableAction> table;    ///< null: the table is right
  std::vector<plan::PlannedMessage> messages;  ///< for the table in force, also while `table` has to wait
  bool queues = false;                         ///< queue_if_no_path
  std::vector<std::string> remarks;            ///< what of the configuration could not be followed, one sentence each
};

/// `inputs.settings` is there.
[[nodiscard]] MapPlan make_map_plan(const PlanInputs& inputs);

}  // namespace mpath::engine
