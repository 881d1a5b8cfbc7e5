// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/base/utc_offsets.h"

#include <ranges>

#include "libmpath/base/limits.h"

namespace mpath {

void UtcOffsets::note(MonoTime now, Duration offset) {
  constexpr Duration is_a_step = seconds{1};
  if (!steps_.empty()) {
    Duration by = offset - steps_.back().offset;
    if (by < is_a_step && by > -is_a_step) {
      steps_.back().offset = offset;
      return;
    }
  }
  if (steps_.size() == limits::history_entries) steps_.erase(steps_.begin());
  steps_.push_back({now, offset});
}

Duration UtcOffsets::at(MonoTime at) const {
  for (const Step& step : steps_ | std::views::reverse) {
    if (step.since <= at) return step.offset;
  }
  return steps_.empty() ? Duration{0} : steps_.front().offset;
}

}  // namespace mpath
