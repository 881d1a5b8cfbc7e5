// SPDX-License-Identifier: LGPL-2.1-or-later
// One story each: the daemon in a small SAN, in virtual time. The oracle watches all of them.
#include <gmock/gmock.h>

#include "tests/sim/san.h"

namespace mpath::sim {
namespace {

Request request_of(RequestKind kind) {
  Request request;
  request.kind = kind;
  return request;
}

TEST(Scenario, StartMakesOneMapOfAllPaths) {
  San san({}, Alua::none, 3);
  san.up();
  for (std::size_t at = 0; at < 3; ++at) {
    EXPECT_EQ(san.map(at).live->paths.size(), 4u);
    EXPECT_EQ(san.active_paths(at), 4u);
    EXPECT_EQ(san.map(at).loads, 0u) << "created whole, not grown";
  }
  EXPECT_EQ(san.sim.kernel.table_actions, 3u);
  EXPECT_THAT(san.sim.files.wwids, testing::HasSubstr(san.lun(0).wwid.text));
  EXPECT_THAT(san.sim.files.bindings, testing::HasSubstr("mpatha " + san.lun(0).wwid.text));
  san.sim.oracle.check_final();
}

TEST(Scenario, CutCableIsSeenByTheChecksAloneAndThePathReturns) {
  San san;
  san.up();
  san.sim.run(minutes{2});  // the longest interval by now
  san.sim.world.set_link(*san.disk(0).port, Link::down);
  san.time_until([&] { return san.active_paths() == 2; }, san.sim.settings.max_polling_interval + seconds{1});
  san.sim.world.set_link(*san.disk(0).port, Link::up);
  san.time_until([&] { return san.active_paths() == 4; }, san.sim.settings.polling_interval + seconds{1});
  EXPECT_EQ(san.map().loads, 0u) << "messages only";
}

TEST(Scenario, CutCableUnderLoadCostsNoRequestAndIsKnownAtOnce) {
  San san;
  san.up();
  san.sim.start_users(milliseconds{20}, 2);
  san.sim.run(minutes{1});
  san.sim.world.set_link(*san.disk(0).port, Link::down);
  auto knows = [&] {
    auto snapshot = san.sim.daemon->engine.snapshot(san.sim.queue.now());
    return std::count_if(snapshot->paths.begin(), snapshot->paths.end(),
                         [](const auto& path) { return path->health.state == PathState::down; }) == 2;
  };
  san.time_until(knows, seconds{1});
  san.sim.run(seconds{10});
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
  EXPECT_LT(san.sim.oracle.longest_request(san.lun().wwid.text), milliseconds{100});
}

TEST(Scenario, AHangingPathIsFailedAndTheOthersGoOn) {
  Settings settings;
  settings.checker_timeout = seconds{10};
  San san(settings);
  san.up();
  san.sim.start_users(milliseconds{50}, 4);
  san.sim.run(seconds{5});
  san.sim.world.set_hang(san.disk(1), true);
  san.time_until([&] { return !san.sim.is_active(san.disk(1)); }, settings.notice_limit());
  for (int probe = 0; probe < 20; ++probe) san.expect_quick_request();
  EXPECT_EQ(san.active_paths(), 3u);
  san.sim.world.set_hang(san.disk(1), false);
  san.time_until([&] { return san.active_paths() == 4; }, settings.recovery_limit());
  EXPECT_EQ(san.map().loads, 0u);
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
}

TEST(Scenario, ASlowPathIsNotASickOne) {
  San san;
  san.up();
  san.sim.start_users(milliseconds{200}, 1);
  san.sim.world.set_latency(san.disk(0), seconds{8});
  san.sim.run(minutes{3});
  EXPECT_EQ(san.active_paths(), 4u);
}

TEST(Scenario, ControllerFailoverSwitchesTheGroupAndFailbackImmediateSwitchesBack) {
  Settings settings;
  settings.grouping = "group_by_prio";
  settings.failback = "immediate";
  San san(settings, Alua::both);
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  auto controller_in_use = [&] {
    const Target& target = *san.map().live;
    std::uint32_t group = target.next_group.value_or(target.current_group.value_or(0));
    return target.paths[target.groups[group].paths.front()].disk->port->controller;
  };
  ASSERT_EQ(san.map().live->groups.size(), 2u);
  san.sim.run(seconds{5});
  EXPECT_EQ(controller_in_use(), 0u);
  san.sim.world.move_lun(san.lun(), 1, seconds{0});
  san.sim.oracle.changed(&san.lun());
  san.time_until([&] { return controller_in_use() == 1; }, settings.max_polling_interval + seconds{2});
  san.sim.world.move_lun(san.lun(), 0, seconds{0});
  san.time_until([&] { return controller_in_use() == 0; }, settings.max_polling_interval + seconds{2});
  EXPECT_EQ(san.map().loads, 0u) << "the groups are the same, only their worth changed";
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
}

TEST(Scenario, WithManualFailbackIoStaysWhereItIs) {
  Settings settings;
  settings.grouping = "group_by_prio";
  San san(settings, Alua::implicit_only);
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  san.sim.run(seconds{5});
  san.sim.world.set_link(*san.array.ports[0], Link::down);
  san.sim.run(seconds{30});
  san.sim.world.set_link(*san.array.ports[0], Link::up);
  san.sim.run(minutes{2});
  EXPECT_EQ(san.active_paths(), 4u);
  EXPECT_EQ(san.map().live->paths[san.map().live->groups[*san.map().live->current_group].paths[0]].disk->port->controller, 1u);
}

struct LastPath {
  NoPathRetry retry;
  bool queues_at_first;
  bool queues_for_ever;
};
class LastPathTest : public testing::TestWithParam<LastPath> {};

TEST_P(LastPathTest, RequestsWaitAsLongAsNoPathRetrySays) {
  Settings settings;
  settings.no_path_retry = GetParam().retry;
  San san(settings);
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  san.sim.run(seconds{5});
  for (auto& host : san.sim.world.hosts()) san.sim.world.set_link(*host, Link::down);
  san.sim.run(seconds{8});
  EXPECT_EQ(san.active_paths(), 0u);
  EXPECT_EQ(san.sim.oracle.failures() == 0, GetParam().queues_at_first);
  san.sim.run(minutes{2});
  EXPECT_EQ(san.sim.oracle.failures() == 0, GetParam().queues_for_ever);
  for (auto& host : san.sim.world.hosts()) san.sim.world.set_link(*host, Link::up);
  san.time_until([&] { return san.active_paths() == 4; }, settings.polling_interval + seconds{2});
  san.sim.run(seconds{5});
  EXPECT_TRUE(san.map().queued.empty());
  EXPECT_EQ(san.map().live->queue_if_no_path, settings.no_path_retry.kind != NoPathRetry::Kind::fail) << "as configured again";
  EXPECT_EQ(san.map().loads, 0u);
}

INSTANTIATE_TEST_SUITE_P(All, LastPathTest,
                         testing::Values(LastPath{{NoPathRetry::Kind::fail, 0}, false, false},
                                         LastPath{{NoPathRetry::Kind::queue, 0}, true, true},
                                         LastPath{{NoPathRetry::Kind::checks, 4}, true, false}),
                         [](const auto& param) { return "retry_" + to_string(param.param.retry); });

TEST(Scenario, KilledAndStartedAgainItChangesNothing) {
  for (bool with_failed_path : {false, true}) {
    Settings settings;
    settings.grouping = "group_by_prio";
    San san(settings, Alua::both, 4);
    san.up();
    san.sim.start_users(milliseconds{50}, 2);
    if (with_failed_path) san.sim.world.set_link(*san.disk(0).port, Link::down);
    san.sim.run(seconds{40});
    std::uint64_t before = san.sim.kernel.table_actions;
    for (int round = 0; round < 5; ++round) {
      san.sim.kill_daemon();
      san.sim.run(milliseconds{700});
      san.sim.start_daemon();
      san.sim.run(seconds{12});
    }
    EXPECT_EQ(san.sim.kernel.table_actions, before);
    EXPECT_EQ(san.sim.oracle.failures(), 0u);
    EXPECT_EQ(san.active_paths(), with_failed_path ? 2u : 4u);
  }
}

TEST(Scenario, StartWithAllPathsHangingLeavesTheMapsAlone) {
  San san({}, Alua::both, 2);
  san.up();
  san.sim.kill_daemon();
  for (const auto& disk : san.sim.world.disks()) san.sim.world.set_hang(*disk, true);
  std::uint64_t before = san.sim.kernel.table_actions;
  san.sim.start_daemon();
  san.sim.run(seconds{25});
  EXPECT_EQ(san.sim.kernel.table_actions, before);
  EXPECT_EQ(san.active_paths(), 4u) << "nothing is known of them yet";
}

TEST(Scenario, APathIsAddedWhileAnotherHangs) {
  San san;
  san.up();
  Disk& gone = san.disk(3);
  san.sim.world.delete_disk(gone);
  san.sim.oracle.changed(&san.lun());
  san.time_until([&] { return san.map().live->paths.size() == 3; }, seconds{5});
  san.sim.start_users(milliseconds{20}, 8);
  san.sim.run(seconds{5});
  san.sim.oracle.forget_longest();
  san.sim.world.set_hang(san.disk(0), true);
  san.sim.run(seconds{2});
  Disk& added = san.sim.world.add_disk(*gone.host, *gone.port, san.lun());
  san.sim.oracle.changed(&san.lun());
  // Whoever hangs waits; a request that is sent now goes elsewhere as soon as the sick path is known.
  san.time_until([&] { return !san.sim.is_active(san.disk(0)); }, san.sim.settings.notice_limit());
  EXPECT_EQ(san.sim.path_in_map(san.lun(), added), nullptr) << "the load waits";
  for (int probe = 0; probe < 20; ++probe) {
    san.expect_quick_request();
    san.sim.run(milliseconds{100});
  }
  san.sim.world.set_hang(san.disk(0), false);
  san.time_until([&] { return san.sim.path_in_map(san.lun(), added) != nullptr; }, san.sim.settings.recovery_limit());
  EXPECT_EQ(san.map().loads, 2u);
}

TEST(Scenario, AGroupSwitchDoesNotWaitForADeferredLoad) {
  Settings settings;
  settings.grouping = "group_by_prio";
  settings.failback = "immediate";
  San san(settings, Alua::both);
  san.up();
  Disk& gone = san.disk(3);
  san.sim.world.delete_disk(gone);
  san.sim.oracle.changed_all();
  san.sim.run(seconds{5});
  san.sim.world.set_hang(san.disk(1), true);
  san.sim.run(seconds{1});
  san.sim.world.add_disk(*gone.host, *gone.port, san.lun());
  san.sim.oracle.changed_all();
  san.sim.world.move_lun(san.lun(), 1, seconds{0});
  auto first_group_path_in_use = [&] {
    const Target& target = *san.map().live;
    std::uint32_t group = target.next_group.value_or(target.current_group.value_or(0));
    return target.paths[target.groups[group].paths.front()].disk;
  };
  san.time_until([&] { return first_group_path_in_use()->port->controller == 1; }, settings.max_polling_interval + seconds{2});
  EXPECT_EQ(san.map().loads, 1u) << "still deferred";
}

TEST(Scenario, TheReasonForADeferredLoadIsShown) {
  San san;
  san.up();
  Disk& gone = san.disk(3);
  san.sim.world.delete_disk(gone);
  san.sim.run(seconds{5});
  san.sim.world.set_hang(san.disk(0), true);
  san.sim.run(seconds{1});
  san.sim.world.add_disk(*gone.host, *gone.port, san.lun());
  san.sim.oracle.changed_all();
  san.sim.run(seconds{6});
  auto snapshot = san.sim.daemon->engine.snapshot(san.sim.queue.now());
  ASSERT_EQ(snapshot->maps.size(), 1u);
  EXPECT_THAT(snapshot->maps[0]->deferred, testing::HasSubstr("reload deferred: sda has not answered"));
}

TEST(Scenario, ABurstOfPathsIsOneLoad) {
  San san;
  san.up();
  std::vector<Disk*> gone;
  for (std::size_t at = 1; at < 4; ++at) gone.push_back(&san.disk(at));
  for (Disk* disk : gone) san.sim.world.delete_disk(*disk);
  san.sim.oracle.changed_all();
  san.sim.run(seconds{10});
  EXPECT_EQ(san.map().loads, 1u) << "three paths went at once";
  for (Disk* disk : gone) san.sim.world.add_disk(*disk->host, *disk->port, san.lun());
  san.sim.oracle.changed_all();
  san.sim.run(seconds{10});
  EXPECT_EQ(san.map().loads, 2u) << "three paths came at once";
  san.sim.oracle.check_final();
}

TEST(Scenario, AnotherVolumeBehindAPathGetsNoIoOfTheFirst) {
  San san({}, Alua::none, 2);
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  Disk& disk = san.disk(0, 0);
  san.sim.world.unmap(disk);
  san.time_until([&] { return san.active_paths(0) == 3; }, san.sim.settings.notice_limit());
  san.sim.world.remap(disk, san.lun(1));
  san.sim.oracle.changed_all();
  san.sim.run(minutes{2});
  EXPECT_EQ(san.active_paths(0), san.map(0).live->paths.size() - (san.map(0).live->paths.size() == 4 ? 1 : 0));
  EXPECT_EQ(san.active_paths(0), 3u) << "not reinstated";
  EXPECT_FALSE(san.sim.is_active(disk)) << "nor taken for the other without a rescan";
  san.sim.world.trigger(disk, DiskUevent::Action::change);
  san.sim.oracle.changed_all();
  san.time_until([&] { return san.sim.is_active(disk); }, seconds{30});
  EXPECT_EQ(san.map(0).live->paths.size(), 3u);
  EXPECT_EQ(san.map(1).live->paths.size(), 5u);
}

TEST(Scenario, AMachineThatStoodStillFailsNoPath) {
  for (bool checks_under_way : {true, false}) {
    San san;
    san.up();
    for (const auto& disk : san.sim.world.disks()) san.sim.world.set_latency(*disk, milliseconds{900});
    auto outstanding = [&] { return san.sim.daemon->engine.snapshot(san.sim.queue.now())->counters.checks_outstanding; };
    for (int round = 0; round < 10; ++round) {
      san.time_until([&] { return (outstanding() > 0) == checks_under_way; }, minutes{1});
      san.sim.queue.pause(minutes{10});
      san.sim.run(seconds{7});
    }
    san.sim.run(minutes{1});
    EXPECT_EQ(san.map().event_number, 0u) << "no path was failed";
    EXPECT_EQ(san.active_paths(), 4u);
  }
}

TEST(Scenario, ReconfigureOfAHealthySystemDoesNothing) {
  San san({}, Alua::both, 3);
  san.up();
  std::uint64_t before = san.sim.kernel.table_actions;
  for (int round = 0; round < 3; ++round) {
    auto answer = san.sim.ask(request_of(RequestKind::reconfigure));
    ASSERT_TRUE(answer);
    EXPECT_TRUE(answer->outcome == Outcome::ok) << answer->detail;
    san.sim.run(seconds{10});
  }
  EXPECT_EQ(san.sim.kernel.table_actions, before);
}

TEST(Scenario, ARefusedLoadIsTriedAgain) {
  San san;
  san.up();
  Disk& gone = san.disk(3);
  san.sim.daemon->device_mapper.fail_next_loads = 3;
  san.sim.world.delete_disk(gone);
  san.sim.oracle.changed(&san.lun());
  san.time_until([&] { return san.map().live->paths.size() == 3; }, seconds{20});
  EXPECT_EQ(san.map().loads, 1u);
}

TEST(Scenario, ATableThatSomebodyElseSwappedInIsNoticed) {
  // It may be our own: the swap that a killed daemon left waiting in the kernel.
  San san;
  san.up();
  san.sim.world.set_fault(san.disk(1), Fault::not_ready);
  san.time_until([&] { return !san.sim.is_active(san.disk(1)); }, san.sim.settings.notice_limit());
  san.sim.run(seconds{1});
  san.sim.oracle.changed_all();
  san.sim.oracle.reconfigured(true);
  ASSERT_TRUE(san.sim.kernel.load(san.map(), san.sim.kernel.read(san.map()).table));
  ASSERT_TRUE(san.sim.kernel.resume(san.map(), {}, false, [] {}));
  EXPECT_TRUE(san.sim.is_active(san.disk(1))) << "a load makes every path active";
  san.time_until([&] { return !san.sim.is_active(san.disk(1)); }, seconds{1});
}

TEST(Scenario, AMapGrowsWithItsVolume) {
  San san;
  san.up();
  san.sim.world.resize(san.lun(), sectors + 4096);
  san.sim.oracle.changed_all();
  san.sim.run(seconds{30});
  EXPECT_EQ(san.map().live->size_sectors, sectors) << "auto_resize is never";
  Request request = request_of(RequestKind::resize_map);
  request.map = "mpatha";
  auto answer = san.sim.ask(request);
  ASSERT_TRUE(answer);
  EXPECT_TRUE(answer->outcome == Outcome::ok) << answer->detail;
  san.time_until([&] { return san.map().live->size_sectors == sectors + 4096; }, seconds{5});
  EXPECT_EQ(san.active_paths(), 4u);
}

TEST(Scenario, AResizeDoesNotFlushWhatWaitsForAPath) {
  Settings settings;
  settings.no_path_retry = {NoPathRetry::Kind::queue, 0};
  San san(settings);
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  san.sim.world.resize(san.lun(), sectors + 4096);
  san.sim.oracle.changed_all();
  san.sim.run(seconds{5});
  for (auto& host : san.sim.world.hosts()) san.sim.world.set_link(*host, Link::down);
  san.sim.run(seconds{20});
  Request request = request_of(RequestKind::resize_map);
  request.map = "mpatha";
  san.sim.daemon->request(RequestId{77}, request);
  san.sim.run(seconds{20});
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
  EXPECT_EQ(san.map().live->size_sectors, sectors) << "a flush would fail the queued requests";
}

TEST(Scenario, KilledAfterAnyEffectItRepairsEverythingWhenStartedAgain) {
  // The same story until it runs to its end: maps are made, a path goes, one fails, one returns, a controller goes.
  bool reached_end = false;
  for (std::uint64_t effects = 0; !reached_end; ++effects) {
    Settings settings;
    settings.grouping = "group_by_prio";
    settings.failback = "immediate";
    settings.no_path_retry = {NoPathRetry::Kind::queue, 0};
    San san(settings, Alua::both);
    SCOPED_TRACE(fmt::format("killed after {} effects", effects));
    san.sim.start_users(milliseconds{100}, 2);
    san.sim.start_daemon();
    san.sim.daemon->executor.stop_after_effects(effects);
    san.sim.run(seconds{4});
    Disk& gone = san.disk(3);
    san.sim.world.delete_disk(gone);
    san.sim.world.set_link(*san.disk(0).host, Link::down);
    san.sim.run(seconds{4});
    san.sim.world.add_disk(*gone.host, *gone.port, san.lun());
    san.sim.world.set_link(*san.disk(0).host, Link::up);
    san.sim.run(seconds{10});
    san.sim.world.move_lun(san.lun(), 1, seconds{0});
    san.sim.run(seconds{10});
    for (int change = 0; change < 6; ++change) san.sim.oracle.changed_all();
    reached_end = san.sim.daemon->executor.effects_done() < effects;
    san.sim.kill_daemon();
    san.sim.start_daemon();
    san.sim.run(settings.notice_limit() * 2 + seconds{60});
    san.sim.oracle.check_final();
    EXPECT_EQ(san.sim.oracle.failures(), 0u);
    ASSERT_TRUE(san.sim.oracle.violations().empty());
    ASSERT_LT(effects, 1000u);
  }
}

TEST(Scenario, TheSameSeedGivesTheSameRun) {
  for (std::uint64_t seed : {3, 14, 15}) {
    Report first = run_scenario(seed);
    Report second = run_scenario(seed);
    EXPECT_EQ(first.trace_hash, second.trace_hash);
    EXPECT_EQ(first.actions, second.actions);
    EXPECT_EQ(first.requests, second.requests);
  }
}

}  // namespace
}  // namespace mpath::sim
