// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands at awkward moments: while the daemon ends, while a map has no path, while somebody else renames it.
#include <gmock/gmock.h>

#include "tests/sim/san.h"

namespace mpath::sim {
namespace {

Request about(RequestKind kind, const std::string& map = {}, const std::string& path = {}) {
  Request request;
  request.kind = kind;
  request.map = map;
  request.path = path;
  return request;
}

Outcome outcome(San& san, const Request& request) {
  auto answer = san.sim.ask(request);
  EXPECT_TRUE(answer);
  return answer ? answer->outcome : Outcome::timed_out;
}

TEST(Commands, ADaemonThatEndsTakesNoMoreOfThem) {
  San san;
  san.up();
  san.sim.daemon->request(RequestId{1}, about(RequestKind::shutdown));
  san.sim.daemon->request(RequestId{2}, about(RequestKind::disable_queueing_all));
  san.sim.daemon->work();
  san.sim.run(seconds{1});
  EXPECT_TRUE(san.sim.daemon->replies[RequestId{2}].outcome == Outcome::failed);
}

TEST(Commands, APathThatWasFailedByCommandReturnsThoughItsMapWasMadeAnewWithoutIt) {
  San san;
  san.sim.unused.insert(san.lun().wwid.text);
  san.up();
  std::string path = san.disk(0).name;
  EXPECT_TRUE(outcome(san, about(RequestKind::fail_path, {}, path)) == Outcome::ok);
  EXPECT_TRUE(outcome(san, about(RequestKind::remove_map, "mpatha")) == Outcome::ok);
  san.sim.oracle.changed_all();
  EXPECT_TRUE(outcome(san, about(RequestKind::add_map, san.lun().wwid.text)) == Outcome::ok);
  san.sim.run(seconds{10});
  ASSERT_NE(san.sim.map_of(san.lun()), nullptr);
  EXPECT_EQ(san.map().live->paths.size(), 3u);
  EXPECT_TRUE(outcome(san, about(RequestKind::reinstate_path, {}, path)) == Outcome::ok);
  san.time_until([&] { return san.active_paths() == 4; }, seconds{10});
}

TEST(Commands, AMapThatWasRenamedWhileItWasReadIsNotTakenForRemoved) {
  San san;
  san.up();
  for (int round = 0; round < 40; ++round) {
    std::string name = san.map().name.text;
    san.sim.oracle.changed_all();
    san.sim.daemon->request(RequestId{77}, about(RequestKind::disable_queueing_all));
    san.sim.daemon->work();
    san.sim.run(microseconds{100} * round);
    ASSERT_TRUE(san.sim.kernel.rename(san.map(), MapName{"other" + std::to_string(round)}));
    san.sim.run(seconds{3});
    auto snapshot = san.sim.daemon->engine.snapshot(san.sim.queue.now());
    ASSERT_EQ(snapshot->maps.size(), 1u);
    EXPECT_EQ(snapshot->maps[0]->name.text, "other" + std::to_string(round));
    for (const auto& path : snapshot->paths) EXPECT_EQ(path->map_name, snapshot->maps[0]->name.text);
  }
  // It is still looked after.
  san.sim.world.delete_disk(san.disk(0));
  san.sim.oracle.changed_all();
  san.time_until([&] { return san.map().live->paths.size() == 3; }, seconds{5});
}

TEST(Commands, AVolumeThatShrankIsTakenAsSoonAsThatIsAskedFor) {
  San san;
  san.up();
  san.sim.world.resize(san.lun(), sectors - 4096);
  san.sim.oracle.changed_all();
  san.sim.world.delete_disk(san.disk(3));
  // The kernel takes no table that is larger than its paths, so the attempts become rare.
  san.sim.run(minutes{5});
  EXPECT_EQ(san.map().live->size_sectors, sectors);
  EXPECT_TRUE(outcome(san, about(RequestKind::resize_map, "mpatha")) == Outcome::ok);
  EXPECT_EQ(san.map().live->size_sectors, sectors - 4096);
  EXPECT_EQ(san.map().live->paths.size(), 3u);
}

TEST(Commands, GroupsStayTogetherWhileAPathIsDownWhosePriorityHasChanged) {
  Settings settings;
  settings.grouping = "group_by_prio";
  settings.failback = "immediate";
  settings.more_defaults = "prio rdac\n";
  San san(settings, ArrayKind::rdac);
  san.up();
  san.sim.start_users(milliseconds{50}, 1);
  san.sim.world.set_link(*san.sim.world.hosts()[1], Link::down);
  san.sim.run(seconds{30});
  san.lun().default_owner = 1;
  san.sim.world.move_lun(san.lun(), 1, seconds{0});
  san.sim.run(minutes{2});
  san.sim.world.set_link(*san.sim.world.hosts()[1], Link::up);
  san.sim.run(minutes{1});
  EXPECT_EQ(san.active_paths(), 4u);
  EXPECT_EQ(san.map().live->groups.size(), 2u);
  EXPECT_EQ(san.map().loads, 0u) << "only the groups' worth changed";
}

TEST(Commands, AVolumeWithoutPrioritiesKeepsItsGroupWhenAPathIsDownAtAReconfiguration) {
  Settings settings;
  settings.grouping = "group_by_prio";
  settings.failback = "immediate";
  settings.more_defaults = "detect_prio no\nprio sysfs\n";
  San san(settings);
  san.up();
  san.sim.world.set_link(*san.sim.world.hosts()[0], Link::down);
  san.sim.run(seconds{40});
  san.sim.oracle.reconfigured(false);
  EXPECT_TRUE(outcome(san, about(RequestKind::reconfigure)) == Outcome::ok);
  san.sim.run(minutes{1});
  EXPECT_EQ(san.map().live->groups.size(), 1u);
  EXPECT_EQ(san.map().loads, 0u);
}

TEST(Commands, AHangThatBeganWhileNoDaemonRanIsNoticedAsEarlyAsAnyOther) {
  San san;
  san.up();
  san.sim.kill_daemon();
  san.sim.world.set_hang(san.disk(0), true);
  san.sim.run(seconds{1});
  san.sim.start_daemon();
  san.time_until([&] { return !san.sim.is_active(san.disk(0)); }, seconds{5});
  EXPECT_EQ(san.active_paths(), 3u);
  san.sim.world.set_hang(san.disk(0), false);
  san.time_until([&] { return san.active_paths() == 4; }, seconds{2});
}

}  // namespace
}  // namespace mpath::sim
