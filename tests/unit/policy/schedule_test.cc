// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/schedule.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace mpath::policy {
namespace {

constexpr CheckIntervals usual{seconds{5}, seconds{20}};

TEST(CheckInterval, GrowsWhileAllIsGoodAndStartsOverAfterAChange) {
  struct Case {
    Duration current;
    bool starts_over;
    CheckIntervals intervals;
    Duration expected;
  };
  const Case cases[] = {
      {seconds{5}, false, usual, seconds{10}},
      {seconds{10}, false, usual, seconds{20}},
      {seconds{20}, false, usual, seconds{20}},
      {seconds{20}, true, usual, seconds{5}},
      {seconds{6}, false, {seconds{6}, seconds{20}}, seconds{12}},
      {seconds{12}, false, {seconds{6}, seconds{20}}, seconds{20}},  // half of it or more: the longest is next
      {seconds{1}, false, usual, seconds{5}},                       // polling_interval has grown meanwhile
      {seconds{60}, false, usual, seconds{20}},                     // max_polling_interval has shrunk
      {seconds{3}, false, {seconds{3}, seconds{3}}, seconds{3}},
  };
  for (const Case& c : cases) EXPECT_EQ(next_interval(c.current, c.starts_over, c.intervals), c.expected);
}

TEST(NextCheck, ComesWithinTheIntervalAndNeverRightAway) {
  for (Duration interval : {seconds{1}, seconds{5}, seconds{7}, seconds{10}, seconds{20}}) {
    for (std::uint32_t phase = 0; phase < check_phases; phase += 5) {
      for (Duration at = Duration{0}; at < seconds{45}; at += milliseconds{370}) {
        MonoTime now{at};
        MonoTime next = next_check(now, interval, phase, usual);
        EXPECT_GT(next, now + std::min<Duration>(interval / 4, seconds{1}) - milliseconds{1});
        EXPECT_LE(next, now + interval + std::min<Duration>(interval / 4, seconds{1}));
      }
    }
  }
}

TEST(NextCheck, IsRegularOnceTheIntervalStands) {
  MonoTime next = next_check(MonoTime{seconds{1000}}, seconds{20}, 77, usual);
  for (int round = 0; round < 5; ++round) {
    MonoTime after = next_check(next + milliseconds{30}, seconds{20}, 77, usual);
    EXPECT_EQ(after - next, seconds{20});
    next = after;
  }
}

TEST(NextCheck, PathsOfOneVolumeMeetWhateverTheirIntervals) {
  MonoTime now{seconds{12345}};
  MonoTime slow = next_check(now, seconds{20}, 99, usual);
  MonoTime quick = next_check(now, seconds{5}, 99, usual);
  EXPECT_EQ((slow - quick) % seconds{5}, Duration{0});
}

std::uint32_t take(PhaseTable& table) {
  std::uint32_t phase = table.emptiest(PhaseTable());
  table.add(phase);
  return phase;
}

/// Between phases in use, around the circle.
std::size_t widest_gap(std::vector<std::uint32_t> phases) {
  std::ranges::sort(phases);
  std::size_t widest = phases.front() + check_phases - phases.back();
  for (std::size_t i = 1; i < phases.size(); ++i) widest = std::max<std::size_t>(widest, phases[i] - phases[i - 1]);
  return widest;
}

TEST(PhaseTable, SpreadsEvenlyHoweverManyThereAre) {
  for (std::uint32_t number : {0U, 1U, 7U}) {
    PhaseTable table(number);
    std::vector<std::uint32_t> phases;
    for (std::uint32_t count = 1; count <= check_phases; ++count) {
      phases.push_back(take(table));
      EXPECT_LE(widest_gap(phases), 2 * check_phases / count + 1) << count;
    }
    std::ranges::sort(phases);
    EXPECT_EQ(std::ranges::unique(phases).begin(), phases.end()) << "each once, before any twice";
  }
}

TEST(PhaseTable, FillsTheHolesThatOthersLeave) {
  PhaseTable table;
  std::vector<std::uint32_t> phases;
  for (std::uint32_t i = 0; i < check_phases; ++i) phases.push_back(take(table));
  for (std::uint32_t i = 0; i < check_phases; i += 2) table.remove(phases[i]);
  std::vector<std::uint32_t> fresh;
  for (std::uint32_t i = 0; i < check_phases; i += 2) fresh.push_back(take(table));
  for (std::uint32_t phase : fresh) EXPECT_EQ((std::ranges::find(phases, phase) - phases.begin()) % 2, 0) << "one that was released";
}

TEST(PhaseTable, GoesAroundWhatOthersHaveChosen) {
  PhaseTable table;
  std::vector<std::uint32_t> phases;
  for (std::uint32_t phase : {3U, 10U, 11U, 12U, 60U}) {
    table.add(phase);
    phases.push_back(phase);
  }
  for (int i = 0; i < 11; ++i) phases.push_back(take(table));
  EXPECT_LE(widest_gap(phases), 2 * check_phases / 16) << "16 of them, the first five anyhow";
}

TEST(PhaseTable, HeedsWhatIsKnownOfOtherPorts) {
  PhaseTable all;
  for (std::uint32_t phase = 0; phase < check_phases; phase += 32) all.add(phase);
  PhaseTable port;
  EXPECT_EQ(port.emptiest(all) % 32, 16U);
}

TEST(PhaseTable, PortsBeginAtDifferentInstants) {
  std::vector<std::uint32_t> phases;
  for (std::uint32_t number = 0; number < 16; ++number) phases.push_back(PhaseTable(number).emptiest(PhaseTable()));
  EXPECT_LE(widest_gap(phases), check_phases / 16);
}

}  // namespace
}  // namespace mpath::policy
