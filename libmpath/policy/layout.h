// SPDX-License-Identifier: LGPL-2.1-or-later
// From the paths of a volume and the settings of its map to the map we want: groups, their order, the table. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "libmpath/config/effective.h"
#include "libmpath/model/action.h"
#include "libmpath/model/path.h"

namespace mpath::policy {

/// A path as far as grouping is concerned.
struct Member {
  std::shared_ptr<const PathFacts> facts;
  PathState state = PathState::unchecked;
  std::optional<int> priority;       ///< nothing: undefined
  bool marginal = false;
  bool priority_from_alua = false;   ///< its priority says what its target port group's state is
};

/// One group of the layout: which members, and what the group is worth.
struct Group {
  std::vector<std::size_t> members;  ///< indexes into the span given to lay_out()
  int priority = 0;
  std::uint32_t usable = 0;
  bool marginal = false;
};

struct Layout {
  MapSpec spec;
  std::vector<Group> groups;         ///< as in spec.table
  PathGroupingPolicy policy = PathGroupingPolicy::failover;
  bool policy_detected = false;
};

/// What the kernel has already and the settings may leave alone.
struct LayoutContext {
  Wwid wwid;
  MapName name;
  std::optional<bool> kernel_queues;  ///< queue_if_no_path in the live table; nothing if there is none
  bool retries_expired = false;       ///< no_path_retry N is used up
};

/// Priority of a group: mean of the defined priorities of its usable paths, truncated; -1 if none of them is defined, 0 without a
/// usable path.
[[nodiscard]] int group_priority(std::span<const Member> members, const Group& group);

/// 1-based number of the best group, 1 if no group is usable, 0 if there is none.
[[nodiscard]] std::uint32_t best_group(std::span<const Group> groups);

/// A group stands behind one of lower priority, or an ordinary one behind a marginal one.
[[nodiscard]] bool out_of_order(std::span<const Group> groups);

/// Whether the table should say queue_if_no_path.
[[nodiscard]] bool wants_queueing(const NoPathRetry& retry, bool any_usable, const LayoutContext& context);

/// The map that `settings` ask for with these members, in their order. The size is that of the first member with one.
[[nodiscard]] Layout lay_out(std::span<const Member> members, const config::MapSettings& settings,
                             const LayoutContext& context);

}  // namespace mpath::policy
