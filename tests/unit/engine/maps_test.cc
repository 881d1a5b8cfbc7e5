// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads and what holds them back; groups and failback; queueing; the commands of clients.
#include "tests/unit/engine/fixture.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto create = TableActionKind::create;
constexpr auto reload = TableActionKind::reload;

struct Settled : Bench {
  explicit Settled(std::string defaults = {}, const std::vector<std::vector<std::string>>& groups = {{"sda"}, {"sdb"}})
      : Bench(std::move(defaults)) {
    for (const auto& group : groups) {
      for (const std::string& name : group) disk(name);
    }
    kernel_map(groups);
    start();
    run(seconds{30});
    forget();
  }
  void forget() {
    actions.clear();
    messages.clear();
    logs.clear();
  }
  bool queues() { return wire::features_has(map().table.features, wire::queue_if_no_path); }
};

// --- loads ---------------------------------------------------------------------------------------------------------

TEST(Load, ABurstOfFourPathsIsOneLoad) {
  Settled bench;
  for (const char* name : {"sdc", "sdd", "sde", "sdf"}) {
    bench.disk(name);
    bench.appear(name);
    bench.run(milliseconds{50});
  }
  EXPECT_THAT(bench.actions, IsEmpty());
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sda | sdb | sdc | sdd | sde | sdf");
}

TEST(Load, WaitsForAPathThatHasNotAnsweredAndComesWithItsAnswer) {
  Settled bench;
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{21});
  ASSERT_EQ(bench.hung.size(), 1U);
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{5});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.picture()->maps.at(0)->deferred, testing::MatchesRegex("reload deferred: sda has not answered for [0-9]+ s"));
  EXPECT_EQ(bench.picture()->counters.loads_deferred, 1U);
  bench.answers_again("sda");
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sda | sdb | sdc");
  EXPECT_EQ(bench.picture()->maps.at(0)->deferred, "");
}

TEST(Load, TheTimeThatADeferralLastsIsShown) {
  Settled bench;
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{21});
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{1});
  std::string before = bench.picture()->maps.at(0)->deferred;
  bench.run(seconds{4});
  EXPECT_NE(bench.picture()->maps.at(0)->deferred, before);
}

TEST(Load, WaitsForIoThatTheKernelSendsAgainAndAgainToABusyDevice) {
  Settled bench;
  bench.disks.at("sda").answer = Answer::busy;
  bench.run(seconds{21});
  ASSERT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{2});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_EQ(bench.picture()->maps.at(0)->deferred, "reload deferred: sda may still hold I/O that it does not answer");
  bench.run(seconds{35});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload)) << "what it held has ended by its own timeout";
}

TEST(Load, IsReleasedWhenThePathThatHangsIsRemoved) {
  Settled bench("", {{"sda"}, {"sdb"}, {"sdc"}});
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{21});
  bench.disk("sdd");
  bench.appear("sdd");
  bench.run(seconds{2});
  ASSERT_THAT(bench.actions, IsEmpty());
  bench.disappear("sda");
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sdb | sdc | sdd");
}

TEST(Load, DoesNotWaitWhenNoPathOfTheTableIsUsable) {
  Settled bench("checker_timeout 5");
  bench.disks.at("sda").answer = Answer::none;
  bench.disks.at("sdb").answer = Answer::none;
  bench.run(seconds{40});
  ASSERT_EQ(bench.health("sda"), PathState::timeout);
  bench.forget();
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload)) << "the new path is the only one that can carry I/O";
  EXPECT_EQ(bench.kernel_state("sdc"), KernelPathState::active);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed) << "a load makes every path active: failed again with it";
}

TEST(Load, OfNoUseToAMapWithoutPathsWaitsForTheOnesThatHang) {
  Settled bench("checker_timeout 5");
  bench.disks.at("sda").answer = Answer::none;
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{40});
  ASSERT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  ASSERT_EQ(bench.kernel_state("sdb"), KernelPathState::failed);
  bench.configure("checker_timeout 5\npath_selector \"queue-length 0\"");
  bench.ask(RequestKind::reconfigure);
  bench.forget();
  bench.run(seconds{20});
  EXPECT_THAT(bench.take_kinds(), IsEmpty()) << "the map would stand still when sdb returns";
  EXPECT_THAT(bench.picture()->maps.at(0)->deferred, testing::HasSubstr("sda has not answered"));
  bench.answers_again("sda");
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

TEST(Load, MakesAPathThatHangsASuspectOfHoldingIoOnceMore) {
  Settled bench("checker_timeout 5");
  bench.disks.at("sda").answer = Answer::none;
  bench.disks.at("sdb").answer = Answer::dead;
  auto kernel_ends_commands = [&] {
    for (const SubmitCommand& command : std::exchange(bench.hung, {})) {
      CommandOutcome outcome;
      outcome.host_status = HostStatus::time_out;
      bench.step(CommandFinished{command.op, command.path, outcome});
    }
  };
  for (int round = 0; round < 12; ++round) {
    bench.run(seconds{5});
    kernel_ends_commands();
  }
  ASSERT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  ASSERT_EQ(bench.kernel_state("sdb"), KernelPathState::failed);
  bench.forget();
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{1});
  ASSERT_THAT(bench.take_kinds(), ElementsAre(reload)) << "the last hope";
  // For a moment that load made sda active, and it may have been given I/O.
  while (bench.hung.empty()) bench.run(milliseconds{100});
  bench.run(seconds{5});
  kernel_ends_commands();
  bench.disk("sdd");
  bench.appear("sdd");
  bench.run(milliseconds{500});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_THAT(bench.picture()->maps.at(0)->deferred, testing::HasSubstr("sda may still hold I/O"));
}

TEST(Load, HappensOnASlowArrayWhosePathsAnswerOneAfterTheOther) {
  Settled bench;
  bench.hold<SubmitCommand>();
  bench.disk("sdc");
  bench.appear("sdc");
  // Every command takes 1.5 s; what is asked later is answered later.
  for (int i = 0; i < 40 && bench.actions.empty(); ++i) {
    std::vector<Effect> asked = std::exchange(bench.waiting, {});
    bench.run(milliseconds{1500} / std::max<int>(1, static_cast<int>(asked.size())));
    for (Effect& effect : asked) {
      const auto& command = std::get<SubmitCommand>(effect);
      CommandOutcome outcome;
      if (scsi_operation(command.command) == inquiry_code) outcome.data = page_83(1, 1);
      bench.step(CommandFinished{command.op, command.path, outcome});
      bench.run(milliseconds{1500} / static_cast<int>(asked.size()));
    }
  }
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

TEST(Load, ThatFailsIsRepeatedEverMoreSeldom) {
  Settled bench;
  bench.table_error = Error{ErrorCode::io, "map", "table load failed", {}};
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(minutes{10});
  std::size_t tries = bench.take_kinds().size();
  EXPECT_GE(tries, 10U);
  EXPECT_LE(tries, 20U);
  bench.table_error.reset();
  bench.run(minutes{1});
  EXPECT_EQ(bench.groups(), "sda | sdb | sdc");
}

TEST(Load, IsNotRepeatedForEverWhenTheKernelMakesSomethingElseOfTheTable) {
  Settled bench;
  bench.configure("path_selector \"queue-length 0\"");
  bench.hold<ReadMap>();
  bench.ask(RequestKind::reconfigure);
  for (int i = 0; i < 50; ++i) {
    for (KernelGroup& group : bench.map().table.groups) group.selector = "round-robin 0";  // as it were
    bench.release<ReadMap>();
    bench.hold<ReadMap>();
    bench.run(seconds{1});
  }
  EXPECT_LE(bench.take_kinds().size(), 2U);
}

TEST(Load, APathOfAnotherSizeStaysOut) {
  Settled bench;
  bench.disk("sdc").found.facts.size_sectors = 4096;
  bench.appear("sdc");
  bench.run(minutes{1});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_EQ(bench.groups(), "sda | sdb");
}

TEST(Load, APathToAVolumeThatGrewIsTheLastHopeOfItsMap) {
  Settled bench;
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).answer = Answer::dead;
  bench.run(seconds{25});
  bench.forget();
  bench.disk("sdc").found.facts.size_sectors = 4096;
  bench.appear("sdc");
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sdc | sda | sdb");
  EXPECT_EQ(bench.map().table.size_sectors, 2048U) << "a map changes its size when it is asked to";
}

TEST(Load, ASlowAnswerOfOnePathDoesNotMakeOldAnswersOfTheOthersGood) {
  Settled bench("", {{"sda"}, {"sdb"}});
  // Its check takes four seconds, twice.
  for (int round = 0; round < 2; ++round) {
    bench.disks.at("sda").answer = Answer::none;
    while (bench.hung.empty()) bench.run(milliseconds{100});
    bench.run(seconds{4});
    bench.answers_again("sda");
  }
  MonoTime answered = bench.now;
  bench.run(seconds{2});
  // Another path hangs now, which its last check could not know.
  bench.disks.at("sdb").answer = Answer::none;
  bench.run(seconds{1});
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{1});
  ASSERT_LT(bench.now, answered + seconds{5});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.picture()->maps.at(0)->deferred, testing::HasSubstr("sdb has not answered"));
}

TEST(Load, AMapMadeBySomebodyElseIsManaged) {
  Bench bench("path_grouping_policy multibus");
  bench.disk("sda");
  bench.disk("sdb");
  bench.configure("find_multipaths strict\npath_grouping_policy multibus");
  bench.start();
  ASSERT_FALSE(bench.has_map());
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.map_uevent();
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sda sdb");
}

// --- groups and failback ---------------------------------------------------------------------------------------------

/// sda and sdb on the preferred controller, sdc and sdd on the other.
struct TwoControllers : Bench {
  explicit TwoControllers(const std::string& failback) : Bench("path_grouping_policy group_by_prio\nfailback " + failback) {
    alua_disk("sda", 1);
    alua_disk("sdb", 1);
    alua_disk("sdc", 2);
    alua_disk("sdd", 2);
    access = {{1, 0}, {2, 1}};
    KernelMap& device = kernel_map({{"sda", "sdb"}, {"sdc", "sdd"}});
    device.table.hardware_handler = "1 alua";
    start();
    run(seconds{30});
    actions.clear();
    messages.clear();
  }
  void controller(Answer answer) {
    disks.at("sda").answer = disks.at("sdb").answer = answer;
    run(seconds{25});
    // I/O makes the kernel use the other group.
    if (answer == Answer::dead) {
      map().table.next_group = 2;
      map_event();
    }
  }
  [[nodiscard]] std::ptrdiff_t switches() const {
    return std::ranges::count_if(messages, [](const std::string& text) { return text.starts_with("switch_group"); });
  }
};

TEST(Failback, FollowsTheSetting) {
  const struct {
    std::string setting;
    seconds after;       ///< the paths are up for so long
    bool switched;
  } cases[] = {
      {"immediate", seconds{1}, true},
      {"manual", minutes{10}, false},
      {"30", seconds{10}, false},
      {"30", seconds{60}, true},
      {"followover", minutes{1}, true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("{} after {} s", c.setting, c.after.count()));
    TwoControllers bench(c.setting);
    bench.controller(Answer::dead);
    EXPECT_EQ(bench.map().table.next_group, 2U);
    bench.messages.clear();
    bench.disks.at("sda").answer = bench.disks.at("sdb").answer = Answer::good;
    for (int i = 0; i < 300 && bench.health("sdb") != PathState::up; ++i) bench.run(milliseconds{100});
    bench.run(c.after);
    EXPECT_EQ(bench.map().table.next_group, c.switched ? 1U : 2U);
    EXPECT_THAT(bench.actions, IsEmpty()) << "a switch is a message";
  }
}

TEST(Failback, FollowoverSwitchesWhenTheFirstPathOfTheBestGroupReturnsAlone) {
  TwoControllers bench("followover");
  bench.controller(Answer::dead);
  bench.messages.clear();
  bench.disks.at("sda").answer = Answer::good;
  // The map is being read when the path returns: the wish is not lost by it.
  bench.run(seconds{1});
  bench.hold<ReadMap>();
  bench.map_event();
  bench.run(seconds{20});
  bench.release<ReadMap>();
  bench.run(seconds{1});
  EXPECT_EQ(bench.switches(), 1);
  EXPECT_EQ(bench.map().table.next_group, 1U);
}

TEST(Failback, FindsTheGroupWhateverItsNumberInTheKernel) {
  Bench bench("path_grouping_policy group_by_prio\nfailback immediate");
  bench.alua_disk("sda", 1);
  bench.alua_disk("sdb", 2);
  bench.access = {{1, 1}, {2, 0}};
  bench.kernel_map({{"sda"}, {"sdb"}}, 1, 2).table.hardware_handler = "1 alua";
  bench.start();
  bench.run(seconds{30});
  EXPECT_THAT(bench.messages, IsEmpty());
  bench.access = {{1, 0}, {2, 1}};
  bench.run(seconds{30});
  EXPECT_THAT(bench.messages, ElementsAre("switch_group 1"));
  EXPECT_THAT(bench.actions, IsEmpty());
}

// --- queueing --------------------------------------------------------------------------------------------------------

TEST(Queueing, NoPathRetryCountsDownFromTheLastPathAndStopsWhenOneReturns) {
  Settled bench("no_path_retry 6");
  ASSERT_TRUE(bench.queues());
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).answer = Answer::dead;
    bench.kernel_fails(name);
  }
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
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).answer = Answer::dead;
    bench.kernel_fails(name);
  }
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
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).answer = Answer::dead;
    bench.kernel_fails(name);
  }
  bench.run(seconds{40});
  EXPECT_FALSE(bench.queues());
}

TEST(Queueing, AnotherNoPathRetryIsCountedFromWhenItIsInForce) {
  for (const char* before : {"fail", "queue", "100"}) {
    SCOPED_TRACE(before);
    Settled bench(std::string("no_path_retry ") + before);
    for (const char* name : {"sda", "sdb"}) {
      bench.disks.at(name).answer = Answer::dead;
      bench.kernel_fails(name);
    }
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

TEST(Queueing, IsCountedAgainWhenItIsAllowedAgain) {
  Settled bench("no_path_retry 6");
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).answer = Answer::dead;
    bench.kernel_fails(name);
  }
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
