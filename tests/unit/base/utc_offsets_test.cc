// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/base/utc_offsets.h"

#include <gtest/gtest.h>

#include "libmpath/base/limits.h"

namespace mpath {
namespace {

constexpr MonoTime at(std::int64_t count) { return MonoTime{seconds{count}}; }

TEST(UtcOffsets, EachTimeHasTheOffsetOfItsOwnDays) {
  UtcOffsets offsets;
  EXPECT_EQ(offsets.at(at(5)), seconds{0}) << "nothing is known";
  offsets.note(at(10), seconds{1000});
  offsets.note(at(100), seconds{4600});  // the machine slept for an hour
  offsets.note(at(200), seconds{600});   // somebody set the clock back
  EXPECT_EQ(offsets.at(at(5)), seconds{1000});
  EXPECT_EQ(offsets.at(at(99)), seconds{1000});
  EXPECT_EQ(offsets.at(at(100)), seconds{4600});
  EXPECT_EQ(offsets.at(at(250)), seconds{600});
}

TEST(UtcOffsets, AClockThatIsSlewedMakesNoSteps) {
  UtcOffsets offsets;
  offsets.note(at(10), seconds{1000});
  for (int i = 1; i <= 100; ++i) offsets.note(at(10 + i), seconds{1000} + milliseconds{i * 100});
  EXPECT_EQ(offsets.at(at(11)), seconds{1010}) << "the newest is the best that is known";
}

TEST(UtcOffsets, AreBounded) {
  UtcOffsets offsets;
  for (std::int64_t i = 0; i < 1000; ++i) offsets.note(at(i), seconds{i * 10});
  EXPECT_EQ(offsets.at(at(999)), seconds{9990});
  EXPECT_EQ(offsets.at(at(0)), seconds{(1000 - static_cast<std::int64_t>(limits::history_entries)) * 10});
}

}  // namespace
}  // namespace mpath
