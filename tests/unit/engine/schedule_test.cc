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

}  // namespace
}  // namespace mpath::engine
