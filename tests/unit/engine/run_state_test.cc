// SPDX-License-Identifier: LGPL-2.1-or-later
// What the engine keeps in /run/multipath/state, and what a new one makes of it.
#include "libmpath/wire/run_state.h"

#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

wire::RunState saved(const Bench& bench) { return wire::parse_run_state(bench.run_state_file).value_or(wire::RunState{}); }

const std::vector<std::uint8_t> in_standby = {0x72, 2, 4, 0x0b, 0, 0, 0, 0};

/// Two paths, and the map of both in the kernel.
struct TwoPaths : Bench {
  explicit TwoPaths(const std::string& defaults = {}) : Bench(defaults) {
    disk("sda");
    disk("sdb");
    kernel_map({{"sda"}, {"sdb"}});
  }
};

TEST(RunState, AQuarantineIsWrittenAtOnceAndTakenBackWhenItEnds) {
  TwoPaths bench("polling_interval 1");
  bench.start();
  bench.run(seconds{2});
  EXPECT_EQ(bench.saves, 0u);
  bench.disks.at("sda").volume = 2;
  bench.kernel_fails("sda");
  bench.run(seconds{5});
  ASSERT_EQ(saved(bench).paths.size(), 1u);
  EXPECT_TRUE(saved(bench).paths[0].quarantined);
  EXPECT_EQ(saved(bench).paths[0].devnum, bench.number("sda"));
  EXPECT_EQ(saved(bench).paths[0].wwid.text, wwid_of(1));
  bench.disks.at("sda").volume = 1;
  bench.run(seconds{5});
  EXPECT_EQ(bench.run_state_file, "");
  EXPECT_EQ(bench.saves, 2u) << "only when something changed";
}

TEST(RunState, DisabledQueueingOutlivesTheDaemon) {
  TwoPaths first("no_path_retry queue");
  first.start();
  first.run(seconds{1});
  first.ask(RequestKind::disable_queueing);
  ASSERT_EQ(saved(first).maps.size(), 1u);

  TwoPaths second("no_path_retry queue");
  second.run_state_file = first.run_state_file;
  second.start();
  second.run(seconds{10});
  EXPECT_FALSE(wire::features_has(second.map().table.features, wire::queue_if_no_path));
  EXPECT_TRUE(second.take_kinds().empty()) << "no load";
  second.ask(RequestKind::restore_queueing);
  EXPECT_TRUE(wire::features_has(second.map().table.features, wire::queue_if_no_path));
  EXPECT_EQ(second.run_state_file, "");
}

TEST(RunState, MarksComeBackToTheSameDeviceOnly) {
  struct Row {
    const char* what;
    std::uint64_t sequence_more;
    const char* wwid;
    bool comes_back;
  };
  for (const Row& row : {Row{"the same", 0, "", true}, Row{"the number was given to another disk", 1, "", false},
                         Row{"another volume", 0, "3600x", false}}) {
    TwoPaths bench("san_path_err_threshold 1\nsan_path_err_forget_rate 9\nsan_path_err_recovery_time 99");
    const PathFacts& facts = bench.disks.at("sda").found.facts;
    wire::RunState before;
    before.paths.push_back({.devnum = facts.devnum, .disk_sequence = facts.disk_sequence + row.sequence_more,
                            .wwid = {*row.wwid == 0 ? wwid_of(1) : row.wwid}, .unreliable = true});
    bench.run_state_file = wire::format_run_state(before);
    bench.start();
    bench.run(seconds{3});
    EXPECT_EQ(bench.kernel_state("sda"), row.comes_back ? KernelPathState::failed : KernelPathState::active) << row.what;
    EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::active) << row.what;
    EXPECT_EQ(saved(bench).paths.size(), row.comes_back ? 1u : 0u) << row.what;
  }
}

TEST(RunState, AQuarantinedPathIsVerifiedAnewAfterTheRestart) {
  TwoPaths bench;
  const PathFacts& facts = bench.disks.at("sda").found.facts;
  wire::RunState before;
  before.paths.push_back({.devnum = facts.devnum, .disk_sequence = facts.disk_sequence, .wwid = {wwid_of(1)}, .quarantined = true});
  bench.run_state_file = wire::format_run_state(before);
  bench.start();
  bench.run(seconds{3});
  EXPECT_GE(bench.inquiries, 1u);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active) << "it answers as the volume that it was found as";
  EXPECT_EQ(bench.run_state_file, "");
}

TEST(RunState, APathFailedByCommandStaysSoUntilItIsReinstated) {
  TwoPaths first("polling_interval 1\nmax_polling_interval 1");
  first.start();
  first.run(seconds{1});
  first.ask(RequestKind::fail_path, "sda");
  ASSERT_EQ(saved(first).paths.size(), 1u);
  EXPECT_TRUE(saved(first).paths[0].disabled);

  TwoPaths second("polling_interval 1\nmax_polling_interval 1");
  second.run_state_file = first.run_state_file;
  second.start();
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::failed) << "though the kernel had it active";
  EXPECT_EQ(second.states.back(), DaemonState::idle) << "it is not waited for";
  second.run(seconds{10});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::failed);
  EXPECT_EQ(second.kernel_state("sdb"), KernelPathState::active);
  EXPECT_TRUE(second.take_kinds().empty());
  second.ask(RequestKind::reinstate_path, "sda");
  second.run(seconds{2});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(second.run_state_file, "");
}

TEST(RunState, GhostDelayGoesOnInTheNextDaemon) {
  const char* settings = "polling_interval 1\nmax_polling_interval 1\nghost_delay 30";
  for (bool comes_up : {true, false}) {
    TwoPaths bench(settings);
    bench.disks.at("sda").sense = bench.disks.at("sdb").sense = in_standby;
    wire::RunState before;
    before.maps.push_back({.wwid = {wwid_of(1)}, .ready_at = bench.now + seconds{20}});
    bench.run_state_file = wire::format_run_state(before);
    bench.start();
    bench.run(seconds{10});
    EXPECT_TRUE(bench.take_actions().empty());
    ASSERT_EQ(saved(bench).maps.size(), 1u);
    if (comes_up) bench.disks.at("sda").sense.clear();
    bench.run(comes_up ? seconds{3} : seconds{12});
    auto loads = bench.take_actions();
    ASSERT_EQ(loads.size(), 1u) << comes_up;
    EXPECT_FALSE(loads[0].udev.no_paths);
    EXPECT_EQ(bench.run_state_file, "");
  }
}

TEST(RunState, AMapThatUdevHoldsForUnusableIsAnnouncedThoughNobodyKnowsWhy) {
  struct Row {
    const char* what;
    bool in_standby;
    bool says_so;  ///< udev, when it is asked at the start
    seconds not_before;
    seconds at_the_latest;
  };
  for (const Row& row : {Row{"a path is up", false, true, seconds{2}, seconds{6}}, Row{"in standby: after ghost_delay", true, true, seconds{28}, seconds{36}},
                         Row{"an event tells", false, false, seconds{2}, seconds{6}}}) {
    SCOPED_TRACE(row.what);
    TwoPaths bench("polling_interval 1\nmax_polling_interval 1\nghost_delay 30");
    if (row.in_standby) bench.disks.at("sda").sense = bench.disks.at("sdb").sense = in_standby;
    if (row.says_so) bench.maps_not_ready = {bench.map().devnum};
    bench.start();
    if (!row.says_so) bench.map_uevent(1, false);
    bench.run(row.not_before);
    EXPECT_TRUE(bench.take_actions().empty());
    bench.run(row.at_the_latest - row.not_before);
    auto loads = bench.take_actions();
    ASSERT_EQ(loads.size(), 1u);
    EXPECT_FALSE(loads[0].udev.no_paths);
    EXPECT_FALSE(loads[0].udev.reload) << "the event must say that everything is new";
    bench.map_uevent();
    bench.run(minutes{2});
    EXPECT_TRUE(bench.take_actions().empty());
  }
}

TEST(RunState, AMapIsNotAnnouncedWhoseLastPathWentInOurTimeOrThatUdevHasHeardOf) {
  for (bool in_our_time : {true, false}) {
    TwoPaths bench("polling_interval 1\nmax_polling_interval 1");
    if (!in_our_time) bench.maps_not_ready = {bench.map().devnum};
    bench.start();
    if (in_our_time) bench.map_uevent();
    bench.run(seconds{1});
    bench.map_uevent(1, !in_our_time);
    if (in_our_time) bench.map_uevent(1, false);
    if (!in_our_time) bench.map_uevent(1, true);
    bench.run(minutes{1});
    EXPECT_TRUE(bench.take_actions().empty()) << in_our_time;
  }
}

TEST(RunState, AQuarantineHoldsThoughTheKernelHasLearntTheStrangersName) {
  TwoPaths first("polling_interval 1\nmax_polling_interval 1");
  first.start();
  first.run(seconds{2});
  first.disks.at("sda").volume = 2;
  first.kernel_fails("sda");
  first.run(seconds{5});
  ASSERT_EQ(saved(first).paths.size(), 1u);

  // udev still has the old name.
  TwoPaths second("polling_interval 1\nmax_polling_interval 1");
  second.run_state_file = first.run_state_file;
  second.disks.at("sda").volume = 2;
  second.disks.at("sda").found.vpd_page_83 = page_83(2, 1);
  second.start();
  second.run(seconds{10});
  EXPECT_NE(second.kernel_state("sda"), KernelPathState::active);
  ASSERT_EQ(saved(second).paths.size(), 1u);
  EXPECT_TRUE(saved(second).paths[0].quarantined);
  second.disks.at("sda").volume = 1;
  second.run(seconds{5});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(second.run_state_file, "");
}

TEST(RunState, DamageIsSaidAndOverwritten) {
  TwoPaths bench;
  bench.run_state_file = "rubbish";
  bench.start();
  bench.run(seconds{3});
  EXPECT_EQ(bench.times_logged("is damaged and not used"), 1);
  EXPECT_EQ(bench.run_state_file, "");
}

TEST(RunState, AFileThatCannotBeWrittenIsTriedAgain) {
  TwoPaths bench("no_path_retry queue");
  bench.start();
  bench.run(seconds{1});
  bench.run_state_error = Error{ErrorCode::io, "/run", "no space", {}};
  bench.ask(RequestKind::disable_queueing);
  EXPECT_EQ(bench.times_logged("would not survive a restart"), 1);
  bench.run_state_error.reset();
  bench.run(seconds{12});
  EXPECT_EQ(saved(bench).maps.size(), 1u);
}

}  // namespace
}  // namespace mpath::engine
