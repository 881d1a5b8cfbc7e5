// SPDX-License-Identifier: LGPL-2.1-or-later
// The simulated world and kernel by themselves: they must behave as the real ones were measured to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/ports.h"

namespace mpath::sim {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t size = 2048;

struct Lab {
  EventQueue queue;
  World world{queue, Random(1)};
  Kernel kernel{world, queue, Random(2)};
  Lun* lun = nullptr;
  std::vector<Disk*> disks;

  explicit Lab(Alua alua = Alua::none, std::uint32_t hosts = 2, std::uint32_t controllers = 2) {
    Array& array = world.add_array(alua, controllers, 1);
    lun = &world.add_lun(array, size, 0);
    for (std::uint32_t host = 0; host < hosts; ++host) world.add_host();
    world.connect(*lun, hosts);
    for (const auto& disk : world.disks()) disks.push_back(disk.get());
  }

  void run(Duration length) {
    MonoTime end = queue.now() + length;
    while (queue.next() <= end) queue.run_next();
    queue.advance(end);
  }

  /// One group for each list of disks.
  static MultipathTable table(const std::vector<std::vector<Disk*>>& groups, std::string features = "0",
                              std::string handler = "0") {
    MultipathTable result;
    result.size_sectors = size;
    result.features = std::move(features);
    result.hardware_handler = std::move(handler);
    result.next_group = groups.empty() ? 0 : 1;
    for (const auto& disks : groups) {
      KernelGroup group;
      group.selector = "service-time 0";
      for (Disk* disk : disks) group.paths.push_back(KernelPath{disk->devnum, {"1"}});
      result.groups.push_back(group);
    }
    return result;
  }

  DmDevice& create(const MultipathTable& table) {
    auto made = kernel.create(MapName{"mpatha"}, "mpath-" + lun->wwid.text, table, false, {});
    EXPECT_TRUE(made) << (made ? "" : made.error().message());
    return *kernel.find(MapName{"mpatha"});
  }

  /// How one request to the device ends, and after which time; nothing if it does not within `patience`.
  std::optional<std::pair<IoResult, Duration>> io(DmDevice& device, Duration patience) {
    auto ended = std::make_shared<std::optional<std::pair<IoResult, Duration>>>();
    MonoTime begun = queue.now();
    kernel.submit(device, [this, ended, begun](IoResult result) { *ended = {result, queue.now() - begun}; });
    MonoTime end = begun + patience;
    while (!*ended && queue.next() <= end) queue.run_next();
    if (!*ended) queue.advance(end);
    return *ended;
  }

  CommandOutcome test_unit_ready(Disk& disk, seconds timeout = seconds{30}) {
    ScsiCommand command;
    command.timeout = timeout;
    std::optional<CommandOutcome> answer;
    world.command(disk, command, [&](CommandOutcome outcome) { answer = std::move(outcome); });
    while (!answer) queue.run_next();
    return *answer;
  }
};

TEST(EventQueue, RunsActionsInOrderOfTimeThenOfInsertion) {
  EventQueue queue;
  std::vector<int> order;
  queue.after(seconds{2}, [&] { order.push_back(3); });
  queue.after(seconds{1}, [&] { order.push_back(1); });
  queue.after(seconds{1}, [&] { order.push_back(2); });
  auto cancelled = queue.after(seconds{1}, [&] { order.push_back(9); });
  queue.cancel(cancelled);
  while (queue.next() != no_deadline) queue.run_next();
  EXPECT_THAT(order, ElementsAre(1, 2, 3));
}

TEST(EventQueue, APauseMovesEverythingThatIsToCome) {
  EventQueue queue;
  MonoTime begun = queue.now();
  MonoTime ran{};
  queue.after(seconds{1}, [&] { ran = queue.now(); });
  queue.pause(seconds{60});
  queue.run_next();
  EXPECT_EQ(ran - begun, seconds{61});
}

TEST(World, AnswersTestUnitReadyAsTheFaultsSay) {
  Lab lab;
  Disk& disk = *lab.disks[0];
  EXPECT_EQ(lab.test_unit_ready(disk).status, 0);

  lab.world.raise_unit_attention(disk);
  CommandOutcome attention = lab.test_unit_ready(disk);
  EXPECT_EQ(attention.status, 2);
  EXPECT_EQ(attention.sense[2], 6);
  EXPECT_EQ(lab.test_unit_ready(disk).status, 0) << "a unit attention is reported once";

  lab.world.unmap(disk);
  CommandOutcome unmapped = lab.test_unit_ready(disk);
  EXPECT_EQ(unmapped.sense[2], 5);
  EXPECT_EQ(unmapped.sense[12], 0x25);

  lab.world.remap(disk, *lab.lun);
  lab.world.set_fault(disk, Fault::reservation_conflict);
  lab.world.raise_unit_attention(disk);
  lab.test_unit_ready(disk);
  EXPECT_EQ(lab.test_unit_ready(disk).status, 0x18);
  lab.world.set_fault(disk, Fault::none);

  lab.world.set_link(*disk.port, Link::down);
  EXPECT_EQ(lab.test_unit_ready(disk).host_status, HostStatus::no_connect);
  EXPECT_EQ(lab.test_unit_ready(*lab.disks[1]).status, 0);
}

TEST(World, AHangEndsByReleaseOrByTheCommandsTimeout) {
  Lab lab;
  Disk& disk = *lab.disks[0];
  lab.world.set_hang(disk, true);
  MonoTime begun = lab.queue.now();
  CommandOutcome ended = lab.test_unit_ready(disk, seconds{10});
  EXPECT_EQ(ended.host_status, HostStatus::time_out);
  EXPECT_EQ(lab.queue.now() - begun, seconds{10});

  lab.queue.after(seconds{3}, [&] { lab.world.set_hang(disk, false); });
  begun = lab.queue.now();
  EXPECT_EQ(lab.test_unit_ready(disk, seconds{10}).status, 0);
  EXPECT_LT(lab.queue.now() - begun, seconds{4});
}

TEST(World, ASilentCableEndsWithTheTransportTimeout) {
  Lab lab;
  Disk& disk = *lab.disks[0];
  lab.world.set_link(*disk.host, Link::silent);
  MonoTime begun = lab.queue.now();
  EXPECT_EQ(lab.test_unit_ready(disk).host_status, HostStatus::no_connect);
  EXPECT_GE(lab.queue.now() - begun, lab.world.transport_timeout - seconds{1});
  begun = lab.queue.now();
  EXPECT_EQ(lab.test_unit_ready(disk).host_status, HostStatus::no_connect);
  EXPECT_LT(lab.queue.now() - begun, milliseconds{10}) << "noticed by now";
}

TEST(World, GivesIdentificationAndPortGroups) {
  Lab lab(Alua::both);
  auto page = identification_page(*lab.lun, *lab.disks[1]->port);
  ASSERT_GE(page.size(), 24u);
  EXPECT_EQ(page[1], 0x83);
  EXPECT_EQ(page[3], page.size() - 4);
  EXPECT_EQ(page[8] >> 4, 6) << "an NAA 6 name";

  ScsiCommand command;
  command.cdb = {0xa3, 0x0a};
  command.cdb[9] = 255;
  command.data_in_bytes = 255;
  std::vector<std::uint8_t> groups;
  lab.world.command(*lab.disks[0], command, [&](CommandOutcome outcome) { groups = outcome.data; });
  lab.run(seconds{1});
  ASSERT_EQ(groups.size(), 28u);
  EXPECT_EQ(groups[3], 24);
  EXPECT_EQ(groups[4] & 0x0f, 0) << "the owner is optimized";
  EXPECT_EQ(groups[16] & 0x0f, 1);
}

TEST(World, ANumberIsNotGivenAwayWhileATableHoldsIt) {
  Lab lab;
  lab.create(lab.table({{lab.disks[0], lab.disks[1]}}));
  std::vector<std::string> events;
  lab.world.on_uevent = [&](const DiskUevent& event) { events.push_back(event.name); };
  lab.world.delete_disk(*lab.disks[0]);
  Disk& again = lab.world.add_disk(*lab.disks[0]->host, *lab.disks[0]->port, *lab.lun);
  EXPECT_NE(again.devnum, lab.disks[0]->devnum);
  lab.world.delete_disk(*lab.disks[3]);
  Disk& reused = lab.world.add_disk(*lab.disks[3]->host, *lab.disks[3]->port, *lab.lun);
  EXPECT_EQ(reused.devnum, lab.disks[3]->devnum);
  EXPECT_NE(reused.disk_sequence, lab.disks[3]->disk_sequence);
  lab.run(seconds{1});
  EXPECT_EQ(events.size(), 4u);
}

TEST(Kernel, RefusesTablesThatTheRealOneRefuses) {
  Lab lab;
  auto refused = [&](auto&& change) {
    MultipathTable table = Lab::table({{lab.disks[0]}, {lab.disks[1]}});
    change(table);
    return !lab.kernel.create(MapName{"x"}, "mpath-x", table, false, {}).has_value();
  };
  EXPECT_TRUE(refused([](MultipathTable& table) { table.features = "2 queue_if_no_path"; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.features = "1 turbo"; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.hardware_handler = "1 magic"; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.next_group = 3; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.next_group = 0; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.groups[0].selector = "service-time"; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.groups[0].selector = "fastest 0"; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.groups[0].paths.clear(); }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.groups[0].paths[0].devnum.minor += 1; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.size_sectors = size + 1; }));
  EXPECT_TRUE(refused([](MultipathTable& table) { table.groups[0].paths[0].arguments = {"1", "1", "1"}; }));
  EXPECT_FALSE(refused([](MultipathTable&) {}));
}

TEST(Kernel, PrintsWhatItLoaded) {
  Lab lab;
  DmDevice& device = lab.create(lab.table({{lab.disks[0], lab.disks[1]}, {lab.disks[2]}}, "1 queue_if_no_path"));
  KernelMap map = lab.kernel.read(device);
  EXPECT_EQ(map.table.features, "1 queue_if_no_path");
  EXPECT_EQ(map.table.next_group, 1u);
  ASSERT_EQ(map.table.groups.size(), 2u);
  EXPECT_EQ(map.table.groups[0].selector, "service-time 0");
  EXPECT_THAT(map.table.groups[0].paths[0].arguments, ElementsAre("1", "1")) << "repeat count and throughput";
  EXPECT_EQ(map.table.groups[0].paths[1].state, KernelPathState::active);
  EXPECT_EQ(map.wwid(), lab.lun->wwid);
}

TEST(Kernel, AFailedPathCostsNothingButTheRetry) {
  Lab lab;
  DmDevice& device = lab.create(lab.table({{lab.disks[0]}, {lab.disks[1]}}));
  lab.world.set_link(*lab.disks[0]->port, Link::down);
  auto ended = lab.io(device, seconds{5});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->first.kind, IoResult::Kind::done);
  EXPECT_EQ(ended->first.path, lab.disks[1]);
  KernelMap map = lab.kernel.read(device);
  EXPECT_EQ(map.table.groups[0].paths[0].state, KernelPathState::failed);
  EXPECT_EQ(map.table.groups[1].state, KernelGroupState::active);
  EXPECT_EQ(map.event_number, 1u);
}

TEST(Kernel, WithoutPathsItFailsOrQueues) {
  Lab lab;
  DmDevice& device = lab.create(lab.table({{lab.disks[0]}}));
  lab.world.set_link(*lab.disks[0]->port, Link::down);
  auto failed = lab.io(device, seconds{5});
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->first.kind, IoResult::Kind::failed);

  ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::queue_if_no_path}));
  EXPECT_FALSE(lab.io(device, seconds{100})) << "queued";
  EXPECT_EQ(device.queued.size(), 1u);
  lab.world.set_link(*lab.disks[0]->port, Link::up);
  lab.run(seconds{10});
  EXPECT_EQ(device.queued.size(), 1u) << "only a message brings the path back";
  ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::reinstate_path, lab.disks[0]->devnum}));
  lab.run(seconds{1});
  EXPECT_THAT(device.queued, IsEmpty());
}

TEST(Kernel, ALoadWaitsForRequestsOnASickPathAndTheMapStandsStill) {
  Lab lab;
  DmDevice& device = lab.create(lab.table({{lab.disks[0]}, {lab.disks[1]}}));
  lab.world.set_hang(*lab.disks[0], true);
  lab.kernel.submit(device, [](IoResult) {});
  lab.run(seconds{1});
  // A message is enough to go on with the other path …
  ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::fail_path, lab.disks[0]->devnum}));
  auto quick = lab.io(device, seconds{5});
  ASSERT_TRUE(quick);
  EXPECT_LT(quick->second, milliseconds{10});
  // … but a load is not.
  ASSERT_TRUE(lab.kernel.load(device, lab.table({{lab.disks[1]}, {lab.disks[0]}, {lab.disks[2]}})));
  bool resumed = false;
  ASSERT_TRUE(lab.kernel.resume(device, {}, false, [&] { resumed = true; }));
  EXPECT_FALSE(resumed);
  auto slow = lab.io(device, seconds{60});
  ASSERT_TRUE(slow);
  EXPECT_GT(slow->second, seconds{25});
  EXPECT_EQ(slow->first.kind, IoResult::Kind::done);
  EXPECT_TRUE(resumed);
  EXPECT_EQ(lab.kernel.read(device).table.groups[1].paths[0].state, KernelPathState::active)
      << "a load makes every path active again";
}

TEST(Kernel, ASwapThatWasInterruptedDoesNotComeAbout) {
  Lab lab;
  DmDevice& device = lab.create(lab.table({{lab.disks[0]}, {lab.disks[1]}}));
  lab.world.set_hang(*lab.disks[0], true);
  lab.kernel.submit(device, [](IoResult) {});
  lab.run(seconds{1});
  ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::fail_path, lab.disks[0]->devnum}));
  ASSERT_TRUE(lab.kernel.load(device, lab.table({{lab.disks[1]}})));
  ASSERT_TRUE(lab.kernel.resume(device, {}, false, [] { FAIL() << "its process is gone"; }));
  auto held = std::make_shared<bool>(true);
  lab.kernel.submit(device, [held](IoResult) { *held = false; });
  lab.kernel.interrupt_swaps();
  lab.run(seconds{1});
  EXPECT_FALSE(*held) << "what was held back goes on";
  EXPECT_EQ(device.live->paths.size(), 2u);
  EXPECT_TRUE(lab.kernel.read(device).has_inactive_table);
  EXPECT_TRUE(lab.kernel.resume(device, {}, false, [] {})) << "the next one may try";
}

TEST(Kernel, ALoadWithoutSickPathsIsQuick) {
  Lab lab;
  DmDevice& device = lab.create(lab.table({{lab.disks[0]}, {lab.disks[1]}}));
  lab.kernel.submit(device, [](IoResult) {});
  ASSERT_TRUE(lab.kernel.load(device, lab.table({{lab.disks[0], lab.disks[1]}})));
  ASSERT_TRUE(lab.kernel.resume(device, {}, false, [] {}));
  auto ended = lab.io(device, seconds{1});
  ASSERT_TRUE(ended);
  EXPECT_LT(ended->second, milliseconds{20});
  EXPECT_EQ(device.loads, 1u);
}

TEST(Kernel, SwitchesGroupsAndInitialisesThem) {
  Lab lab(Alua::explicit_only);
  lab.lun->array->other_access = Access::standby;
  auto of_controller = [&](std::uint32_t controller) {
    std::vector<Disk*> found;
    for (Disk* disk : lab.disks) {
      if (disk->port->controller == controller) found.push_back(disk);
    }
    return found;
  };
  DmDevice& device = lab.create(lab.table({of_controller(0), of_controller(1)}, "0", "1 alua"));
  ASSERT_TRUE(lab.io(device, seconds{1}));
  EXPECT_EQ(lab.lun->owner, 0u);
  ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::switch_group, {}, 2}));
  auto ended = lab.io(device, seconds{1});
  ASSERT_TRUE(ended);
  EXPECT_EQ(ended->first.kind, IoResult::Kind::done);
  EXPECT_EQ(ended->first.path->port->controller, 1u);
  EXPECT_EQ(lab.lun->owner, 1u) << "activated by the handler";
}

TEST(Kernel, FailsAReinstatedPathThatItsHandlerCannotActivate) {
  Lab lab(Alua::explicit_only);
  DmDevice& device = lab.create(lab.table({{lab.disks[0], lab.disks[1]}}, "0", "1 alua"));
  ASSERT_TRUE(lab.io(device, seconds{1}));
  auto reinstate = [&] {
    ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::fail_path, lab.disks[0]->devnum, 0}));
    ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::reinstate_path, lab.disks[0]->devnum, 0}));
    lab.run(milliseconds{10});
  };
  reinstate();
  EXPECT_TRUE(device.live->paths[0].active);
  lab.disks[0]->offline = true;
  reinstate();
  EXPECT_FALSE(device.live->paths[0].active);
}

TEST(Kernel, TellsOfEventsOnceArmed) {
  Lab lab;
  int told = 0;
  lab.kernel.on_events_pending = [&] { ++told; };
  DmDevice& device = lab.create(lab.table({{lab.disks[0], lab.disks[1]}}));
  lab.run(seconds{1});
  EXPECT_EQ(told, 0);
  lab.kernel.arm_events();
  ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::fail_path, lab.disks[0]->devnum}));
  ASSERT_TRUE(lab.kernel.message(device, MapMessage{MapMessage::Kind::fail_path, lab.disks[1]->devnum}));
  lab.run(seconds{1});
  EXPECT_EQ(told, 1) << "until it is armed again";
  EXPECT_EQ(lab.kernel.read(device).event_number, 2u);
}

TEST(Lanes, OneTaskOfALaneAtATimeAndAHoldKeepsTheLane) {
  EventQueue queue;
  VirtualLanes lanes(queue, Random(1));
  std::vector<std::string> order;
  VirtualLanes::Release release;
  ASSERT_TRUE(lanes.submit(ports::Lane::table, 0, [&]() -> ports::Continuation {
    release = lanes.hold();
    order.emplace_back("first runs");
    return [&] { order.emplace_back("first ended"); };
  }));
  ASSERT_TRUE(lanes.submit(ports::Lane::table, 0, [&]() -> ports::Continuation {
    order.emplace_back("second runs");
    return {};
  }));
  while (queue.next() != no_deadline) queue.run_next();
  EXPECT_THAT(order, ElementsAre("first runs"));
  release();
  while (queue.next() != no_deadline) queue.run_next();
  EXPECT_THAT(order, ElementsAre("first runs", "first ended", "second runs"));
}

TEST(Lanes, ARefusedSwapFreesItsLane) {
  Lab lab;
  VirtualLanes lanes(lab.queue, Random(1));
  SimDeviceMapper mapper(lab.kernel, lanes);
  DmDevice& device = lab.create(lab.table({{lab.disks[0]}, {lab.disks[1]}}));
  lab.world.set_hang(*lab.disks[0], true);
  lab.kernel.submit(device, [](IoResult) {});
  lab.run(seconds{1});
  ASSERT_TRUE(lab.kernel.load(device, lab.table({{lab.disks[1]}})));
  ASSERT_TRUE(lab.kernel.resume(device, {}, false, [] {}));
  bool refused = false;
  ASSERT_TRUE(lanes.submit(ports::Lane::wait, 1, [&]() -> ports::Continuation {
    refused = !mapper.resume(device.name, {}, false).has_value();
    return {};
  }));
  lab.run(seconds{1});
  EXPECT_TRUE(refused) << "somebody else's swap is under way";
  EXPECT_EQ(lanes.running(ports::Lane::wait), 0u);
}

TEST(Lanes, NoMoreThanFourMapsWaitAtOnce) {
  EventQueue queue;
  VirtualLanes lanes(queue, Random(1));
  std::vector<VirtualLanes::Release> held;
  for (std::uint64_t map = 0; map < 6; ++map) {
    ASSERT_TRUE(lanes.submit(ports::Lane::wait, map, [&]() -> ports::Continuation {
      held.push_back(lanes.hold());
      return {};
    }));
  }
  while (queue.next() != no_deadline) queue.run_next();
  EXPECT_EQ(held.size(), 4u);
  EXPECT_EQ(lanes.waiting(ports::Lane::wait), 2u);
}

}  // namespace
}  // namespace mpath::sim
