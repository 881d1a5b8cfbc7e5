// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/faults.h"

#include <fmt/format.h>

#include "tests/sim/draw.h"

namespace mpath::sim {

struct Faults::Kind {
  std::string_view name;
  void (Faults::*happen)();
};

/// What is listed twice is twice as likely.
const Faults::Kind Faults::kinds[] = {
    {"host cable", &Faults::cut_host},
    {"host cable", &Faults::cut_host},
    {"port cable", &Faults::cut_port},
    {"port cable", &Faults::cut_port},
    {"hang", &Faults::hang},
    {"hang", &Faults::hang},
    {"hang", &Faults::hang},
    {"slow", &Faults::slow},
    {"bad answer", &Faults::answer_badly},
    {"flapping", &Faults::flap},
    {"attention", &Faults::attention},
    {"bus reset", &Faults::reset_bus},
    {"offline", &Faults::offline},
    {"removal", &Faults::remove_and_return},
    {"removal", &Faults::remove_and_return},
    {"burst", &Faults::burst},
    {"hang and add", &Faults::hang_and_add},
    {"outage", &Faults::outage},
    {"exchange", &Faults::exchange},
    {"failover", &Faults::failover},
    {"failover", &Faults::failover},
    {"size", &Faults::resize},
    {"write protection", &Faults::protect},
    {"rescan", &Faults::rescan_all},
    {"refused load", &Faults::refuse_loads},
    {"restart", &Faults::restart},
    {"crash", &Faults::crash},
    {"stopped daemon", &Faults::stop_daemon},
    {"standstill", &Faults::stand_still},
    {"meddling", &Faults::meddle},
    {"preemption", &Faults::preempt},
    {"renaming", &Faults::rename_from_outside},
    {"suspension", &Faults::suspend_from_outside},
};

void Faults::inject() {
  const Kind& kind = random_.pick(kinds);
  sim_.coverage.count("fault", kind.name);
  (this->*kind.happen)();
}

void Faults::heal() {
  for (const auto& host : sim_.world.hosts()) {
    if (host->link != Link::up && !(keep_cut_ && host->number == 0)) sim_.world.set_link(*host, Link::up);
  }
  for (const auto& array : sim_.world.arrays()) {
    for (const auto& port : array->ports) {
      if (port->link != Link::up) sim_.world.set_link(*port, Link::up);
    }
    for (const auto& lun : array->luns) {
      if (lun->is_read_only) sim_.world.protect(*lun, false);
    }
  }
  for (const auto& disk : sim_.world.disks()) {
    if (!disk->present) continue;
    if (disk->hangs) sim_.world.set_hang(*disk, false);
    if (disk->offline) sim_.world.set_offline(*disk, false);
    if (disk->fault != Fault::none) sim_.world.set_fault(*disk, Fault::none);
    if (disk->extra_latency.count() > 0) sim_.world.set_latency(*disk, {});
  }
  if (sim_.daemon) sim_.daemon->device_mapper.fail_next_loads = 0;
  if (!sim_.daemon) sim_.start_daemon();
  sim_.oracle.changed_all();
}

void Faults::keep_one_cable_cut() {
  if (sim_.world.hosts().size() < 2) return;
  keep_cut_ = true;
  sim_.world.set_link(*sim_.world.hosts()[0], Link::down);
}

Disk* Faults::any_disk() {
  std::vector<Disk*> present;
  for (const auto& disk : sim_.world.disks()) {
    if (disk->present && disk->lun != nullptr) present.push_back(disk.get());
  }
  return present.empty() ? nullptr : random_.pick(present);
}

Duration Faults::a_while() {
  return random_.chance(30) ? random_.duration(seconds{10}, seconds{70}) : random_.duration(milliseconds{100}, seconds{10});
}

void Faults::later(Duration delay, std::function<void()> action) {
  sim_.oracle.changed_all();
  sim_.queue.after(delay, [this, action] {
    sim_.oracle.changed_all();
    action();
  });
}

// --- cables and devices -----------------------------------------------------------------------------------------

template <typename Port>
void Faults::cut(Port& port) {
  if (port.link != Link::up) return;
  sim_.world.set_link(port, random_.chance(50) ? Link::down : Link::silent);
  later(a_while(), [this, &port] {
    if (port.link != Link::up) sim_.world.set_link(port, Link::up);
  });
}

void Faults::hang(Disk& disk) {
  if (disk.hangs) return;
  sim_.world.set_hang(disk, true);
  later(a_while(), [this, &disk] {
    if (disk.hangs) sim_.world.set_hang(disk, false);
  });
}

void Faults::hang() {
  if (Disk* disk = any_disk()) hang(*disk);
}

void Faults::slow() {
  if (Disk* disk = any_disk()) {
    sim_.world.set_latency(*disk, random_.duration(milliseconds{5}, milliseconds{800}));
    later(a_while(), [this, disk] { sim_.world.set_latency(*disk, {}); });
  }
}

void Faults::answer_badly() {
  Disk* disk = any_disk();
  if (disk == nullptr || disk->fault != Fault::none) return;
  static const Fault answers[] = {Fault::not_ready, Fault::not_ready, Fault::reservation_conflict, Fault::busy};
  sim_.world.set_fault(*disk, random_.pick(answers));
  later(a_while(), [this, disk] {
    if (disk->fault != Fault::none) sim_.world.set_fault(*disk, Fault::none);
  });
}

/// Several times in a short time: what the rules about paths that fail too often are for.
void Faults::flap() {
  Disk* disk = any_disk();
  if (disk != nullptr && disk->fault == Fault::none) flap_again(*disk, random_.between(3, 6));
}

void Faults::flap_again(Disk& disk, int times) {
  if (times == 0 || !disk.present) return;
  sim_.world.set_fault(disk, Fault::not_ready);
  later(random_.duration(seconds{1}, seconds{6}), [this, &disk, times] {
    sim_.world.set_fault(disk, Fault::none);
    later(random_.duration(seconds{2}, seconds{9}), [this, &disk, times] { flap_again(disk, times - 1); });
  });
}

void Faults::attention() {
  for (int count = random_.between(6, 18); count > 0; --count) {
    if (Disk* disk = any_disk()) sim_.world.raise_unit_attention(*disk);
  }
}

void Faults::reset_bus() {
  HostPort& host = *random_.pick(sim_.world.hosts());
  for (const auto& disk : sim_.world.disks()) {
    if (disk->present && disk->host == &host) sim_.world.raise_unit_attention(*disk);
  }
}

void Faults::offline() {
  Disk* disk = any_disk();
  if (disk == nullptr || disk->offline) return;
  sim_.world.set_offline(*disk, true);
  later(a_while(), [this, disk] {
    if (disk->offline) sim_.world.set_offline(*disk, false);
  });
}

void Faults::remove_and_return() {
  Disk* disk = any_disk();
  if (disk == nullptr) return;
  sim_.world.delete_disk(*disk);
  Lun* lun = disk->lun;
  later(a_while(), [this, disk, lun] { return_disk(*disk, *lun); });
}

/// A rescan finds a device only where the target answers.
void Faults::return_disk(Disk& gone, Lun& lun) {
  if (gone.host->link != Link::up || gone.port->link != Link::up) {
    sim_.queue.after(seconds{5}, [this, &gone, &lun] { return_disk(gone, lun); });
    return;
  }
  sim_.oracle.changed_all();
  if (random_.chance(50)) sim_.world.forget_registration(lun, gone);
  sim_.world.add_disk(*gone.host, *gone.port, lun);
}

/// Paths of one volume go together and return together.
void Faults::burst() {
  Disk* first = any_disk();
  if (first == nullptr) return;
  Lun* lun = first->lun;
  std::vector<Disk*> gone;
  for (Disk* disk : sim_.world.disks_of(*lun)) {
    if (disk->host == first->host && disk->port->array == lun->array) gone.push_back(disk);
  }
  for (Disk* disk : gone) sim_.world.delete_disk(*disk);
  later(a_while(), [this, gone, lun] {
    for (Disk* disk : gone) return_disk(*disk, *lun);
  });
}

void Faults::hang_and_add() {
  Disk* gone = any_disk();
  if (gone == nullptr) return;
  Lun* lun = gone->lun;
  sim_.world.delete_disk(*gone);
  later(random_.duration(seconds{1}, seconds{5}), [this, gone, lun] {
    std::vector<Disk*> others = sim_.world.disks_of(*lun);
    if (others.empty()) return return_disk(*gone, *lun);
    hang(*random_.pick(others));
    later(random_.duration(milliseconds{100}, seconds{8}), [this, gone, lun] { return_disk(*gone, *lun); });
  });
}

/// Nothing works for a while.
void Faults::outage() {
  bool silent = random_.chance(30);
  for (const auto& host : sim_.world.hosts()) {
    if (host->link == Link::up) sim_.world.set_link(*host, silent ? Link::silent : Link::down);
  }
  later(random_.duration(seconds{1}, seconds{90}), [this] {
    for (const auto& host : sim_.world.hosts()) {
      if (host->link != Link::up) sim_.world.set_link(*host, Link::up);
    }
  });
}

// --- volumes ----------------------------------------------------------------------------------------------------

/// The administrator unmaps a LUN from one port and maps another one in its place; after a while the host is told to look.
void Faults::exchange() {
  Disk* disk = any_disk();
  // The kernel itself removes a namespace whose identifiers change.
  if (disk == nullptr || disk->lun->array->luns.size() < 2 || disk->port->array->kind == ArrayKind::nvme) return;
  Lun* other = nullptr;
  for (const auto& lun : disk->lun->array->luns) {
    if (lun.get() != disk->lun && lun->size_sectors == disk->lun->size_sectors) other = lun.get();
  }
  if (other == nullptr) return;
  sim_.world.unmap(*disk);
  later(random_.duration(sim_.settings.notice_limit(), sim_.settings.notice_limit() + seconds{20}), [this, disk, other] {
    if (!disk->present) return;
    sim_.world.remap(*disk, *other);
    rescan(*disk);
  });
}

void Faults::rescan(Disk& disk) {
  later(random_.duration(seconds{10}, seconds{60}), [this, &disk] {
    if (!disk.present || disk.lun == nullptr) return;
    sim_.world.trigger(disk, DiskUevent::Action::change);
    if (disk.udev_wwid != disk.lun->wwid.text) rescan(disk);
  });
}

void Faults::rescan_all() {
  sim_.trace("fault: all disks are scanned again");
  for (const auto& disk : sim_.world.disks()) {
    if (disk->present && random_.chance(80)) sim_.world.trigger(*disk, DiskUevent::Action::change);
  }
}

void Faults::failover() {
  const Array& chosen = array();
  Duration transition = random_.chance(50) ? Duration{} : random_.duration(milliseconds{10}, seconds{8});
  for (const auto& lun : chosen.luns) sim_.world.move_lun(*lun, 1 - lun->owner, transition);
  later(transition, [] {});
}

/// The volume grows or shrinks; its map follows when it is asked to, or by itself (auto_resize).
void Faults::resize() {
  Disk* disk = any_disk();
  if (disk == nullptr) return;
  Lun* lun = disk->lun;
  sim_.oracle.changed_all();
  bool grows = random_.chance(60);
  sim_.coverage.count("volume", grows ? "grows" : "shrinks");
  sim_.world.resize(*lun, grows ? lun->size_sectors + 2048 : lun->size_sectors - 2048);
}

void Faults::protect() {
  Disk* disk = any_disk();
  if (disk == nullptr || disk->lun->is_read_only) return;
  Lun* lun = disk->lun;
  sim_.world.protect(*lun, true);
  later(a_while(), [this, lun] {
    if (lun->is_read_only) sim_.world.protect(*lun, false);
  });
}

// --- the host and the daemon --------------------------------------------------------------------------------------

void Faults::refuse_loads() {
  sim_.trace("fault: two loads will be refused");
  if (sim_.daemon) sim_.daemon->device_mapper.fail_next_loads = 2;
}

void Faults::restart() {
  if (!sim_.daemon) return;
  sim_.kill_daemon();
  later(random_.duration(milliseconds{10}, seconds{15}), [this] {
    if (!sim_.daemon) sim_.start_daemon();
  });
}

/// Somewhere between two effects.
void Faults::crash() {
  if (!sim_.daemon) return;
  std::uint64_t count = random_.below(12);
  sim_.trace(fmt::format("fault: the daemon dies after {} effects", count));
  sim_.daemon->executor.stop_after_effects(count);
  later(random_.duration(milliseconds{1}, milliseconds{900}), [this] {
    if (sim_.daemon) restart();
  });
}

/// The process gets no time, while the machine goes on.
void Faults::stop_daemon() {
  if (!sim_.daemon || sim_.daemon->stopped || sim_.daemon->exited) return;
  sim_.trace("fault: the daemon is stopped");
  sim_.daemon->stopped = true;
  sim_.oracle.daemon_stopped();
  later(random_.duration(milliseconds{200}, seconds{20}), [this, serial = sim_.starts()] {
    if (!sim_.daemon || sim_.starts() != serial) return;
    sim_.trace("fault: the daemon goes on");
    sim_.oracle.daemon_continued();
    sim_.daemon->stopped = false;
  });
}

void Faults::stand_still() {
  sim_.trace("fault: the machine stands still");
  sim_.queue.pause(random_.duration(seconds{1}, seconds{90}));
}

// --- somebody else talks to the kernel ----------------------------------------------------------------------------

void Faults::meddle() {
  Disk* disk = any_disk();
  DmDevice* map = disk == nullptr ? nullptr : sim_.map_of(*disk->lun);
  if (map == nullptr || !map->live) return;
  KernelWatcher* watcher = std::exchange(sim_.kernel.watcher, nullptr);
  // Failing the last path from outside fails requests at once; nobody can help that.
  auto kind = random_.chance(50) && map->live->valid_paths() > 1 ? MapMessage::Kind::fail_path : MapMessage::Kind::reinstate_path;
  (void)sim_.kernel.message(*map, MapMessage{kind, disk->devnum, 0});
  sim_.kernel.watcher = watcher;
  sim_.oracle.meddled(*map);
}

/// Another host takes a reservation away.
void Faults::preempt() {
  constexpr std::uint64_t other_key = 0x777;
  Lun& lun = *random_.pick(array().luns);
  if (!lun.reservations.holder) return;
  sim_.world.preempt(lun, own_key, other_key);
  sim_.oracle.preempted(lun);
}

void Faults::rename_from_outside() {
  Disk* disk = any_disk();
  DmDevice* map = disk == nullptr ? nullptr : sim_.map_of(*disk->lun);
  if (map == nullptr) return;
  sim_.oracle.changed(disk->lun);
  (void)sim_.kernel.rename(*map, MapName{fmt::format("renamed{}", ++renames_)});
}

void Faults::suspend_from_outside() {
  Disk* disk = any_disk();
  DmDevice* map = disk == nullptr ? nullptr : sim_.map_of(*disk->lun);
  if (map == nullptr || !map->live || map->suspended) return;
  if (!sim_.kernel.suspend(*map)) return;
  sim_.oracle.held(*map);
  later(random_.duration(milliseconds{100}, seconds{15}), [this, map] {
    if (!map->removed && map->suspended && !map->draining) (void)sim_.kernel.resume(*map, {}, false, [] {});
  });
}

}  // namespace mpath::sim
