// SPDX-License-Identifier: LGPL-2.1-or-later
// Points in time of the engine. The clock type has no now(): pure code is told the time, only the rim reads it.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace mpath {

using Duration = std::chrono::nanoseconds;
using std::chrono::microseconds;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

/// CLOCK_MONOTONIC, or the simulator's virtual time.
struct MonotonicClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<MonotonicClock>;
  static constexpr bool is_steady = true;
};
using MonoTime = MonotonicClock::time_point;

/// A deadline that never comes.
inline constexpr MonoTime no_deadline = MonoTime::max();

/// `start` and so many seconds; no_deadline where that is later than a point in time can be. `span` is not negative.
[[nodiscard]] constexpr MonoTime time_after(MonoTime start, seconds span) {
  return span > std::chrono::duration_cast<seconds>(no_deadline - std::max(start, MonoTime{})) ? no_deadline : start + span;
}

}  // namespace mpath
