// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/check_sketch.h"

#include <algorithm>
#include <bit>

namespace mpath::policy {

namespace {

constexpr std::uint32_t first_power = 6;  // buckets begin at 2^6 microseconds

std::uint64_t whole_microseconds(Duration span) {
  return static_cast<std::uint64_t>(std::max<Duration::rep>(span.count(), 0)) / 1000;
}

/// 2^power * sqrt(2), rounded down.
constexpr std::uint64_t between(std::uint32_t power) { return (std::uint64_t{1} << power) * 1448 / 1024; }

bool in_window(std::int32_t slice, MonoTime now) {
  return slice >= 0 && sketch_slice_number(now) - slice < static_cast<std::int32_t>(sketch_slices);
}

/// The value at `share` of counts in buckets; `above`: how many lie beyond all of them.
template <typename Counts>
std::size_t bucket_at(const Counts& counts, std::uint32_t rank) {
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    seen += counts[i];
    if (seen >= rank) return i;
  }
  return counts.size() - 1;
}

/// 1-based rank of a quantile in thousandths, rounded up.
std::uint32_t rank_of(std::uint32_t total, std::uint32_t thousandths) {
  return std::max<std::uint32_t>(1, static_cast<std::uint32_t>((std::uint64_t{total} * thousandths + 999) / 1000));
}

}  // namespace

std::size_t sketch_bucket(Duration round_trip) {
  std::uint64_t us = whole_microseconds(round_trip);
  if (us < (std::uint64_t{1} << first_power)) return 0;
  auto power = static_cast<std::uint32_t>(std::bit_width(us) - 1);
  std::size_t bucket = 1 + std::size_t{2} * (power - first_power) + (us >= between(power) ? 1 : 0);
  return std::min(bucket, sketch_buckets - 1);
}

Duration sketch_bucket_end(std::size_t bucket) {
  auto power = first_power + static_cast<std::uint32_t>((bucket + 1) / 2);
  std::uint64_t us = bucket % 2 == 0 ? std::uint64_t{1} << power : between(power - 1);
  if (bucket == 0) us = std::uint64_t{1} << first_power;
  return microseconds{us};
}

CheckSketch::Slice& CheckSketch::current(MonoTime now) {
  std::int32_t number = sketch_slice_number(now);
  Slice& slice = slices_[static_cast<std::uint32_t>(number) % sketch_slices];
  if (slice.number != number) {
    slice = {};
    slice.number = number;
  }
  return slice;
}

void CheckSketch::count(MonoTime now, Duration round_trip, bool late) {
  Slice& slice = current(now);
  std::uint64_t us = std::min<std::uint64_t>(whole_microseconds(round_trip), UINT32_MAX);
  slice.longest_us = std::max(slice.longest_us, static_cast<std::uint32_t>(us));
  if (late) {
    if (slice.late < UINT16_MAX) ++slice.late;
    return;
  }
  std::uint8_t& uses = slice.answers[sketch_bucket(round_trip)];
  if (uses < UINT8_MAX) ++uses;
}

void CheckSketch::add_error(MonoTime now) {
  Slice& slice = current(now);
  if (slice.errors < UINT16_MAX) ++slice.errors;
}

namespace {

/// Adds one slice to counts that belong together.
struct Sum {
  std::array<std::uint32_t, sketch_buckets> counts{};
  std::uint32_t in_time = 0;
  std::uint32_t late = 0;
  std::uint32_t errors = 0;
  std::uint32_t longest_us = 0;

  [[nodiscard]] Duration quantile(std::uint32_t thousandths) const {
    std::uint32_t total = in_time + late;
    if (total == 0) return {};
    Duration longest = microseconds{longest_us};
    std::uint32_t rank = rank_of(total, thousandths);
    return rank > in_time ? longest : std::min(longest, sketch_bucket_end(bucket_at(counts, rank)));
  }
  [[nodiscard]] CheckFigures figures() const {
    return {.answers = in_time + late, .late = late, .errors = errors, .p50 = quantile(500), .p99 = quantile(990)};
  }
  template <typename Slice>
  void add(const Slice& slice) {
    for (std::size_t i = 0; i < sketch_buckets; ++i) {
      counts[i] += slice.answers[i];
      in_time += slice.answers[i];
    }
    late += slice.late;
    errors += slice.errors;
    longest_us = std::max(longest_us, slice.longest_us);
  }
};

}  // namespace

CheckFigures CheckSketch::figures(MonoTime now) const {
  Sum sum;
  for (const Slice& slice : slices_) {
    if (in_window(slice.number, now)) sum.add(slice);
  }
  return sum.figures();
}

CheckFigures CheckSketch::figures_of(std::int32_t number) const {
  Sum sum;
  const Slice& slice = slices_[static_cast<std::uint32_t>(number) % sketch_slices];
  if (slice.number == number) sum.add(slice);
  return sum.figures();
}

void UsualRoundTrip::add(const CheckSketch& sketch, MonoTime now) {
  for (const CheckSketch::Slice& slice : sketch.slices_) {
    if (!in_window(slice.number, now)) continue;
    for (std::size_t i = 0; i < sketch_buckets; ++i) {
      counts_[i] += slice.answers[i];
      total_ += slice.answers[i];
    }
  }
}

Duration UsualRoundTrip::p99() const {
  if (total_ == 0) return {};
  return sketch_bucket_end(bucket_at(counts_, rank_of(total_, 990)));
}

}  // namespace mpath::policy
