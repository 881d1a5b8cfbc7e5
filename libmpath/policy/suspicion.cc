// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/suspicion.h"

#include <algorithm>

namespace mpath::policy {

Duration suspect_age(Duration suspect_after, Duration siblings_p99) {
  return std::max(suspect_after, suspect_factor * siblings_p99);
}

Duration late_age(Duration suspect_after, Duration siblings_p99) { return suspect_age(suspect_after, siblings_p99) / 4; }

SuspectAction action_for_suspect(const SuspectSituation& situation) {
  if (!situation.other_usable) return SuspectAction::report;
  return situation.usable_in_active_group || groups_change_freely(situation) ? SuspectAction::avoid : SuspectAction::report;
}

}  // namespace mpath::policy
