// SPDX-License-Identifier: LGPL-2.1-or-later
// Rules that say when a path that answers carries I/O, when I/O goes to another group, and how long it waits for a path.
#include "tests/unit/engine/settled.h"

namespace mpath::engine {
namespace {

constexpr std::uint8_t standby = 2;

/// sda and sdb, each a group of its own, as the kernel has them when the daemon starts.
struct TwoPaths : Settled {
  explicit TwoPaths(const std::string& defaults)
      : Settled("polling_interval 1\nmax_polling_interval 1\n" + defaults, {{"sda"}, {"sdb"}}, {}, seconds{3}) {}
  void fail_both() {
    disks.at("sda").answer = Answer::dead;
    disks.at("sdb").answer = Answer::dead;
  }
  /// The path goes and comes back by its checks.
  void flap(const std::string& name) {
    disks.at(name).answer = Answer::dead;
    run(seconds{2});
    disks.at(name).answer = Answer::good;
    run(seconds{2});
  }
};

/// Two controllers: the one of sda is better as long as `access` says so.
struct TwoControllers : Bench {
  explicit TwoControllers(const std::string& defaults)
      : Bench("polling_interval 1\nmax_polling_interval 1\npath_grouping_policy group_by_prio\n" + defaults) {
    alua_disk("sda", 1);
    alua_disk("sdb", 1);
    alua_disk("sdc", 2);
    access[2] = 1;
    kernel_map({{"sda", "sdb"}, {"sdc"}});
    start();
    run(seconds{3});
  }
  /// I/O is on the second group, and the first has come back with one path.
  void first_group_returns() {
    for (const char* name : {"sda", "sdb"}) disks.at(name).answer = Answer::dead;
    run(seconds{3});
    map().table.next_group = 2;
    map_event();
    run(seconds{2});
    forget();
    disks.at("sda").answer = Answer::good;
  }
  [[nodiscard]] bool switched_within(Duration span) {
    run(span);
    return map().table.next_group == 1;
  }
};

// --- failback ---------------------------------------------------------------------------------------------------

TEST(Failback, ManualStays) {
  TwoControllers bench("failback manual");
  bench.first_group_returns();
  EXPECT_FALSE(bench.switched_within(minutes{5}));
}

TEST(Failback, ImmediateGoesBackAtOnce) {
  TwoControllers bench("failback immediate");
  bench.first_group_returns();
  EXPECT_TRUE(bench.switched_within(seconds{3}));
}

TEST(Failback, FollowoverGoesBackWithTheFirstPathOfTheGroup) {
  TwoControllers bench("failback followover");
  bench.first_group_returns();
  EXPECT_TRUE(bench.switched_within(seconds{3}));
}

TEST(Failback, AfterSoManySecondsWhichEveryPathThatComesOrGoesBeginsAnew) {
  TwoControllers bench("failback 10");
  bench.first_group_returns();
  EXPECT_FALSE(bench.switched_within(seconds{8}));
  bench.disks.at("sdb").answer = Answer::good;
  EXPECT_FALSE(bench.switched_within(seconds{8})) << "another path came up";
  bench.disks.at("sdb").answer = Answer::dead;
  EXPECT_FALSE(bench.switched_within(seconds{8})) << "a path failed";
  EXPECT_TRUE(bench.switched_within(seconds{5}));
}

TEST(Failback, AGroupThatTheKernelGaveUpIsTakenUpWhenAPathOfItWorks) {
  TwoPaths bench("failback manual");
  bench.map().table.groups[1].state = KernelGroupState::disabled;
  bench.map_event();
  bench.run(seconds{1});
  EXPECT_EQ(std::ranges::count(bench.take_messages(), "enable_group 2"), 1);
}

// --- no_path_retry ----------------------------------------------------------------------------------------------

TEST(Retries, IoWaitsExactlySoManyIntervals) {
  TwoPaths bench("no_path_retry 5");
  ASSERT_TRUE(bench.queues());
  bench.fail_both();
  MonoTime before = bench.now;
  while (!bench.picture()->maps[0]->failures && bench.queues() && bench.now < before + seconds{20}) bench.run(milliseconds{10});
  EXPECT_FALSE(bench.queues());
  EXPECT_GE(bench.now - before, seconds{5});
  EXPECT_LE(bench.now - before, seconds{7}) << "an interval to notice it, five to wait";
  EXPECT_EQ(bench.picture()->maps[0]->queue_timeouts, 1u) << "counted when the waiting began";
  bench.disks.at("sda").answer = Answer::good;
  bench.run(seconds{3});
  EXPECT_TRUE(bench.queues());
}

TEST(Retries, APathThatComesBackInTimeStopsTheCountdown) {
  TwoPaths bench("no_path_retry 5");
  bench.fail_both();
  bench.run(seconds{4});
  bench.disks.at("sda").answer = Answer::good;
  bench.run(seconds{2});
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{4});
  EXPECT_TRUE(bench.queues()) << "it counts from the beginning";
}

TEST(Retries, GoOnOverARestart) {
  const char* defaults = "no_path_retry 60";
  TwoPaths first(defaults);
  first.fail_both();
  first.run(seconds{45});
  ASSERT_TRUE(first.queues());

  Bench second("polling_interval 1\nmax_polling_interval 1\nno_path_retry 60");
  second.now = first.now;
  second.disks = first.disks;
  second.kernel = first.kernel;
  second.run_state_file = first.run_state_file;
  second.start();
  auto queues = [&] { return wire::features_has(second.map().table.features, wire::queue_if_no_path); };
  second.run(seconds{8});
  EXPECT_TRUE(queues());
  second.run(seconds{10});
  EXPECT_FALSE(queues()) << "60 s after the last path went, not after the restart";

  Bench third("polling_interval 1\nmax_polling_interval 1\nno_path_retry 60");
  third.now = second.now;
  third.disks = second.disks;
  third.kernel = second.kernel;
  third.run_state_file = second.run_state_file;
  third.start();
  third.run(seconds{10});
  EXPECT_TRUE(third.take_messages().empty()) << "never queued again";
}

// --- last path ----------------------------------------------------------------------------------------------------

TEST(LastPath, FlushOnLastDelSaysWhatBecomesOfTheMap) {
  struct Row {
    const char* setting;
    const char* retry;
    bool removed;
    bool queued_before;
  };
  for (const Row& row : {Row{"never", "queue", false, true}, Row{"never", "fail", true, false}, Row{"unused", "queue", true, true},
                         Row{"always", "queue", true, false}}) {
    TwoPaths bench(fmt::format("flush_on_last_del {}\nno_path_retry {}", row.setting, row.retry));
    bench.hold<RunTableAction>();
    bench.disappear("sda");
    bench.disappear("sdb");
    bench.run(seconds{5});
    EXPECT_EQ(bench.queues(), row.queued_before) << row.setting << " with " << row.retry;
    bench.release<RunTableAction>();
    bench.run(seconds{5});
    EXPECT_EQ(!bench.has_map(), row.removed) << row.setting << " with " << row.retry;
  }
}

TEST(LastPath, AMapThatWaitsTakesThePathThatComes) {
  TwoPaths bench("flush_on_last_del never\nno_path_retry queue");
  bench.disappear("sda");
  bench.disappear("sdb");
  bench.run(minutes{1});
  ASSERT_TRUE(bench.has_map());
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{10});
  EXPECT_EQ(bench.groups(), "sdc");
  EXPECT_TRUE(bench.queues());
}

// --- ghosts -------------------------------------------------------------------------------------------------------

const std::vector<std::uint8_t> in_standby = {0x72, 2, 4, 0x0b, 0, 0, 0, 0};

TEST(Ghost, IsNotReinstatedAsTheOnlyPathWhereOnlyTheArrayCanActivateIt) {
  for (TpgSupport support : {TpgSupport::implicit_only, TpgSupport::implicit_and_explicit}) {
    Bench bench("polling_interval 1\nmax_polling_interval 1\nno_path_retry 3");
    for (const char* name : {"sda", "sdb"}) {
      bench.alua_disk(name, name == std::string("sda") ? 1 : 2).found.facts.tpg_support = support;
    }
    bench.access[2] = standby;
    bench.disks.at("sdb").sense = in_standby;
    bench.kernel_map({{"sda"}, {"sdb"}});
    bench.start();
    bench.run(seconds{3});
    EXPECT_EQ(bench.health("sdb"), PathState::ghost);
    EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::active);
    bench.disks.at("sda").answer = Answer::dead;
    bench.kernel_fails("sda");
    bench.kernel_fails("sdb");
    bench.run(seconds{10});
    bool held = support == TpgSupport::implicit_only;
    EXPECT_EQ(bench.kernel_state("sdb"), held ? KernelPathState::failed : KernelPathState::active);
    EXPECT_EQ(wire::features_has(bench.map().table.features, wire::queue_if_no_path), !held) << "it is no usable path";
    bench.disks.at("sda").answer = Answer::good;
    bench.run(seconds{5});
    EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::active) << "it stands by again";
  }
}

TEST(Ghost, AMapOfGhostsIsNotReadyBeforeAPathIsUpOrTheDelayIsOver) {
  for (bool comes_up : {true, false}) {
    Bench bench("polling_interval 1\nmax_polling_interval 1\nghost_delay 30");
    bench.disk("sda").sense = in_standby;
    bench.start();
    bench.run(seconds{5});
    bench.map_uevent();
    auto created = bench.take_actions();
    ASSERT_EQ(created.size(), 1u);
    EXPECT_TRUE(created[0].udev.no_paths);
    bench.run(seconds{15});
    EXPECT_TRUE(bench.take_actions().empty());
    if (comes_up) bench.disks.at("sda").sense.clear();
    bench.run(comes_up ? seconds{5} : seconds{15});
    auto loads = bench.take_actions();
    ASSERT_EQ(loads.size(), 1u) << comes_up;
    EXPECT_EQ(loads[0].kind, TableActionKind::reload);
    EXPECT_FALSE(loads[0].udev.no_paths);
    EXPECT_FALSE(loads[0].udev.reload) << "the event must say that everything is new";
  }
}

// --- paths that are not trusted -----------------------------------------------------------------------------------

constexpr const char* san_rule = "san_path_err_threshold 1\nsan_path_err_forget_rate 100\nsan_path_err_recovery_time 30\n";

TEST(Distrust, APathThatFailedTooOftenIsDelayedAndReturnsAfterItsTime) {
  TwoPaths bench(san_rule);
  bench.flap("sda");
  EXPECT_EQ(bench.health("sda"), PathState::up);
  bench.flap("sda");
  EXPECT_EQ(bench.health("sda"), PathState::delayed);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.run(seconds{26});
  EXPECT_EQ(bench.health("sda"), PathState::delayed);
  bench.run(seconds{6});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_TRUE(bench.take_kinds().empty());
}

TEST(Distrust, TheLastPathReturnsAtOnce) {
  TwoPaths bench(san_rule);
  bench.flap("sda");
  bench.flap("sda");
  ASSERT_EQ(bench.health("sda"), PathState::delayed);
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{2});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
}

TEST(Distrust, WithMarginalPathgroupsItIsUsedAfterAllOthers) {
  TwoPaths bench(std::string(san_rule) + "marginal_pathgroups on\npath_grouping_policy multibus\n");
  bench.run(seconds{5});
  bench.forget();
  bench.flap("sda");
  bench.flap("sda");
  bench.run(seconds{5});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_EQ(bench.groups(), "sdb | sda");
  EXPECT_EQ(bench.take_kinds().size(), 1u);
  bench.run(seconds{40});
  EXPECT_EQ(bench.groups().find('|'), std::string::npos);
}

TEST(Distrust, SurvivesARestart) {
  TwoPaths first(san_rule);
  first.flap("sda");
  first.flap("sda");
  ASSERT_EQ(first.health("sda"), PathState::delayed);
  Bench second(std::string("polling_interval 1\nmax_polling_interval 1\n") + san_rule);
  second.now = first.now;
  second.disks = first.disks;
  second.kernel = first.kernel;
  second.run_state_file = first.run_state_file;
  second.start();
  second.run(seconds{10});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::failed);
  EXPECT_TRUE(second.take_kinds().empty());
  second.run(seconds{30});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::active);
}

constexpr const char* sampling_rule =
    "marginal_path_double_failed_time 60\nmarginal_path_err_sample_time 120\nmarginal_path_err_rate_threshold 10\n"
    "marginal_path_err_recheck_gap_time 100\n";

TEST(Sampling, TestReadsDecideWhetherThePathReturns) {
  TwoPaths bench(sampling_rule);
  bench.kernel_fails("sda");
  bench.run(seconds{5});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active) << "one failure is none";
  bench.kernel_fails("sda");
  bench.run(seconds{5});
  EXPECT_EQ(bench.health("sda"), PathState::delayed);
  std::size_t reads = bench.reads;
  bench.run(seconds{10});
  EXPECT_NEAR(static_cast<double>(bench.reads - reads), 100, 2) << "ten in a second";
  bench.run(seconds{100});
  EXPECT_EQ(bench.health("sda"), PathState::delayed);
  EXPECT_LE(bench.reads, 602u) << "none in the last minute";
  bench.run(seconds{10});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(bench.times_logged("test reads failed; it returns"), 1);
}

TEST(Sampling, APathWhoseReadsFailWaitsAndIsTriedAgain) {
  TwoPaths bench(sampling_rule);
  bench.disks.at("sda").reads_fail = true;
  bench.kernel_fails("sda");
  bench.run(seconds{5});
  bench.kernel_fails("sda");
  bench.run(seconds{130});
  EXPECT_EQ(bench.times_logged("tried again in 100 s"), 1);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.disks.at("sda").reads_fail = false;
  bench.run(seconds{90});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.run(seconds{140});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
}

TEST(Sampling, ReadsThatDoNotEndAreFewAndCountAsFailed) {
  TwoPaths bench(sampling_rule);
  bench.kernel_fails("sda");
  bench.run(seconds{5});
  bench.disks.at("sda").reads_hang = true;
  bench.kernel_fails("sda");
  bench.run(seconds{60});
  EXPECT_EQ(bench.reads, 32u);
  bench.run(seconds{70});
  EXPECT_EQ(bench.times_logged("32 of 32 test reads failed"), 1);
}

TEST(Sampling, EndsAtOnceWhenNoOtherPathIsLeft) {
  TwoPaths bench(sampling_rule);
  bench.kernel_fails("sda");
  bench.run(seconds{5});
  bench.kernel_fails("sda");
  bench.run(seconds{5});
  ASSERT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{2});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  bench.disks.at("sdb").answer = Answer::good;
  std::size_t reads = bench.reads;
  bench.run(seconds{10});
  EXPECT_EQ(bench.reads, reads);
}

TEST(Command, SetmarginalAndUnsetmarginal) {
  TwoPaths bench("marginal_pathgroups on\npath_grouping_policy multibus\n");
  bench.run(seconds{5});
  EXPECT_EQ(bench.ask(RequestKind::set_marginal, "sda").outcome, Outcome::ok);
  bench.run(seconds{3});
  EXPECT_EQ(bench.groups(), "sdb | sda");
  EXPECT_TRUE(bench.path("sda")->marginal);
  EXPECT_EQ(bench.ask(RequestKind::unset_marginal_map).outcome, Outcome::ok);
  bench.run(seconds{3});
  EXPECT_FALSE(bench.path("sda")->marginal);
  EXPECT_EQ(bench.ask(RequestKind::set_marginal, "sdq").outcome, Outcome::not_found);
}

// --- paths that udev has not told of ------------------------------------------------------------------------------

/// udev told of sda at the start and of sdc now; sdb is in the kernel's table all the same.
struct UntoldPath : Bench {
  UntoldPath() : Bench("polling_interval 1\n") {
    for (const char* name : {"sda", "sdb", "sdc"}) disk(name);
    kernel_map({{"sda"}, {"sdb"}});
    enumeration_order = {"sda"};
    start();
    run(seconds{3});
    appear("sdc");
    run(seconds{3});
  }
};

TEST(Partial, APathOfTheTableThatUdevHasNotToldOfIsNotDroppedByTheFirstLoad) {
  UntoldPath bench;
  EXPECT_EQ(bench.groups(), "sda | sdb") << "it waits";
  EXPECT_EQ(bench.times_gathered("/sys/dev/block/" + to_string(bench.number("sdb"))), 1);
  bench.appear("sdb");
  bench.run(seconds{3});
  EXPECT_EQ(bench.groups(), "sda | sdb | sdc");
  EXPECT_EQ(bench.take_kinds().size(), 1u);
}

TEST(Partial, ADeviceThatIsNotThereAnyMoreIsNotWaitedFor) {
  UntoldPath bench;
  bench.disappear("sdb");
  bench.run(seconds{3});
  EXPECT_EQ(bench.groups(), "sda | sdc");
}

TEST(Partial, UdevIsAskedAgainForAPathWithoutWwid) {
  Bench bench("polling_interval 1\nretrigger_delay 10\nretrigger_tries 2\n");
  Disk& disk = bench.disk("sda");
  disk.found.properties.clear();
  disk.found.vpd_page_83.clear();
  disk.answer = Answer::dead;
  bench.start();
  bench.run(seconds{8});
  EXPECT_EQ(bench.triggered.size(), 0u);
  EXPECT_EQ(bench.path("sda")->init_state, InitState::udev_missing);
  bench.run(seconds{5});
  EXPECT_EQ(bench.triggered, std::vector<std::string>{"/sys/devices/sda change"});
  bench.run(minutes{2});
  EXPECT_EQ(bench.triggered.size(), 2u);
  EXPECT_EQ(bench.path("sda")->init_state, InitState::failed);
}

// --- paths that go ------------------------------------------------------------------------------------------------

TEST(Purge, ADeviceWithoutLogicalUnitIsRemovedOnce) {
  for (const char* setting : {"yes", "no"}) {
    TwoPaths bench(fmt::format("purge_disconnected {}", setting));
    bench.disks.at("sda").sense = {0x72, 5, 0x25, 0, 0, 0, 0, 0};
    bench.run(seconds{20});
    EXPECT_EQ(bench.deleted, setting == std::string("yes") ? std::vector<std::string>{"sda"} : std::vector<std::string>{}) << setting;
    EXPECT_EQ(bench.health("sda"), PathState::down);
  }
}

TEST(RemovePath, StaysAwayUntilItIsAskedForOrADeviceComesAnew) {
  TwoPaths bench("");
  bench.ask(RequestKind::remove_path, "sda");
  bench.run(seconds{5});
  EXPECT_EQ(bench.groups(), "sdb");
  bench.appear("sda");
  bench.run(seconds{5});
  EXPECT_EQ(bench.groups(), "sdb") << "a change event says nothing new";
  bench.ask(RequestKind::add_path, "sda");
  bench.appear("sda");
  bench.run(seconds{5});
  EXPECT_EQ(bench.groups().size(), std::string("sdb | sda").size());
}

}  // namespace
}  // namespace mpath::engine
