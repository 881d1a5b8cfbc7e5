// SPDX-License-Identifier: LGPL-2.1-or-later
// When paths are checked: at their intervals, and at once when something happened.
#include "tests/unit/engine/fixture.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

/// Two volumes on two hosts: sda and sdc behind host 1, sdb and sdd behind host 2; everything settled.
struct TwoHosts : Bench {
  TwoHosts() {
    for (std::uint32_t volume : {1U, 2U}) {
      std::string first = volume == 1 ? "sda" : "sdc";
      std::string second = volume == 1 ? "sdb" : "sdd";
      disk(first, volume, 1).found.facts.target_port = "0x50000000000000a1";
      disk(second, volume, 2).found.facts.target_port = "0x50000000000000a2";
      kernel_map({{first}, {second}}, volume);
    }
    start();
    run(seconds{60});
    commands = 0;
  }
};

TEST(Schedule, ALinkEventMakesThePathsOfTheHostDueAtOnce) {
  TwoHosts bench;
  bench.step(LinkEvent{.host = 1, .target_port = {}, .kind = LinkEvent::Kind::up});
  bench.run(milliseconds{1});
  EXPECT_EQ(bench.commands, 2U);
  EXPECT_EQ(bench.times_logged("host 1: the link is up; its 2 path(s) are checked at once"), 1);
}

TEST(Schedule, ALinkEventOfOnePortConcernsThatPortOnly) {
  TwoHosts bench;
  bench.step(LinkEvent{.host = 2, .target_port = "0x50000000000000a2", .kind = LinkEvent::Kind::changed});
  bench.run(milliseconds{1});
  EXPECT_EQ(bench.commands, 2U);
  bench.step(LinkEvent{.host = 2, .target_port = "0x50000000000000a1", .kind = LinkEvent::Kind::changed});
  bench.step(LinkEvent{.host = 3, .target_port = {}, .kind = LinkEvent::Kind::down});
  bench.run(milliseconds{1});
  EXPECT_EQ(bench.commands, 2U) << "nobody is behind these";
}

TEST(Schedule, ALinkEventWhileACheckIsOutstandingSendsNoSecondCommand) {
  TwoHosts bench;
  bench.disks.at("sda").answer = Answer::none;
  LinkEvent event{.host = 1, .target_port = {}, .kind = LinkEvent::Kind::changed};
  bench.step(event);
  bench.run(milliseconds{1});
  bench.commands = 0;
  bench.step(event);
  bench.run(milliseconds{1});
  EXPECT_EQ(bench.commands, 1U) << "sdc only";
  bench.answers_again("sda");
  bench.run(milliseconds{1});
  EXPECT_EQ(bench.commands, 2U) << "checked once more: the answer may be older than the event";
}

/// Very many paths, as volumes with so many paths each, behind as many ports.
struct Crowd : Bench {
  Crowd(std::uint32_t volumes, std::uint32_t paths_each, const std::string& defaults = {}) : Bench(defaults) {
    for (std::uint32_t port = 1; port <= paths_each; ++port) {
      for (std::uint32_t volume = 1; volume <= volumes; ++volume) {
        Disk& made = disk(fmt::format("sda{:06}", disks.size()), volume, static_cast<std::uint16_t>(port));
        made.found.facts.devnum = {8, static_cast<std::uint32_t>(disks.size())};
      }
    }
    start();
    run(minutes{2});
  }
  /// Checks in the busiest second over their mean, over a minute.
  double busiest_over_mean() {
    std::size_t busiest = 0;
    std::size_t begun = commands;
    for (int second = 0; second < 60; ++second) {
      std::size_t before = commands;
      run(seconds{1});
      busiest = std::max(busiest, commands - before);
    }
    return static_cast<double>(busiest) * 60 / static_cast<double>(commands - begun);
  }
};

TEST(Schedule, TheLoadOf16384PathsIsEven) {
  struct Case {
    std::uint32_t volumes;
    std::uint32_t paths_each;
    const char* defaults;
  };
  const Case cases[] = {
      {4096, 4, ""},
      {1024, 16, ""},
      {64, 256, ""},
      {16384, 1, "find_multipaths strict"},  // no map is made of them
      {4096, 4, "polling_interval 7\nmax_polling_interval 30"},
  };
  for (const Case& c : cases) {
    Crowd bench(c.volumes, c.paths_each, std::string("find_multipaths off\n") + c.defaults);
    double ratio = bench.busiest_over_mean();
    EXPECT_LE(ratio, 1.5) << c.volumes << " volumes of " << c.paths_each << " paths " << c.defaults;
    EXPECT_GE(ratio, 1.0);
  }
}

TEST(Schedule, ThePathsOfOneVolumeAreCheckedTogether) {
  Crowd bench(8, 4);
  std::set<MonoTime> instants;
  std::size_t begun = bench.commands;
  MonoTime end = bench.now + seconds{20};
  while (bench.engine.next_deadline() <= end) {
    std::size_t before = bench.commands;
    bench.now = bench.engine.next_deadline();
    bench.step(TimeAdvanced{});
    if (bench.commands > before) instants.insert(bench.now);
  }
  EXPECT_EQ(bench.commands - begun, 32U);
  EXPECT_EQ(instants.size(), 8U) << "one for each volume";
}

TEST(Schedule, AShorterIntervalCountsAtOnce) {
  TwoHosts bench;
  bench.configure("polling_interval 1\nmax_polling_interval 2");
  bench.ask(RequestKind::reconfigure);
  bench.commands = 0;
  bench.run(seconds{10});
  EXPECT_GE(bench.commands, 4U * 4) << "each path every 2 s instead of 20";
}

TEST(Schedule, AUeventOfAPathHasItCheckedAtOnce) {
  TwoHosts bench;
  bench.run(seconds{2});
  bench.commands = 0;
  bench.appear("sda");
  bench.run(milliseconds{1});
  EXPECT_EQ(bench.commands, 1U);
  bench.appear("sda");
  bench.run(milliseconds{1});
  EXPECT_EQ(bench.commands, 1U) << "it has just answered";
}

TEST(Schedule, WithoutPathsNothingIsEverDue) {
  Bench bench;
  bench.start();
  bench.run(minutes{1});
  EXPECT_EQ(bench.states.back(), DaemonState::idle);
  EXPECT_EQ(bench.engine.next_deadline(), no_deadline);
}

TEST(Schedule, WithPathsEveryWakeUpIsForACheck) {
  TwoHosts bench;
  bench.run(minutes{1});
  std::size_t wakes = 0;
  std::size_t begun = bench.commands;
  for (MonoTime end = bench.now + minutes{10}; bench.engine.next_deadline() <= end; ++wakes) {
    std::size_t before = bench.commands;
    bench.now = bench.engine.next_deadline();
    bench.step(TimeAdvanced{});
    EXPECT_GT(bench.commands, before);
  }
  EXPECT_EQ(wakes, 2U * 30) << "two volumes, every 20 s";
  EXPECT_EQ(bench.commands - begun, 4U * 30);
}

}  // namespace
}  // namespace mpath::engine
