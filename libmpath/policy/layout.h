// SPDX-License-Identifier: LGPL-2.1-or-later
// From the paths of a volume and the settings of its map to the map we want: groups, their order, the table. Pure; any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
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
  bool has_prioritizer = true;       ///< there is a prioritizer of the configured name
  friend bool operator==(const Member&, const Member&) = default;
};

/// One group of the layout: which members, and what the group is worth.
struct Group {
  std::vector<std::size_t> members;  ///< indexes into the span given to lay_out()
  int priority = 0;
  std::uint32_t usable = 0;
  bool marginal = false;
};

struct PolicyChoice {
  PathGroupingPolicy policy = PathGroupingPolicy::failover;
  bool detected = false;    ///< path_grouping_policy does not count (detect_pgpolicy)
  bool lacks_alua = false;  ///< failover in place of the configured group_by_tpg
};
/// `all_follow_alua`: every path's priority comes from ALUA.
[[nodiscard]] PolicyChoice choose_policy(bool all_follow_alua, const config::MapSettings& settings);

struct Layout {
  MapSpec spec;
  std::vector<Group> groups;         ///< as in spec.table
  PathGroupingPolicy policy = PathGroupingPolicy::failover;
  bool policy_detected = false;
  std::vector<std::string> remarks;  ///< what of the configuration could not be followed, one sentence each
};

/// What the kernel has already and the settings may leave alone.
struct LayoutContext {
  Wwid wwid;
  MapName name;
  std::optional<bool> kernel_queues;  ///< queue_if_no_path in the live table; nothing if there is none
  bool retries_expired = false;       ///< no_path_retry N is used up
  /// Features of the live table: a map never changes between bio-based and request-based. Nothing if there is no map.
  std::optional<std::string> kernel_features;
  /// Version of the kernel's multipath target; decides between rr_min_io and rr_min_io_rq. Zeros: not known, taken for a new one.
  TargetVersion target_version{};
  friend bool operator==(const LayoutContext&, const LayoutContext&) = default;
};

/// Priority of a group: mean of the defined priorities of its usable paths, truncated; -1 if none of them is defined, 0 without a
/// usable path.
[[nodiscard]] int group_priority(std::span<const Member> members, const Group& group);

/// 1-based number of the best group, 1 if no group is usable, 0 if there is none. Ordinary groups come before marginal ones; among marginal
/// ones only, a later group takes the first one's place with a priority above 0, or 0 and more than one usable path, or if the first one
/// has no usable path.
[[nodiscard]] std::uint32_t best_group(std::span<const Group> groups);

/// A group stands behind one of lower priority, or an ordinary one behind a marginal one.
[[nodiscard]] bool out_of_order(std::span<const Group> groups);

/// Whether the table should say queue_if_no_path.
[[nodiscard]] bool wants_queueing(const NoPathRetry& retry, bool any_usable, const LayoutContext& context);

/// The groups of `policy` in the order of the table: ordinary before marginal, then by priority, then by number of usable paths.
[[nodiscard]] std::vector<Group> make_groups(std::span<const Member> members, PathGroupingPolicy policy);

/// For round-robin: the paths of a group so that neighbours use different host adapters and, behind one adapter, different hosts. Left as
/// they are with fewer than three paths, or if one is not of FC, SAS, iSCSI or SRP or its adapter is not known.
void alternate_adapters(std::span<const Member> members, Group& group);

/// Whether a path may be in a map whose live table has these features: NVMe over TCP never in a request-based one.
[[nodiscard]] bool fits_queue_mode(const PathFacts& facts, const std::string& kernel_features);

/// The map that `settings` ask for with these members, in their order. The size is that of the first member with one.
[[nodiscard]] Layout lay_out(std::span<const Member> members, const config::MapSettings& settings,
                             const LayoutContext& context);

}  // namespace mpath::policy
