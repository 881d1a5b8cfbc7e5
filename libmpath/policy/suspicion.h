// SPDX-License-Identifier: LGPL-2.1-or-later
// When a check that has not been answered makes its path suspect, and what may be done about it. Pure; any thread.
#pragma once

#include "libmpath/base/time.h"

namespace mpath::policy {

/// A check is too old only if it is so many times older than what is usual for its siblings: an array that is slow by nature, or under
/// load, answers all of them late.
inline constexpr int suspect_factor = 20;

/// From which age on a check makes its path suspect. `suspect_after`: the keyword; `siblings_p99`: 0 while nothing is known.
[[nodiscard]] Duration suspect_age(Duration suspect_after, Duration siblings_p99);

/// From which age on a check is looked into: the siblings are asked anew, to know whether the array answers at all, and the other paths of
/// the port, which probably hang as well. Early enough that all of a port are judged within twice the time of the first.
[[nodiscard]] Duration late_age(Duration suspect_after, Duration siblings_p99);

/// The map of a path whose check is too old, while a sibling answers.
struct SuspectSituation {
  bool other_usable = false;           ///< another path of the map may serve
  bool usable_in_active_group = false; ///< … and one of them is in the group that the kernel uses
  bool has_hardware_handler = false;
  bool implicit_only = false;          ///< every path says that its array changes access states by itself only (ALUA, TPGS)
};

enum class SuspectAction {
  report,   ///< it is the last usable path, or the array would have to move the volume: no trespass for a stall
  avoid,    ///< new I/O goes elsewhere
};
[[nodiscard]] SuspectAction action_for_suspect(const SuspectSituation& situation);

/// Whether to use another group costs nothing: the array need not be told.
[[nodiscard]] constexpr bool groups_change_freely(const SuspectSituation& situation) {
  return !situation.has_hardware_handler || situation.implicit_only;
}

}  // namespace mpath::policy
