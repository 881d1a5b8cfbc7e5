// SPDX-License-Identifier: LGPL-2.1-or-later
// A check that is not answered makes its path suspect while a sibling answers; what is done about it, and what is not.
#include "tests/unit/engine/fixture.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

using Groups = std::vector<std::vector<std::string>>;
const Groups together = {{"sda", "sdb"}};

/// One volume with so many paths, each behind a port of its own; settled for two minutes, so that checks are 20 s apart.
struct Volume : Bench {
  explicit Volume(const Groups& groups, const std::string& defaults = {}, const std::string& handler = "0",
                  TpgSupport support = TpgSupport::none)
      : Bench(defaults) {
    std::uint16_t port = 0;
    for (std::size_t group = 0; group < groups.size(); ++group) {
      for (const std::string& name : groups[group]) {
        PathFacts& facts = disk(name, 1, ++port).found.facts;
        facts.tpg_support = support;
        facts.serial = std::to_string(group);
      }
    }
    kernel_map(groups).table.hardware_handler = handler;
    configure("path_grouping_policy group_by_serial\n" + defaults,
              handler == "0" ? "" : "devices {\ndevice {\nvendor ACME\nproduct ARRAY\ndetect_prio no\nhardware_handler \"" + handler + "\"\n}\n}\n");
    start();
    run(minutes{2});
    messages.clear();
    logs.clear();
  }
  /// The disk goes silent, and is asked at once.
  void hang(const std::string& name) {
    disks.at(name).answer = Answer::none;
    step(LinkEvent{.host = disks.at(name).found.facts.address->host, .target_port = {}, .kind = LinkEvent::Kind::changed});
    run(Duration{0});
  }
  [[nodiscard]] bool is_avoided(const std::string& name) {
    auto view = path(name);
    return view->suspect && view->suspect->avoided;
  }
};

TEST(Suspicion, NewIoAvoidsAPathWhoseCheckIsNotAnsweredWhileASiblingAnswers) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(milliseconds{1900});
  EXPECT_THAT(bench.messages, IsEmpty());
  bench.run(milliseconds{200});
  EXPECT_THAT(bench.take_messages(), ElementsAre("fail_path 8:0"));
  EXPECT_EQ(bench.hung.size(), 1U) << "the check stays outstanding, no second command is sent";
  auto view = bench.path("sda");
  ASSERT_TRUE(view->suspect);
  EXPECT_TRUE(view->suspect->avoided);
  EXPECT_EQ(view->health.reason, "suspect: its check is outstanding far longer than those of its siblings");
  EXPECT_EQ(checker_word(view->health.state), "i/o pending");
  EXPECT_EQ(view->kernel_state, KernelPathState::failed);
  EXPECT_EQ(bench.times_logged("sda: suspect: its check has not been answered for 2.0 s, sdb answers"), 1);
  EXPECT_EQ(bench.times_logged("sda: path is up, suspect"), 0) << "it is told once";
}

TEST(Suspicion, TheFirstGoodAnswerBringsThePathBackAtOnce) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(seconds{7});
  bench.messages.clear();
  bench.answers_again("sda");
  EXPECT_THAT(bench.take_messages(), ElementsAre("reinstate_path 8:0"));
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_FALSE(bench.path("sda")->suspect);
  EXPECT_EQ(bench.times_logged("sda: answers its checks again, after 7.0 s"), 1);
}

TEST(Suspicion, ALonePathIsOutOfServiceWithinItsIntervalAndThreeSeconds) {
  Volume bench(together);
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{20 + 3});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

TEST(Suspicion, WhatWeFailedOurselvesCountsNowhere) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(seconds{5});
  bench.map_event();
  EXPECT_EQ(bench.picture()->maps.at(0)->path_faults, 0U);
  EXPECT_EQ(bench.path("sda")->failures, 0U);
  bench.answers_again("sda");
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active) << "held back by no rule";
}

TEST(Suspicion, IsOverWithAConfigurationThatSwitchesItOffWhileAnAnswerIsLate) {
  Volume bench(together);
  bench.hang("sda");
  bench.hang("sdb");
  bench.run(seconds{5});
  ASSERT_THAT(bench.take_messages(), IsEmpty()) << "nobody else answers";
  bench.configure("path_grouping_policy group_by_serial\nsuspect_after off");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{1});
  bench.answers_again("sdb");
  bench.run(seconds{10});
  bench.hang("sdb");
  bench.answers_again("sdb");
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_messages(), IsEmpty());
  EXPECT_FALSE(bench.path("sda")->suspect);
}

TEST(Suspicion, IsOverForAPathThatIsAvoidedWhenAConfigurationSwitchesItOff) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(seconds{5});
  ASSERT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.configure("path_grouping_policy group_by_serial\nsuspect_after off");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{1});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_FALSE(bench.path("sda")->suspect);
  EXPECT_EQ(bench.health("sda"), PathState::up) << "until the time of the check is over";
  bench.run(minutes{1});
  EXPECT_EQ(bench.health("sda"), PathState::timeout);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

TEST(Suspicion, NeitherShortensACommandNorSendsAnotherNorClosesAnything) {
  Volume bench(together, "checker_timeout 45");
  bench.hang("sda");
  bench.run(seconds{40});
  ASSERT_TRUE(bench.is_avoided("sda"));
  ASSERT_EQ(bench.hung.size(), 1U);
  EXPECT_EQ(std::get<ScsiCommand>(bench.hung.front().command).timeout, seconds{45});
  EXPECT_TRUE(bench.attached_paths.contains(bench.hung.front().path));
}

TEST(Suspicion, TheLastUsablePathIsNeverAvoided) {
  Volume bench(together);
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{25});
  bench.messages.clear();
  bench.hang("sda");
  bench.run(seconds{20});
  EXPECT_THAT(bench.take_messages(), IsEmpty());
}

TEST(Suspicion, APathThatBecomesTheLastOneIsUsedAgain) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(seconds{3});
  EXPECT_TRUE(bench.is_avoided("sda"));
  bench.messages.clear();
  bench.disks.at("sdb").answer = Answer::dead;
  bench.kernel_fails("sdb");
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(bench.times_logged("sda: used again though its check is not answered"), 1);
  EXPECT_TRUE(bench.path("sda")->suspect) << "still reported";
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(seconds{8});
  EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::active);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed) << "and avoided again as soon as another one answers";
}

TEST(Suspicion, WhenTheWholeArrayIsSilentNobodyIsSuspect) {
  Volume bench(together);
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).answer = Answer::none;
  bench.run(seconds{40});
  EXPECT_EQ(bench.times_logged("suspect"), 0);
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Suspicion, AnAnswerOfTheInstantBeforeTheArrayWentSilentProvesNothing) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(milliseconds{100});
  bench.disks.at("sdb").answer = Answer::none;  // its check of a moment ago was answered
  bench.run(seconds{20});
  EXPECT_EQ(bench.times_logged("suspect"), 0);
}

TEST(Suspicion, ASlowArrayIsGivenTwentyTimesWhatIsUsual) {
  Volume bench(Groups{{"sda", "sdb", "sdc"}});
  for (auto& [name, known] : bench.disks) known.round_trip = milliseconds{450};
  bench.run(minutes{6});
  bench.hang("sda");
  bench.run(seconds{8});
  EXPECT_EQ(bench.times_logged("suspect"), 0);
  bench.run(seconds{3});
  EXPECT_EQ(bench.times_logged("sda: suspect"), 1);
}

TEST(Suspicion, NoTrespassForAStall) {
  struct Case {
    const char* name;
    Groups groups;
    const char* handler;
    TpgSupport support;
    bool avoided;
  };
  const Case cases[] = {
      {"explicit ALUA, alone in its group", {{"sda"}, {"sdb"}}, "1 alua", TpgSupport::implicit_and_explicit, false},
      {"explicit ALUA, another path in the group", {{"sda", "sdc"}, {"sdb"}}, "1 alua", TpgSupport::implicit_and_explicit, true},
      {"explicit ALUA, in the group that is not used", {{"sdb"}, {"sda"}}, "1 alua", TpgSupport::implicit_and_explicit, true},
      {"implicit ALUA", {{"sda"}, {"sdb"}}, "1 alua", TpgSupport::implicit_only, true},
      {"an older handler", {{"sda"}, {"sdb"}}, "1 emc", TpgSupport::none, false},
      {"no handler", {{"sda"}, {"sdb"}}, "0", TpgSupport::none, true},
  };
  for (const Case& c : cases) {
    Volume bench(c.groups, "failback immediate\ndetect_prio no\ndetect_pgpolicy no", c.handler, c.support);
    EXPECT_EQ(bench.map().table.hardware_handler, c.handler) << c.name;
    bench.actions.clear();
    bench.messages.clear();
    bench.hang("sda");
    bench.run(seconds{3});
    EXPECT_EQ(bench.times_logged("sda: suspect"), 1) << c.name;
    EXPECT_EQ(bench.is_avoided("sda"), c.avoided) << c.name;
    EXPECT_EQ(bench.kernel_state("sda") == KernelPathState::failed, c.avoided) << c.name;
    bool may_switch = c.handler == std::string("0") || c.support == TpgSupport::implicit_only;
    auto switches = [](const std::string& message) { return message.contains("switch"); };
    EXPECT_TRUE(may_switch || std::ranges::none_of(bench.messages, switches)) << c.name;
    EXPECT_THAT(bench.take_actions(), IsEmpty()) << c.name;
  }
}

TEST(Suspicion, TheGroupThatTheKernelTurnedToByItselfCountsThoughNoEventToldOfIt) {
  Volume bench({{"sda"}, {"sdb"}}, "failback manual\ndetect_prio no\ndetect_pgpolicy no", "1 alua", TpgSupport::implicit_and_explicit);
  bench.map().table.groups[0].state = KernelGroupState::enabled;
  bench.map().table.groups[1].state = KernelGroupState::active;
  bench.hang("sda");
  // Seen anew when the path becomes suspect; judged by it at the next answer of the other one.
  bench.run(seconds{25});
  EXPECT_TRUE(bench.is_avoided("sda"));
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

TEST(Suspicion, TheKeywordTunesIt) {
  struct Case {
    const char* value;
    seconds not_before;
    seconds after;  ///< 0: never
  };
  for (const Case& c : {Case{"off", seconds{25}, seconds{0}}, Case{"0", seconds{25}, seconds{0}}, Case{"10", seconds{9}, seconds{2}},
                        Case{"1", seconds{0}, seconds{2}}}) {
    Volume bench(together, std::string("suspect_after ") + c.value);
    bench.hang("sda");
    bench.run(c.not_before);
    EXPECT_FALSE(bench.is_avoided("sda")) << c.value;
    bench.run(c.after);
    EXPECT_EQ(bench.is_avoided("sda"), c.after.count() > 0) << c.value;
  }
}

TEST(Suspicion, AMachineThatWasPausedSuspectsNobody) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(milliseconds{100});
  // It stood still for a minute; the answers were there all the time and are taken first.
  bench.now += minutes{1};
  bench.answers_again("sda");
  bench.run(seconds{1});
  EXPECT_EQ(bench.times_logged("suspect"), 0);
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Suspicion, ASuspectPathHoldsLoadsBackAsAHangingOneDoes) {
  Volume bench(together);
  bench.hang("sda");
  bench.run(seconds{3});
  bench.actions.clear();
  bench.disk("sdc", 1, 3);
  bench.appear("sdc");
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_actions(), IsEmpty());
  EXPECT_THAT(bench.picture()->maps.at(0)->deferred, testing::HasSubstr("sda has not answered"));
  bench.answers_again("sda");
  bench.run(seconds{5});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(TableActionKind::reload));
}

TEST(Suspicion, APortThatHangsIsOutOfServiceWithinFiveSecondsAndNothingElseIs) {
  Bench bench;
  std::uint32_t number = 0;
  for (std::uint16_t port : {1, 2}) {
    for (std::uint32_t volume = 1; volume <= 16; ++volume) {
      bench.disk(fmt::format("sda{}", ++number), volume, port).found.facts.devnum = {8, number};
    }
  }
  for (std::uint32_t volume = 1; volume <= 16; ++volume) {
    bench.kernel_map({{fmt::format("sda{}", volume), fmt::format("sda{}", volume + 16)}}, volume);
  }
  bench.start();
  bench.run(minutes{3});
  bench.messages.clear();
  for (int moment = 0; moment < 10; ++moment) {
    for (std::uint32_t i = 1; i <= 16; ++i) bench.disks.at(fmt::format("sda{}", i)).answer = Answer::none;
    bench.run(seconds{5});
    for (std::uint32_t i = 1; i <= 32; ++i) {
      EXPECT_EQ(bench.kernel_state(fmt::format("sda{}", i)), i <= 16 ? KernelPathState::failed : KernelPathState::active) << i;
    }
    for (std::uint32_t i = 1; i <= 16; ++i) bench.answers_again(fmt::format("sda{}", i));
    for (std::uint32_t i = 1; i <= 16; ++i) EXPECT_EQ(bench.kernel_state(fmt::format("sda{}", i)), KernelPathState::active) << i;
    bench.run(seconds{40} + milliseconds{1370});
  }
  EXPECT_EQ(bench.messages.size(), 10U * 16 * 2) << "each fails once and returns once";
}

TEST(Suspicion, AHostThatIsFullOfWorkMakesNobodySuspect) {
  Volume bench(together);
  bench.hang("sda");
  for (int second = 0; second < 10; ++second) {
    bench.step(HostBusy{1});
    bench.run(seconds{1});
  }
  EXPECT_FALSE(bench.is_avoided("sda"));
  bench.run(seconds{3});
  EXPECT_TRUE(bench.is_avoided("sda")) << "it does not even work any more";
}

TEST(Suspicion, AQueryThatHangsCountsOnlyBesideAHangingCheckOfThePort) {
  Bench bench;
  for (std::uint16_t group : {1, 2}) {
    for (std::uint32_t volume : {1U, 2U}) {
      std::string name = std::string("sd") + static_cast<char>('a' + 2 * (group - 1) + static_cast<int>(volume) - 1);
      bench.alua_disk(name, group, volume);
    }
  }
  bench.kernel_map({{"sda"}, {"sdc"}}, 1);
  bench.kernel_map({{"sdb"}, {"sdd"}}, 2);
  bench.start();
  bench.run(minutes{2});
  for (const char* name : {"sda", "sdc"}) bench.disks.at(name).target_groups_hang = true;
  for (int second = 0; second < 30 && bench.hung.empty(); ++second) bench.run(seconds{1});
  ASSERT_EQ(bench.hung.size(), 1U);
  std::string asker = bench.attached_paths.at(bench.hung[0].path);
  std::string beside = asker == "sda" ? "sdb" : "sdd";
  for (const char* name : {"sda", "sdc"}) bench.disks.at(name).target_groups_hang = false;
  bench.run(seconds{10});
  EXPECT_EQ(bench.times_logged("suspect"), 0) << "the port answers";
  bench.disks.at(beside).answer = Answer::none;
  bench.step(LinkEvent{.host = bench.disks.at(beside).group, .target_port = {}, .kind = LinkEvent::Kind::changed});
  bench.run(seconds{3});
  EXPECT_EQ(bench.times_logged(beside + ": suspect"), 1);
  EXPECT_EQ(bench.times_logged(asker + ": suspect"), 1);
}

TEST(Suspicion, ASiblingThatAnotherPathSpeaksForIsAskedItself) {
  Bench bench("path_checker alua\ndetect_checker no");
  for (const char* name : {"sda", "sdb", "sdc"}) bench.alua_disk(name, 1).found.facts.address->target = static_cast<std::uint32_t>(name[2]);
  bench.kernel_map({{"sda", "sdb", "sdc"}});
  bench.start();
  bench.run(seconds{125});
  bench.disks.at("sdb").answer = Answer::none;
  bench.appear("sdb");
  bench.run(seconds{3});
  EXPECT_EQ(bench.times_logged("sdb: suspect"), 1);
}

TEST(Suspicion, DoesNotSurviveARestartIntoAConfigurationWithoutIt) {
  Volume before(together);
  before.hang("sda");
  before.run(seconds{3});
  Bench after("suspect_after off");
  after.disks = before.disks;
  after.kernel = before.kernel;
  after.run_state_file = before.run_state_file;
  after.start();
  after.run(seconds{10});
  EXPECT_FALSE(after.path("sda")->suspect);
}

TEST(Suspicion, SurvivesARestart) {
  Volume before(together);
  before.hang("sda");
  before.run(seconds{3});
  Bench after;
  after.disks = before.disks;
  after.kernel = before.kernel;
  after.run_state_file = before.run_state_file;
  after.start();
  after.run(seconds{10});
  EXPECT_EQ(after.kernel_state("sda"), KernelPathState::failed);
  EXPECT_TRUE(after.path("sda")->suspect);
  after.answers_again("sda");
  EXPECT_EQ(after.kernel_state("sda"), KernelPathState::active);
}

}  // namespace
}  // namespace mpath::engine
