// SPDX-License-Identifier: LGPL-2.1-or-later
// What others do to maps and their paths, and what others are told: removals and renames from outside, users of paths, marks of failed maps.
#include <gmock/gmock.h>

#include "libmpath/view/history.h"
#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class Outsiders : public testing::Test {
 protected:
  explicit Outsiders(const std::string& defaults = {}) : bench(defaults) {
    bench.disk("sda");
    bench.disk("sdb");
    bench.kernel_map({{"sda", "sdb"}});
    bench.start();
    bench.run(seconds{5});
    bench.forget();
  }
  std::string history() {
    auto id = static_cast<RequestId>(1000);
    bench.step(RequestArrived{id, Request{.kind = RequestKind::mpathctl_history}});
    std::string text;
    for (const HistoryView& view : bench.pictures.at(id)->history) {
      for (const Transition& entry : view.entries) text += view.subject + ": " + std::string(entry.reason_text()) + '\n';
    }
    return text;
  }
  Bench bench;
};

TEST_F(Outsiders, a_removal_names_who_was_seen_at_work) {
  bench.map_goes(1, {{.command = "dmsetup", .process = 1234, .user = 0}, {.command = {}, .process = 0, .user = 7}});
  EXPECT_EQ(bench.times_logged("removed from outside, by none of this daemon's actions (at work on device-mapper then: dmsetup (1234) of user 0, "
                               "a program of user 7)"), 1);
  EXPECT_TRUE(history().contains("removed from outside; at work then: dmsetup, a program of user 7")) << history();
}

TEST_F(Outsiders, a_removal_that_nobody_was_seen_at_says_so) {
  bench.map_goes();
  EXPECT_EQ(bench.times_logged("from outside, by none of this daemon's actions (nobody was seen at work on device-mapper)"), 1);
  EXPECT_TRUE(history().contains(": removed from outside\n")) << history();
}

TEST_F(Outsiders, a_rename_names_them_too) {
  KernelMap device = bench.map();
  bench.kernel.erase(device.name);
  KernelMap renamed = device;
  renamed.name = {"other"};
  bench.kernel.emplace(renamed.name, renamed);
  bench.step(MapsChanged{{{renamed.name, renamed.uuid, renamed.devnum, 5}},
                         {{device.name, device.uuid, device.devnum, 4}},
                         {{.command = "dmsetup", .process = 77, .user = 0}}});
  EXPECT_EQ(bench.times_logged("renamed from outside (at work on device-mapper then: dmsetup (77) of user 0)"), 1);
  EXPECT_TRUE(history().contains("renamed from outside; at work then: dmsetup")) << history();
}

TEST_F(Outsiders, a_removal_by_command_names_the_client) {
  bench.map_uevent();
  Request request{.kind = RequestKind::remove_map, .map = wwid_of(1)};
  request.asked_by = "multipath (55) of user 0";
  EXPECT_EQ(bench.ask(request).outcome, Outcome::ok);
  EXPECT_EQ(bench.times_logged("remove: asked for by multipath (55) of user 0"), 1);
  EXPECT_TRUE(history().contains("removed by command of multipath (55) of user 0")) << history();
}

TEST_F(Outsiders, a_map_that_is_asked_for_again_right_after_its_removal_is_made_again) {
  bench.map_uevent();
  bench.hold<ReadMap>();
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::ok);
  (void)bench.ask(RequestKind::add_map);  // answered when the map is there
  bench.release<ReadMap>();
  bench.run(seconds{10});
  EXPECT_TRUE(bench.has_map());
  EXPECT_EQ(bench.times_logged("from outside"), 0);
}

TEST_F(Outsiders, reset_map_puts_devices_that_use_a_path_onto_the_map) {
  bench.holders = {"vg-data"};
  EXPECT_EQ(bench.ask(RequestKind::reset_map).outcome, Outcome::ok);
  ASSERT_EQ(bench.reassigned.size(), 1u);
  EXPECT_EQ(bench.reassigned[0].devnum, bench.map().devnum);
  EXPECT_THAT(bench.reassigned[0].paths, ElementsAre(bench.number("sda"), bench.number("sdb")));
  EXPECT_EQ(bench.times_logged("used by vg-data now, which had used a path of it"), 1);
  EXPECT_EQ(bench.ask(RequestKind::reset_map).outcome, Outcome::ok) << "that there is nothing to do is no failure";
}

TEST_F(Outsiders, a_map_that_somebody_makes_again_after_a_removal_by_command_is_managed) {
  const KernelMap device = bench.map();
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::ok);
  bench.run(seconds{5});
  EXPECT_FALSE(bench.has_map());
  bench.kernel.emplace(device.name, device);
  bench.map_event();
  EXPECT_EQ(bench.ask(RequestKind::reset_map).outcome, Outcome::ok);
}

TEST_F(Outsiders, reset_map_fails_with_the_reason) {
  bench.holders_error = Error{ErrorCode::busy, "vg-data", "the new table was not accepted", "Device or resource busy"};
  const RequestResult result = bench.ask(RequestKind::reset_map);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_TRUE(result.detail.contains("vg-data")) << result.detail;
  EXPECT_EQ(bench.ask(RequestKind::reset_map, {}, 0, 9).outcome, Outcome::not_found);
}

TEST_F(Outsiders, no_table_is_swapped_while_a_path_does_not_answer) {
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{40});
  const RequestResult result = bench.ask(RequestKind::reset_map);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_TRUE(result.detail.contains("sda")) << result.detail;
  EXPECT_THAT(bench.reassigned, IsEmpty());
}

class Reassigning : public Outsiders {
 protected:
  Reassigning() : Outsiders("reassign_maps yes") {}
};

TEST_F(Reassigning, is_done_by_itself_at_the_start_and_with_each_configuration) {
  // For the map that was found, and after the load that it needed.
  EXPECT_EQ(bench.reassigned.size(), 2u);
  bench.map_uevent();
  bench.run(seconds{20});
  EXPECT_EQ(bench.reassigned.size(), 3u);
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{5});
  EXPECT_EQ(bench.reassigned.size(), 4u);
}

TEST_F(Reassigning, is_done_again_for_a_path_that_comes_later_and_when_udev_tells_of_the_map) {
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{5});
  ASSERT_EQ(bench.groups(), "sda | sdb | sdc");
  bench.map_uevent();
  ASSERT_GE(bench.reassigned.size(), 2u);
  EXPECT_THAT(bench.reassigned.back().paths, ElementsAre(bench.number("sda"), bench.number("sdb"), bench.number("sdc")));
  const std::size_t before = bench.reassigned.size();
  bench.map_uevent();
  EXPECT_EQ(bench.reassigned.size(), before + 1);
  bench.run(minutes{5});
  EXPECT_EQ(bench.reassigned.size(), before + 1);
}

TEST_F(Reassigning, says_once_what_could_not_be_changed_and_goes_on_with_the_rest) {
  bench.holders = {"vg-data"};
  bench.holders_left = {Error{ErrorCode::busy, "vg-logs", "is suspended", {}}};
  bench.map_uevent();
  bench.map_uevent();
  EXPECT_EQ(bench.times_logged("used by vg-data now"), 1);
  EXPECT_EQ(bench.times_logged("could not be put onto it: vg-logs: is suspended"), 1);
  EXPECT_TRUE(bench.ask(RequestKind::reset_map).detail.contains("vg-logs"));
  bench.holders_left.clear();
  EXPECT_EQ(bench.ask(RequestKind::reset_map).outcome, Outcome::ok);
}

TEST(NewMaps, that_share_a_disk_with_another_device_say_so_once) {
  Bench bench;
  bench.disk("sda");
  bench.holders = {"vg-data"};
  bench.start();
  bench.map_uevent();
  bench.run(minutes{5});
  EXPECT_EQ(bench.times_logged("vg-data uses one of its paths directly, past the map; 'multipathd reset map " + wwid_of(1) + "' puts it onto the map"), 1);
  EXPECT_THAT(bench.reassigned, IsEmpty());
  EXPECT_EQ(bench.ask(RequestKind::reset_map).outcome, Outcome::ok);
  EXPECT_EQ(bench.times_logged("used by vg-data now"), 1);
}

TEST(FailedMaps, are_marked_once_and_the_mark_goes_with_success) {
  Bench bench;
  bench.disk("sda").found.is_multipath_member = true;
  bench.table_error = Error{ErrorCode::busy, wwid_of(1), "the map cannot be created", "8:0 is mounted on /srv"};
  bench.start();
  bench.run(seconds{30});
  EXPECT_THAT(bench.failed_marks, ElementsAre("failed " + wwid_of(1)));
  EXPECT_THAT(bench.triggered, ElementsAre("/sys/devices/sda add"));
  EXPECT_GE(bench.times_logged("8:0 is mounted on /srv"), 1) << "the holder is named";
  bench.table_error.reset();
  bench.run(minutes{2});
  EXPECT_TRUE(bench.has_map());
  EXPECT_THAT(bench.failed_marks, ElementsAre("failed " + wwid_of(1), "good " + wwid_of(1)));
}

TEST(FailedMaps, that_somebody_else_made_meanwhile_are_not_marked) {
  Bench bench;
  bench.disk("sda");
  bench.table_error = Error{ErrorCode::exists, wwid_of(1), "there is a device of this name already", {}};
  bench.start();
  bench.run(seconds{5});
  EXPECT_THAT(bench.failed_marks, IsEmpty());
}

TEST(Misfits, are_named_once_with_both_sizes_and_what_to_do) {
  Bench bench;
  bench.disk("sda");
  bench.disk("sdb").found.facts.size_sectors = 4096;
  bench.disk("sdc").found.facts.size_sectors = 0;
  bench.start();
  bench.run(minutes{1});
  EXPECT_EQ(bench.groups(), "sda");
  EXPECT_EQ(bench.times_logged("sdb stays out: it has 4096 sectors, the map 2048. Let the kernel look again (echo 1 > /sys/block/sdb/device/rescan)"), 1);
  EXPECT_EQ(bench.times_logged("sdc stays out: its size is not known (0 sectors)"), 1);
}

}  // namespace
}  // namespace mpath::engine
