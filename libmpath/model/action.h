// SPDX-License-Identifier: LGPL-2.1-or-later
// The map we want, the kernel actions that get us there, and why. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/base/static_text.h"
#include "libmpath/model/ids.h"
#include "libmpath/model/kernel_map.h"

namespace mpath {

/// A map as it should be. `table` holds no states; its next_group is the group to begin with.
struct MapSpec {
  Wwid wwid;
  MapName name;
  MultipathTable table;
  bool read_only = false;
  std::optional<std::uint32_t> mode;
  std::optional<std::uint32_t> uid;
  std::optional<std::uint32_t> gid;
};

/// What udev's rules are told with a table operation (behaviour of 0.14, section 8).
struct UdevFlags {
  bool reload = false;     ///< DM_SUBSYSTEM_UDEV_FLAG0: contents did not change, no rescan
  bool no_kpartx = false;  ///< FLAG1
  bool no_paths = false;   ///< FLAG2: not usable now
};

enum class TableActionKind {
  create,  ///< create with table, active at once
  reload,  ///< load a table and swap it in; never flushes
  resize,  ///< the same, with the flush that a new size needs
  rename,
  remove,
  suspend,     ///< hold I/O back, without a flush
  resume,      ///< end that; swaps no table in
  drop_table,  ///< take back a table that was loaded and not swapped in
};
[[nodiscard]] std::string_view to_string(TableActionKind kind);

/// Why an action is taken: the kind for programs and tests, the text for people.
enum class ReasonKind {
  map_missing, name_differs, size_differs, forced, udev_incomplete, queueing_differs, handler_differs,
  features_differ, selector_differs, arguments_differ, paths_differ, group_order, better_group, path_state,
  map_obsolete, requested, read_only_differs, interrupted,
};
[[nodiscard]] StaticText to_string(ReasonKind kind);
struct Reason {
  ReasonKind kind = ReasonKind::requested;
  std::string text;
};

/// What must still be true when the action runs; checked in the lane, a difference gives ErrorCode::conflict.
struct Precondition {
  std::string uuid;                     ///< of the device of that name; empty: there must be no such device
  std::uint64_t table_fingerprint = 0;  ///< of the live table; 0: any
};

/// The largest request to a path's queue; set before the table is loaded that makes it part of a map, never after.
struct QueueLimit {
  std::string sysfs_path;  ///< of the block device
  std::uint32_t max_sectors_kib = 0;
};

/// One table operation on one map. Never two of the same map at a time.
struct TableAction {
  TableActionKind kind = TableActionKind::create;
  MapSpec spec;          ///< for remove: name and wwid only
  MapName current_name;  ///< the name in the kernel now; differs from spec.name for rename
  Precondition expected;
  UdevFlags udev;
  std::vector<DevNum> fail_after_load;  ///< paths that must not carry I/O: a load makes every path active again
  std::vector<QueueLimit> queue_limits;
  std::optional<std::string> partition_delimiter;  ///< rename: between the name and the number of a partition map; nothing: as kpartx
  bool deferred_remove = false;           ///< a removal of a map in use is taken for done, and happens when it is free
  Reason reason;
  std::vector<ReasonKind> also_changes;   ///< what a load changes besides, in the order in which a reason is looked for
};

/// A message to the live target; no table changes.
struct MapMessage {
  enum class Kind { fail_path, reinstate_path, switch_group, enable_group, queue_if_no_path, fail_if_no_path, cancel_deferred_remove };
  Kind kind = Kind::fail_path;
  DevNum path;              ///< fail_path, reinstate_path
  std::uint32_t group = 0;  ///< switch_group, enable_group; 1-based
  friend bool operator==(const MapMessage&, const MapMessage&) = default;
};
/// The text that dm-mpath understands: "fail_path 8:16".
[[nodiscard]] std::string to_string(const MapMessage& message);

}  // namespace mpath
