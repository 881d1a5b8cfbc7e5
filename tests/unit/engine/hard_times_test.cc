// SPDX-License-Identifier: LGPL-2.1-or-later
// What must not go wrong when several things go wrong at once: a file system that is full, a map that goes at the wrong moment, a daemon
// that is killed before it has done what it knows, numbers beyond all measure.
#include "libmpath/wire/run_state.h"
#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

/// How often the engine wants to be woken within the time.
int wake_ups(Bench& bench, Duration span) {
  MonoTime end = bench.now + span;
  int count = 0;
  while (bench.engine.next_deadline() <= end && count < 1000) {
    bench.now = std::max(bench.now, bench.engine.next_deadline());
    bench.step(TimeAdvanced{});
    ++count;
  }
  bench.now = end;
  return count;
}

TEST(HardTimes, the_end_of_ghost_delay_is_waited_for_while_the_map_cannot_be_looked_after) {
  struct Row {
    const char* what;
    void (*happens)(Bench&);
  };
  for (const Row& row : {Row{"it is gone", [](Bench& bench) { bench.map_goes(); }},
                         Row{"somebody has suspended it", [](Bench& bench) {
                               bench.map().suspended = true;
                               bench.map_event();
                             }}}) {
    Bench bench("ghost_delay 30");
    for (const char* name : {"sda", "sdb"}) bench.disk(name).sense = {0x72, 0x02, 0x04, 0x0b, 0, 0, 0, 0};
    bench.start();
    bench.run(seconds{3});
    ASSERT_TRUE(bench.has_map()) << row.what;
    bench.map_uevent();
    row.happens(bench);
    bench.run(seconds{20});
    EXPECT_LT(wake_ups(bench, seconds{20}), 200) << row.what;
  }
}

TEST(HardTimes, a_suspension_that_cannot_be_written_down_is_refused_and_the_map_looked_after) {
  Bench bench("polling_interval 1\nmax_polling_interval 1");
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.start();
  bench.run(seconds{3});
  bench.forget();
  bench.run_state_error = Error{ErrorCode::io, "/run/multipath/state", "cannot be written", "No space left on device"};
  EXPECT_EQ(bench.ask(RequestKind::suspend_map).outcome, Outcome::failed);
  EXPECT_FALSE(bench.map().suspended);
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{3});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

TEST(HardTimes, a_path_that_must_not_carry_io_is_failed_after_a_restart_before_it_has_answered) {
  struct Row {
    const char* what;
    wire::PathMarks marks;
    bool drained;
    KernelPathState state;
  };
  for (const Row& row : {Row{"quarantined", {.quarantined = true}, false, KernelPathState::failed},
                         Row{"drained", {}, true, KernelPathState::failed},
                         Row{"no mark", {}, false, KernelPathState::active}}) {
    Bench bench;
    bench.disk("sda").answer = Answer::none;
    bench.disk("sdb", 1, 2);
    bench.kernel_map({{"sda", "sdb"}});
    wire::RunState before;
    if (row.marks.quarantined) {
      wire::PathMarks marks = row.marks;
      marks.devnum = bench.number("sda");
      marks.disk_sequence = bench.disks.at("sda").found.facts.disk_sequence;
      marks.wwid = {wwid_of(1)};
      before.paths.push_back(marks);
    }
    if (row.drained) before.drains.push_back({.wwid = {wwid_of(1)}, .place = "1:0:0:1", .asked_for = "sda"});
    bench.run_state_file = before.empty() ? std::string() : wire::format_run_state(before);
    bench.start();
    bench.run(seconds{1});
    EXPECT_EQ(bench.kernel_state("sda"), row.state) << row.what;
  }
}

TEST(HardTimes, a_drain_is_undone_in_time_although_the_name_of_its_port_went_meanwhile) {
  Bench bench("path_grouping_policy multibus");
  bench.disk("sda").found.facts.target_port = "0x500a09819d1ca7d0";
  bench.disk("sdb", 1, 2);
  bench.start();
  bench.run(seconds{3});
  bench.map_uevent();
  Request drain{.kind = RequestKind::mpathctl_drain, .subjects = {"sda"}, .confirm_within = seconds{60}, .keep = 1};
  ASSERT_EQ(bench.ask(drain).outcome, Outcome::ok);
  bench.disks.at("sda").found.facts.target_port.clear();
  bench.appear("sda");
  bench.run(seconds{30});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.run(seconds{60});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(bench.run_state_file, "");
}

TEST(HardTimes, ten_times_an_interval_of_decades_is_not_over_with_the_first) {
  constexpr seconds interval{1'200'000'000};
  Bench bench(fmt::format("polling_interval 2\nmax_polling_interval {}", interval.count()));
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.start();
  bench.run(seconds{3});
  bench.hold<ReadMap>();
  bench.run(interval * 3);
  EXPECT_TRUE(bench.waiting.empty()) << "what the kernel tells of by events needs no reading before ten intervals are over";
}

TEST(HardTimes, no_path_retry_beyond_all_measure_queues_and_does_not_give_up_at_once) {
  Bench bench("no_path_retry 2147483647\npolling_interval 60\nmax_polling_interval 60");
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda"}, {"sdb"}});
  bench.start();
  bench.run(seconds{3});
  for (const char* name : {"sda", "sdb"}) {
    bench.disks.at(name).answer = Answer::dead;
    bench.kernel_fails(name);
  }
  bench.run(minutes{10});
  EXPECT_TRUE(wire::features_has(bench.map().table.features, wire::queue_if_no_path));
}

}  // namespace
}  // namespace mpath::engine
