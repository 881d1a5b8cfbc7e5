// SPDX-License-Identifier: LGPL-2.1-or-later
// Tries libmpath/sys and the thread lanes on a real kernel; for the lab's machine only, it changes devices.
//   probe_sys paths                      what discovery says of each SCSI and NVMe disk
//   probe_sys check ROUNDS               TEST UNIT READY to every SCSI disk, all at once. After the first round it waits for the file
//                                        $PROBE_WAIT_FOR, if set, so that strace can attach
//   probe_sys map NAME WWID DISK DISK    life of a map, with every precondition wrong once;
//                                        with udev cookies if $PROBE_UDEV_SYNC is set
//   probe_sys watch SECONDS              TEST UNIT READY to each disk every 100 ms: who answers, what is stuck
//   probe_sys read SECONDS               the same with reads past the page cache
//   probe_sys nvme DISK                  Identify Controller through the disk's controller
//   probe_sys window SECONDS             sleeps between two markers for host/instructions.c
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "libmpath/base/text.h"
#include "libmpath/runtime/thread_lanes.h"
#include "libmpath/sys/device_commands.h"
#include "libmpath/sys/device_mapper.h"
#include "libmpath/sys/direct_read_helper.h"
#include "libmpath/sys/epoll_loop.h"
#include "libmpath/sys/udev_discovery.h"
#include "libmpath/sys/udev_monitor.h"

using namespace mpath;
using namespace mpath::sys;

namespace {

[[noreturn]] void die(const std::string& text) {
  fmt::print(stderr, "probe_sys: {}\n", text);
  std::exit(1);
}
template <typename T>
T must(Result<T> result) {
  if (!result) die(result.error().message());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}
void expect(bool holds, std::string_view what) {
  fmt::print("{} {}\n", holds ? "ok  " : "FAIL", what);
  if (!holds) std::exit(1);
}
void expect_code(const Status& status, ErrorCode code, std::string_view what) {
  expect(!status && status.error().code == code,
         fmt::format("{}: {}", what, status ? "it succeeded" : status.error().message()));
}

std::string show(const DiscoveredPath& path) {
  const PathFacts& f = path.facts;
  return fmt::format("{} {} diskseq {} {} {} [{}|{}|{}] serial [{}] size {} node {} handler [{}] vpd83 {} state {} target [{}]",
                     f.kernel_name, to_string(f.devnum), f.disk_sequence, f.address ? to_string(*f.address) : "-",
                     to_string(f.protocol), f.vendor, f.product, f.revision, escape(f.serial), f.size_sectors, f.command_node,
                     f.device_handler, path.vpd_page_83.size(), static_cast<int>(f.sysfs_state), f.target_node);
}

std::vector<DiscoveredPath> read_all(UdevDiscovery& discovery) {
  std::vector<DiscoveredPath> paths;
  for (const ListedDisk& disk : must(discovery.list_disks())) {
    if (auto path = discovery.gather(disk.kernel_name)) paths.push_back(std::move(*path));
  }
  return paths;
}

/// The rim with its loop, as a daemon would put it together.
struct Rim {
  DirectReadHelper helper = must(DirectReadHelper::start(nullptr));  // before there are threads
  std::unique_ptr<EpollLoop> loop = must(EpollLoop::create());
  std::unique_ptr<runtime::ThreadLanes> lanes =
      must(runtime::ThreadLanes::create(*loop, [this](ports::Continuation done) { loop->post(std::move(done)); }));
  std::unique_ptr<DeviceCommands> commands =
      must(DeviceCommands::create(*lanes, *loop, [this] { return helper.new_reader(); }));
  std::unique_ptr<UdevDiscovery> discovery = must(UdevDiscovery::create());
  std::vector<ports::CommandReply> replies;

  Rim() {
    must(commands->watch(*loop));
  }
  ~Rim() {
    lanes->stop(milliseconds{100});
  }
  /// Attaches all SCSI disks; gives their names by slot.
  std::vector<std::string> attach_all() {
    std::vector<std::string> names;
    for (DiscoveredPath& path : read_all(*discovery)) {
      if (path.facts.bus != Bus::scsi) continue;
      PathId id{.slot = static_cast<std::uint32_t>(names.size()), .generation = 1};
      names.push_back(path.facts.kernel_name);
      commands->attach(id, std::make_shared<const PathFacts>(std::move(path.facts)));
    }
    return names;
  }
  void test_unit_ready(std::uint32_t slot, std::uint64_t op, milliseconds timeout) {
    commands->submit({.op = OpId{op}, .path = {.slot = slot, .generation = 1}, .command = ScsiCommand{.timeout = timeout}});
  }
  void read(std::uint32_t slot, std::uint64_t op) {
    commands->submit({.op = OpId{op}, .path = {.slot = slot, .generation = 1}, .command = BlockRead{}});
  }
  void turn(std::optional<Duration> wait = std::nullopt) {
    MonoTime due = lanes->tend();
    loop->set_deadline(due);
    loop->run_once(wait);
    commands->collect(replies);
  }
};

int paths() {
  for (const DiscoveredPath& path : read_all(*must(UdevDiscovery::create()))) {
    if (path.facts.bus != Bus::unknown) fmt::print("{}\n", show(path));
  }
  return 0;
}

int check(int rounds) {
  Rim rim;
  std::vector<std::string> names = rim.attach_all();
  std::uint64_t op = 0;
  for (int round = 0; round < rounds; ++round) {
    MonoTime begin = rim.loop->now();
    std::uint64_t wake_ups = rim.loop->wake_ups();
    for (std::uint32_t slot = 0; slot < names.size(); ++slot) rim.test_unit_ready(slot, ++op, seconds{30});
    rim.commands->flush();
    rim.replies.clear();
    while (rim.replies.size() < names.size()) rim.turn();
    std::size_t good = 0;
    Duration slowest{};
    for (const auto& reply : rim.replies) {
      good += reply.outcome.failure == CommandFailure::none && reply.outcome.status == 0 &&
              reply.outcome.host_status == HostStatus::ok;
      slowest = std::max(slowest, reply.outcome.round_trip);
    }
    auto taken = std::chrono::duration_cast<microseconds>(rim.loop->now() - begin);
    fmt::print("round {}: {} paths, {} good, {} us, slowest {} us, wake-ups {}, threads {}\n", round, names.size(), good,
               taken.count(), std::chrono::duration_cast<microseconds>(slowest).count(), rim.loop->wake_ups() - wake_ups,
               rim.lanes->threads() + 1);
    if (good != names.size()) return 1;
    // Everything is open now: the moment for a tracer to attach.
    if (const char* go = std::getenv("PROBE_WAIT_FOR"); go != nullptr && round == 0) {
      while (::access(go, F_OK) != 0) usleep(50'000);
    }
  }
  return 0;
}

/// Each disk is asked every 100 ms unless its last question is still open. Says who answered, and what was stuck.
int watch(int seconds_to_run, bool reads) {
  struct Disk {
    std::string name;
    std::uint32_t host = 0;
    std::uint64_t answers = 0;
    std::uint64_t failures = 0;
    bool open = false;
    MonoTime due{};
    Duration slowest{};
  };
  Rim rim;
  std::vector<Disk> disks;
  for (DiscoveredPath& path : read_all(*rim.discovery)) {
    if (path.facts.bus != Bus::scsi) continue;
    disks.push_back({.name = path.facts.kernel_name, .host = path.facts.address->host});
    rim.commands->attach({static_cast<std::uint32_t>(disks.size() - 1), 1},
                         std::make_shared<const PathFacts>(std::move(path.facts)));
  }
  MonoTime end = rim.loop->now() + seconds{seconds_to_run};
  std::uint64_t op = 0;
  std::size_t most_threads = 0;
  Duration longest_turn{};
  while (rim.loop->now() < end) {
    MonoTime now = rim.loop->now();
    for (std::uint32_t slot = 0; slot < disks.size(); ++slot) {
      if (disks[slot].open || now < disks[slot].due) continue;
      reads ? rim.read(slot, ++op) : rim.test_unit_ready(slot, ++op, seconds{seconds_to_run + 20});
      disks[slot].open = true;
      disks[slot].due = now + milliseconds{100};
    }
    rim.commands->flush();
    longest_turn = std::max(longest_turn, Duration(rim.loop->now() - now));
    rim.turn(milliseconds{20});
    for (const auto& reply : rim.replies) {
      Disk& disk = disks[reply.path.slot];
      disk.open = false;
      ++disk.answers;
      disk.failures += reply.outcome.failure != CommandFailure::none;
      disk.slowest = std::max(disk.slowest, reply.outcome.round_trip);
    }
    rim.replies.clear();
    most_threads = std::max(most_threads, rim.lanes->threads() + 1);
  }
  for (const Disk& disk : disks) {
    fmt::print("{} host {}: {} answers, slowest {} us{}{}\n", disk.name, disk.host, disk.answers,
               std::chrono::duration_cast<microseconds>(disk.slowest).count(), disk.open ? ", one open" : "",
               disk.failures > 0 ? fmt::format(", {} failed", disk.failures) : "");
  }
  for (const StalledHost& host : rim.commands->scsi().stalled(seconds{1})) {
    fmt::print("host {} stalled, {} waiting, {}\n", host.host, host.waiting, host.in_kernel ? "asleep in the kernel" : "full");
  }
  for (const runtime::BusyLane& lane : rim.lanes->busy(seconds{1})) {
    fmt::print("lane {} key {} busy\n", runtime::to_string(lane.lane), lane.key);
  }
  MonoTime begin = rim.loop->now();
  for (std::uint32_t slot = 0; slot < disks.size(); ++slot) rim.commands->detach({slot, 1});
  if (std::size_t lost = rim.commands->reads().lost_children(); lost > 0) fmt::print("children lost {}\n", lost);
  fmt::print("most threads {}, longest turn {} us, detaching all {} us\n", most_threads,
             std::chrono::duration_cast<microseconds>(longest_turn).count(),
             std::chrono::duration_cast<microseconds>(rim.loop->now() - begin).count());
  return 0;
}

int nvme(const std::string& disk) {
  Rim rim;
  DiscoveredPath found = must(rim.discovery->gather(disk));
  rim.commands->attach({.slot = 0, .generation = 1}, std::make_shared<const PathFacts>(std::move(found.facts)));
  NvmeAdminCommand identify{.opcode = 0x06, .data_in_bytes = 4096};
  identify.command_dwords[0] = 1;  // the controller
  rim.commands->submit({.op = OpId{1}, .path = {.slot = 0, .generation = 1}, .command = identify});
  rim.commands->flush();
  MonoTime end = rim.loop->now() + seconds{10};
  while (rim.replies.empty() && rim.loop->now() < end) {
    rim.turn(milliseconds{100});
  }
  if (rim.replies.empty()) die("no answer");
  const CommandOutcome& outcome = rim.replies[0].outcome;
  fmt::print("failure {} status {:#x} {} bytes, serial [{}]\n", static_cast<int>(outcome.failure), outcome.nvme_status,
             outcome.data.size(), outcome.data.size() < 24 ? "" : escape({reinterpret_cast<const char*>(outcome.data.data()) + 4, 20}));
  return outcome.failure == CommandFailure::none && outcome.nvme_status == 0 ? 0 : 1;
}

int map(const std::string& name, const std::string& wwid, const std::vector<std::string>& disks) {
  bool sync = std::getenv("PROBE_UDEV_SYNC") != nullptr;
  auto mapper = must(DeviceMapper::open({.udev_sync = sync ? UdevSync::on : UdevSync::off}));
  must(mapper->probe());
  auto version = [](const DmVersion& v) { return fmt::format("{}.{}.{}", v[0], v[1], v[2]); };
  fmt::print("device-mapper {}, multipath {}, event poll {}\n", version(mapper->capabilities().interface),
             version(mapper->capabilities().multipath), mapper->capabilities().event_poll);
  auto loop = must(EpollLoop::create());
  auto monitor = must(UdevMonitor::open());
  int events = 0;
  must(loop->watch(mapper->event_fd(), EPOLLIN, [&](std::uint32_t) { ++events; }, EpollLoop::Trigger::edge));
  std::vector<Uevent> uevents;
  must(loop->watch(monitor->fd(), EPOLLIN, [&](std::uint32_t) {
    if (!monitor->receive(uevents)) die("a uevent was lost");
  }));
  // udev asks the kernel for a map's name when it works on an event: give it the time, or it finds a later map or none.
  auto settle = [&] {
    std::size_t before = 0;
    do {
      before = uevents.size();
      MonoTime until = loop->now() + milliseconds{700};
      while (loop->now() < until) loop->run_once(milliseconds{100});
    } while (uevents.size() != before);
  };

  auto discovery = must(UdevDiscovery::create());
  MapSpec spec{.wwid = {wwid}, .name = {name}};
  KernelGroup group{.selector = "service-time 0"};
  for (const std::string& disk : disks) {
    auto path = must(discovery->gather(disk));
    spec.table.size_sectors = path.facts.size_sectors;
    group.paths.push_back({.devnum = path.facts.devnum, .arguments = {"1"}});
  }
  spec.table.groups = {group};
  spec.table.next_group = 1;
  spec.table.features = "1 queue_if_no_path";
  std::string uuid = "mpath-" + wwid;

  auto nothing = mapper->read({name});
  expect(!nothing && nothing.error().code == ErrorCode::not_found, "a map that is not there");
  DevNum devnum = must(mapper->create(spec, {}));
  expect(devnum.valid(), "created " + to_string(devnum));
  std::string link = "/dev/mapper/" + name;
  if (sync) expect(::access(link.c_str(), F_OK) == 0, "udev had made " + link + " when create returned");
  auto again = mapper->create(spec, {});
  expect(!again && again.error().code == ErrorCode::exists, "not created twice: " + again.error().message());
  KernelMap kernel = must(mapper->read({name}));
  expect(kernel.uuid == uuid && kernel.devnum == devnum && kernel.table.groups.size() == 1 &&
             kernel.table.groups[0].paths.size() == disks.size() && !kernel.suspended,
         "read back");
  expect(kernel.table.features == "1 queue_if_no_path", "features " + kernel.table.features);

  // events
  settle();
  must(mapper->arm_events());
  loop->run_once(Duration{0});
  events = 0;
  DevNum first = kernel.table.groups[0].paths[0].devnum;
  must(mapper->message({name}, uuid, {.kind = MapMessage::Kind::fail_path, .path = first}));
  while (events == 0) loop->run_once(seconds{5});
  auto listing = must(mapper->list());
  auto ours = std::ranges::find(listing, MapName{name}, &KernelMapListing::name);
  expect(ours != listing.end() && ours->event_number == kernel.event_number + 1 && ours->uuid == uuid,
         fmt::format("fail_path moved the event number from {} to {}, uuid {}", kernel.event_number, ours->event_number, ours->uuid));
  kernel = must(mapper->read({name}));
  expect(kernel.table.groups[0].paths[0].state == KernelPathState::failed, "the path is failed");
  expect_code(mapper->message({name}, "mpath-other", {.kind = MapMessage::Kind::fail_path, .path = first}), ErrorCode::conflict,
              "message with a wrong uuid");
  expect_code(mapper->message({"nowhere"}, "mpath-other", {.kind = MapMessage::Kind::fail_path, .path = first}),
              ErrorCode::not_found, "message to nobody");

  // reload
  Precondition known{uuid, kernel.table_fingerprint};
  spec.table.features = "0";
  expect_code(mapper->load({name}, spec, {"mpath-other", 0}), ErrorCode::conflict, "load with a wrong uuid");
  expect_code(mapper->load({name}, spec, {uuid, 12345}), ErrorCode::conflict, "load with a wrong fingerprint");
  expect_code(mapper->load({name}, spec, {}), ErrorCode::conflict, "load where no device should be");
  MapSpec wrong = spec;
  wrong.table.groups[0].paths.push_back({.devnum = {8, 4095}, .arguments = {"1"}});
  auto refused = mapper->load({name}, wrong, known);
  expect(!refused, "a table with a missing device: " + (refused ? "" : refused.error().message()));
  must(mapper->load({name}, spec, known));
  expect(must(mapper->read({name})).has_inactive_table, "loaded");
  must(mapper->resume({name}, {.reload = true}, false));
  KernelMap after = must(mapper->read({name}));
  expect(after.table.features == "0" && !after.suspended && !after.has_inactive_table, "resumed with the new table");
  expect(after.table_fingerprint != kernel.table_fingerprint, "another fingerprint");
  expect(after.table.groups[0].paths[0].state == KernelPathState::active, "a load makes every path active again");
  must(mapper->load({name}, spec, {uuid, after.table_fingerprint}));
  must(mapper->resume({name}, {}, true));

  // A partition map, as kpartx makes it, follows its map.
  settle();
  std::string make_part = fmt::format("dmsetup create {0}p1 -u part1-{1} --table '0 100 linear /dev/dm-{2} 0'", name, uuid, devnum.minor);
  expect(std::system(make_part.c_str()) == 0, "made a partition map");
  settle();
  must(mapper->rename({name}, {name + "-new"}, std::nullopt, {uuid, 0}));
  expect(mapper->read({name + "-new"}).has_value(), "renamed");
  auto has = [&](const std::string& wanted) {
    auto devices = must(mapper->list());
    return std::ranges::find(devices, MapName{wanted}, &KernelMapListing::name) != devices.end();
  };
  expect(has(name + "-new1") && !has(name + "p1"), "its partition is renamed too");
  // in use
  std::string node = "/dev/dm-" + std::to_string(devnum.minor);
  FILE* user = std::fopen(node.c_str(), "re");
  expect(user != nullptr, "opened " + node);
  expect_code(mapper->remove({name + "-new"}, false, {uuid, 0}), ErrorCode::busy, "remove while in use");
  std::fclose(user);
  settle();
  Status removed;
  for (int i = 0; i < 50; ++i) {  // udev may have it open for a moment
    removed = mapper->remove({name + "-new"}, false, {uuid, 0});
    if (removed || removed.error().code != ErrorCode::busy) break;
    usleep(100'000);
  }
  must(removed);
  expect(!mapper->read({name + "-new"}), "removed");
  expect(!has(name + "-new1"), "its partition is removed too");
  if (sync) expect(::access((link + "-new").c_str(), F_OK) != 0, "udev had removed the link when remove returned");
  expect_code(mapper->remove({name + "-new"}, false, {uuid, 0}), ErrorCode::conflict, "remove again");

  MonoTime end = loop->now() + seconds{5};
  auto seen_remove = [&] {
    return std::ranges::any_of(uevents, [&](const Uevent& event) {
      return event.map && event.map->action == MapUevent::Action::remove && event.devnum == devnum;
    });
  };
  while (!seen_remove() && loop->now() < end) loop->run_once(milliseconds{200});
  bool seen_change = std::ranges::any_of(uevents, [&](const Uevent& event) {
    return event.map && event.map->action == MapUevent::Action::change && event.map->uuid == uuid && event.map->name.text == name;
  });
  for (const Uevent& event : uevents) {
    fmt::print("     uevent {} {} {} map [{}] uuid [{}] action [{}] ready {}\n", static_cast<int>(event.action), event.kernel_name,
               to_string(event.devnum), event.map ? event.map->name.text : "", event.map ? event.map->uuid : "",
               event.dm_action, event.map && event.map->ready);
  }
  expect(seen_change && seen_remove(), fmt::format("{} uevents, with change and remove of the map", uevents.size()));
  return 0;
}

/// A no-operation that no compiler makes.
void mark() { asm volatile("nopl 0x4d504154(%rax)"); }

int window(int seconds_to_wait) {
  mark();
  ::sleep(static_cast<unsigned>(seconds_to_wait));
  mark();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  std::vector<std::string> words(argv + 1, argv + argc);
  std::string command = words.empty() ? "" : words[0];
  if (command == "paths") return paths();
  if (command == "check" && words.size() == 2) return check(std::atoi(words[1].c_str()));
  if (command == "watch" && words.size() == 2) return watch(std::atoi(words[1].c_str()), false);
  if (command == "read" && words.size() == 2) return watch(std::atoi(words[1].c_str()), true);
  if (command == "nvme" && words.size() == 2) return nvme(words[1]);
  if (command == "map" && words.size() >= 4) return map(words[1], words[2], {words.begin() + 3, words.end()});
  if (command == "window" && words.size() == 2) return window(std::atoi(words[1].c_str()));
  fmt::print(stderr, "usage: probe_sys paths | check ROUNDS | watch SECONDS | read SECONDS | nvme DISK | window SECONDS | "
                     "map NAME WWID DISK...\n");
  return 64;
}
