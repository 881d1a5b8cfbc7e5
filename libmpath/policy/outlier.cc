// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/outlier.h"

namespace mpath::policy {

void SiblingFigures::add(const CheckFigures& figures) {
  if (figures.answers == 0) return;
  ++by_p99_[sketch_bucket(figures.p99)];
  ++paths_;
  without_errors_ += figures.errors == 0 ? 1U : 0U;
}

Duration SiblingFigures::median_p99_without(const CheckFigures& own) const {
  if (paths_ < 2) return {};
  std::size_t mine = sketch_bucket(own.p99);
  std::uint32_t rank = paths_ / 2;  // of paths_ - 1 others, counted from 1; the lower one of two in the middle
  for (std::size_t i = 0; i < by_p99_.size(); ++i) {
    std::uint32_t here = by_p99_[i] - (i == mine ? 1U : 0U);
    if (here >= rank) return sketch_bucket_end(i);
    rank -= here;
  }
  return {};
}

MinuteVerdict judge_minute(const CheckFigures& own, const SiblingFigures& all) {
  if (own.answers == 0 || all.paths() < 2) return MinuteVerdict::unknown;
  bool slow = own.p99 >= outlier_least && own.p99 >= outlier_factor * all.median_p99_without(own);
  bool fails = own.errors > 0 && 2 * all.without_errors() >= all.paths();
  return slow || fails ? MinuteVerdict::worse : MinuteVerdict::like_siblings;
}

bool OutlierTally::advance(MinuteVerdict verdict) {
  switch (verdict) {
    case MinuteVerdict::unknown: return false;
    case MinuteVerdict::worse:
      fine_ = 0;
      if (worse_ < UINT8_MAX) ++worse_;
      if (marked_ || worse_ < outlier_minutes) return false;
      marked_ = true;
      return true;
    case MinuteVerdict::like_siblings:
      worse_ = marked_ ? worse_ : 0;
      if (fine_ < UINT8_MAX) ++fine_;
      if (!marked_ || fine_ < outlier_minutes) return false;
      marked_ = false;
      worse_ = 0;
      return true;
  }
  return false;
}

}  // namespace mpath::policy
