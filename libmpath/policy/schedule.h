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

/// The phases of what is checked behind one port. A new one goes where it is emptiest, so that whatever comes and goes those in use stay
/// spread evenly: a port that goes silent is noticed soon, and the load of all ports together is even as well.
class PhaseTable {
 public:
  /// `number` of the port: each begins at another instant.
  explicit PhaseTable(std::uint32_t number = 0);
  /// `all`: of all ports together, which know what is not known of this one yet, because its paths are found one after the other.
  [[nodiscard]] std::uint32_t emptiest(const PhaseTable& all) const;
  void add(std::uint32_t phase) { change(phase, 1); }
  void remove(std::uint32_t phase) { change(phase, -1); }

 private:
  void change(std::uint32_t phase, std::int32_t by);

  std::array<std::int32_t, check_phases> pressure_{};  ///< of those in use on this phase, less with their distance
  std::uint32_t offset_ = 0;
};

}  // namespace mpath::policy
