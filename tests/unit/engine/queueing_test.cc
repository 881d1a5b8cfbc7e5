// SPDX-License-Identifier: LGPL-2.1-or-later
// How long I/O waits for a path; the commands of clients.
#include "tests/unit/engine/settled.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto create = TableActionKind::create;
constexpr auto reload = TableActionKind::reload;

// --- queueing --------------------------------------------------------------------------------------------------------

TEST(Queueing, NoPathRetryCountsDownFromTheLastPathAndStopsWhenOneReturns) {
  Settled bench("no_path_retry 6");
  ASSERT_TRUE(bench.queues());
  bench.lose_both();
  bench.run(seconds{29});
  EXPECT_TRUE(bench.queues());
  bench.run(seconds{2});
  EXPECT_FALSE(bench.queues());
  EXPECT_EQ(bench.picture()->maps.at(0)->failures, 1U);
  bench.disks.at("sda").answer = Answer::good;
  bench.run(seconds{10});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_TRUE(bench.queues());
  EXPECT_THAT(bench.actions, IsEmpty()) << "messages do";
}

TEST(Queueing, TheCountdownEndsEvenWhenSomethingElseHappensInThatInstant) {
  Settled bench("no_path_retry 6");
  bench.lose_both();
  bench.run(seconds{29});
  MonoTime deadline = bench.picture()->maps.at(0)->retry_deadline;
  ASSERT_NE(deadline, no_deadline);
  // The turn that meets the deadline takes another event of the map first.
  bench.now = deadline + milliseconds{1};
  bench.map_event();
  bench.run(seconds{1});
  EXPECT_FALSE(bench.queues());
}

TEST(Queueing, APathThatIsNotInTheTableDoesNotKeepIoWaiting) {
  Settled bench("no_path_retry 6");
  bench.disk("sdc").found.facts.size_sectors = 1024;  // too small: it never gets into the table
  bench.appear("sdc");
  bench.lose_both();
  bench.run(seconds{40});
  EXPECT_FALSE(bench.queues());
}

TEST(Queueing, APathThatTheKernelDoesNotTakeBackDoesNotKeepIoWaiting) {
  Settled bench("no_path_retry 6");
  bench.lose_both();
  bench.run(seconds{20});
  bench.refused_message = MapMessage::Kind::reinstate_path;
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).answer = Answer::good;
  bench.run(seconds{9});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_TRUE(bench.queues());
  bench.run(seconds{2});
  EXPECT_FALSE(bench.queues()) << "counted from the loss of the last path";
  bench.refused_message.reset();
  bench.run(seconds{2});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_TRUE(bench.queues());
}

TEST(Queueing, IsCountedWhenTheLastPathGoesWhileTheKernelDoesNotTakeBackAnother) {
  Settled bench("no_path_retry 6");
  bench.refused_message = MapMessage::Kind::reinstate_path;
  bench.kernel_fails("sda");
  bench.run(seconds{10});
  ASSERT_EQ(bench.health("sda"), PathState::up);
  ASSERT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.disks.at("sdb").answer = Answer::dead;
  bench.kernel_fails("sdb");
  bench.run(seconds{29});
  EXPECT_TRUE(bench.queues());
  bench.run(seconds{3});
  EXPECT_FALSE(bench.queues());
  bench.refused_message.reset();
  bench.run(seconds{2});
  EXPECT_TRUE(bench.queues());
}

TEST(Queueing, AnotherNoPathRetryIsCountedFromWhenItIsInForce) {
  for (const char* before : {"fail", "queue", "100"}) {
    SCOPED_TRACE(before);
    Settled bench(std::string("no_path_retry ") + before);
    bench.lose_both();
    bench.run(seconds{40});
    bench.configure("no_path_retry 6");
    bench.ask(RequestKind::reconfigure);
    bench.run(seconds{25});
    EXPECT_TRUE(bench.queues());
    bench.run(seconds{10});
    EXPECT_FALSE(bench.queues());
    bench.configure("no_path_retry queue");
    bench.ask(RequestKind::reconfigure);
    bench.run(minutes{1});
    EXPECT_TRUE(bench.queues());
  }
}

TEST(Queueing, AnotherPollingIntervalIsAnotherTimeToCount) {
  Settled bench("polling_interval 60\nno_path_retry 10");
  bench.lose_both();
  bench.run(minutes{1});
  bench.configure("polling_interval 5\nno_path_retry 10");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{45});
  EXPECT_TRUE(bench.queues());
  bench.run(seconds{10});
  EXPECT_FALSE(bench.queues());
}

TEST(Queueing, AConfigurationThatSaysTheSameDoesNotBeginTheCountAnew) {
  Settled bench("no_path_retry 12");
  bench.lose_both();
  for (int i = 0; i < 3; ++i) {
    bench.run(seconds{15});
    bench.configure(fmt::format("no_path_retry 12\nfailback {}", i + 1));
    bench.ask(i == 1 ? RequestKind::reconfigure_all : RequestKind::reconfigure);
  }
  EXPECT_TRUE(bench.queues());
  bench.run(seconds{20});
  EXPECT_FALSE(bench.queues());
}

TEST(Queueing, IsCountedAgainWhenItIsAllowedAgain) {
  Settled bench("no_path_retry 6");
  bench.lose_both();
  bench.run(seconds{5});
  EXPECT_EQ(bench.ask(RequestKind::disable_queueing).outcome, Outcome::ok);
  bench.run(seconds{1});
  EXPECT_FALSE(bench.queues());
  EXPECT_EQ(bench.ask(RequestKind::restore_queueing).outcome, Outcome::ok);
  bench.run(seconds{25});
  EXPECT_TRUE(bench.queues());
  bench.run(seconds{10});
  EXPECT_FALSE(bench.queues());
}

TEST(Queueing, IsSwitchedOffByMessageWhileALoadWaits) {
  Settled bench("no_path_retry queue");
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{21});
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{1});
  ASSERT_THAT(bench.actions, IsEmpty());
  EXPECT_EQ(bench.ask(RequestKind::disable_queueing).outcome, Outcome::ok);
  EXPECT_FALSE(bench.queues());
  EXPECT_EQ(bench.ask(RequestKind::restore_queueing).outcome, Outcome::ok);
  EXPECT_TRUE(bench.queues());
}

TEST(Queueing, FollowsTheSettingByMessage) {
  const struct {
    std::string setting;
    bool before;
    bool after;
  } cases[] = {
      {"fail", true, false}, {"fail", false, false}, {"queue", false, true},
      {"queue", true, true}, {"12", false, true},    {"12", true, true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("{}, the kernel {}", c.setting, c.before ? "queues" : "does not queue"));
    Bench bench("no_path_retry " + c.setting);
    bench.disk("sda");
    if (c.before) bench.kernel_map({{"sda"}}).table.features = "1 queue_if_no_path";
    else bench.kernel_map({{"sda"}});
    bench.start();
    bench.run(seconds{30});
    EXPECT_EQ(wire::features_has(bench.map().table.features, wire::queue_if_no_path), c.after);
    EXPECT_EQ(bench.messages.size(), c.before == c.after ? 0U : 1U);
    EXPECT_THAT(bench.actions, IsEmpty());
  }
}

// --- commands --------------------------------------------------------------------------------------------------------

TEST(Commands, FailPathHoldsUntilReinstatePath) {
  Settled bench;
  EXPECT_EQ(bench.ask(RequestKind::fail_path, "sda").outcome, Outcome::ok);
  EXPECT_THAT(bench.take_messages(), ElementsAre("fail_path 8:0"));
  bench.run(minutes{5});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  EXPECT_EQ(bench.health("sda"), PathState::unchecked);
  EXPECT_EQ(bench.ask(RequestKind::reinstate_path, "sda").outcome, Outcome::ok);
  EXPECT_THAT(bench.take_messages(), ElementsAre("reinstate_path 8:0"));
  EXPECT_EQ(bench.health("sda"), PathState::up);
}

TEST(Commands, FailPathHoldsWhenAnAnswerIsStillOnItsWay) {
  Settled bench;
  bench.hold<SubmitCommand>();
  bench.run(seconds{20});
  ASSERT_EQ(bench.waiting.size(), 2U);
  bench.ask(RequestKind::fail_path, "sda");
  bench.release<SubmitCommand>();
  bench.run(minutes{2});
  EXPECT_EQ(bench.health("sda"), PathState::unchecked);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

TEST(Commands, NameWhatTheyDoNotFind) {
  Settled bench;
  EXPECT_EQ(bench.ask(RequestKind::fail_path, "sdz").outcome, Outcome::not_found);
  EXPECT_EQ(bench.ask(RequestKind::switch_group, {}, 1, 9).outcome, Outcome::not_found);
  EXPECT_EQ(bench.ask(RequestKind::remove_map, {}, 0, 9).outcome, Outcome::not_found);
  EXPECT_EQ(bench.ask(RequestKind::add_map, {}, 0, 9).outcome, Outcome::not_found);
  EXPECT_EQ(bench.ask(RequestKind::switch_group, {}, 3).outcome, Outcome::failed);
}

TEST(Commands, SwitchGroupIsAMessage) {
  Settled bench;
  EXPECT_EQ(bench.ask(RequestKind::switch_group, {}, 2).outcome, Outcome::ok);
  EXPECT_THAT(bench.take_messages(), ElementsAre("switch_group 2"));
  bench.run(minutes{1});
  EXPECT_THAT(bench.take_messages(), IsEmpty()) << "failback is manual";
}

TEST(Commands, RemoveMapStaysRemovedAndAddMapMakesItAgain) {
  Settled bench;
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::ok);
  EXPECT_FALSE(bench.has_map());
  bench.run(minutes{5});
  EXPECT_FALSE(bench.has_map());
  EXPECT_EQ(bench.ask(RequestKind::add_map).outcome, Outcome::ok);
  EXPECT_TRUE(bench.has_map());
}

TEST(Commands, RemoveMapThatIsInUseSaysSo) {
  Settled bench;
  bench.table_error = Error{ErrorCode::busy, "map", "in use", {}};
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::in_use);
  EXPECT_TRUE(bench.has_map());
}

TEST(Queueing, OfAnArrayIsThatOfItsMapAlsoWhileItsPathsAreGone) {
  Bench bench;
  bench.configure("no_path_retry fail", "devices {\ndevice {\nvendor ACME\nproduct ARRAY\nno_path_retry queue\npath_grouping_policy multibus\n}\n}\n");
  for (const char* name : {"sda", "sdb"}) bench.disk(name);
  bench.kernel_map({{"sda", "sdb"}}).table.features = "1 queue_if_no_path";
  bench.start();
  bench.run(seconds{5});
  bench.forget();
  bench.used_map = wwid_of(1);
  std::map<std::string, Disk> gone;
  for (const char* name : {"sda", "sdb"}) {
    bench.disappear(name);
    gone.insert(bench.disks.extract(name));
  }
  bench.run(seconds{5});
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{5});
  EXPECT_THAT(bench.messages, testing::Not(testing::Contains("fail_if_no_path")));
  for (const char* name : {"sdc", "sdd"}) {
    bench.disk(name);
    bench.appear(name);
  }
  bench.run(seconds{5});
  EXPECT_EQ(bench.groups(), "sdc sdd") << "grouped as the array's entry says";
}

TEST(Commands, RemovePathIsAnsweredAndAddPathLooksForTheDevice) {
  Settled bench;
  EXPECT_EQ(bench.ask(RequestKind::remove_path, "sda").outcome, Outcome::delayed);
  bench.run(seconds{3});
  EXPECT_EQ(bench.groups(), "sdb");
  EXPECT_EQ(bench.path("sda"), nullptr);
  EXPECT_EQ(bench.ask(RequestKind::add_path, "sda").outcome, Outcome::ok);
  EXPECT_EQ(bench.gathers, 1U);
}

TEST(Commands, ReloadMapLoadsATableThatIsRight) {
  Settled bench;
  EXPECT_EQ(bench.ask(RequestKind::reload_map).outcome, Outcome::ok);
  bench.run(seconds{2});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

TEST(Commands, AQueryGetsThePictureOfTheMoment) {
  Settled bench;
  bench.hold<RenderReply>();
  (void)bench.ask(RequestKind::show_maps);
  ASSERT_EQ(bench.waiting.size(), 1U);
  auto first = std::get<RenderReply>(bench.waiting.at(0)).snapshot;
  EXPECT_EQ(first->maps.size(), 1U);
  EXPECT_EQ(first->paths.size(), 2U);
  EXPECT_EQ(bench.picture()->maps.at(0), first->maps.at(0)) << "shared as far as nothing changed";
}

TEST(Commands, TheMapNamedByAliasIsMadeUnderIt) {
  Bench bench;
  bench.disk("sda");
  bench.configure("", "multipaths {\nmultipath {\nwwid " + wwid_of(1) + "\nalias data\n}\n}\n");
  bench.start();
  EXPECT_THAT(bench.take_kinds(), ElementsAre(create));
  EXPECT_TRUE(bench.kernel.contains(MapName{"data"}));
}

}  // namespace
}  // namespace mpath::engine
