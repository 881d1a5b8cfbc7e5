// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/world.h"

#include <fmt/format.h>

namespace mpath::sim {

namespace {

constexpr Duration busy_retry = milliseconds{100};

DevNum disk_number(std::uint32_t index) {
  // Sixteen minors each; the majors are counted on instead of the kernel's scattered ones.
  return DevNum{65 + index / 16384, index % 16384 * 16};
}

}  // namespace

std::string disk_name(std::uint32_t index) {
  std::string letters;
  for (std::uint32_t rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return "sd" + letters;
}

// --- building -----------------------------------------------------------------------------------------------

Array& World::add_array(Alua alua, std::uint32_t controllers, std::uint32_t ports_each) {
  auto array = std::make_unique<Array>();
  array->alua = alua;
  for (std::uint32_t controller = 0; controller < controllers; ++controller) {
    for (std::uint32_t port = 0; port < ports_each; ++port) {
      auto added = std::make_unique<TargetPort>();
      added->controller = controller;
      added->relative_id = static_cast<std::uint16_t>(array->ports.size() + 1);
      added->name = fmt::format("0x50{:02x}00000000{:04x}", arrays_.size(), added->relative_id);
      added->array = array.get();
      array->ports.push_back(std::move(added));
    }
  }
  arrays_.push_back(std::move(array));
  return *arrays_.back();
}

Array& World::add_array(ArrayKind kind) {
  Array& array = add_array(Alua::none, 2, 1);
  array.kind = kind;
  bool is_passive = kind == ArrayKind::rdac || kind == ArrayKind::clariion || kind == ArrayKind::hp;
  array.other_access = is_passive ? Access::standby : kind == ArrayKind::nvme ? Access::non_optimized : Access::optimized;
  return array;
}

Lun& World::add_lun(Array& array, std::uint64_t size_sectors, std::uint32_t owner) {
  auto lun = std::make_unique<Lun>();
  lun->number = static_cast<std::uint32_t>(array.luns.size());
  lun->wwid = Wwid{fmt::format("36001405{:025x}", ++last_lun_)};
  lun->size_sectors = size_sectors;
  lun->owner = owner;
  lun->default_owner = owner;
  lun->array = &array;
  array.luns.push_back(std::move(lun));
  return *array.luns.back();
}

HostPort& World::add_host() {
  auto host = std::make_unique<HostPort>();
  host->number = static_cast<std::uint32_t>(hosts_.size());
  hosts_.push_back(std::move(host));
  return *hosts_.back();
}

Disk& World::add_disk(HostPort& host, TargetPort& port, Lun& lun, bool quiet) {
  auto disk = std::make_unique<Disk>();
  std::uint32_t index = 0;
  if (quiet) {
    index = static_cast<std::uint32_t>(disks_.size());
  } else {
    auto taken = [&](std::uint32_t candidate) {
      auto found = by_devnum_.find(disk_number(candidate));
      return found != by_devnum_.end() && (found->second->present || found->second->table_references > 0);
    };
    while (taken(index)) ++index;
  }
  disk->index = index;
  disk->name = lun.array->kind == ArrayKind::nvme ? fmt::format("nvme{}n1", index) : disk_name(index);
  disk->devnum = disk_number(index);
  disk->disk_sequence = ++last_sequence_;
  disk->host = &host;
  disk->port = &port;
  disk->lun_number = lun.number;
  disk->lun = &lun;
  disk->kernel_size_sectors = lun.size_sectors;
  disk->read_only = lun.is_read_only;
  disk->appeared = queue_.awake();
  disk->remapped_at = queue_.awake() - minutes{60};
  disk->usable_changed = queue_.awake();
  disks_.push_back(std::move(disk));
  Disk& added = *disks_.back();
  by_devnum_[added.devnum] = &added;
  by_name_[added.name] = &added;
  refresh_udev(added);
  added.was_usable = usable(added);
  added.was_access = access(added);
  if (!quiet) {
    trace(fmt::format("world: {} ({}) appears, {} behind host {}", added.name, to_string(added.devnum),
                      lun.wwid.text, host.number));
    send(added, DiskUevent::Action::add);
  }
  return added;
}

void World::connect(Lun& lun, std::uint32_t hosts) {
  for (std::uint32_t host = 0; host < hosts; ++host) {
    for (auto& port : lun.array->ports) add_disk(*hosts_[host], *port, lun, true);
  }
}

Disk* World::find(const std::string& name) const {
  auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second;
}

Disk* World::find(DevNum devnum) const {
  auto found = by_devnum_.find(devnum);
  return found == by_devnum_.end() ? nullptr : found->second;
}

std::vector<Disk*> World::disks_of(const Lun& lun) const {
  std::vector<Disk*> found;
  for (const auto& disk : disks_) {
    if (disk->present && disk->lun == &lun) found.push_back(disk.get());
  }
  return found;
}

// --- faults -------------------------------------------------------------------------------------------------

template <typename Port>
void World::change_link(Port& port, Link link, Port* Disk::*end) {
  if (port.link == link) return;
  port.link = link;
  queue_.cancel(port.transport_timer);
  auto tell = [this, &port, end] {
    for (const auto& disk : disks_) {
      if (disk->present && (*disk).*end == &port) changed(*disk);
    }
  };
  if (link == Link::silent) {
    port.transport_timer = queue_.after(transport_timeout, [&port, tell] {
      port.transport_timer = {};
      port.link = Link::down;
      tell();
    });
  }
  tell();
}

void World::set_link(HostPort& host, Link link) {
  trace(fmt::format("world: cable of host {} {}", host.number,
                    link == Link::up ? "restored" : link == Link::down ? "cut" : "silent"));
  change_link(host, link, &Disk::host);
}

void World::set_link(TargetPort& port, Link link) {
  trace(fmt::format("world: cable of port {} {}", port.name,
                    link == Link::up ? "restored" : link == Link::down ? "cut" : "silent"));
  change_link(port, link, &Disk::port);
}

void World::set_hang(Disk& disk, bool hangs) {
  trace(fmt::format("world: {} {}", disk.name, hangs ? "hangs" : "answers again"));
  disk.hangs = hangs;
  changed(disk);
}

void World::set_offline(Disk& disk, bool offline) {
  trace(fmt::format("world: {} {}", disk.name, offline ? "offline" : "online"));
  disk.offline = offline;
  changed(disk);
}

void World::set_fault(Disk& disk, Fault fault) {
  trace(fmt::format("world: {} answers {}", disk.name,
                    fault == Fault::none        ? "well"
                    : fault == Fault::not_ready ? "not ready"
                    : fault == Fault::busy      ? "busy"
                                                : "reservation conflict"));
  disk.fault = fault;
  changed(disk);
}

void World::set_latency(Disk& disk, Duration extra) {
  trace(fmt::format("world: {} slower by {} ms", disk.name, std::chrono::duration_cast<milliseconds>(extra).count()));
  disk.extra_latency = extra;
  disk.was_slow = disk.was_slow || extra.count() > 0;
}

void World::raise_unit_attention(Disk& disk) {
  trace(fmt::format("world: unit attention at {}", disk.name));
  disk.unit_attention = true;
}

void World::unmap(Disk& disk) {
  trace(fmt::format("world: nothing behind {} any more", disk.name));
  disk.lun = nullptr;
  changed(disk);
}

void World::remap(Disk& disk, Lun& lun) {
  trace(fmt::format("world: {} is now behind {}", lun.wwid.text, disk.name));
  disk.lun = &lun;
  disk.remapped_at = queue_.awake();
  disk.unit_attention = true;
  changed(disk);
}

void World::delete_disk(Disk& disk) {
  if (!disk.present) return;
  trace(fmt::format("world: {} ({}) deleted", disk.name, to_string(disk.devnum)));
  disk.present = false;
  disk.vanished = queue_.awake();
  by_name_.erase(disk.name);
  changed(disk);
  send(disk, DiskUevent::Action::remove);
}

void World::move_lun(Lun& lun, std::uint32_t owner, Duration length) {
  trace(fmt::format("world: controller {} takes {}", owner, lun.wwid.text));
  lun.owner = owner;
  lun.transition_until = queue_.awake() + length;
  auto tell = [this, &lun] {
    for (Disk* disk : disks_of(lun)) changed(*disk);
  };
  tell();
  queue_.after(length, tell);
}

void World::resize(Lun& lun, std::uint64_t size_sectors) {
  trace(fmt::format("world: {} has {} sectors now", lun.wwid.text, size_sectors));
  lun.size_sectors = size_sectors;
  for (Disk* disk : disks_of(lun)) {
    disk->kernel_size_sectors = size_sectors;
    trigger(*disk, DiskUevent::Action::change);
  }
}

void World::protect(Lun& lun, bool read_only) {
  trace(fmt::format("world: {} is {} now", lun.wwid.text, read_only ? "read-only" : "writable"));
  lun.is_read_only = read_only;
  for (Disk* disk : disks_of(lun)) {
    disk->read_only = read_only;
    trigger(*disk, DiskUevent::Action::change);
  }
}

void World::trigger(Disk& disk, DiskUevent::Action action) {
  if (!disk.present) return;
  refresh_udev(disk);
  send(disk, action);
}

void World::send(const Disk& disk, DiskUevent::Action action) {
  queue_.after(random_.duration(milliseconds{1}, milliseconds{30}),
               [this, event = DiskUevent{action, disk.name, disk.devnum}] {
                 if (on_uevent) on_uevent(event);
               });
}

void World::changed(Disk& disk) {
  bool now_usable = usable(disk);
  if (now_usable != disk.was_usable) {
    disk.was_usable = now_usable;
    disk.usable_changed = queue_.awake();
  }
  Access now_access = access(disk);
  if (now_access == Access::standby && disk.was_access != Access::standby) disk.usable_changed = queue_.awake();
  disk.was_access = now_access;
  bool now_hanging = disk.present && hanging(disk);
  if (now_hanging && !disk.was_hanging) disk.hangs_since = queue_.awake();
  if (!now_hanging && disk.was_hanging) disk.hung_until = queue_.awake();
  disk.was_hanging = now_hanging;
  wake(disk);
}

void World::wake(Disk& disk) {
  std::vector<std::uint64_t> waiting;
  waiting.swap(disk.waiting);
  for (std::uint64_t id : waiting) queue_.after(milliseconds{1}, [this, id] { serve(id); });
}

// --- what is true -------------------------------------------------------------------------------------------

Access World::access(const Disk& disk) const {
  if (disk.lun == nullptr) return Access::unavailable;
  const Array& array = *disk.lun->array;
  if (array.alua == Alua::none && array.kind == ArrayKind::plain) return Access::optimized;
  if (queue_.awake() < disk.lun->transition_until) return Access::transitioning;
  return disk.lun->owner == disk.port->controller ? Access::optimized : array.other_access;
}

bool World::hanging(const Disk& disk) const {
  // What is with a target that the transport has lost is given back.
  if (disk.host->link == Link::down || disk.port->link == Link::down) return false;
  return disk.hangs || disk.host->link == Link::silent || disk.port->link == Link::silent;
}

bool World::usable(const Disk& disk) const {
  if (!disk.present || disk.offline || disk.hangs || disk.fault != Fault::none || disk.lun == nullptr) return false;
  if (disk.host->link != Link::up || disk.port->link != Link::up) return false;
  Access state = access(disk);
  if (state == Access::optimized || state == Access::non_optimized) return true;
  return state == Access::standby && can_be_activated(*disk.lun->array);
}

bool can_be_activated(const Array& array) {
  return array.alua == Alua::explicit_only || array.alua == Alua::both || array.kind == ArrayKind::rdac ||
         array.kind == ArrayKind::clariion || array.kind == ArrayKind::hp;
}

bool World::usable_for(const Disk& disk, Duration length) const {
  return usable(disk) && queue_.awake() - disk.usable_changed >= length;
}

bool World::unusable_for(const Disk& disk, Duration length) const {
  return !usable(disk) && queue_.awake() - disk.usable_changed >= length;
}

// --- I/O ----------------------------------------------------------------------------------------------------

void World::command(Disk& disk, const DeviceCommand& command, CommandDone done) {
  if (const auto* system = std::get_if<SystemRead>(&command)) {
    // Sends nothing to the device: it is answered however that is.
    queue_.after(milliseconds{1}, [this, &disk, what = system->what, done = std::move(done)]() mutable { done(answer_system(disk, what)); });
    return;
  }
  Request request{.disk = &disk, .is_data = false, .command = command, .started = queue_.now()};
  request.command_done = std::move(done);
  const auto* scsi = std::get_if<ScsiCommand>(&command);
  start(std::move(request), scsi != nullptr ? Duration{scsi->timeout} : data_timeout);
}

void World::data(Disk& disk, DataDone done) {
  Request request{.disk = &disk, .is_data = true, .command = {}, .started = queue_.now()};
  request.data_done = std::move(done);
  start(std::move(request), data_timeout);
}

std::uint64_t World::data_under_way(const Disk& disk) const {
  std::uint64_t count = 0;
  for (const auto& [id, request] : requests_) count += request.disk == &disk && request.is_data ? 1U : 0U;
  return count;
}

std::uint64_t World::start(Request request, Duration timeout) {
  std::uint64_t id = ++last_request_;
  ++request.disk->host->busy;
  Duration service = random_.duration(microseconds{200}, milliseconds{2}) + request.disk->extra_latency;
  request.timer = queue_.after(timeout + error_handling, [this, id] {
    CommandOutcome outcome;
    outcome.host_status = HostStatus::time_out;
    finish(id, std::move(outcome));
  });
  requests_.emplace(id, std::move(request));
  queue_.after(service, [this, id] { serve(id); });
  return id;
}

void World::serve(std::uint64_t id) {
  auto found = requests_.find(id);
  if (found == requests_.end()) return;
  Disk& disk = *found->second.disk;
  if (disk.present && !disk.offline && hanging(disk)) {
    disk.waiting.push_back(id);
    return;
  }
  if (disk.fault == Fault::busy && disk.present && found->second.is_data) {
    // The kernel sends it again and again until its time is up.
    queue_.after(busy_retry, [this, id] { serve(id); });
    return;
  }
  finish(id, answer(disk, found->second.command, found->second.is_data));
}

void World::finish(std::uint64_t id, CommandOutcome outcome) {
  auto found = requests_.find(id);
  if (found == requests_.end()) return;
  Request request = std::move(found->second);
  requests_.erase(found);
  queue_.cancel(request.timer);
  Disk& disk = *request.disk;
  std::erase(disk.waiting, id);
  --disk.host->busy;
  outcome.round_trip = queue_.now() - request.started;
  bool reads_blocks = std::holds_alternative<BlockRead>(request.command) || std::holds_alternative<CcissTest>(request.command);
  bool is_good = outcome.status == 0 && outcome.host_status == HostStatus::ok;
  if (!request.is_data && reads_blocks && outcome.failure == CommandFailure::none && !is_good) {
    // The block layer tells no more than that.
    CommandOutcome error;
    error.failure = CommandFailure::io_error;
    error.round_trip = outcome.round_trip;
    outcome = std::move(error);
  }
  if (!request.is_data) {
    request.command_done(std::move(outcome));
    return;
  }
  DataOutcome result;
  if (outcome.failure != CommandFailure::none || outcome.host_status != HostStatus::ok || outcome.status == 0x02) {
    result.kind = DataOutcome::Kind::path_error;
  } else if (outcome.status != 0) {
    result.kind = DataOutcome::Kind::target_error;
  } else {
    result.reached = disk.lun;
  }
  request.data_done(result);
}

bool World::activate(Disk& disk) {
  if (!usable(disk)) return false;
  Lun& lun = *disk.lun;
  if (can_be_activated(*lun.array) && access(disk) != Access::optimized && access(disk) != Access::non_optimized) {
    trace(fmt::format("world: {} activated through {}", lun.wwid.text, disk.name));
    lun.owner = disk.port->controller;
    if (on_activated) on_activated(lun);
    for (Disk* other : disks_of(lun)) changed(*other);
  }
  return true;
}

}  // namespace mpath::sim
