// SPDX-License-Identifier: LGPL-2.1-or-later
// Every checker and every prioritizer against an array of its kind: failover, failback, and what goes wrong on the way.
#include <gmock/gmock.h>

#include "tests/sim/san.h"

namespace mpath::sim {
namespace {

using testing::ElementsAre;

Settings with(const std::string& defaults) {
  Settings settings;
  settings.grouping = "group_by_prio";
  settings.failback = "immediate";
  settings.more_defaults = defaults + "\n";
  return settings;
}

/// The daemon's view of the disks of the first LUN.
std::shared_ptr<const engine::PathView> view_of(San& san, const Disk& disk) {
  auto snapshot = san.sim.daemon->engine.snapshot(san.sim.queue.now());
  for (const auto& path : snapshot->paths) {
    if (path->facts->kernel_name == disk.name) return path;
  }
  throw std::runtime_error("no such path");
}

PathState state_of(San& san, std::size_t at) { return view_of(san, san.disk(at))->health.state; }

/// Priorities of the paths through controller 0 and 1; all paths of one controller must agree.
std::vector<int> priorities(San& san) {
  std::vector<int> found(2, -2);
  for (Disk* disk : san.sim.world.disks_of(san.lun())) {
    int priority = view_of(san, *disk)->priority.value_or(-1);
    int& known = found.at(disk->port->controller);
    EXPECT_TRUE(known == -2 || known == priority) << disk->name;
    known = priority;
  }
  return found;
}

std::uint32_t controller_in_use(San& san) {
  const Target& target = *san.map().live;
  std::uint32_t group = target.next_group.value_or(target.current_group.value_or(0));
  return target.paths[target.groups[group].paths.front()].disk->port->controller;
}

struct Method {
  const char* name;
  ArrayKind kind;
  Alua alua;
  const char* defaults;
  const char* checker;
  const char* prioritizer;
  PathState owner;      ///< of paths through the controller that owns the unit
  PathState other;      ///< of the others
  int owner_priority;   ///< while the owner is the default owner
  int other_priority;
  int moved_owner;      ///< after the other controller took over: priority of the new owner's paths
  int moved_other;
};

void PrintTo(const Method& method, std::ostream* out) { *out << method.name; }

class MethodTest : public testing::TestWithParam<Method> {
 protected:
  static San make() {
    const Method& method = GetParam();
    if (method.alua != Alua::none) return San(with(method.defaults), method.alua);
    return San(with(method.defaults), method.kind);
  }
};

constexpr auto up = PathState::up;
constexpr auto ghost = PathState::ghost;

const Method methods[] = {
    {"tur_alua", ArrayKind::plain, Alua::both, "", "tur", "alua", up, up, 50, 10, 50, 10},
    {"tur_alua_implicit", ArrayKind::plain, Alua::implicit_only, "", "tur", "alua", up, up, 50, 10, 50, 10},
    {"alua_alua", ArrayKind::plain, Alua::both, "path_checker alua", "alua", "alua", up, up, 50, 10, 50, 10},
    {"alua_implicit", ArrayKind::plain, Alua::implicit_only, "path_checker alua", "alua", "alua", up, up, 50, 10, 50, 10},
    {"sysfs", ArrayKind::plain, Alua::both, "detect_prio no\nprio sysfs", "tur", "sysfs", up, up, 50, 10, 50, 10},
    {"rdac", ArrayKind::rdac, Alua::none, "prio rdac", "rdac", "rdac", up, ghost, 6, 1, 3, 4},
    {"clariion", ArrayKind::clariion, Alua::none, "path_checker emc_clariion\nprio emc", "emc_clariion", "emc", up, up, 4, 1, 2, 3},
    {"hp_sw", ArrayKind::hp, Alua::none, "path_checker hp_sw\nprio hp_sw", "hp_sw", "hp_sw", up, ghost, 4, 2, 4, 2},
    {"ana", ArrayKind::nvme, Alua::none, "path_checker none", "none", "ana", up, up, 50, 10, 50, 10},
    {"directio_ana", ArrayKind::nvme, Alua::none, "}\noverrides {\npath_checker directio", "directio", "ana", up, up, 50, 10, 50, 10},
};

TEST_P(MethodTest, AControllerTakesOverAndGivesBack) {
  const Method& method = GetParam();
  San san = make();
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  san.sim.run(seconds{5});
  for (Disk* disk : san.sim.world.disks_of(san.lun())) {
    auto view = view_of(san, *disk);
    EXPECT_EQ(view->checker, method.checker);
    EXPECT_EQ(view->prioritizer, method.prioritizer);
    EXPECT_EQ(view->health.state, disk->port->controller == 0 ? method.owner : method.other) << disk->name;
  }
  EXPECT_THAT(priorities(san), ElementsAre(method.owner_priority, method.other_priority));
  ASSERT_EQ(san.map().live->groups.size(), 2u);
  EXPECT_EQ(controller_in_use(san), 0u);

  // Whoever owns the unit in the end (I/O through a passive controller may fetch it back), the daemon knows it.
  auto knows_the_owner = [&] {
    std::uint32_t owner = san.lun().owner;
    int owners = owner == 0 ? method.owner_priority : method.moved_owner;
    int others = owner == 0 ? method.other_priority : method.moved_other;
    return controller_in_use(san) == owner && view_of(san, san.disk(owner))->priority == owners &&
           view_of(san, san.disk(1 - owner))->priority == others;
  };
  san.sim.world.move_lun(san.lun(), 1, milliseconds{0});
  EXPECT_TRUE(san.sim.run_until(knows_the_owner, minutes{2}));
  san.sim.world.move_lun(san.lun(), 0, milliseconds{0});
  EXPECT_TRUE(san.sim.run_until(knows_the_owner, minutes{2}));
  san.sim.run(san.sim.settings.recovery_limit());
  EXPECT_EQ(san.active_paths(), 4u);
}

TEST_P(MethodTest, ALostPortIsNoticedAndComesBack) {
  San san = make();
  san.up();
  san.sim.world.set_link(*san.disk(0).port, Link::down);
  san.time_until([&] { return san.active_paths() == 2; }, san.sim.settings.notice_limit());
  san.sim.run(seconds{30});
  EXPECT_FALSE(is_usable(state_of(san, 0)));
  EXPECT_TRUE(is_usable(state_of(san, 1)));
  san.sim.world.set_link(*san.disk(0).port, Link::up);
  san.time_until([&] { return san.active_paths() == 4; }, san.sim.settings.recovery_limit());
}

TEST_P(MethodTest, AUnitAttentionCostsNoPath) {
  San san = make();
  san.up();
  for (int round = 0; round < 10; ++round) {
    for (Disk* disk : san.sim.world.disks_of(san.lun())) san.sim.world.raise_unit_attention(*disk);
    san.sim.run(seconds{7});
    EXPECT_EQ(san.active_paths(), 4u);
  }
}

/// Those that send something that can hang.
class AskingMethodTest : public MethodTest {};

TEST_P(AskingMethodTest, AHangingPathIsTakenOutAndReturns) {
  San san = make();
  san.up();
  san.sim.world.set_hang(san.disk(0), true);
  san.time_until([&] { return !san.sim.is_active(san.disk(0)); }, san.sim.settings.notice_limit());
  EXPECT_EQ(san.active_paths(), 3u);
  san.sim.world.set_hang(san.disk(0), false);
  san.time_until([&] { return san.active_paths() == 4; }, san.sim.settings.recovery_limit());
}

std::vector<Method> asking_methods() {
  std::vector<Method> asking;
  std::ranges::copy_if(methods, std::back_inserter(asking), [](const Method& method) { return std::string_view(method.checker) != "none"; });
  return asking;
}

std::string name_of(const testing::TestParamInfo<Method>& method) { return method.param.name; }

INSTANTIATE_TEST_SUITE_P(Arrays, MethodTest, testing::ValuesIn(methods), name_of);
INSTANTIATE_TEST_SUITE_P(Arrays, AskingMethodTest, testing::ValuesIn(asking_methods()), name_of);

// --- what only one kind has --------------------------------------------------------------------------------------------------
TEST(Methods, ReadsAreFailedByAReservationOfAnotherHostButTestUnitReadyIsNot) {
  for (auto [checker, expected] : {std::pair{"tur", up}, std::pair{"directio", PathState::down}, std::pair{"readsector0", PathState::down}}) {
    San san(with(std::string("path_checker ") + checker));
    san.up();
    san.sim.world.set_fault(san.disk(0), Fault::reservation_conflict);
    san.sim.run(san.sim.settings.notice_limit());
    EXPECT_EQ(state_of(san, 0), expected) << checker;
    san.sim.world.set_fault(san.disk(0), Fault::none);
    san.sim.run(san.sim.settings.recovery_limit());
    EXPECT_EQ(state_of(san, 0), up) << checker;
  }
}

TEST(Methods, ABusyPathIsOutWhileItIsBusy) {
  for (const char* checker : {"tur", "directio", "readsector0"}) {
    San san(with(std::string("path_checker ") + checker));
    san.up();
    san.sim.world.set_fault(san.disk(0), Fault::busy);
    san.time_until([&] { return state_of(san, 0) == PathState::down && !san.sim.is_active(san.disk(0)); }, san.sim.settings.notice_limit());
    san.sim.world.set_fault(san.disk(0), Fault::none);
    san.time_until([&] { return san.active_paths() == 4; }, san.sim.settings.recovery_limit());
  }
}

TEST(Methods, ALunThatIsGoneTakesItsPathOut) {
  for (const char* checker : {"tur", "directio", "readsector0"}) {
    San san(with(std::string("path_checker ") + checker));
    san.up();
    Disk& disk = san.disk(0);
    san.sim.world.unmap(disk);
    san.time_until([&] { return !san.sim.is_active(disk) && view_of(san, disk)->health.state == PathState::down; },
                   san.sim.settings.notice_limit());
  }
}

TEST(Methods, AnRdacArrayIsToldToReportAbortedCommandsOnce) {
  San san(with("prio rdac"), ArrayKind::rdac);
  san.up();
  for (Disk* disk : san.sim.world.disks_of(san.lun())) EXPECT_TRUE(disk->task_aborted_status) << disk->name;
}

TEST(Methods, AnInactiveSnapshotIsOutOnEveryPath) {
  San san(with("path_checker emc_clariion\nprio emc"), ArrayKind::clariion);
  san.up();
  san.lun().is_inactive_snapshot = true;
  san.sim.run(san.sim.settings.notice_limit() + san.sim.settings.max_polling_interval);
  for (std::size_t at = 0; at < 4; ++at) EXPECT_EQ(state_of(san, at), PathState::down) << at;
  san.lun().is_inactive_snapshot = false;
  san.sim.run(san.sim.settings.recovery_limit() + san.sim.settings.max_polling_interval);
  for (std::size_t at = 0; at < 4; ++at) EXPECT_EQ(state_of(san, at), up) << at;
}

TEST(Methods, OneReportServesThePathsOfAPortGroup) {
  auto commands_in_a_minute = [](const char* checker) {
    San san(with(std::string("path_checker ") + checker), Alua::both);
    san.up();
    san.sim.run(minutes{3});
    auto started = [&] { return san.sim.daemon->engine.snapshot(san.sim.queue.now())->counters.checks_started; };
    std::uint64_t before = started();
    san.sim.run(minutes{10});
    EXPECT_EQ(san.active_paths(), 4u);
    return started() - before;
  };
  std::uint64_t each = commands_in_a_minute("tur");
  std::uint64_t shared = commands_in_a_minute("alua");
  EXPECT_LE(shared, each * 6 / 10) << "two paths in each of two groups";
  EXPECT_GE(shared, each * 4 / 10);
}

TEST(Methods, APathWhoseSpeakerDiesIsAskedItself) {
  San san(with("path_checker alua"), Alua::both);
  san.up();
  san.sim.run(minutes{3});
  san.sim.world.set_link(*san.sim.world.hosts().front(), Link::down);
  san.time_until([&] { return san.active_paths() == 2; }, san.sim.settings.notice_limit());
  san.sim.run(minutes{1});
  EXPECT_EQ(san.active_paths(), 2u);
  san.sim.world.set_link(*san.sim.world.hosts().front(), Link::up);
  san.time_until([&] { return san.active_paths() == 4; }, san.sim.settings.recovery_limit());
}

TEST(Methods, TransitionsKeepTheLastPriority) {
  for (const char* prio : {"detect_prio yes", "detect_prio no\nprio sysfs"}) {
    San san(with(prio), Alua::implicit_only);
    san.up();
    std::vector<int> before = priorities(san);
    san.sim.world.move_lun(san.lun(), 0, seconds{20});
    san.sim.run(seconds{15});
    EXPECT_EQ(priorities(san), before) << prio;
    san.sim.run(seconds{30});
    EXPECT_EQ(priorities(san), before) << prio;
  }
  San nvme(with("path_checker none"), ArrayKind::nvme);
  nvme.up();
  nvme.sim.world.move_lun(nvme.lun(), 0, seconds{20});
  nvme.sim.run(seconds{15});
  EXPECT_THAT(priorities(nvme), ElementsAre(50, 10));
}

TEST(Methods, AConfigurationThatIsReadWhileAPriorityIsAskedForLosesNone) {
  San san(with("path_checker none"), ArrayKind::nvme);
  san.up();
  for (int round = 0; round < 60; ++round) {
    san.time_until([&] { return san.sim.daemon->engine.snapshot(san.sim.queue.now())->counters.checks_outstanding > 0; }, minutes{1});
    san.sim.run(microseconds{100} * round);
    san.sim.daemon->request(RequestId{77}, Request{.kind = RequestKind::reconfigure});
    san.sim.run(milliseconds{200});
    EXPECT_THAT(priorities(san), ElementsAre(50, 10)) << "round " << round;
    san.sim.run(seconds{3});
  }
}

/// With the checker none the kernel's word makes it usable, which is no answer of the device to what it has had.
TEST(Methods, APathThatHangsAndIsUpByTheKernelsWordHoldsUpALoad) {
  Settings settings = with("path_checker none");
  settings.checker_timeout = seconds{5};
  settings.error_handling = seconds{10};
  settings.suspect_after.reset();
  San san(settings, ArrayKind::nvme);
  san.up();
  san.sim.start_users(milliseconds{50}, 2);
  san.sim.run(seconds{5});
  san.sim.world.set_hang(san.disk(0), true);
  san.time_until([&] { return state_of(san, 0) == PathState::timeout; }, minutes{1});
  san.time_until([&] { return state_of(san, 0) == PathState::up; }, minutes{1});
  std::uint64_t before = san.map().loads;
  san.sim.oracle.reconfigured(true);
  ASSERT_TRUE(san.sim.ask(Request{.kind = RequestKind::reload_map, .map = san.map().name.text}));
  san.sim.run(seconds{2});
  EXPECT_EQ(san.map().loads, before);
  san.sim.world.set_hang(san.disk(0), false);
  EXPECT_TRUE(san.sim.run_until([&] { return san.map().loads == before + 1; }, minutes{2}));
}

TEST(Methods, PrioritizersWithoutAnArrayOfTheirOwn) {
  struct Row {
    const char* defaults;
    std::vector<int> expected;
  };
  const Row rows[] = {
      {"prio const", {1, 1}},
      {"prio weightedpath\nprio_args \"wwn 0001$ 30 0002$ 20\"", {30, 20}},
      {"prio weightedpath\nprio_args \"hbtl .:.:1:. 7 .:.:2:. 3\"", {7, 3}},
      {"prio iet\nprio_args preferredip=10.0.0.11", {20, 10}},
      {"prio datacore\nprio_args preferredsds=NOBODY", {0, 0}},
      {"prio ontap", {0, 0}},
      {"prio hds", {-1, -1}},
      {"prio nonsense", {-1, -1}},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.defaults);
    San san(with(row.defaults));
    san.up();
    EXPECT_EQ(priorities(san), row.expected);
    EXPECT_EQ(san.active_paths(), 4u);
  }
}

TEST(Methods, LatencyMakesThePriorityOfASlowPortLower) {
  San san(with("prio path_latency\nprio_args \"io_num=20 base_num=2\""));
  san.up();
  for (Disk* disk : san.sim.world.disks_of(san.lun())) {
    if (disk->port->controller == 0) san.sim.world.set_latency(*disk, milliseconds{100});
  }
  san.sim.run(minutes{1});
  int slow = view_of(san, san.disk(0))->priority.value_or(-1);
  int fast = view_of(san, san.disk(1))->priority.value_or(-1);
  EXPECT_GE(fast, slow + 4);
  EXPECT_EQ(san.active_paths(), 4u);
}

TEST(Methods, RandomPrioritiesFollowTheSeed) {
  auto draw = [] {
    Settings settings = with("prio random");
    settings.grouping = "multibus";
    San san(settings);
    san.up();
    std::vector<int> drawn;
    for (std::size_t at = 0; at < 4; ++at) drawn.push_back(view_of(san, san.disk(at))->priority.value_or(-1));
    return drawn;
  };
  std::vector<int> first = draw();
  EXPECT_EQ(first, draw());
  for (int priority : first) EXPECT_TRUE(priority >= 1 && priority <= 10) << priority;
}

}  // namespace
}  // namespace mpath::sim
