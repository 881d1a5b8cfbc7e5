// SPDX-License-Identifier: LGPL-2.1-or-later
// What paths and maps remember of themselves.
#include "libmpath/engine/history.h"

#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

Transition numbered(int number) { return {.at = MonoTime{seconds{number}}}; }

TEST(History, KeepsTheLastSixtyFourInOrder) {
  History history;
  EXPECT_TRUE(history.empty());
  for (int i = 0; i < 100; ++i) history.add(numbered(i));
  std::vector<Transition> entries = history.entries();
  ASSERT_EQ(entries.size(), limits::history_entries);
  EXPECT_EQ(entries.front().at, MonoTime{seconds{36}});
  EXPECT_EQ(entries.back().at, MonoTime{seconds{99}});
  EXPECT_EQ(history.last().at, MonoTime{seconds{99}});
}

TEST(History, StandingsGoThroughAByte) {
  for (PathState state : {PathState::wild, PathState::up, PathState::disconnected}) {
    for (Bar bar : {Bar::none, Bar::disabled, Bar::unregistered}) {
      for (bool marginal : {false, true}) {
        PathStanding standing{state, bar, marginal};
        EXPECT_EQ(PathStanding::unpacked(standing.packed()), standing);
      }
    }
  }
  EXPECT_EQ(to_string(PathStanding{PathState::up, Bar::suspect, true}), "up, suspect, marginal");
}

/// Two paths in a map of the kernel.
struct TwoPaths : Bench {
  TwoPaths() : Bench("polling_interval 1\nno_path_retry queue") {
    disk("sda");
    disk("sdb");
    kernel_map({{"sda"}, {"sdb"}});
    start();
    run(seconds{2});
  }
  std::vector<Transition> of(const std::string& device) {
    auto id = static_cast<RequestId>(777);
    step(RequestArrived{id, Request{.kind = RequestKind::mpathctl_history, .subjects = {device}}});
    for (const HistoryView& object : pictures.at(id)->history) {
      if (object.subject == device) return object.entries;
    }
    return {};
  }
};

TEST(History, SaysWhyAPathWentAndWhatWasDoneAboutIt) {
  TwoPaths bench;
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{3});
  Transition entry = bench.of("sda").back();
  EXPECT_EQ(PathStanding::unpacked(entry.before).state, PathState::up);
  EXPECT_EQ(PathStanding::unpacked(entry.after).state, PathState::down);
  EXPECT_EQ(entry.cause, Cause::check);
  EXPECT_EQ(entry.reason_text(), "no connection to the target");
  EXPECT_EQ(entry.follow_up, FollowUp::failed);
}

TEST(History, APathThatWasSuspectAndGivenUpReturnsInOneStep) {
  TwoPaths bench;
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{90});
  Transition given_up = bench.of("sda").back();
  EXPECT_EQ(to_string(PathStanding::unpacked(given_up.after)), "timeout, suspect");
  bench.answers_again("sda");
  Transition back = bench.of("sda").back();
  EXPECT_EQ(to_string(PathStanding::unpacked(back.before)), "timeout, suspect");
  EXPECT_EQ(to_string(PathStanding::unpacked(back.after)), "up");
  EXPECT_EQ(back.follow_up, FollowUp::reinstated);
  EXPECT_EQ(bench.times_logged("sda: answers its checks again"), 1);
}

TEST(History, TellsKernelAndCommandsFromChecks) {
  TwoPaths bench;
  bench.kernel_fails("sda");
  bench.ask(RequestKind::fail_path, "sdb");
  bool seen = false;
  for (const Transition& entry : bench.of("sda")) seen = seen || (entry.cause == Cause::kernel && entry.reason_text() == "I/O failed on it");
  EXPECT_TRUE(seen);
  Transition last = bench.of("sdb").back();
  EXPECT_EQ(last.cause, Cause::command);
  EXPECT_EQ(PathStanding::unpacked(last.after).bar, Bar::disabled);
}

TEST(History, HoldsTheSenseOfTheAnswer) {
  TwoPaths bench;
  bench.disks.at("sda").sense = {0x72, 2, 4, 3, 0, 0, 0, 0};
  bench.run(seconds{3});
  EXPECT_EQ(bench.of("sda").back().sense, 0x020403u);
}

TEST(History, AMapRemembersItsActionsAndThatItHadNoPath) {
  TwoPaths bench;
  bench.ask(RequestKind::reload_map);
  bench.run(seconds{2});
  bench.disks.at("sda").answer = Answer::dead;
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{8});
  std::vector<Transition> entries = bench.of(wwid_of(1));
  ASSERT_GE(entries.size(), 3u);
  EXPECT_EQ(static_cast<MapStanding>(entries.front().after), MapStanding::serving);
  EXPECT_TRUE(std::ranges::any_of(entries, [](const Transition& entry) { return entry.follow_up == FollowUp::reloaded; }));
  EXPECT_EQ(static_cast<MapStanding>(entries.back().after), MapStanding::queueing);
}

TEST(History, TheJournalGetsFieldsOfChangesOnly) {
  TwoPaths bench;
  bench.fields.clear();
  bench.run(minutes{5});
  EXPECT_TRUE(bench.fields.empty());
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(minutes{5});
  ASSERT_EQ(bench.fields.size(), 1u) << "a path that stays down says so once";
  EXPECT_EQ(bench.fields[0].at("MULTIPATH_DEVICE"), "sda");
  EXPECT_EQ(bench.fields[0].at("MULTIPATH_MAP"), wwid_of(1));
  EXPECT_EQ(bench.fields[0].at("MULTIPATH_OLD_STATE"), "up");
  EXPECT_EQ(bench.fields[0].at("MULTIPATH_NEW_STATE"), "down");
  EXPECT_EQ(bench.fields[0].at("MULTIPATH_CAUSE"), "check");
}

}  // namespace
}  // namespace mpath::engine
