// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/clock_steps.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <ctime>

namespace mpath::sys {

Duration utc_offset() {
  timespec utc{};
  timespec monotonic{};
  ::clock_gettime(CLOCK_REALTIME, &utc);
  ::clock_gettime(CLOCK_MONOTONIC, &monotonic);
  return seconds{utc.tv_sec - monotonic.tv_sec} + std::chrono::nanoseconds{utc.tv_nsec - monotonic.tv_nsec};
}

Result<ClockSteps> ClockSteps::open() {
  UniqueFd fd(::timerfd_create(CLOCK_REALTIME, TFD_CLOEXEC | TFD_NONBLOCK));
  itimerspec never{};
  never.it_value.tv_sec = INT64_C(1) << 32;  // in the year 2106
  if (!fd || ::timerfd_settime(fd.get(), TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &never, nullptr) != 0) {
    return std::unexpected(error_from_errno(errno, "clock", "its jumps cannot be watched"));
  }
  return ClockSteps(std::move(fd));
}

void ClockSteps::take() {
  std::uint64_t count = 0;
  while (::read(fd_.get(), &count, sizeof count) < 0 && errno == ECANCELED) {
  }
}

}  // namespace mpath::sys
