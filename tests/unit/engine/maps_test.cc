// SPDX-License-Identifier: LGPL-2.1-or-later
// Loads and what holds them back; groups and failback.
#include "tests/unit/engine/settled.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto create = TableActionKind::create;
constexpr auto reload = TableActionKind::reload;

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

TEST(Load, PathsThatCameTogetherAndAnswerLateOneAfterTheOtherAreOneLoad) {
  Settled bench;
  const std::vector<std::string> names = {"sdc", "sdd", "sde", "sdf"};
  for (const std::string& name : names) {
    bench.disk(name).answer = Answer::none;
    bench.appear(name);
  }
  bench.run(seconds{1});
  for (const std::string& name : names) {
    bench.answers_again(name);
    bench.run(milliseconds{15});
  }
  EXPECT_THAT(bench.actions, IsEmpty());
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sda | sdb | sdc | sdd | sde | sdf");
}

TEST(Load, APathThatAMapWithoutOneWaitsForIsLoadedAsSoonAsItAnswers) {
  Settled bench;
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).answer = Answer::dead;
  bench.run(seconds{21});
  bench.disk("sdc").answer = Answer::none;
  bench.appear("sdc");
  bench.run(seconds{1});
  bench.answers_again("sdc");
  bench.run(milliseconds{15});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
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

TEST(Load, WaitsForAPathThatWasFailedByCommandWhileItHung) {
  for (bool was_asked : {true, false}) {
    Settled bench;
    bench.disks.at("sda").answer = Answer::none;
    bench.run(was_asked ? seconds{21} : seconds{1});
    ASSERT_EQ(bench.hung.size(), was_asked ? 1U : 0U);
    EXPECT_EQ(bench.ask(RequestKind::fail_path, "sda").outcome, Outcome::ok);
    EXPECT_EQ(bench.hung.size(), 1U) << "it is asked one last time";
    bench.disk("sdc");
    bench.appear("sdc");
    bench.run(seconds{5});
    EXPECT_THAT(bench.actions, IsEmpty()) << "I/O that was sent before may hang";
    bench.answers_again("sda");
    bench.run(seconds{5});
    EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
    EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
    std::size_t before = bench.commands;
    bench.disappear("sdb");
    bench.disappear("sdc");
    bench.run(minutes{1});
    EXPECT_EQ(bench.commands, before) << "and not after that";
    EXPECT_EQ(bench.ask(RequestKind::reinstate_path, "sda").outcome, Outcome::ok);
    bench.run(seconds{1});
    EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  }
}

TEST(Load, MovesPathsBetweenGroupsOnceForMarksThatComeOneAfterTheOther) {
  Settled bench("marginal_pathgroups on\npath_grouping_policy multibus", {{"sda", "sdb", "sdc", "sdd"}});
  EXPECT_EQ(bench.ask(RequestKind::set_marginal, "sda").outcome, Outcome::ok);
  bench.run(milliseconds{500});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload)) << "the first at once";
  for (const char* name : {"sdb", "sdc"}) {
    EXPECT_EQ(bench.ask(RequestKind::set_marginal, name).outcome, Outcome::ok);
    bench.run(seconds{1});
  }
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  bench.run(seconds{5});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sdd | sdb sdc sda");
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

}  // namespace
}  // namespace mpath::engine
