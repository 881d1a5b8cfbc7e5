// SPDX-License-Identifier: LGPL-2.1-or-later
// Drain: a path is taken out of service before somebody works on it, and comes back by itself if nobody confirms.
#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

Request drain(std::vector<std::string> subjects, std::optional<seconds> confirm_within = std::nullopt, std::uint32_t keep = 1) {
  return {.kind = RequestKind::mpathctl_drain, .subjects = std::move(subjects), .confirm_within = confirm_within, .keep = keep};
}

/// Two paths through host 1, two through host 2, of volume 1; one of each of volume 2.
class DrainTest : public ::testing::Test {
 protected:
  DrainTest() {
    for (const char* name : {"sda", "sdb"}) bench.disk(name, 1, 1);
    for (const char* name : {"sdc", "sdd"}) bench.disk(name, 1, 2);
    bench.disk("sde", 2, 1);
    bench.disk("sdf", 2, 2);
    for (auto& [name, known] : bench.disks) known.found.facts.address->target = known.found.facts.devnum.minor;
    bench.start();
    bench.map_uevent(1);
    bench.map_uevent(2);
    bench.run(seconds{5});
    (void)bench.take_messages();
    (void)bench.take_actions();
  }
  Bench bench{"path_grouping_policy multibus"};
};

TEST_F(DrainTest, a_drained_path_is_failed_without_a_load_and_watched_until_its_io_has_ended) {
  bench.io_under_way["sda"] = 3;
  EXPECT_EQ(bench.ask(drain({"sda"})).outcome, Outcome::ok);
  EXPECT_EQ(bench.take_messages(), std::vector<std::string>{"fail_path 8:0"});
  bench.run(seconds{1});
  EXPECT_EQ(bench.path("sda")->in_flight, 3U);
  EXPECT_EQ(bench.times_logged("is drained: no I/O is under way"), 0);
  bench.io_under_way["sda"] = 0;
  bench.run(seconds{1});
  EXPECT_EQ(bench.path("sda")->in_flight, 0U);
  EXPECT_EQ(bench.times_logged("is drained: no I/O is under way"), 1);
  // Its checks are good all the time, and that does not bring it back.
  bench.run(minutes{10});
  EXPECT_EQ(bench.health("sda"), PathState::up);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  EXPECT_TRUE(bench.take_actions().empty());
}

TEST_F(DrainTest, undrain_takes_it_back) {
  EXPECT_EQ(bench.ask(drain({"host1"})).outcome, Outcome::ok);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  EXPECT_EQ(bench.kernel_state("sde"), KernelPathState::failed);
  EXPECT_EQ(bench.kernel_state("sdc"), KernelPathState::active);
  EXPECT_EQ(bench.ask(Request{.kind = RequestKind::mpathctl_undrain, .subjects = {"host1"}}).outcome, Outcome::ok);
  bench.run(seconds{1});
  for (const char* name : {"sda", "sdb", "sde"}) EXPECT_EQ(bench.kernel_state(name), KernelPathState::active) << name;
  EXPECT_EQ(bench.ask(Request{.kind = RequestKind::mpathctl_undrain, .subjects = {"host1"}}).outcome, Outcome::failed);
}

TEST_F(DrainTest, a_path_that_is_taken_back_carries_no_io_before_it_has_answered) {
  bench.ask(drain({"sda", "sdb"}));
  bench.ask(drain({"sdc"}, seconds{60}));
  bench.run(seconds{30});
  // Nobody has asked it since the cable went.
  bench.disks.at("sda").answer = Answer::dead;
  bench.disks.at("sdb").answer = bench.disks.at("sdc").answer = Answer::none;
  (void)bench.take_messages();
  bench.ask(Request{.kind = RequestKind::mpathctl_undrain, .subjects = {"sda", "sdb"}});
  bench.run(seconds{30});
  EXPECT_EQ(bench.health("sda"), PathState::down);
  EXPECT_EQ(bench.health("sdb"), PathState::unchecked);
  EXPECT_TRUE(bench.take_messages().empty()) << "sdc, which nobody has confirmed, neither";
  for (const char* name : {"sda", "sdb", "sdc"}) bench.answers_again(name);
  bench.run(seconds{21});
  for (const char* name : {"sda", "sdb", "sdc"}) EXPECT_EQ(bench.kernel_state(name), KernelPathState::active) << name;
}

TEST_F(DrainTest, is_refused_naming_the_maps_that_would_keep_too_few_paths) {
  RequestResult both = bench.ask(drain({"host1", "host2"}));
  EXPECT_EQ(both.outcome, Outcome::failed);
  EXPECT_EQ(both.detail, "not drained: good paths would be missing in " + wwid_of(1) + " (0 of 1 left), " + wwid_of(2) + " (0 of 1 left)");
  RequestResult more = bench.ask(drain({"host1"}, std::nullopt, 2));
  EXPECT_EQ(more.detail, "not drained: good paths would be missing in " + wwid_of(2) + " (1 of 2 left)");
  // A path that is down anyway keeps nothing.
  bench.disks.at("sdf").answer = Answer::dead;
  bench.run(seconds{30});
  (void)bench.take_messages();
  EXPECT_EQ(bench.ask(drain({"host1"})).outcome, Outcome::failed);
  EXPECT_TRUE(bench.take_messages().empty());
  EXPECT_EQ(bench.ask(drain({"host1"}, std::nullopt, 0)).outcome, Outcome::ok);
}

TEST_F(DrainTest, names_a_word_that_selects_nothing) {
  EXPECT_EQ(bench.ask(drain({"host1", "host9"})).detail, "host9: is no path, host, host port or target port that is known here");
  EXPECT_TRUE(bench.take_messages().empty());
}

TEST_F(DrainTest, is_undone_when_nobody_confirms_it) {
  bench.ask(drain({"host1"}, seconds{600}));
  bench.run(seconds{599});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.run(seconds{2});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(bench.times_logged("is not drained any more: nobody confirmed it in time"), 3);
  EXPECT_EQ(bench.ask(Request{.kind = RequestKind::mpathctl_drain_confirm, .subjects = {"host1"}}).outcome, Outcome::failed);
}

TEST_F(DrainTest, stays_when_it_is_confirmed) {
  bench.ask(drain({"sda"}, seconds{60}));
  bench.run(seconds{30});
  EXPECT_EQ(bench.ask(Request{.kind = RequestKind::mpathctl_drain_confirm, .subjects = {"sda"}}).outcome, Outcome::ok);
  bench.run(minutes{60});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

TEST_F(DrainTest, a_device_that_goes_and_comes_back_stays_drained) {
  bench.ask(drain({"sda"}));
  bench.disappear("sda");
  bench.run(seconds{10});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::unknown);
  // The same place, under another name.
  Disk& again = bench.disk("sdg", 1, 1);
  again.found.facts.address = bench.disks.at("sda").found.facts.address;
  bench.appear("sdg");
  bench.run(seconds{10});
  EXPECT_EQ(bench.kernel_state("sdg"), KernelPathState::failed);
  EXPECT_EQ(bench.path("sdg")->bar, Bar::drained);
  EXPECT_EQ(bench.ask(Request{.kind = RequestKind::mpathctl_undrain, .subjects = {"sdg"}}).outcome, Outcome::ok);
  bench.run(seconds{1});
  EXPECT_EQ(bench.kernel_state("sdg"), KernelPathState::active);
}

TEST_F(DrainTest, the_time_to_confirm_passes_while_the_device_is_away) {
  bench.ask(drain({"sda"}, seconds{60}));
  bench.disappear("sda");
  bench.run(seconds{120});
  bench.appear("sda");
  bench.run(seconds{10});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
}

TEST_F(DrainTest, serves_a_map_that_has_nothing_else_unless_it_is_confirmed) {
  bench.ask(drain({"sde"}, seconds{600}));
  bench.ask(drain({"sda", "sdb"}));
  for (const char* name : {"sdf", "sdc", "sdd"}) bench.disks.at(name).answer = Answer::dead;
  bench.run(seconds{30});
  EXPECT_EQ(bench.kernel_state("sde"), KernelPathState::active);
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed) << "somebody may be working on it";
}

TEST_F(DrainTest, reinstate_path_is_another_way_back) {
  bench.ask(drain({"sda"}));
  bench.ask(RequestKind::reinstate_path, "sda");
  bench.run(seconds{1});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::active);
}

TEST_F(DrainTest, a_load_does_not_bring_it_back) {
  bench.ask(drain({"sda"}));
  bench.disk("sdh", 1, 2).found.facts.address->target = 7;
  bench.appear("sdh");
  bench.run(seconds{10});
  EXPECT_EQ(bench.groups(), "sda sdb sdc sdd sdh");
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

/// The machine as the first daemon left it, with a second one.
void take_over(Bench& second, Bench& first) {
  second.now = first.now;
  second.disks = first.disks;
  second.kernel = first.kernel;
  second.run_state_file = first.run_state_file;
  second.wwids_file = first.wwids_file;
}

TEST_F(DrainTest, survives_the_death_of_the_daemon) {
  bench.ask(drain({"sda"}));
  bench.ask(drain({"sdc"}, seconds{60}));
  bench.run(seconds{1});
  Bench second{"path_grouping_policy multibus"};
  take_over(second, bench);
  second.start();
  second.run(seconds{50});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::failed);
  EXPECT_EQ(second.kernel_state("sdc"), KernelPathState::failed);
  second.run(seconds{20});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::failed);
  EXPECT_EQ(second.kernel_state("sdc"), KernelPathState::active) << "nobody confirmed it";
  EXPECT_TRUE(second.take_actions().empty());
}

TEST_F(DrainTest, a_daemon_that_has_heard_of_one_path_only_does_not_take_the_others_for_dead) {
  bench.ask(drain({"sda"}, seconds{60}));
  bench.run(seconds{1});
  Bench second{"path_grouping_policy multibus"};
  take_over(second, bench);
  for (const char* name : {"sdb", "sdc", "sdd"}) second.disks.at(name).answer = Answer::none;
  second.start();
  for (const char* name : {"sdb", "sdc", "sdd"}) second.answers_again(name);
  second.run(seconds{5});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::failed);
}

TEST_F(DrainTest, the_time_to_confirm_passes_while_the_daemon_is_away) {
  bench.ask(drain({"sda"}, seconds{60}));
  bench.run(seconds{1});
  Bench second{"path_grouping_policy multibus"};
  take_over(second, bench);
  second.now += minutes{5};
  second.start();
  second.run(seconds{5});
  EXPECT_EQ(second.kernel_state("sda"), KernelPathState::active);
  EXPECT_EQ(second.times_logged("the time to confirm the drain of sda has passed"), 1);
  EXPECT_EQ(second.run_state_file, "");
}

}  // namespace
}  // namespace mpath::engine
