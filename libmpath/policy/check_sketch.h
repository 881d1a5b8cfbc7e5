// SPDX-License-Identifier: LGPL-2.1-or-later
// How the checks of a path went lately, in a fixed number of bytes: round trips as counts in buckets that grow by the square root of two,
// errors, and answers that came after they were given up for late, minute by minute. Adding costs a few instructions and no memory.
// Plain values; any thread.
#pragma once

#include <array>
#include <cstdint>

#include "libmpath/base/time.h"

namespace mpath::policy {

/// Minutes are counted on one clock for all paths, so that siblings are compared in the same window.
inline constexpr Duration sketch_slice = minutes{1};
/// What is remembered: long enough for a dozen checks at the default max_polling_interval, short enough to notice a change.
inline constexpr std::size_t sketch_slices = 5;
/// From 64 microseconds to 64 seconds, two for each power of two.
inline constexpr std::size_t sketch_buckets = 41;

[[nodiscard]] std::size_t sketch_bucket(Duration round_trip);
/// The longest round trip that falls into the bucket; that of the last one is 64 s.
[[nodiscard]] Duration sketch_bucket_end(std::size_t bucket);
[[nodiscard]] constexpr std::int32_t sketch_slice_number(MonoTime now) {
  return static_cast<std::int32_t>(now.time_since_epoch() / sketch_slice);
}

struct CheckFigures {
  std::uint32_t answers = 0;  ///< the late ones too
  std::uint32_t late = 0;     ///< of them, after the path had become suspect
  std::uint32_t errors = 0;   ///< no answer of the device
  Duration p50{};
  Duration p99{};             ///< of fewer than a hundred answers: the longest
  friend bool operator==(const CheckFigures&, const CheckFigures&) = default;
};

class CheckSketch {
 public:
  /// A command was answered after `round_trip`.
  void add(MonoTime now, Duration round_trip) { count(now, round_trip, false); }
  /// The same, but it had been given up for late: it does not change what is usual.
  void add_late(MonoTime now, Duration round_trip) { count(now, round_trip, true); }
  void add_error(MonoTime now);

  /// Of the last sketch_slices minutes.
  [[nodiscard]] CheckFigures figures(MonoTime now) const;
  /// Of one minute.
  [[nodiscard]] CheckFigures figures_of(std::int32_t slice) const;

 private:
  friend class UsualRoundTrip;
  struct Slice {
    std::int32_t number = -1;
    std::uint32_t longest_us = 0;
    std::uint16_t errors = 0;
    std::uint16_t late = 0;
    std::array<std::uint8_t, sketch_buckets> answers{};  ///< those that were not late; counts stop at 255
  };
  Slice& current(MonoTime now);
  void count(MonoTime now, Duration round_trip, bool late);

  std::array<Slice, sketch_slices> slices_;
};

/// What is usual for several paths together: round trips that were not late.
class UsualRoundTrip {
 public:
  void add(const CheckSketch& sketch, MonoTime now);
  [[nodiscard]] bool is_known() const { return total_ > 0; }
  [[nodiscard]] Duration p99() const;

 private:
  std::array<std::uint32_t, sketch_buckets> counts_{};
  std::uint32_t total_ = 0;
};

}  // namespace mpath::policy
