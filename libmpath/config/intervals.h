// SPDX-License-Identifier: LGPL-2.1-or-later
// The two polling intervals, which depend on each other. Pure; any thread.
#pragma once

#include "libmpath/base/time.h"
#include "libmpath/model/settings.h"

namespace mpath::config {

class Settings;

struct PollingIntervals {
  Effective<seconds> shortest;
  Effective<seconds> longest;
};
/// polling_interval and max_polling_interval of the defaults section: the longest is four times the shortest unless set, the shortest a
/// quarter of the longest when only that is set, and never above it.
[[nodiscard]] PollingIntervals polling_intervals(const Settings& defaults);

}  // namespace mpath::config
