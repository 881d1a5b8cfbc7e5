// SPDX-License-Identifier: LGPL-2.1-or-later
// UTC for points in time of the engine. The machine's clock can be set, and a machine can sleep, which the engine's clock does not count:
// so each point in time has the offset of its own days. A value; any thread.
#pragma once

#include <vector>

#include "libmpath/base/time.h"

namespace mpath {

class UtcOffsets {
 public:
  /// UTC is `offset` more than engine time, as seen at `now`. Less than a second beside the last one is the last one, seen better.
  void note(MonoTime now, Duration offset);
  /// What was true at `at`; before the first one that was noted, that one.
  [[nodiscard]] Duration at(MonoTime at) const;

 private:
  struct Step {
    MonoTime since;
    Duration offset;
  };
  std::vector<Step> steps_;  ///< in order of time; as many as there are transitions in a history (limits::history_entries)
};

}  // namespace mpath
