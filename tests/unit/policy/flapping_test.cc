// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/flapping.h"

#include <gtest/gtest.h>

namespace mpath::policy {
namespace {

MonoTime at(int second) { return MonoTime{seconds{second}}; }

config::MarginalSettings san(std::uint32_t threshold, std::uint32_t forget, int recovery) {
  config::MarginalSettings settings;
  settings.san_active = true;
  settings.san_err_threshold.value = threshold;
  settings.san_err_forget_rate.value = forget;
  settings.san_err_recovery_time.value = seconds{recovery};
  return settings;
}

TEST(FailureCount, KeepsAPathOutAfterMoreFailuresThanTheThreshold) {
  const auto settings = san(2, 100, 30);
  FailureCount count;
  EXPECT_EQ(count.good_check(settings, true, false, at(0)), Trust::yes);
  EXPECT_EQ(count.good_check(settings, true, false, at(5)), Trust::yes);
  EXPECT_EQ(count.good_check(settings, true, false, at(10)), Trust::not_yet);
  EXPECT_EQ(count.good_check(settings, false, false, at(39)), Trust::not_yet);
  EXPECT_EQ(count.until(settings), at(40));
  EXPECT_EQ(count.good_check(settings, false, false, at(40)), Trust::yes);
  EXPECT_EQ(count.failures, 0u) << "counts are cleared";
}

TEST(FailureCount, ARecoveryTimeBeyondAllTimeNeverEnds) {
  auto settings = san(0, 100, 30);
  settings.san_err_recovery_time.value = seconds::max();
  FailureCount count;
  EXPECT_EQ(count.good_check(settings, true, false, at(10)), Trust::not_yet);
  EXPECT_EQ(count.until(settings), no_deadline);
  EXPECT_EQ(count.good_check(settings, false, false, at(1000000)), Trust::not_yet);
}

TEST(FailureCount, GoodChecksForgetOneFailureAfterTheOther) {
  const auto settings = san(1, 3, 30);
  FailureCount count;
  (void)count.good_check(settings, true, false, at(0));
  for (int i = 1; i <= 3; ++i) (void)count.good_check(settings, false, false, at(i));
  EXPECT_EQ(count.failures, 1u);
  (void)count.good_check(settings, false, false, at(4));
  EXPECT_EQ(count.failures, 0u);
  EXPECT_EQ(count.good_check(settings, true, false, at(5)), Trust::yes) << "as if it were the first";
}

TEST(FailureCount, AFailureMeanwhileBeginsTheWaitingAnew) {
  const auto settings = san(0, 3, 30);
  FailureCount count;
  EXPECT_EQ(count.good_check(settings, true, false, at(0)), Trust::not_yet);
  count.bad_check(at(20));
  EXPECT_EQ(count.good_check(settings, true, false, at(40)), Trust::not_yet);
  EXPECT_EQ(count.good_check(settings, true, false, at(50)), Trust::yes);
}

TEST(FailureCount, TheLastPathIsNeverKeptOut) {
  const auto settings = san(0, 3, 30);
  FailureCount count;
  EXPECT_EQ(count.good_check(settings, true, true, at(0)), Trust::yes);
  EXPECT_EQ(count.good_check(settings, true, false, at(1)), Trust::not_yet);
  EXPECT_EQ(count.good_check(settings, false, true, at(2)), Trust::yes) << "the others have gone meanwhile";
}

TEST(FailureCount, IsNothingWithoutTheKeywords) {
  FailureCount count{.failures = 7, .kept_out = true};
  EXPECT_EQ(count.good_check({}, true, false, at(0)), Trust::yes);
  EXPECT_EQ(count.failures, 0u);
}

TEST(FailurePair, TwoFailuresWithinTheTimeCount) {
  config::MarginalSettings settings;
  settings.active = true;
  settings.double_failed_time.value = seconds{10};
  FailurePair pair;
  EXPECT_FALSE(pair.failed(settings, at(0)));
  EXPECT_TRUE(pair.failed(settings, at(10)));
  EXPECT_FALSE(pair.failed(settings, at(11))) << "a new pair";
  EXPECT_FALSE(pair.failed(settings, at(30))) << "too late: it is the first again";
  EXPECT_TRUE(pair.failed(settings, at(35)));
  FailurePair off;
  EXPECT_FALSE(off.failed({}, at(0)));
  EXPECT_FALSE(off.failed({}, at(1)));
}

TEST(Sampling, CountsErrorsInAThousand) {
  EXPECT_FALSE(too_many_errors(0, 0, 0));
  EXPECT_FALSE(too_many_errors(0, 600, 0));
  EXPECT_TRUE(too_many_errors(1, 600, 0));
  EXPECT_FALSE(too_many_errors(6, 600, 10));
  EXPECT_TRUE(too_many_errors(7, 600, 10));
  EXPECT_FALSE(too_many_errors(600, 600, 1000));
}

TEST(Sampling, SendsNothingInItsLastMinute) {
  EXPECT_EQ(sampling_ends_after(seconds{120}), seconds{60});
  EXPECT_EQ(sampling_ends_after(seconds{300}), seconds{240});
}

}  // namespace
}  // namespace mpath::policy
