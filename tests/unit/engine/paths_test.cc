// SPDX-License-Identifier: LGPL-2.1-or-later
// Health of paths: failure, recovery, strangers, kernel failures, hanging commands, coming and going.
#include "tests/unit/engine/settled.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr auto reload = TableActionKind::reload;
constexpr auto resize = TableActionKind::resize;

TEST(Health, AFailureIsSentToTheKernelAndNothingIsLoaded) {
  Settled bench;
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{20});
  EXPECT_EQ(bench.health("sda"), PathState::down);
  EXPECT_THAT(bench.take_messages(), ElementsAre("fail_path 8:0"));
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_EQ(bench.gathers, 1U) << "the device is looked at once after it failed";
}

TEST(Health, APathReturnsOnlyAfterItWasIdentified) {
  Settled bench;
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{20});
  bench.forget();
  bench.disks.at("sda").answer = Answer::good;
  bench.hold<SubmitCommand>();
  bench.run(seconds{10});
  bench.release<SubmitCommand>();
  bench.run(seconds{10});
  EXPECT_EQ(bench.inquiries, 1U);
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_THAT(bench.take_messages(), ElementsAre("reinstate_path 8:0"));
  EXPECT_THAT(bench.actions, IsEmpty());
}

TEST(Health, AStrangerBehindADeviceCarriesNoIo) {
  Settled bench;
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{20});
  bench.forget();
  bench.disks.at("sda").answer = Answer::good;
  bench.disks.at("sda").volume = 2;  // the array gave the LUN number to another volume meanwhile
  bench.run(minutes{1});
  EXPECT_EQ(bench.health("sda"), PathState::down);
  EXPECT_THAT(bench.messages, testing::Not(testing::Contains("reinstate_path 8:0")));
  EXPECT_EQ(bench.groups(), "sdb") << "it leaves the table";
  EXPECT_EQ(bench.times_logged("another volume answers"), 1);
  bench.disks.at("sda").volume = 1;
  bench.run(minutes{1});
  EXPECT_EQ(bench.groups(), "sdb | sda");
}

TEST(Health, ADeviceThatRefusesTheIdentityPageIsNotAskedAgainAndAgain) {
  Settled bench;
  bench.disks.at("sda").refuses_inquiry = true;
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{20});
  bench.disks.at("sda").answer = Answer::good;
  bench.run(seconds{20});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  bench.forget();
  bench.run(minutes{5});
  EXPECT_EQ(bench.inquiries, 0U);
}

TEST(Health, AGoodCheckSaysNothing) {
  Settled bench;
  bench.run(minutes{10});
  EXPECT_THAT(bench.logs, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_GT(bench.commands, 2U * 10 * 60 / 25);
  EXPECT_LT(bench.commands, 2U * 10 * 60 / 15) << "the interval is max_polling_interval by now";
}

TEST(Health, ChecksOfOneMapFallTogether) {
  Settled bench;
  bench.run(minutes{2});
  auto first = bench.path("sda")->next_check;
  EXPECT_EQ(bench.path("sdb")->next_check, first);
}

// --- commands that do not come back ------------------------------------------------------------------------------

TEST(Hanging, APathIsOutOfServiceAfterItsTimeoutAndAskedNothingMore) {
  Settled bench("checker_timeout 10");
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{20} + seconds{13});
  EXPECT_EQ(bench.health("sda"), PathState::timeout);
  EXPECT_THAT(bench.take_messages(), ElementsAre("fail_path 8:0"));
  EXPECT_EQ(bench.hung.size(), 1U);
  bench.run(minutes{10});
  EXPECT_EQ(bench.hung.size(), 1U);
  EXPECT_EQ(bench.picture()->counters.checks_outstanding, 1U);
  bench.answers_again("sda");
  bench.run(seconds{1});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_THAT(bench.take_messages(), ElementsAre("reinstate_path 8:0"));
  EXPECT_EQ(bench.picture()->counters.checks_outstanding, 0U);
}

TEST(Hanging, ADetachedPathLeavesNoCheckOutstanding) {
  Settled bench;
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{20});
  ASSERT_EQ(bench.picture()->counters.checks_outstanding, 1U);
  SubmitCommand lost = bench.hung.at(0);
  bench.disappear("sda");
  EXPECT_EQ(bench.picture()->counters.checks_outstanding, 0U);
  auto stale = bench.picture()->counters.stale_completions;
  bench.step(CommandFinished{lost.op, lost.path, {}});
  EXPECT_EQ(bench.picture()->counters.stale_completions, stale + 1);
  EXPECT_EQ(bench.picture()->counters.checks_outstanding, 0U);
}

TEST(Hanging, AMachineThatStoodStillFailsNoPath) {
  Settled bench("checker_timeout 10\nno_path_retry 3");
  bench.hold<SubmitCommand>();
  while (bench.waiting.size() < 2) bench.run(milliseconds{100});
  bench.now += minutes{60};  // the machine sleeps
  bench.step(TimeAdvanced{});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_EQ(bench.health("sdb"), PathState::up);
  bench.run(seconds{1});
  bench.release<SubmitCommand>();
  bench.run(seconds{30});
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Hanging, NotEvenOneThatWokeJustAfterADeadline) {
  for (int late_by = 0; late_by <= 600; late_by += 100) {
    SCOPED_TRACE(late_by);
    Settled bench("checker_timeout 10");
    bench.hold<SubmitCommand>();
    while (bench.waiting.size() < 2) bench.run(milliseconds{100});
    bench.now = bench.engine.next_deadline() + milliseconds{late_by};  // asleep until then
    bench.step(TimeAdvanced{});
    EXPECT_EQ(bench.health("sda"), PathState::up) << "its answer is on its way";
    bench.run(milliseconds{20});
    bench.release<SubmitCommand>();
    bench.run(seconds{30});
    EXPECT_THAT(bench.messages, IsEmpty());
  }
}

TEST(Hanging, NotEvenWhenAQueryComesFirst) {
  Settled bench("checker_timeout 10");
  bench.hold<SubmitCommand>();
  while (bench.waiting.size() < 2) bench.run(milliseconds{100});
  bench.now += minutes{60};
  (void)bench.picture();
  bench.step(TimeAdvanced{});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  bench.release<SubmitCommand>();
  bench.run(seconds{30});
  EXPECT_THAT(bench.messages, IsEmpty());
}

// --- failures that the kernel found ------------------------------------------------------------------------------

TEST(KernelFailure, TheCheckerBringsThePathBackAfterAWhileThatDoubles) {
  Settled bench("polling_interval 30\nmax_polling_interval 120");
  for (int wait : {1, 2, 4}) {
    SCOPED_TRACE(wait);
    bench.forget();
    bench.kernel_fails("sda");
    EXPECT_EQ(bench.health("sda"), PathState::down);
    bench.run(seconds{wait} - milliseconds{100});
    EXPECT_THAT(bench.messages, IsEmpty());
    bench.run(milliseconds{200});
    EXPECT_THAT(bench.messages, ElementsAre("reinstate_path 8:0"));
    EXPECT_EQ(bench.health("sda"), PathState::up);
  }
}

TEST(KernelFailure, ThatAPathIsHeldThoughItAnswersIsSaidWithTheReason) {
  Settled bench("polling_interval 30\nmax_polling_interval 120\nlog_checker_err always");
  bench.kernel_fails("sda");
  EXPECT_EQ(bench.times_logged("sda: path is down: I/O failed on it"), 1);
  EXPECT_EQ(bench.times_logged("sda: path is still down: I/O failed on it; its check says: ready"), 1);
  EXPECT_EQ(bench.times_logged("path is still down"), 1);
  EXPECT_EQ(bench.loudest("path is still down"), Severity::info) << "its checker has nothing against it";
}

TEST(KernelFailure, TheLastHopeIsNotMadeToWait) {
  Settled bench;
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{20});
  bench.forget();
  bench.kernel_fails("sda");
  EXPECT_THAT(bench.messages, ElementsAre("reinstate_path 8:0"));
}

TEST(KernelFailure, APathOnHoldReturnsAtOnceWhenItBecomesTheLastHope) {
  Settled bench("polling_interval 60\nmax_polling_interval 60");
  for (int i = 0; i < 4; ++i) {
    bench.kernel_fails("sda");
    bench.run(seconds{i < 3 ? 9 : 1});
  }
  ASSERT_EQ(bench.health("sda"), PathState::down) << "on hold for 8 s";
  bench.forget();
  bench.disks.at("sdb").answer = Answer::dead;
  bench.kernel_fails("sdb");
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_THAT(bench.messages, ElementsAre("reinstate_path 8:0"));
}

TEST(KernelFailure, AMessageThatTheKernelRefusesIsRepeatedNowAndThenOnly) {
  Settled bench;
  bench.message_error = Error{ErrorCode::busy, "map", "the device is suspended", {}};
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{30});
  EXPECT_GE(bench.messages.size(), 3U);
  EXPECT_LE(bench.messages.size(), 30U);
  bench.message_error.reset();
  bench.run(seconds{3});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

// --- coming and going ----------------------------------------------------------------------------------------------

TEST(Removal, APathThatIsGoneLeavesTheTable) {
  Settled bench;
  bench.disappear("sda");
  EXPECT_THAT(bench.take_messages(), ElementsAre("fail_path 8:0")) << "at once";
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sdb");
  EXPECT_EQ(bench.picture()->paths.size(), 1U);
}

TEST(Removal, ADeviceNumberThatAppearsAgainIsANewPath) {
  Settled bench;
  bench.hold<RunTableAction>();
  bench.disappear("sda");
  bench.run(seconds{3});
  bench.disk("sda", 2);
  bench.appear("sda");
  bench.release<RunTableAction>();
  bench.run(seconds{40});
  EXPECT_EQ(bench.groups(1), "sdb");
  EXPECT_EQ(bench.groups(2), "sda");
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(bench.picture()->paths.size(), 2U);
}

TEST(Removal, TheSameDeviceScannedAgainComesBack) {
  Settled bench;
  bench.disappear("sda");
  bench.disk("sda");
  bench.appear("sda");
  bench.run(seconds{40});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(bench.picture()->paths.size(), 2U);
}

TEST(Removal, TheLastPathTakesTheMapWithIt) {
  Settled bench;
  bench.disappear("sda");
  bench.disappear("sdb");
  bench.run(seconds{3});
  EXPECT_FALSE(bench.has_map());
  EXPECT_TRUE(bench.picture()->paths.empty());
  EXPECT_TRUE(bench.picture()->maps.empty());
}

TEST(Removal, AMapThatIsInUseStaysAndItsQueueingEndsWithNoPathRetry) {
  Settled bench("no_path_retry 4");
  ASSERT_TRUE(wire::features_has(bench.map().table.features, wire::queue_if_no_path));
  bench.table_error = Error{ErrorCode::busy, "map", "in use", {}};
  bench.disappear("sda");
  bench.disappear("sdb");
  bench.run(seconds{18});
  EXPECT_TRUE(wire::features_has(bench.map().table.features, wire::queue_if_no_path));
  bench.run(seconds{5});
  EXPECT_FALSE(wire::features_has(bench.map().table.features, wire::queue_if_no_path));
  bench.table_error.reset();
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(minutes{2});
  EXPECT_EQ(bench.groups(), "sdc");
  EXPECT_TRUE(wire::features_has(bench.map().table.features, wire::queue_if_no_path));
}

TEST(Removal, NothingIsLeftOfAVolumeThatWasTakenAway) {
  Bench bench;
  bench.start();
  for (std::uint32_t volume = 1; volume <= 50; ++volume) {
    bench.disk("sda", volume);
    bench.appear("sda");
    bench.run(seconds{1});
    ASSERT_TRUE(bench.has_map(volume));
    bench.map_goes(volume);  // multipath -f, then the devices are deleted
    bench.disappear("sda");
    bench.run(seconds{1});
  }
  bench.disk("sda", 51);
  bench.appear("sda");
  bench.run(seconds{1});
  // Map devices are numbered by the engine's slots in the effects: a slot that is free is used again.
  bench.hold<ReadMap>();
  bench.map_event(51);
  ASSERT_EQ(bench.waiting.size(), 1U);
  EXPECT_EQ(std::get<ReadMap>(bench.waiting.at(0)).map.slot, 0U);
}

TEST(Change, AWwidThatChangesMovesThePath) {
  Settled bench;
  Disk& disk = bench.disks.at("sda");
  disk.volume = 2;
  disk.found.properties = {{"ID_WWN", "0x6"}, {"ID_SERIAL", wwid_of(2)}};
  disk.found.vpd_page_83 = page_83(2, 1);
  bench.appear("sda");
  bench.run(seconds{40});
  EXPECT_EQ(bench.groups(1), "sdb");
  EXPECT_EQ(bench.groups(2), "sda");
}

TEST(Change, ADeviceWhosePageSysfsDoesNotKeepStaysInItsPortGroup) {
  Bench bench("path_grouping_policy group_by_prio");
  bench.alua_disk("sda", 1).found.vpd_page_83.clear();
  bench.alua_disk("sdb", 2).found.vpd_page_83.clear();
  bench.access = {{1, 0}, {2, 1}};
  bench.start();
  bench.map_uevent();
  ASSERT_EQ(bench.groups(), "sda | sdb");
  bench.appear("sda");
  bench.appear("sdb");
  bench.access = {{1, 1}, {2, 0}};
  bench.run(minutes{1});
  EXPECT_EQ(bench.path("sda")->priority, 10);
  EXPECT_EQ(bench.path("sdb")->priority, 50);
}

TEST(Change, AVolumeThatIsNamedLateIsJudgedByTheBlacklistToo) {
  Bench bench;
  Disk& disk = bench.disk("sda");
  disk.found.properties = {{"ID_WWN", "0x6"}};
  disk.found.vpd_page_83.clear();
  bench.configure("", "blacklist {\nwwid \"" + wwid_of(1) + "\"\n}\n");
  bench.start();
  bench.run(seconds{10});
  EXPECT_FALSE(bench.has_map());
  bench.configure("");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{10});
  EXPECT_TRUE(bench.has_map());
}

TEST(Change, AVolumeThatSomebodysOwnPropertyNamesIsNotNamedByTheDevice) {
  Bench bench("uid_attribute MY_ID\npolling_interval 5\nmax_polling_interval 5");
  Disk& disk = bench.disk("sda");
  bench.start();
  bench.run(minutes{2});
  EXPECT_FALSE(bench.has_map()) << "two names would make two maps of one volume";
  EXPECT_LE(bench.inquiries, 1U) << "nor is it asked for it";
  EXPECT_GT(bench.triggered.size(), 0U) << "udev is";
  disk.found.properties.add("MY_ID", wwid_of(1));
  bench.appear("sda");
  bench.run(seconds{10});
  EXPECT_TRUE(bench.has_map());
}

TEST(Change, ASizeThatGrewIsTakenByCommandOnly) {
  Settled bench;
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).found.facts.size_sectors = 4096;
    bench.appear(name);
  }
  bench.run(minutes{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_EQ(bench.ask(RequestKind::resize_map).outcome, Outcome::ok);
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(resize));
  EXPECT_EQ(bench.map().table.size_sectors, 4096U);
  bench.run(minutes{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
}

TEST(Change, ASizeIsNotTakenBeforeTheKernelUsesAPath) {
  Settled bench("no_path_retry queue\n");
  bench.lose_both();
  bench.run(seconds{1});
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).answer = Answer::good;
    bench.disks.at(name).found.facts.size_sectors = 4096;
    bench.appear(name);
  }
  EXPECT_EQ(bench.ask(RequestKind::resize_map).outcome, Outcome::failed) << "no path works";
  // It works again, and the message that says so is under way: the flush would fail what waits for it.
  bench.hold<SendMessage>();
  while (bench.health("sda") != PathState::up) bench.run(milliseconds{100});
  EXPECT_EQ(bench.ask(RequestKind::resize_map).outcome, Outcome::timed_out) << "it is answered when it is done";
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  bench.release<SendMessage>();
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(resize));
  EXPECT_EQ(bench.replies.rbegin()->second.outcome, Outcome::ok);
}

TEST(Change, AMapThatLetsNothingWaitIsResizedWithoutAPath) {
  Settled bench;
  bench.lose_both();
  bench.run(seconds{10});
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).found.facts.size_sectors = 512;
    bench.appear(name);
  }
  EXPECT_EQ(bench.ask(RequestKind::resize_map).outcome, Outcome::ok);
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(resize));
}

TEST(Change, StaleCompletionsAreCountedAndChangeNothing) {
  Settled bench;
  auto before = bench.picture()->counters.stale_completions;
  MapId stranger{.slot = 77, .generation = 3};
  PathId no_path{.slot = 99, .generation = 1};
  auto op = static_cast<OpId>(1);
  const Event stale[] = {
      ConfigurationLoaded{op, nullptr, {}},
      StateLoaded{op, {}, {}, {}},
      DisksListed{op, std::vector<ListedDisk>{}, {}},
      DisksRead{op, std::vector<DiscoveredPath>{}},
      MapsListed{op, std::vector<KernelMap>{}},
      MapRead{op, stranger, KernelMap{}},
      CommandFinished{op, no_path, {}},
      TableActionFinished{op, stranger, DevNum{}},
      MessageFinished{op, stranger, {}, {}},
  };
  for (const Event& event : stale) bench.step(event);
  EXPECT_EQ(bench.picture()->counters.stale_completions, before + std::size(stale));
  bench.run(minutes{1});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_EQ(bench.picture()->paths.size(), 2U);
}

// --- log_checker_err -----------------------------------------------------------------------------------------------

TEST(Logging, ofAPathThatStaysDownIsRepeatedAtTheLevelThatIsConfigured) {
  for (const bool once : {false, true}) {
    Bench bench(once ? "log_checker_err once" : "");
    bench.disk("sda");
    bench.disk("sdb");
    bench.start();
    bench.disks.at("sda").answer = Answer::dead;
    bench.run(minutes{1});
    EXPECT_EQ(bench.times_logged("sda: path is down: "), 1) << once;
    EXPECT_GE(bench.times_logged("sda: path is still down: "), 3) << once;
    EXPECT_EQ(bench.loudest("sda: path is still down: "), once ? Severity::info : Severity::notice);
  }
}

}  // namespace
}  // namespace mpath::engine
