// SPDX-License-Identifier: LGPL-2.1-or-later
// The machine's clock against the engine's (CLOCK_MONOTONIC), and the moments in which it jumps. The thread that owns the loop.
#pragma once

#include "libmpath/base/error.h"
#include "libmpath/base/time.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::sys {

/// UTC minus engine time, as it is now.
[[nodiscard]] Duration utc_offset();

/// Readable when somebody has set the clock, or the machine has slept (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET). Costs no wake-up else.
class ClockSteps {
 public:
  [[nodiscard]] static Result<ClockSteps> open();
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// It is readable again with the next jump.
  void take();

 private:
  explicit ClockSteps(UniqueFd fd) : fd_(std::move(fd)) {}
  UniqueFd fd_;
};

}  // namespace mpath::sys
