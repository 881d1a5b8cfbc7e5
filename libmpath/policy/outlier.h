// SPDX-License-Identifier: LGPL-2.1-or-later
// Differential health: a path that answers its checks, but far worse than its siblings in the same minutes. Pure; any thread.
#pragma once

#include <array>
#include <cstdint>

#include "libmpath/policy/check_sketch.h"

namespace mpath::policy {

/// So many times slower than the siblings is far worse: a longer cable or a busier port makes a factor of two or three.
inline constexpr int outlier_factor = 10;
/// What is shorter than this hurts nobody who waits, and a busy host adds as much.
inline constexpr Duration outlier_least = milliseconds{100};
/// So many minutes in a row mark a path, and as many good ones clear it: a burst, a firmware update, a backup do not.
inline constexpr std::uint8_t outlier_minutes = 5;
/// The groups of one map change for such marks at most so often.
inline constexpr Duration outlier_pause = minutes{5};

/// The paths of a volume in one minute. No path is judged by itself, nor by paths that may be as sick.
class SiblingFigures {
 public:
  void add(const CheckFigures& figures);
  /// The median of the others' p99: with half of the paths behind a sick port, those of the other half still say what is normal.
  [[nodiscard]] Duration median_p99_without(const CheckFigures& own) const;
  /// So many had no error at all.
  [[nodiscard]] std::uint32_t without_errors() const { return without_errors_; }
  [[nodiscard]] std::uint32_t paths() const { return paths_; }

 private:
  std::array<std::uint32_t, sketch_buckets> by_p99_{};
  std::uint32_t paths_ = 0;
  std::uint32_t without_errors_ = 0;
};

enum class MinuteVerdict { unknown, like_siblings, worse };
/// `own` is among `all`.
[[nodiscard]] MinuteVerdict judge_minute(const CheckFigures& own, const SiblingFigures& all);

/// Minutes in a row, and what they make of the path.
class OutlierTally {
 public:
  /// True if the mark has changed.
  bool advance(MinuteVerdict verdict);
  [[nodiscard]] bool is_outlier() const { return marked_; }
  [[nodiscard]] std::uint8_t bad_minutes() const { return worse_; }

 private:
  std::uint8_t worse_ = 0;
  std::uint8_t fine_ = 0;
  bool marked_ = false;
};

}  // namespace mpath::policy
