// SPDX-License-Identifier: LGPL-2.1-or-later
// How the engine runs checkers and prioritizers: what is asked once for several paths, and what is left alone.
#include "tests/unit/engine/fixture.h"
#include "tests/unit/policy/method_fixture.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Two paths in each of two port groups, everything settled.
struct FourPaths : Bench {
  explicit FourPaths(std::string defaults = {}) : Bench(std::move(defaults)) {
    alua_disk("sda", 1);
    alua_disk("sdb", 1);
    alua_disk("sdc", 2);
    alua_disk("sdd", 2);
    access = {{1, 0}, {2, 1}};
    kernel_map({{"sda", "sdb"}, {"sdc", "sdd"}});
    start();
    run(minutes{3});
    forget();
  }
};

TEST(AluaChecker, OneReportForEachPortGroupAndInterval) {
  FourPaths bench("path_checker alua");
  EXPECT_EQ(bench.path("sda")->checker, "alua");
  bench.run(minutes{10});
  EXPECT_EQ(bench.commands, bench.target_group_reports) << "nothing else is asked";
  EXPECT_NEAR(static_cast<double>(bench.commands), 2.0 * 600 / 20, 8);
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(AluaChecker, OneReportForEachPortGroupAndSecondWhereThatIsTheInterval) {
  FourPaths bench("path_checker alua\npolling_interval 1\nmax_polling_interval 1");
  bench.run(minutes{2});
  EXPECT_EQ(bench.commands, bench.target_group_reports);
  EXPECT_NEAR(static_cast<double>(bench.commands), 2.0 * 120, 10);
}

TEST(Priority, OneReportForAllPathsOfAMapAndSecondWhereThatIsTheInterval) {
  FourPaths bench("polling_interval 1\nmax_polling_interval 1");
  bench.run(minutes{2});
  EXPECT_NEAR(static_cast<double>(bench.target_group_reports), 120.0, 10);
}

TEST(Priority, ArgumentsAreOfNoConcernToAPrioritizerThatWasDetected) {
  const struct {
    const char* defaults;
    int preferred_optimized;
  } rows[] = {{"prio alua\nprio_args exclusive_pref_bit", 50}, {"detect_prio no\nprio alua\nprio_args exclusive_pref_bit", 130},
              {"detect_prio no\nprio alua", 50}};
  for (const auto& row : rows) {
    SCOPED_TRACE(row.defaults);
    FourPaths bench(row.defaults);
    bench.access = {{1, 0x80}, {2, 0x81}};
    bench.run(seconds{25});
    EXPECT_EQ(bench.path("sda")->priority, row.preferred_optimized);
    EXPECT_EQ(bench.path("sdc")->priority, 90);
  }
}

TEST(AluaChecker, EachPathHasItsTurn) {
  FourPaths bench("path_checker alua");
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(minutes{1});
  EXPECT_EQ(bench.health("sdb"), PathState::down);
  EXPECT_EQ(bench.health("sda"), PathState::up);
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(seconds{10});
  EXPECT_EQ(bench.health("sdb"), PathState::up) << "a path that is down is asked itself";
}

TEST(AluaChecker, TheStateOfAGroupIsThatOfAllItsPaths) {
  FourPaths bench("path_checker alua");
  bench.access[1] = 0x3;
  bench.run(seconds{25});
  EXPECT_EQ(bench.health("sda"), PathState::down);
  EXPECT_EQ(bench.health("sdb"), PathState::down);
  EXPECT_EQ(bench.health("sdc"), PathState::up);
  EXPECT_THAT(bench.take_messages(), ElementsAre("fail_path 8:0", "fail_path 8:16"));
  bench.access[1] = 0x2;
  bench.run(seconds{25});
  EXPECT_EQ(bench.health("sda"), PathState::ghost);
  EXPECT_EQ(bench.health("sdb"), PathState::ghost);
}

TEST(AluaChecker, APathThatHangsIsNotWaitedForByItsGroup) {
  FourPaths bench("path_checker alua\nchecker_timeout 10");
  bench.disks.at("sda").answer = Answer::none;
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{45});
  EXPECT_EQ(bench.health("sdb"), PathState::down);
  EXPECT_EQ(bench.health("sda"), PathState::timeout);
}

TEST(AluaChecker, WithoutPortGroupsItIsTur) {
  Bench bench("path_checker alua");
  bench.disk("sda");
  bench.kernel_map({{"sda"}});
  bench.start();
  bench.run(seconds{30});
  EXPECT_EQ(bench.path("sda")->checker, "tur");
  EXPECT_EQ(bench.health("sda"), PathState::up);
}

TEST(Checker, AnUnknownNameLeavesThePathAsItIsAndSaysSoOnce) {
  Bench bench("path_checker nonsense\ndetect_checker no");
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.start();
  bench.run(minutes{2});
  EXPECT_EQ(bench.health("sda"), PathState::unchecked);
  EXPECT_EQ(bench.path("sda")->checker, "");
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_EQ(bench.times_logged("left as it is, checker nonsense"), 2) << "once for each path";
}

TEST(Checker, OneThatCannotAskTheDeviceIsWildAndFailsNothing) {
  Bench bench("path_checker tur");
  Disk& made = bench.disk("sda");
  made.found.facts.bus = Bus::nvme;
  made.takes_no_commands = true;
  made.found.facts.tpg_support = TpgSupport::undetermined;
  bench.kernel_map({{"sda"}});
  bench.start();
  bench.run(minutes{2});
  EXPECT_EQ(bench.health("sda"), PathState::wild);
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
}

TEST(Checker, ADirectReadThatIsLateIsDownNotTimedOut) {
  Bench bench("path_checker directio\nchecker_timeout 10");
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.start();
  bench.run(seconds{30});
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{35});
  EXPECT_EQ(bench.health("sda"), PathState::down);
  std::size_t asked = bench.hung.size();
  bench.run(minutes{5});
  EXPECT_EQ(bench.hung.size(), asked) << "no second read while the first is under way";
  bench.answers_again("sda");
  bench.run(seconds{10});
  EXPECT_EQ(bench.health("sda"), PathState::up);
}

TEST(Checker, WhatADeviceSupportsIsAskedOnce) {
  Bench bench;
  bench.disk("sda").found.facts.tpg_support = TpgSupport::undetermined;
  bench.kernel_map({{"sda"}});
  bench.start();
  bench.run(seconds{30});
  std::size_t before = bench.commands;
  bench.run(minutes{1});
  EXPECT_LE(bench.commands - before, 2U * 12) << "TEST UNIT READY, and reports of port groups where there are some";
}

/// Two paths of a CLARiiON, whose page names the volume. A dead path comes back with `volume` behind it.
struct Clariion : Bench {
  Clariion() : Bench("path_checker emc_clariion\ndetect_checker no\nprio const") {
    disk("sda");
    disk("sdb");
    array = [this](const std::string& name, const ScsiCommand& command) -> std::optional<CommandOutcome> {
      if (command.cdb[0] != inquiry_code || command.cdb[2] != 0xc0) return std::nullopt;
      CommandOutcome outcome;
      outcome.data = policy::emc_page(1);
      outcome.data[10] = static_cast<std::uint8_t>(disks.at(name).volume);  // the first byte of its WWN
      return outcome;
    };
    kernel_map({{"sda"}, {"sdb"}});
  }
  void dies() {
    disks.at("sdb").answer = Answer::dead;
    run(minutes{1});
  }
  void returns_as(std::uint32_t volume) {
    disks.at("sdb").answer = Answer::good;
    disks.at("sdb").volume = volume;
    run(minutes{1});
  }
};

TEST(Checker, WhatAStrangerSaidIsNotHeldAgainstTheVolumeWhenItIsBack) {
  Clariion bench;
  bench.disks.at("sdb").answer = Answer::dead;
  bench.start();
  bench.dies();
  ASSERT_EQ(bench.health("sdb"), PathState::down);
  bench.returns_as(2);
  ASSERT_EQ(bench.times_logged("another volume answers behind this device than"), 1);
  bench.dies();
  bench.returns_as(1);
  EXPECT_EQ(bench.health("sdb"), PathState::up);
}

TEST(Checker, AStrangerThatItsOwnPageGivesAwayLeavesTheTableToo) {
  Clariion bench;
  bench.start();
  bench.run(minutes{1});
  bench.dies();
  bench.returns_as(2);
  EXPECT_EQ(bench.health("sdb"), PathState::down);
  EXPECT_EQ(bench.times_logged("another volume answers behind this device than"), 1);
  EXPECT_EQ(bench.groups(), "sda");
  bench.dies();
  bench.returns_as(1);
  EXPECT_EQ(bench.groups(), "sda | sdb");
}

TEST(Priority, ADeviceThatNeverReportedItsPortGroupsHasNone) {
  Bench bench("path_grouping_policy group_by_prio");
  for (const char* name : {"sda", "sdb"}) bench.alua_disk(name, 1).target_groups_fail = true;
  bench.start();
  bench.run(seconds{30});
  EXPECT_EQ(bench.path("sda")->prioritizer, "const");
  EXPECT_EQ(bench.path("sda")->priority, 1);
  EXPECT_EQ(bench.groups(), "sda sdb");
}

TEST(Priority, ADeviceThatNamesNoPortGroupHasNone) {
  Bench bench("path_grouping_policy group_by_prio");
  bench.alua_disk("sda", 0);
  bench.alua_disk("sdb", 0);
  bench.access = {{1, 0}};
  bench.start();
  bench.run(seconds{30});
  EXPECT_EQ(bench.path("sda")->prioritizer, "const");
  EXPECT_EQ(bench.groups(), "sda sdb");
}

TEST(Priority, OfAnUnknownMethodIsUndefinedAndHoldsNothingUp) {
  Bench bench("prio nonsense\ndetect_prio no");
  bench.disk("sda");
  bench.disk("sdb");
  bench.start();
  bench.run(seconds{5});
  EXPECT_TRUE(bench.has_map());
  EXPECT_EQ(bench.path("sda")->priority, std::nullopt);
  EXPECT_EQ(bench.path("sda")->prioritizer, "");
  EXPECT_EQ(bench.times_logged("there is no prioritizer of the configured name"), 1);
}

TEST(Priority, ArgumentsAreParsedOnceAndRemarkedOnce) {
  Bench bench("prio weightedpath\nprio_args \"devname sda 5 sdb x\"");
  bench.disk("sda");
  bench.disk("sdb");
  bench.start();
  bench.run(minutes{1});
  EXPECT_EQ(bench.path("sda")->priority, 5);
  EXPECT_EQ(bench.path("sdb")->priority, 0);
  EXPECT_EQ(bench.times_logged("is not an expression and a number"), 1);
}

TEST(Priority, ThatAPathDoesNotTellBecauseItFailsMovesItToNoOtherGroup) {
  Bench bench("path_grouping_policy group_by_prio\nfailback immediate\ndetect_prio no\nprio emc");
  for (const char* name : {"sda", "sdb", "sdc", "sdd"}) bench.disk(name, 1, name[2] < 'c' ? 1 : 2);
  bool tells = true;
  bench.array = [&](const std::string& name, const ScsiCommand& command) -> std::optional<CommandOutcome> {
    if (command.cdb[0] != inquiry_code || command.cdb[2] != 0xc0) return std::nullopt;
    CommandOutcome outcome;
    outcome.data = policy::emc_page(tells ? (name < "sdc" ? 2 : 1) : 0xff);
    return outcome;
  };
  bench.start();
  bench.map_uevent();
  bench.run(minutes{2});
  ASSERT_EQ(bench.groups(), "sda sdb | sdc sdd");
  bench.disks.at("sdd").unanswered = {inquiry_code};
  for (int second = 0; second < 60 && bench.hung.empty(); ++second) bench.run(seconds{1});
  ASSERT_EQ(bench.hung.size(), 1U);
  bench.ask(RequestKind::fail_path, "sdd");
  tells = false;
  bench.answers_again("sdd");
  tells = true;
  ASSERT_EQ(bench.path("sdd")->priority, std::nullopt);
  bench.forget();
  bench.run(minutes{2});
  EXPECT_EQ(bench.groups(), "sda sdb | sdc sdd");
  EXPECT_THAT(bench.actions, IsEmpty());
  bench.ask(RequestKind::reinstate_path, "sdd");
  bench.run(seconds{10});
  EXPECT_EQ(bench.kernel_state("sdd"), KernelPathState::active);
  EXPECT_THAT(bench.actions, IsEmpty());
}

/// A path that has answered its checker and then does not answer what is asked for its priority.
class HangingQuery : public ::testing::Test {
 protected:
  HangingQuery() {
    bench.alua_disk("sda", 1);
    bench.alua_disk("sdb", 1);
    bench.start();
    bench.map_uevent();
    bench.run(minutes{2});
    for (auto& [disk, known] : bench.disks) known.target_groups_hang = true;
    for (int second = 0; second < 60 && bench.hung.empty(); ++second) bench.run(seconds{1});
    name = bench.attached_paths.at(bench.hung.at(0).path);
    bench.run(seconds{33});
  }
  Bench bench;
  std::string name;
};

TEST_F(HangingQuery, ItsEndBringsThePathBackOnlyIfTheCheckerSaysSoOnceMore) {
  EXPECT_EQ(bench.health(name), PathState::timeout);
  EXPECT_EQ(bench.kernel_state(name), KernelPathState::failed);
  (void)bench.take_messages();
  bench.answers_again(name, Answer::dead);
  EXPECT_EQ(bench.health(name), PathState::down);
  bench.run(seconds{20});
  EXPECT_EQ(bench.kernel_state(name), KernelPathState::failed);
}

TEST_F(HangingQuery, APathThatWorksServesAllTheSame) {
  bench.answers_again(name);
  EXPECT_EQ(bench.health(name), PathState::up);
  EXPECT_EQ(bench.kernel_state(name), KernelPathState::active);
}

}  // namespace
}  // namespace mpath::engine
