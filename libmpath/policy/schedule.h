// SPDX-License-Identifier: LGPL-2.1-or-later
// When paths are checked: how their interval grows, and how checks are spread over it. Pure values; any thread.
#pragma once

#include <array>
#include <cstdint>

#include "libmpath/base/time.h"

namespace mpath::policy {

/// The longest interval has so many instants at which checks may fall. The paths of one volume share one, so that they are judged by the
/// same moment; a daemon wakes at most so often in one interval for checks that are merely due.
inline constexpr std::uint32_t check_phases = 128;

struct CheckIntervals {
  Duration shortest{};  ///< polling_interval
  Duration longest{};   ///< max_polling_interval, at least `shortest`
  friend bool operator==(const CheckIntervals&, const CheckIntervals&) = default;
};

/// The interval after a check: the shortest after a change and while the path is bad, else doubled up to the longest, to which it jumps as
/// soon as half of it is passed.
[[nodiscard]] Duration next_interval(Duration current, bool starts_over, const CheckIntervals& intervals);

/// The first instant of `phase` that is not right now, at most the interval and a second ahead. An interval that is a fraction of the
/// longest one has its instants at the same time, so that checks of one volume fall together whatever the interval of each path.
[[nodiscard]] MonoTime next_check(MonoTime now, Duration interval, std::uint32_t phase, const CheckIntervals& intervals);

/// Hands out the phases of what is checked behind one port. Whatever comes and goes, those in use are spread evenly, so that a port that
/// goes silent is noticed soon, and so is the load of all ports together.
class PhaseTable {
 public:
  /// `number` of the port: each begins at another instant.
  explicit PhaseTable(std::uint32_t number = 0);
  [[nodiscard]] std::uint32_t take();
  void release(std::uint32_t phase);
  [[nodiscard]] bool empty() const { return taken_ == 0; }

 private:
  std::array<std::uint16_t, check_phases> uses_{};
  std::uint32_t offset_ = 0;
  std::uint32_t taken_ = 0;
};

}  // namespace mpath::policy
