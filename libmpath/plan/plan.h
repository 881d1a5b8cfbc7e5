// SPDX-License-Identifier: LGPL-2.1-or-later
// What to do so that the kernel's map becomes the one we want: one function, used by the daemon, by dry runs and by tests. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmpath/model/action.h"
#include "libmpath/model/kernel_map.h"

namespace mpath::plan {

struct Options {
  bool force = false;            ///< load the table even if it is right (`reconfigure all`, `reload map`)
  bool clear_inactive = false;   ///< a table that was loaded and never swapped in is worth a load
  bool regroup = true;           ///< a different grouping of the same paths is worth a load
  bool switch_group = true;      ///< a better group is worth a switch
  bool retain_handler = true;    ///< a handler that the kernel attached is kept
  bool name_is_free = true;      ///< the wanted name is not another device's
  bool messages_only = false;    ///< the table must not be touched now: what can be said to the one in force
  friend bool operator==(const Options&, const Options&) = default;
};

struct PlannedMessage {
  MapMessage message;
  Reason reason;
};

struct Plan {
  std::optional<TableAction> table;      ///< at most one; planned again after it
  std::vector<PlannedMessage> messages;  ///< for the table in force; empty if `table` makes them pointless

  [[nodiscard]] bool empty() const { return !table && messages.empty(); }
};

/// `kernel` is null if there is no such map. Path failures are not the plan's business: they are messages of the health side.
[[nodiscard]] Plan make_plan(const MapSpec& wanted, const KernelMap* kernel, const Options& options);

/// Suspend, resume or drop_table for the kernel's map, whatever its table.
[[nodiscard]] TableAction suspension(const KernelMap& kernel, TableActionKind kind, std::string text);

/// The action that removes the kernel's map.
[[nodiscard]] TableAction removal(const KernelMap& kernel, ReasonKind why, std::string text);

}  // namespace mpath::plan
