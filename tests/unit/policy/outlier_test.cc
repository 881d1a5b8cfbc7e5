// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/outlier.h"

#include <gtest/gtest.h>

#include <vector>

namespace mpath::policy {
namespace {

CheckFigures answered(Duration p99, std::uint32_t errors = 0) {
  return {.answers = 3, .late = 0, .errors = errors, .p50 = p99, .p99 = p99};
}

std::vector<MinuteVerdict> judge(const std::vector<CheckFigures>& paths) {
  SiblingFigures all;
  for (const CheckFigures& figures : paths) all.add(figures);
  std::vector<MinuteVerdict> verdicts;
  for (const CheckFigures& figures : paths) verdicts.push_back(judge_minute(figures, all));
  return verdicts;
}

TEST(Outlier, IsJudgedByTheSiblingsOfTheSameMinute) {
  constexpr auto like = MinuteVerdict::like_siblings;
  constexpr auto worse = MinuteVerdict::worse;
  constexpr auto unknown = MinuteVerdict::unknown;
  const CheckFigures fast = answered(milliseconds{3});
  const CheckFigures slow = answered(milliseconds{1900});
  const CheckFigures silent;
  struct Case {
    const char* name;
    std::vector<CheckFigures> paths;
    std::vector<MinuteVerdict> expected;
  };
  const Case cases[] = {
      {"one of four", {slow, fast, fast, fast}, {worse, like, like, like}},
      {"one of two", {fast, slow}, {like, worse}},
      {"a controller of two", {slow, slow, fast, fast}, {worse, worse, like, like}},
      {"the array", {slow, slow, slow, slow}, {like, like, like, like}},
      {"nearly the whole array", {slow, slow, slow, slow, fast}, {like, like, like, like, like}},
      {"slower, but nobody feels it", {answered(milliseconds{50}), fast, fast}, {like, like, like}},
      {"twice as slow", {answered(milliseconds{400}), answered(milliseconds{200})}, {like, like}},
      {"errors of one", {answered(milliseconds{3}, 1), fast, fast}, {worse, like, like}},
      {"errors of most", {answered(milliseconds{3}, 1), answered(milliseconds{3}, 2), fast}, {like, like, like}},
      {"no sibling answers", {slow, silent}, {unknown, unknown}},
      {"alone", {slow}, {unknown}},
  };
  for (const Case& c : cases) EXPECT_EQ(judge(c.paths), c.expected) << c.name;
}

TEST(Outlier, IsMarkedAndClearedAfterFiveMinutesInARow) {
  OutlierTally tally;
  for (int minute = 0; minute < 4; ++minute) EXPECT_FALSE(tally.advance(MinuteVerdict::worse));
  EXPECT_FALSE(tally.advance(MinuteVerdict::like_siblings)) << "starts over";
  for (int minute = 0; minute < 4; ++minute) EXPECT_FALSE(tally.advance(MinuteVerdict::worse));
  EXPECT_FALSE(tally.advance(MinuteVerdict::unknown)) << "says nothing";
  EXPECT_TRUE(tally.advance(MinuteVerdict::worse));
  EXPECT_TRUE(tally.is_outlier());
  for (int minute = 0; minute < 4; ++minute) EXPECT_FALSE(tally.advance(MinuteVerdict::like_siblings));
  EXPECT_FALSE(tally.advance(MinuteVerdict::worse)) << "not good yet";
  for (int minute = 0; minute < 4; ++minute) EXPECT_FALSE(tally.advance(MinuteVerdict::like_siblings));
  EXPECT_TRUE(tally.advance(MinuteVerdict::like_siblings));
  EXPECT_FALSE(tally.is_outlier());
}

}  // namespace
}  // namespace mpath::policy
