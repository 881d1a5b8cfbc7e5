// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libmpath/view/format.h"
#include "libmpath/view/summary.h"
#include "tests/unit/view/fixture.h"

namespace mpath {
namespace {

using namespace test;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using view::Health;

TEST(Status, CountsTheStatesThatOccur) {
  Snapshot snapshot = sample_snapshot();
  EXPECT_EQ(view::status(snapshot),
            "path checker states:\n"
            "down                2\n"
            "up                  2\n"
            "\n"
            "paths: 4\n"
            "busy: False\n");
  snapshot.events_waiting = true;
  EXPECT_THAT(view::status(snapshot), HasSubstr("\nbusy: True\n"));
}

TEST(Status, WithoutPathsHasNoStates) {
  EXPECT_EQ(view::status({}), "path checker states:\n\npaths: 0\nbusy: False\n");
}

TEST(DaemonLine, NamesProcessAndState) {
  Snapshot snapshot = sample_snapshot();
  EXPECT_EQ(view::daemon_line(snapshot), "pid 661 idle\n");
  snapshot.state = engine::DaemonState::running;
  snapshot.reconfigure_pending = true;
  EXPECT_EQ(view::daemon_line(snapshot), "pid 661 running (pending reconfigure)\n");
}

TEST(Devices, TellsTheVerdictOnEachName) {
  using enum view::DeviceVerdict;
  const view::BlockDevice all[] = {{"sda", monitored}, {"sdb", whitelisted}, {"loop0", blacklisted}, {"nvme0c0n1", hidden}, {"nvme0n1", foreign}};
  EXPECT_EQ(view::devices(all),
            "available block devices:\n"
            "    sda  devnode whitelisted, monitored\n"
            "    sdb devnode whitelisted, unmonitored\n"
            "    loop0 devnode blacklisted, unmonitored\n"
            "    nvme0c0n1 hidden, unmonitored\n"
            "    nvme0n1 foreign, monitored\n");
}

TEST(Wildcards, ListsMapsThenPaths) {
  const std::string list = view::wildcards_list();
  EXPECT_THAT(list, StartsWith("multipath format wildcards:\n%n  name\n%w  uuid\n"));
  EXPECT_THAT(list, HasSubstr("%k  max_sectors_kb\n\npath format wildcards:\n%w  uuid\n%i  hcil\n"));
  EXPECT_EQ(std::count(list.begin(), list.end(), '\n'), 25 + 28 + 3);
}

/// A map with paths in these states.
Snapshot with_states(std::vector<PathState> states) {
  Snapshot snapshot = sample_snapshot();
  snapshot.paths.clear();
  std::uint32_t usable = 0;
  for (PathState state : states) {
    auto path = make_path({"sda", {8, 0}, {}, state}, "mpatha");
    path->kernel_state = KernelPathState::active;
    snapshot.paths.push_back(path);
    usable += is_usable(state);
  }
  change_map(snapshot, [&](MapView& map) {
    map.groups = {make_group(snapshot.paths, 50, KernelGroupState::active)};
    map.usable_paths = usable;
  });
  return snapshot;
}

TEST(Health, IsTheWorstOfAllMaps) {
  using enum PathState;
  EXPECT_EQ(view::health_of({}), Health::healthy);
  EXPECT_EQ(view::health_of(with_states({up, ghost})), Health::healthy);
  EXPECT_EQ(view::health_of(with_states({up, pending})), Health::healthy);
  EXPECT_EQ(view::health_of(with_states({up, down})), Health::degraded);
  for (PathState bad : {wild, shaky, timeout, removed, delayed, disconnected}) {
    EXPECT_EQ(view::health_of(with_states({up, bad})), Health::degraded) << to_string(bad);
  }
  EXPECT_EQ(view::health_of(with_states({down, down})), Health::without_path);
  Snapshot snapshot = with_states({down});
  snapshot.maps.push_back(with_states({up}).maps[0]);
  EXPECT_EQ(view::health_of(snapshot), Health::without_path);
}

TEST(Health, IsDegradedByAPathThatOnlyTheKernelFailed) {
  Snapshot snapshot = with_states({PathState::up, PathState::up});
  auto path = std::make_shared<PathView>(*snapshot.paths[1]);
  path->kernel_state = KernelPathState::failed;
  change_map(snapshot, [&](MapView& map) { map.groups[0].paths[1] = path; });
  EXPECT_EQ(view::health_of(snapshot), Health::degraded);
}

TEST(Health, IsDegradedWhileALaneIsStuck) {
  Snapshot snapshot = with_states({PathState::up});
  snapshot.stuck.push_back({"host 3", now - seconds{7}, 4});
  EXPECT_EQ(view::health_of(snapshot), Health::degraded);
}

TEST(Summary, TellsPeopleWhatIsWrong) {
  Snapshot snapshot = sample_snapshot();
  snapshot.stuck.push_back({"host 3", now - seconds{7}, 4});
  snapshot.degraded.push_back("sg module: SG_IO in a lane");
  change_map(snapshot, [](MapView& map) { map.deferred = "reload deferred: sdb has not answered for 7 s"; });
  const std::string text = view::summary_text(snapshot);
  EXPECT_THAT(text, StartsWith("health    degraded\ndaemon    idle, pid 661\n"));
  EXPECT_THAT(text, HasSubstr("maps      1: 0 healthy, 1 degraded, 0 without a path\n"));
  EXPECT_THAT(text, HasSubstr("paths     4: 2 down, 2 up, 0 in no map\n"));
  EXPECT_THAT(text, HasSubstr("stuck     host 3: no progress for 7 s, 4 waiting\n"));
  EXPECT_THAT(text, HasSubstr("platform  sg module: SG_IO in a lane\n"));
  EXPECT_THAT(text, HasSubstr("mpatha dm-3: 2 of 4 paths usable\n    reload deferred: sdb has not answered for 7 s\n"
                              "    sdb faulty running for 12 s\n"));
}

TEST(Summary, SaysWhichPathWaitsForItsRegistration) {
  Snapshot snapshot = with_states({PathState::up, PathState::up});
  auto path = std::make_shared<PathView>(*snapshot.paths[1]);
  path->bar = engine::Bar::unregistered;
  snapshot.paths[1] = path;
  EXPECT_THAT(view::summary_text(snapshot), HasSubstr("waits for the registration of its map's reservation key\n"));
  path->registration_reason = "the device did not take the registration";
  path->registration_retry = now + seconds{9};
  EXPECT_THAT(view::summary_text(snapshot), HasSubstr(": waits for the registration of its map's reservation key: the device did not take the "
                                                      "registration; tried again in 9 s\n"));
  EXPECT_THAT(view::summary_json(snapshot), HasSubstr("\"unregistered\""));
}

TEST(Summary, NamesNoMapWhenAllIsWell) {
  EXPECT_THAT(view::summary_text(with_states({PathState::up})), Not(HasSubstr("mpatha")));
}

TEST(Summary, NamesSuspectPathsAndOutliersOfEachMap) {
  Snapshot snapshot = sample_snapshot();
  auto map = std::make_shared<engine::MapView>(*snapshot.maps.at(0));
  auto slow = std::make_shared<engine::PathView>(*map->groups.at(0).paths.at(0));
  slow->outlier.emplace();
  auto silent = std::make_shared<engine::PathView>(*map->groups.at(1).paths.at(0));
  silent->suspect.emplace();
  map->groups.at(0).paths.at(0) = slow;
  map->groups.at(1).paths.at(0) = silent;
  snapshot.maps.at(0) = map;
  const auto json = nlohmann::json::parse(view::summary_json(snapshot));
  EXPECT_EQ(json["maps"]["list"][0]["outlier_paths"], nlohmann::json::array({"sda"}));
  EXPECT_EQ(json["maps"]["list"][0]["suspect_paths"], nlohmann::json::array({"sdc"}));
}

TEST(Summary, GivesProgramsTheSameAsJson) {
  Snapshot snapshot = sample_snapshot();
  snapshot.counters.checks_started = 12;
  snapshot.counters.longest_turn = microseconds{250};
  const auto json = nlohmann::json::parse(view::summary_json(snapshot));
  EXPECT_EQ(json["health"], "degraded");
  EXPECT_EQ(json["daemon"]["pid"], 661);
  EXPECT_EQ(json["maps"]["degraded"], 1);
  EXPECT_EQ(json["maps"]["list"][0]["name"], "mpatha");
  EXPECT_EQ(json["maps"]["list"][0]["bad_paths"][0]["dev"], "sdb");
  EXPECT_EQ(json["paths"]["states"]["up"], 2);
  EXPECT_EQ(json["counters"]["checks_started"], 12);
  EXPECT_EQ(json["counters"]["longest_turn_microseconds"], 250);
}

}  // namespace
}  // namespace mpath
