// SPDX-License-Identifier: LGPL-2.1-or-later
// Stories about the rules of path states: paths that are not trusted, paths in standby, last paths, in virtual time and under verified I/O.
#include <gmock/gmock.h>

#include "tests/sim/san.h"

namespace mpath::sim {
namespace {

Settings quick(std::string more = {}) {
  Settings settings;
  settings.polling_interval = seconds{1};
  settings.max_polling_interval = seconds{2};
  settings.more_defaults = std::move(more);
  return settings;
}

PathState state_of(San& san, const Disk& disk) {
  auto snapshot = san.sim.daemon->engine.snapshot(san.sim.queue.now());
  for (const auto& path : snapshot->paths) {
    if (path->facts->kernel_name == disk.name) return path->health.state;
  }
  return PathState::removed;
}

/// The path's port goes and comes back, and the daemon sees both.
void flap(San& san, Disk& disk) {
  san.sim.world.set_fault(disk, Fault::not_ready);
  san.time_until([&] { return !san.sim.is_active(disk); }, seconds{5});
  san.sim.world.set_fault(disk, Fault::none);
  san.sim.run(seconds{3});
}

TEST(States, APathThatFlapsIsKeptOutForItsTimeAndCostsNoRequest) {
  San san(quick("san_path_err_threshold 2\nsan_path_err_forget_rate 100\nsan_path_err_recovery_time 60\n"));
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  Disk& disk = san.disk(0);
  for (int i = 0; i < 3; ++i) flap(san, disk);
  EXPECT_EQ(state_of(san, disk), PathState::delayed);
  EXPECT_FALSE(san.sim.is_active(disk));
  san.sim.run(seconds{50});
  EXPECT_FALSE(san.sim.is_active(disk));
  san.time_until([&] { return san.sim.is_active(disk); }, seconds{15});
  EXPECT_EQ(san.map().loads, 0u);
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
}

TEST(States, TestReadsDecideAboutAPathThatFailedIoTwice) {
  Settings settings;
  settings.more_defaults = "marginal_path_double_failed_time 120\nmarginal_path_err_sample_time 120\n"
                           "marginal_path_err_rate_threshold 10\nmarginal_path_err_recheck_gap_time 120\n";
  San san(settings);
  san.up();
  san.sim.start_users(milliseconds{20}, 4);
  san.sim.run(minutes{1});
  Disk& disk = san.disk(0);
  for (int i = 0; i < 2; ++i) {
    san.sim.world.set_fault(disk, Fault::not_ready);
    san.sim.run(seconds{1});
    san.sim.world.set_fault(disk, Fault::none);
    san.sim.run(seconds{20});
  }
  EXPECT_EQ(state_of(san, disk), PathState::delayed);
  EXPECT_EQ(san.active_paths(), 3u);
  san.time_until([&] { return san.active_paths() == 4; }, seconds{150});
  EXPECT_EQ(san.map().loads, 0u);
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
}

TEST(States, WithMarginalPathgroupsAFlappingPathMovesToTheLastGroupAndBack) {
  San san(quick("san_path_err_threshold 1\nsan_path_err_forget_rate 100\nsan_path_err_recovery_time 60\nmarginal_pathgroups on\n"));
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  Disk& disk = san.disk(0);
  san.sim.oracle.changed(&san.lun());
  for (int i = 0; i < 2; ++i) flap(san, disk);
  san.time_until([&] { return san.map().live->groups.size() == 2; }, seconds{15});
  EXPECT_EQ(san.map().live->groups.back().paths.size(), 1u);
  EXPECT_TRUE(san.sim.is_active(disk));
  san.sim.oracle.changed(&san.lun());
  san.time_until([&] { return san.map().live->groups.size() == 1; }, seconds{90});
  EXPECT_EQ(san.map().loads, 2u);
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
}

TEST(States, TheCountdownOfNoPathRetryIsNotBegunAnewByADaemonThatDies) {
  Settings settings = quick();
  settings.no_path_retry = {NoPathRetry::Kind::checks, 60};
  San san(settings);
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  san.sim.run(seconds{5});
  for (auto& host : san.sim.world.hosts()) san.sim.world.set_link(*host, Link::down);
  san.sim.run(seconds{40});
  san.sim.kill_daemon();
  san.sim.start_daemon();
  san.sim.run(seconds{10});
  EXPECT_EQ(san.sim.oracle.failures(), 0u) << "not before its time";
  san.sim.run(seconds{20});
  EXPECT_GT(san.sim.oracle.failures(), 0u) << "nor long after it";
  for (auto& host : san.sim.world.hosts()) san.sim.world.set_link(*host, Link::up);
  san.time_until([&] { return san.active_paths() == 4; }, seconds{10});
  san.sim.run(seconds{2});
  EXPECT_TRUE(san.map().live->queue_if_no_path);
}

TEST(States, AQuarantineSurvivesTheDaemonsDeath) {
  San san(quick(), Alua::none, 2);
  san.up();
  Disk& disk = san.disk(0);
  san.sim.world.remap(disk, san.lun(1));
  san.time_until([&] { return !san.sim.is_active(disk); }, seconds{10});
  san.sim.run(seconds{1});
  EXPECT_THAT(san.sim.files.run_state, testing::HasSubstr(" quarantined"));
  san.sim.kill_daemon();
  san.sim.start_daemon();
  san.sim.run(seconds{20});
  EXPECT_FALSE(san.sim.is_active(disk));
}

TEST(States, GhostsDoNotCarryIoAloneWhereOnlyTheArrayCanActivateThem) {
  Settings settings = quick();
  settings.grouping = "group_by_prio";
  settings.no_path_retry = {NoPathRetry::Kind::queue, 0};
  San san(settings, Alua::implicit_only);
  san.array.other_access = Access::standby;
  san.up();
  san.sim.start_users(milliseconds{50}, 1);
  san.sim.run(seconds{3});
  san.sim.world.set_link(*san.array.ports[0], Link::down);
  san.sim.run(minutes{1});
  EXPECT_EQ(san.active_paths(), 0u) << "the ghosts fail I/O and are left alone";
  san.sim.world.set_link(*san.array.ports[0], Link::up);
  san.time_until([&] { return san.active_paths() == 4; }, seconds{15});
  EXPECT_EQ(san.sim.oracle.failures(), 0u);
}

TEST(States, PurgeTakesADeviceAwayWhoseLunIsGone) {
  San san(quick("purge_disconnected yes\n"));
  san.up();
  Disk& disk = san.disk(0);
  san.sim.oracle.changed(&san.lun());
  san.sim.world.unmap(disk);
  san.time_until([&] { return !disk.present; }, seconds{10});
  san.time_until([&] { return san.map().live->paths.size() == 3; }, seconds{15});
}

TEST(States, FlushOnLastDelNeverLetsQueuedIoWaitForAPathThatComes) {
  Settings settings = quick("flush_on_last_del never\n");
  settings.no_path_retry = {NoPathRetry::Kind::queue, 0};
  San san(settings);
  san.up();
  for (int at = 3; at >= 0; --at) {
    san.sim.oracle.changed(&san.lun());
    san.sim.world.delete_disk(san.disk(static_cast<std::size_t>(at)));
  }
  san.sim.run(minutes{2});
  EXPECT_TRUE(san.map().live->queue_if_no_path);
}

}  // namespace
}  // namespace mpath::sim
