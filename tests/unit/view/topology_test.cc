// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/topology.h"

#include <gtest/gtest.h>

#include "tests/unit/view/fixture.h"

namespace mpath {
namespace {

using namespace test;
using view::measure_paths;
using view::topology;
using view::TopologyOptions;

std::string sample(const Snapshot& snapshot, TopologyOptions options = {}) {
  return topology(*snapshot.maps.at(0), measure_paths(snapshot.paths), options);
}

constexpr std::string_view sample_block =
    "mpatha (3600a) dm-3 VEND,PROD\n"
    "size=10G features='0' hwhandler='1 alua' wp=rw\n"
    "|-+- policy='service-time 0' prio=50 status=active\n"
    "| |- 0:0:0:1      sda   8:0    active ready  running\n"
    "| `- 1:0:0:1      sdb   8:16   failed faulty running\n"
    "`-+- policy='service-time 0' prio=10 status=enabled\n"
    "  |- 10:0:0:16385 sdc   8:32   active ready  running\n"
    "  `- 11:0:0:16385 sdaaa 133:48 failed faulty running\n";

TEST(Topology, PrintsTheReferencesSampleByteForByte) { EXPECT_EQ(sample(sample_snapshot()), sample_block); }

/// Snapshot of one map whose groups hold the given paths, for what a lab printed.
Snapshot lab_map(std::string wwid, std::string vendor, std::string product, std::string features,
                 std::vector<std::pair<int, std::vector<PathSketch>>> groups) {
  Snapshot snapshot;
  auto map = std::make_shared<MapView>();
  map->name = {wwid};
  map->wwid = {wwid};
  map->features = std::move(features);
  map->read_only = false;
  for (const auto& [priority, sketches] : groups) {
    std::vector<std::shared_ptr<const PathView>> paths;
    for (const PathSketch& sketch : sketches) {
      auto path = make_path(sketch, wwid);
      auto facts = std::make_shared<PathFacts>(*path->facts);
      facts->vendor = vendor;
      facts->product = product;
      path->facts = facts;
      paths.push_back(path);
      snapshot.paths.push_back(path);
    }
    const auto state = map->groups.empty() ? KernelGroupState::active : KernelGroupState::enabled;
    map->groups.push_back(make_group(std::move(paths), priority, state));
  }
  snapshot.maps = {map};
  return snapshot;
}

TEST(Topology, PrintsAnAluaMapOfTheKernelsTargetAsTheLabDid) {
  Snapshot snapshot = lab_map("360014050000000100004000800000000", "LIO-ORG", "FILEIO", "1 queue_if_no_path",
                              {{50, {{"sdd", {8, 48}, {1, 0, 1, 0}}, {"sdg", {8, 96}, {2, 0, 1, 0}}, {"sdj", {8, 144}, {3, 0, 1, 0}}}},
                               {0, {{"sda", {8, 0}, {0, 0, 1, 0}, PathState::down, 0}}}});
  change_map(snapshot, [](MapView& map) {
    map.devnum = {253, 0};
    map.size_sectors = 32768;
    map.hardware_handler = "1 alua";
  });
  EXPECT_EQ(topology(*snapshot.maps[0], measure_paths(*snapshot.maps[0])),
            "360014050000000100004000800000000 dm-0 LIO-ORG,FILEIO\n"
            "size=16M features='1 queue_if_no_path' hwhandler='1 alua' wp=rw\n"
            "|-+- policy='service-time 0' prio=50 status=active\n"
            "| |- 1:0:1:0 sdd 8:48  active ready  running\n"
            "| |- 2:0:1:0 sdg 8:96  active ready  running\n"
            "| `- 3:0:1:0 sdj 8:144 active ready  running\n"
            "`-+- policy='service-time 0' prio=0 status=enabled\n"
            "  `- 0:0:1:0 sda 8:0   failed faulty running\n");
}

TEST(Topology, PrintsAnNvmeMapOfTheDaemonAsTheLabDid) {
  Snapshot snapshot = lab_map("uuid.6d706c61-0000-4000-8000-000000000002", "NVME", "lab array                               ",
                              "4 queue_if_no_path retain_attached_hw_handler queue_mode bio",
                              {{50, {{"nvme0n1", {259, 0}, {0, 1, 1, 2}}, {"nvme1n1", {259, 3}, {1, 2, 1, 2}}}}});
  change_map(snapshot, [](MapView& map) {
    map.devnum = {253, 0};
    map.size_sectors = 65536;
    map.pending = engine::PendingAction::create;
  });
  EXPECT_EQ(sample(snapshot),
            "create: uuid.6d706c61-0000-4000-8000-000000000002 dm-0 NVME,lab array                               \n"
            "size=32M features='4 queue_if_no_path retain_attached_hw_handler queue_mode bio' hwhandler='0' wp=rw\n"
            "`-+- policy='service-time 0' prio=50 status=active\n"
            "  |- 0:1:1:2 nvme0n1 259:0 active ready running\n"
            "  `- 1:2:1:2 nvme1n1 259:3 active ready running\n");
}

TEST(Topology, PadsTheLastColumnToo) {
  Snapshot snapshot = sample_snapshot();
  auto orphan = make_path({"sdx", {65, 112}, {12, 0, 0, 1}}, "");
  snapshot.paths.push_back(orphan);
  const std::string block = sample(snapshot);
  EXPECT_NE(block.find("| `- 1:0:0:1      sdb   8:16   failed faulty running\n"), std::string::npos) << block;
  auto offline = std::make_shared<PathView>(*make_path({"sdy", {65, 128}, {0, 0, 0, 2}, PathState::pending}, "mpatha"));
  snapshot.paths.push_back(offline);
  EXPECT_NE(sample(snapshot).find("| `- 1:0:0:1      sdb   8:16   failed faulty      running\n"), std::string::npos);
}

TEST(Topology, WidthsOfTheToolAreThoseOfTheMapAlone) {
  Snapshot snapshot = sample_snapshot();
  snapshot.paths.push_back(make_path({"sdlongest", {133, 1000}, {100, 0, 0, 16385}}, ""));
  EXPECT_EQ(topology(*snapshot.maps[0], measure_paths(*snapshot.maps[0])), sample_block);
  EXPECT_NE(sample(snapshot), sample_block);
}

TEST(Topology, VerbosityChoosesNothingOrTheNameOrEverything) {
  const Snapshot snapshot = sample_snapshot();
  EXPECT_EQ(sample(snapshot, {.verbosity = 0}), "");
  EXPECT_EQ(sample(snapshot, {.verbosity = 1}), "mpatha\n");
  EXPECT_EQ(sample(snapshot, {.verbosity = 3}), sample_block);
}

TEST(Topology, FirstLineIsBoldOnATerminal) {
  EXPECT_TRUE(sample(sample_snapshot(), {.bold = true}).starts_with("\x1b[1mmpatha (3600a) dm-3 VEND,PROD\x1b[0m\nsize="));
}

TEST(Topology, FirstLineBeginsWithThePendingAction) {
  Snapshot snapshot = sample_snapshot();
  using engine::PendingAction;
  const std::pair<PendingAction, std::string> cases[] = {{PendingAction::reject, "reject: mpatha "},
                                                         {PendingAction::rename, "rename: mpatha "},
                                                         {PendingAction::reload, "reload: mpatha "},
                                                         {PendingAction::create, "create: mpatha "},
                                                         {PendingAction::switchpg, "switchpg: mpatha "}};
  for (const auto& [action, begin] : cases) {
    change_map(snapshot, [&](MapView& map) { map.pending = action; });
    EXPECT_TRUE(sample(snapshot).starts_with(begin)) << sample(snapshot);
  }
  EXPECT_TRUE(sample(snapshot, {.dry_run = true}).starts_with(": mpatha "));
  EXPECT_EQ(sample(snapshot, {.verbosity = 1}), "mpatha\n");
}

TEST(Topology, SaysUndefinedWhereNothingIsKnown) {
  Snapshot snapshot;
  auto map = std::make_shared<MapView>();
  map->wwid = {"3600b"};
  auto gone = std::make_shared<PathView>();
  gone->health.state = PathState::removed;
  map->groups = {make_group({gone}, -1, KernelGroupState::unknown)};
  EXPECT_EQ(topology(*map, measure_paths(*map)),
            "3600b undef ##,##\n"
            "size=0.0K features='0' hwhandler='0' wp=undef\n"
            "`-+- policy='service-time 0' prio=0 status=undef\n"
            "  `- #:#:#:# - #:# undef undef running\n");
}

TEST(Topology, LetsNoHostileByteThrough) {
  RandomSnapshots random(1);
  for (int i = 0; i < 300; ++i) {
    const Snapshot snapshot = random.next();
    for (const auto& map : snapshot.maps) {
      const std::string block = topology(*map, measure_paths(snapshot.paths));
      ASSERT_EQ(hostile_byte(block), std::string::npos) << i;
    }
  }
}

}  // namespace
}  // namespace mpath
