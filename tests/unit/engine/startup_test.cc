// SPDX-License-Identifier: LGPL-2.1-or-later
// Start, restart with maps in place, reconfiguration, shutdown, and the engines that only look.
#include "tests/unit/engine/fixture.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = DaemonState;

constexpr auto create = TableActionKind::create;
constexpr auto reload = TableActionKind::reload;

TEST(Start, ReadsTheConfigurationThenEverythingElseThenServes) {
  Bench bench;
  bench.disk("sda");
  bench.hold<LoadConfiguration>();
  bench.start();
  EXPECT_EQ(bench.waiting.size(), 1U);
  EXPECT_THAT(bench.states, ElementsAre(State::startup));

  bench.hold<ListDisks>();
  bench.release<LoadConfiguration>();
  EXPECT_THAT(bench.states, ElementsAre(State::startup, State::configure));
  EXPECT_THAT(bench.actions, IsEmpty()) << "nothing is decided on half the facts";

  bench.release<ListDisks>();
  EXPECT_THAT(bench.states, ElementsAre(State::startup, State::configure, State::idle));
  EXPECT_TRUE(bench.has_map());
}

TEST(Start, AskedBeforeItIsConfiguredItAnswersAfterwards) {
  Bench bench;
  bench.disk("sda");
  bench.hold<ListDisks>();
  bench.start();
  EXPECT_EQ(bench.ask(RequestKind::disable_queueing_all).outcome, Outcome::timed_out);
  EXPECT_TRUE(bench.replies.empty());
  bench.release<ListDisks>();
  EXPECT_EQ(bench.replies.size(), 1U);
}

TEST(Start, WithABrokenConfigurationItEndsAndTouchesNothing) {
  Bench bench;
  bench.disk("sda");
  bench.kernel_map({{"sda"}});
  bench.broken_configuration = true;
  bench.start();
  EXPECT_EQ(bench.exits, 1);
  EXPECT_TRUE(bench.exit_failed);
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Start, WithoutDisksOrUdevItServesAndKeepsMaps) {
  Bench bench;
  bench.disk("sda");
  bench.kernel_map({{"sda"}});
  bench.enumeration_fails = true;
  bench.start();
  EXPECT_EQ(bench.states.back(), State::idle);
  bench.run(minutes{5});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Start, ReadsDisksInPortionsSoThatNotAllThatUdevKnowsIsInMemory) {
  Bench bench;
  for (std::uint32_t i = 1; i <= 150; ++i) bench.disk(fmt::format("sda{}", i), i).found.facts.devnum = {8, i};
  bench.start();
  EXPECT_THAT(bench.portions, ElementsAre(64U, 64U, 22U));
  EXPECT_EQ(bench.states.back(), State::idle);
  EXPECT_EQ(bench.picture()->paths.size(), 150U);
  EXPECT_EQ(bench.take_kinds().size(), 150U);
}

TEST(Start, ADiskThatGoesBetweenTheListAndItsReadingIsNoPath) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb");
  bench.hold<ReadDisks>();
  bench.start();
  bench.disks.erase("sdb");
  bench.release<ReadDisks>();
  EXPECT_EQ(bench.states.back(), State::idle);
  EXPECT_EQ(bench.groups(), "sda");
}

TEST(Start, ShowsTheMapsOfTheDaemonBeforeInTheOrderOfTheirPaths) {
  Bench bench;
  bench.disk("sda", 2);
  bench.disk("sdb", 1);
  bench.kernel_map({{"sdb"}}, 1);
  bench.kernel_map({{"sda"}}, 2);
  bench.start();
  std::vector<std::string> shown;
  const auto picture = bench.picture();
  for (const auto& map : picture->maps) shown.push_back(map->wwid.text);
  EXPECT_THAT(shown, ElementsAre(wwid_of(2), wwid_of(1)));
}

TEST(Start, ASickArrayKeepsItFromServingForALimitedTimeOnly) {
  Bench bench;
  bench.disk("sda").answer = Answer::none;
  bench.start();
  EXPECT_EQ(bench.states.back(), State::configure);
  bench.run(seconds{15});
  EXPECT_EQ(bench.states.back(), State::idle);
}

// --- a map is made ---------------------------------------------------------------------------------------------

TEST(Creation, WaitsForTheFirstAnswerOfEveryPath) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb").answer = Answer::none;
  bench.start();
  EXPECT_FALSE(bench.has_map());
  bench.answers_again("sdb");
  EXPECT_THAT(bench.take_kinds(), ElementsAre(create));
  EXPECT_EQ(bench.groups(), "sda | sdb");
}

TEST(Creation, DoesWithoutAPathThatNeverAnswersAfterAWhile) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb").answer = Answer::none;
  bench.start();
  bench.run(seconds{4});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(create));
  EXPECT_EQ(bench.groups(), "sda");
}

TEST(Creation, TakesAPathThatIsDownAndFailsItRightAfter) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb").answer = Answer::dead;
  bench.start();
  auto actions = bench.take_actions();
  ASSERT_EQ(actions.size(), 1U);
  EXPECT_EQ(bench.groups(), "sda | sdb");
  EXPECT_THAT(actions[0].fail_after_load, ElementsAre(bench.number("sdb")));
  EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::failed);
}

TEST(Creation, NeedsAUsablePath) {
  Bench bench;
  bench.disk("sda").answer = Answer::dead;
  bench.start();
  bench.run(seconds{10});
  EXPECT_THAT(bench.actions, IsEmpty());
  bench.answers_again("sda");
  bench.run(seconds{20});
  EXPECT_TRUE(bench.has_map());
}

TEST(Creation, ObeysFindMultipaths) {
  const struct {
    std::string mode;
    int paths;
    bool in_wwids;
    bool made;
  } cases[] = {
      {"off", 1, false, true},  {"greedy", 1, false, true},  {"strict", 2, false, false}, {"strict", 1, true, true},
      {"on", 1, false, false},  {"on", 2, false, true},      {"on", 1, true, true},       {"smart", 1, false, false},
      {"smart", 2, false, true},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("{} with {} paths, wwids file: {}", c.mode, c.paths, c.in_wwids));
    Bench bench("find_multipaths " + c.mode);
    for (int i = 0; i < c.paths; ++i) bench.disk(std::string("sd") + static_cast<char>('a' + i));
    if (c.in_wwids) bench.wwids_file = "/" + wwid_of(1) + "/\n";
    bench.start();
    bench.run(seconds{5});
    EXPECT_EQ(bench.has_map(), c.made);
  }
}

TEST(Creation, KnowsThePrioritiesFirst) {
  Bench bench;
  bench.alua_disk("sda", 1);
  bench.alua_disk("sdb", 2).target_groups_hang = true;
  bench.alua_disk("sdc", 2);
  bench.access = {{1, 0}, {2, 1}};
  // sdb asks for all, and its answer does not come; another path asks in its place.
  bench.enumeration_order = {"sdb", "sda", "sdc"};
  bench.start();
  bench.run(seconds{4});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(create));
  EXPECT_EQ(bench.groups(), "sda | sdc");
  bench.map_uevent();
  bench.answers_again("sdb");
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sda | sdc sdb");
}

TEST(Creation, DoesNotWaitForPrioritiesThatCannotBeHad) {
  Bench bench;
  bench.alua_disk("sda", 1).target_groups_fail = true;
  bench.start();
  EXPECT_TRUE(bench.has_map());
}

TEST(Creation, ABurstOfFourNewPathsIsOneAction) {
  Bench bench;
  bench.start();
  for (const char* name : {"sda", "sdb", "sdc", "sdd"}) {
    bench.disk(name);
    bench.appear(name);
    bench.run(milliseconds{50});
  }
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(create));
  EXPECT_EQ(bench.groups(), "sda | sdb | sdc | sdd");
}

TEST(Creation, AUeventThatComesBeforeTheLaneSaysDoneIsNotWaitedForAgain) {
  Bench bench;
  bench.disk("sda");
  bench.hold<RunTableAction>();
  bench.start();
  bench.step(MapUeventSeen{{.action = MapUevent::Action::change, .name = {wwid_of(1)}, .uuid = "mpath-" + wwid_of(1),
                            .devnum = {254, 7}, .ready = true}});
  bench.release<RunTableAction>();
  bench.actions.clear();
  bench.disk("sdb");
  bench.appear("sdb");
  bench.run(seconds{2});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload)) << "the load need not wait for a uevent that has been";
  EXPECT_EQ(bench.times_logged("udev has not told"), 0);
}

TEST(Creation, LoadsNothingUntilUdevKnowsTheMapOrALimitHasPassed) {
  Bench bench;
  bench.disk("sda");
  bench.start();
  bench.actions.clear();
  bench.disk("sdb");
  bench.appear("sdb");
  bench.run(seconds{10});
  EXPECT_THAT(bench.actions, IsEmpty());
  bench.run(seconds{25});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.times_logged("udev has not told"), 1);
}

// --- maps in place -----------------------------------------------------------------------------------------------

TEST(Restart, WithTheRightMapsInPlaceDoesNothing) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.start();
  bench.run(minutes{5});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Restart, ReinstatesAPathThatWorksAndFailsOneThatDoesNot) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb").answer = Answer::dead;
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.kernel_path("sda")->state = KernelPathState::failed;
  bench.start();
  EXPECT_THAT(bench.messages, testing::UnorderedElementsAre("reinstate_path 8:0", "fail_path 8:16"));
  EXPECT_THAT(bench.actions, IsEmpty());
}

TEST(Restart, DecidesNothingAboutGroupsBeforeTheArrayHasAnswered) {
  Bench bench("path_grouping_policy group_by_prio");
  for (const char* name : {"sda", "sdb"}) bench.alua_disk(name, 1).answer = Answer::none;
  for (const char* name : {"sdc", "sdd"}) bench.alua_disk(name, 2).answer = Answer::none;
  bench.access = {{1, 1}, {2, 0}};
  KernelMap& map = bench.kernel_map({{"sda", "sdb"}, {"sdc", "sdd"}}, 1, 2);
  map.table.hardware_handler = "1 alua";
  bench.start();
  bench.run(seconds{2});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
  for (const char* name : {"sdb", "sda", "sdd", "sdc"}) bench.answers_again(name);
  bench.run(minutes{1});
  EXPECT_THAT(bench.actions, IsEmpty()) << "the groups were right";
  EXPECT_THAT(bench.messages, IsEmpty()) << "and so was the active one";
}

TEST(Restart, KeepsTheActiveGroupAmongEqualsWhateverTheOrderOfDiscovery) {
  Bench bench;
  for (const char* name : {"sda", "sdb", "sdc"}) bench.disk(name);
  bench.kernel_map({{"sdc"}, {"sda"}, {"sdb"}});
  bench.start();
  bench.run(minutes{1});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Restart, DropsAPathOfAnotherVolumeFromTheMap) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb", 2);
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.start();
  bench.run(seconds{1});
  EXPECT_EQ(bench.groups(1), "sda");
  EXPECT_EQ(bench.groups(2), "sdb");
}

// --- reconfiguration ---------------------------------------------------------------------------------------------

TEST(Reconfigure, WithABrokenConfigurationKeepsTheRunningOne) {
  Bench bench;
  bench.disk("sda");
  bench.start();
  bench.actions.clear();
  bench.broken_configuration = true;
  bench.ask(RequestKind::reconfigure);
  EXPECT_EQ(bench.states.back(), State::idle);
  EXPECT_EQ(bench.times_logged("the running one stays in force"), 1);
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_EQ(bench.exits, 0);
}

TEST(Reconfigure, ARequestDuringABrokenOneIsServedAfterIt) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb");
  bench.start();
  bench.map_uevent();
  bench.actions.clear();
  bench.broken_configuration = true;
  bench.hold<LoadConfiguration>();
  bench.ask(RequestKind::reconfigure);
  bench.ask(RequestKind::reconfigure);
  std::vector<Effect> first = std::exchange(bench.waiting, {});
  bench.configure("path_grouping_policy multibus");
  bench.step(ConfigurationLoaded{std::get<LoadConfiguration>(first.at(0)).op, nullptr, {}});
  bench.broken_configuration = false;
  bench.release<LoadConfiguration>();
  bench.run(seconds{1});
  EXPECT_EQ(bench.groups(), "sda sdb");
}

TEST(Reconfigure, LoadsOnlyWhatDiffers) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb");
  bench.disk("sdc", 2);
  bench.start();
  bench.map_uevent(1);
  bench.map_uevent(2);
  bench.actions.clear();
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());

  bench.configure("path_grouping_policy multibus");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload)) << "one path is one group either way";
  EXPECT_EQ(bench.groups(1), "sda sdb");
  EXPECT_EQ(bench.states.back(), State::idle);

  bench.ask(RequestKind::reconfigure_all);
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload, reload));
}

TEST(Reconfigure, AllDoesNotLoadAMapAgainThatIsMadeLater) {
  Bench bench;
  bench.disk("sda").answer = Answer::dead;
  bench.start();
  bench.run(seconds{5});
  bench.ask(RequestKind::reconfigure_all);
  bench.answers_again("sda");
  bench.run(seconds{20});
  bench.map_uevent();
  bench.run(seconds{20});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(create));
}

TEST(Reconfigure, MakesAMapAgainThatWasRemovedFromOutside) {
  Bench bench;
  bench.disk("sda");
  bench.start();
  bench.actions.clear();
  bench.map_goes();
  bench.run(minutes{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  bench.ask(RequestKind::reconfigure);
  EXPECT_THAT(bench.take_kinds(), ElementsAre(create));
}

TEST(Reconfigure, DropsAPathThatIsBlacklistedNow) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb");
  bench.start();
  bench.map_uevent();
  bench.actions.clear();
  bench.configure("", "blacklist {\ndevnode \"^sdb\"\n}\n");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sda");
}

// --- the end -----------------------------------------------------------------------------------------------------

TEST(Shutdown, TurnsQueueingOffAndEndsWhenTheKernelHasTakenIt) {
  Bench bench("no_path_retry queue");
  bench.disk("sda");
  bench.start();
  bench.hold<SendMessage>();
  bench.ask(RequestKind::shutdown);
  EXPECT_THAT(bench.messages, ElementsAre("fail_if_no_path"));
  EXPECT_EQ(bench.exits, 0);
  bench.release<SendMessage>();
  EXPECT_EQ(bench.exits, 1);
  EXPECT_FALSE(bench.exit_failed);
}

TEST(Shutdown, DoesNotWaitForALoadThatHangs) {
  Bench bench;
  bench.disk("sda");
  bench.hold<RunTableAction>();
  bench.start();
  bench.ask(RequestKind::shutdown);
  EXPECT_EQ(bench.exits, 0);
  bench.run(seconds{4});
  EXPECT_EQ(bench.exits, 1);
}

TEST(Shutdown, LeavesQueueingOnIfToldTo) {
  Bench bench("no_path_retry queue\nqueue_without_daemon yes");
  bench.disk("sda");
  bench.start();
  bench.ask(RequestKind::shutdown);
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_EQ(bench.exits, 1);
}

// --- those that only look ----------------------------------------------------------------------------------------

TEST(Observers, ChangeNothing) {
  for (Mode mode : {Mode::observe, Mode::list}) {
    SCOPED_TRACE(mode == Mode::observe ? "observe" : "list");
    Bench bench("no_path_retry queue", {.mode = mode});
    bench.disk("sda").answer = Answer::dead;
    bench.disk("sdb");
    bench.disk("sdc", 2);
    bench.kernel_map({{"sdb"}, {"sda"}});
    bench.kernel_path("sdb")->state = KernelPathState::failed;
    bench.start();
    bench.kernel_fails("sda");
    bench.map_uevent();
    bench.disappear("sda");
    for (RequestKind kind : {RequestKind::reload_map, RequestKind::remove_map, RequestKind::disable_queueing,
                             RequestKind::switch_group, RequestKind::shutdown}) {
      bench.ask(kind, {}, 1);
    }
    bench.run(minutes{1});
    EXPECT_EQ(bench.states.at(2), State::idle);
    EXPECT_THAT(bench.actions, IsEmpty());
    EXPECT_THAT(bench.messages, IsEmpty());
  }
}

TEST(Observers, ListSendsNoCommandAndObserveChecksThePathsOfMapsOnce) {
  for (Mode mode : {Mode::observe, Mode::list}) {
    Bench bench("", {.mode = mode});
    bench.disk("sda");
    bench.disk("sdb", 2);
    bench.kernel_map({{"sda"}});
    bench.start();
    EXPECT_EQ(bench.states.back(), State::idle);
    EXPECT_EQ(bench.commands > 0, mode == Mode::observe);
    EXPECT_EQ(bench.health("sda"), mode == Mode::observe ? PathState::up : PathState::unchecked);
    EXPECT_EQ(bench.health("sdb"), PathState::unchecked);
  }
}

TEST(Observers, SurveyChecksEveryPathAndChangesNothing) {
  Bench bench("find_multipaths greedy", {.mode = Mode::survey});
  bench.disk("sda");
  bench.disk("sdb", 2).answer = Answer::dead;
  bench.disk("sdc", 3).answer = Answer::none;
  bench.kernel_map({{"sda"}});
  bench.start();
  bench.run(seconds{4});
  EXPECT_EQ(bench.states.back(), State::idle);
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_EQ(bench.health("sdb"), PathState::down);
  EXPECT_EQ(bench.health("sdc"), PathState::pending);
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Observers, ShowAPathThatHangsAsPending) {
  Bench bench("", {.mode = Mode::observe});
  bench.disk("sda").answer = Answer::none;
  bench.kernel_map({{"sda"}});
  bench.start();
  EXPECT_EQ(bench.states.back(), State::configure);
  bench.run(seconds{3});
  EXPECT_EQ(bench.states.back(), State::idle);
  EXPECT_EQ(bench.health("sda"), PathState::pending);
}

}  // namespace
}  // namespace mpath::engine
