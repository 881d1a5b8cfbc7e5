// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/schedule.h"

#include <algorithm>
#include <bit>

namespace mpath::policy {

namespace {

constexpr std::uint32_t phase_bits = std::bit_width(check_phases - 1);
static_assert(std::has_single_bit(check_phases));

/// The bits of `value` backwards: counting up, the results halve the widest gap again and again.
constexpr std::uint32_t mirrored(std::uint32_t value) {
  std::uint32_t result = 0;
  for (std::uint32_t bit = 0; bit < phase_bits; ++bit) result |= (value >> bit & 1U) << (phase_bits - 1 - bit);
  return result;
}

/// 1 at the greatest distance.
constexpr std::int32_t pressure_on_itself = (check_phases / 2 + 1) * (check_phases / 2 + 1);

/// Instants of checks; every interval is a multiple of it, being whole seconds.
constexpr Duration check_tick = std::chrono::milliseconds{250};

/// A check that is due again so soon after the last one tells nothing new.
constexpr Duration shortest_pause = std::chrono::seconds{1};

}  // namespace

Duration next_interval(Duration current, bool starts_over, const CheckIntervals& intervals) {
  if (starts_over) return intervals.shortest;
  if (current >= intervals.longest / 2) return intervals.longest;
  return std::max(current * 2, intervals.shortest);
}

MonoTime next_check(MonoTime now, Duration interval, std::uint32_t phase, const CheckIntervals& intervals) {
  Duration offset = intervals.longest / check_phases * (phase % check_phases) % interval;
  // Those of many volumes fall together: one wake-up, one look at a host and one turn of each lane serve them all.
  offset -= offset % check_tick;
  Duration earliest = now.time_since_epoch() + std::min(interval / 4, shortest_pause);
  Duration::rep turns = (earliest - offset + interval).count() / interval.count();
  return MonoTime{offset + interval * turns};
}

PhaseTable::PhaseTable(std::uint32_t number) : offset_(mirrored(number % check_phases)) {}

std::uint32_t PhaseTable::emptiest(const PhaseTable& all) const {
  std::uint32_t best = offset_;
  for (std::uint32_t at = 1; at < check_phases; ++at) {
    std::uint32_t phase = (mirrored(at) + offset_) % check_phases;
    if (pressure_[phase] + all.pressure_[phase] < pressure_[best] + all.pressure_[best]) best = phase;
  }
  return best;
}

void PhaseTable::change(std::uint32_t phase, std::int32_t by) {
  for (std::uint32_t other = 0; other < check_phases; ++other) {
    std::uint32_t away = (other + check_phases - phase % check_phases) % check_phases;
    auto distance = static_cast<std::int32_t>(std::min(away, check_phases - away)) + 1;
    pressure_[other] += by * (pressure_on_itself / (distance * distance));
  }
}

}  // namespace mpath::policy
