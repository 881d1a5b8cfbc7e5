// SPDX-License-Identifier: LGPL-2.1-or-later
// Timers of timerfd_create(2) on the clock of MonoTime (CLOCK_MONOTONIC). Any thread; none blocks.
#pragma once

#include <sys/timerfd.h>

#include <algorithm>
#include <chrono>

#include "libmpath/base/time.h"

namespace mpath::sys {

/// The timer goes off at `when`, at once if that has passed, never with no_deadline. One that has gone off stays readable until it is set
/// again or read.
inline void set_timer(int timer, MonoTime when) {
  itimerspec setting{};  // all zero: off
  if (when != no_deadline) {
    Duration since_boot = std::max(when.time_since_epoch(), Duration{1});
    auto whole = std::chrono::floor<seconds>(since_boot);
    setting.it_value = {static_cast<time_t>(whole.count()), static_cast<long>((since_boot - whole).count())};
  }
  timerfd_settime(timer, TFD_TIMER_ABSTIME, &setting, nullptr);
}

}  // namespace mpath::sys
