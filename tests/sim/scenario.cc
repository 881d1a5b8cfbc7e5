// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/scenario.h"

#include <fmt/format.h>

namespace mpath::sim {

namespace {

constexpr std::uint64_t lun_sectors = 204800;
constexpr std::uint64_t own_key = 0x123abc;
constexpr std::uint64_t other_key = 0x777;

Settings random_settings(Random& random) {
  Settings settings;
  if (random.chance(30)) {
    settings.polling_interval = seconds{2};
    settings.max_polling_interval = seconds{8};
  }
  if (random.chance(40)) settings.checker_timeout = seconds{random.between(5, 30)};
  switch (random.below(3)) {
    case 0: settings.no_path_retry = {NoPathRetry::Kind::fail, 0}; break;
    case 1: settings.no_path_retry = {NoPathRetry::Kind::queue, 0}; break;
    default: settings.no_path_retry = {NoPathRetry::Kind::checks, static_cast<std::uint32_t>(random.between(1, 6))}; break;
  }
  static const std::string groupings[] = {"failover", "multibus", "group_by_prio", "group_by_prio", "group_by_node_name"};
  settings.grouping = random.pick(groupings);
  static const std::string failbacks[] = {"immediate", "immediate", "manual", "5"};
  settings.failback = random.pick(failbacks);
  static const std::string selectors[] = {"service-time 0", "round-robin 0", "queue-length 0"};
  settings.selector = random.pick(selectors);
  settings.user_friendly_names = random.chance(50);
  if (random.chance(40)) settings.error_handling = random.duration(seconds{1}, seconds{12});
  static const std::string checkers[] = {"", "", "path_checker directio\n", "path_checker alua\n", "path_checker readsector0\n"};
  Random aside = random;  // what comes after is as it was without this choice
  settings.more_defaults += aside.pick(checkers);
  if (aside.chance(33)) settings.more_defaults += fmt::format("reservation_key {:#x}\n", own_key);
  return settings;
}

/// Takes a fault back after a while, and counts it as a reason for loads of the volumes it touches.
class Faults {
 public:
  Faults(Simulation& simulation, Random random) : sim_(simulation), random_(random) {}

  void build() {
    std::uint32_t hosts = static_cast<std::uint32_t>(random_.between(1, 3));
    for (std::uint32_t host = 0; host < hosts; ++host) sim_.world.add_host();
    int arrays = random_.between(1, 2);
    for (int index = 0; index < arrays; ++index) {
      static const Alua kinds[] = {Alua::none, Alua::implicit_only, Alua::both, Alua::explicit_only};
      Array& array = sim_.world.add_array(random_.pick(kinds), 2, static_cast<std::uint32_t>(random_.between(1, 2)));
      // One group of active and standby paths cannot work well with any path manager.
      if (array.alua == Alua::both && grouped(sim_.settings) && random_.chance(40)) array.other_access = Access::standby;
      int luns = random_.between(1, 3);
      for (int lun = 0; lun < luns; ++lun) {
        sim_.world.add_lun(array, lun_sectors, static_cast<std::uint32_t>(random_.below(2)));
        sim_.world.connect(*array.luns.back(), hosts);
      }
    }
    sim_.kernel.add_foreign("vg0-root", "LVM-abcdef");
  }

  /// Where there is a key, most volumes are registered and reserved, and the daemon is told.
  void reserve() {
    if (!sim_.settings.more_defaults.contains("reservation_key")) return;
    Random aside = Random(random_).fork();
    for (const auto& known : sim_.world.arrays()) {
      for (const auto& lun : known->luns) {
        const DmDevice* map = sim_.map_of(*lun);
        if (map == nullptr || aside.chance(30)) continue;
        sim_.world.reserve(*lun, own_key);
        Request request{.kind = RequestKind::set_pr_status, .map = map->name.text};
        sim_.daemon->request(static_cast<RequestId>(1000000 + ++requests_), request);
        sim_.coverage.count("request", "setprstatus");
      }
    }
  }

  void inject() {
    preempt_perhaps();
    static constexpr std::string_view names[] = {
        "host cable",  "host cable", "port cable", "port cable", "hang",        "hang",     "hang",      "slow",
        "bad answer",  "attention",  "offline",    "removal",    "removal",     "exchange", "failover",  "refused load",
        "restart",     "standstill", "reconfigure", "hang and add", "meddling", "growth",   "new configuration", "rescan",
        "burst",       "bus reset",  "crash",      "outage",
    };
    std::size_t kind = random_.below(std::size(names));
    sim_.coverage.count("fault", names[kind]);
    switch (kind) {
      case 0: case 1: cut(*random_.pick(const_hosts())); break;
      case 2: case 3: cut(*random_.pick(array().ports)); break;
      case 4: case 5: case 6: hang(); break;
      case 7: slow(); break;
      case 8: answer_badly(); break;
      case 9: attention(); break;
      case 10: offline(); break;
      case 11: case 12: remove_and_return(); break;
      case 13: exchange(); break;
      case 14: failover(); break;
      case 15: sim_.trace("fault: two loads will be refused"); if (sim_.daemon) sim_.daemon->device_mapper.fail_next_loads = 2; break;
      case 16: restart(); break;
      case 17: sim_.trace("fault: the machine stands still"); sim_.queue.pause(random_.duration(seconds{1}, seconds{90})); break;
      case 18: reconfigure(); break;
      case 19: hang_and_add(); break;
      case 20: meddle(); break;
      case 21: grow(); break;
      case 22: change_configuration(); break;
      case 23: rescan_all(); break;
      case 24: burst(); break;
      case 25: reset_bus(); break;
      case 26: crash(); break;
      case 27: outage(); break;
    }
  }

  /// Everything that has a way back takes it now, except for cables that stay cut.
  void heal() {
    for (const auto& host : sim_.world.hosts()) {
      if (host->link != Link::up && !(keep_cut_ && host->number == 0)) sim_.world.set_link(*host, Link::up);
    }
    for (const auto& array : sim_.world.arrays()) {
      for (const auto& port : array->ports) {
        if (port->link != Link::up) sim_.world.set_link(*port, Link::up);
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

  /// Maps whose resizing was refused when it was asked for.
  void resize_the_rest() {
    for (const DmDevice* map : sim_.kernel.devices()) {
      if (!map->live) continue;
      for (const auto& array : sim_.world.arrays()) {
        for (const auto& lun : array->luns) {
          if (lun->wwid.text == map->wwid() && lun->size_sectors != map->live->size_sectors) resize_map(*map);
        }
      }
    }
    sim_.oracle.changed_all();
  }

  void keep_one_cable_cut() {
    if (sim_.world.hosts().size() < 2) return;
    keep_cut_ = true;
    sim_.world.set_link(*sim_.world.hosts()[0], Link::down);
  }

 private:
  const std::vector<std::unique_ptr<HostPort>>& const_hosts() { return sim_.world.hosts(); }
  const Array& array() { return *random_.pick(sim_.world.arrays()); }
  Disk* any_disk() {
    std::vector<Disk*> present;
    for (const auto& disk : sim_.world.disks()) {
      if (disk->present && disk->lun != nullptr) present.push_back(disk.get());
    }
    return present.empty() ? nullptr : random_.pick(present);
  }
  Duration a_while() { return random_.chance(30) ? random_.duration(seconds{10}, seconds{70}) : random_.duration(milliseconds{100}, seconds{10}); }
  /// Both the fault and its end may be worth a load.
  void later(Duration delay, std::function<void()> action) {
    sim_.oracle.changed_all();
    sim_.queue.after(delay, [this, action] {
      sim_.oracle.changed_all();
      action();
    });
  }

  template <typename Port>
  void cut(Port& port) {
    if (port.link != Link::up) return;
    sim_.world.set_link(port, random_.chance(50) ? Link::down : Link::silent);
    later(a_while(), [this, &port] {
      if (port.link != Link::up) sim_.world.set_link(port, Link::up);
    });
  }
  void hang() {
    Disk* disk = any_disk();
    if (disk == nullptr || disk->hangs) return;
    sim_.world.set_hang(*disk, true);
    later(a_while(), [this, disk] {
      if (disk->hangs) sim_.world.set_hang(*disk, false);
    });
  }
  void slow() {
    if (Disk* disk = any_disk()) {
      sim_.world.set_latency(*disk, random_.duration(milliseconds{5}, milliseconds{800}));
      later(a_while(), [this, disk] { sim_.world.set_latency(*disk, {}); });
    }
  }
  void answer_badly() {
    Disk* disk = any_disk();
    if (disk == nullptr || disk->fault != Fault::none) return;
    static const Fault kinds[] = {Fault::not_ready, Fault::not_ready, Fault::reservation_conflict, Fault::busy};
    sim_.world.set_fault(*disk, random_.pick(kinds));
    later(a_while(), [this, disk] {
      if (disk->fault != Fault::none) sim_.world.set_fault(*disk, Fault::none);
    });
  }
  void attention() {
    for (int count = random_.between(1, 4); count > 0; --count) {
      if (Disk* disk = any_disk()) sim_.world.raise_unit_attention(*disk);
    }
  }
  void offline() {
    Disk* disk = any_disk();
    if (disk == nullptr || disk->offline) return;
    sim_.world.set_offline(*disk, true);
    later(a_while(), [this, disk] {
      if (disk->offline) sim_.world.set_offline(*disk, false);
    });
  }
  void remove_and_return() {
    Disk* disk = any_disk();
    if (disk == nullptr) return;
    sim_.world.delete_disk(*disk);
    Lun* lun = disk->lun;
    later(a_while(), [this, disk, lun] { return_disk(*disk, *lun); });
  }
  /// A rescan finds a device only where the target answers.
  void return_disk(Disk& gone, Lun& lun) {
    if (gone.host->link != Link::up || gone.port->link != Link::up) {
      sim_.queue.after(seconds{5}, [this, &gone, &lun] { return_disk(gone, lun); });
      return;
    }
    sim_.oracle.changed_all();
    if (Random(random_).fork().chance(50)) sim_.world.forget_registration(lun, gone);
    sim_.world.add_disk(*gone.host, *gone.port, lun);
  }
  /// The administrator unmaps a LUN from one port and maps another one in its place; after a while the host is told to look.
  void exchange() {
    Disk* disk = any_disk();
    if (disk == nullptr || disk->lun->array->luns.size() < 2) return;
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
  /// Another host takes a reservation away.
  void preempt_perhaps() {
    Random aside = Random(random_).fork();  // what comes after is as it was without this
    if (!aside.chance(10)) return;
    Lun* lun = aside.pick(aside.pick(sim_.world.arrays())->luns).get();
    if (!lun->reservations.holder) return;
    sim_.world.preempt(*lun, own_key, other_key);
    sim_.oracle.preempted(*lun);
    sim_.coverage.count("fault", "preemption");
  }
  void rescan(Disk& disk) {
    later(random_.duration(seconds{10}, seconds{60}), [this, &disk] {
      if (!disk.present || disk.lun == nullptr) return;
      sim_.world.trigger(disk, DiskUevent::Action::change);
      if (disk.udev_wwid != disk.lun->wwid.text) rescan(disk);
    });
  }
  void failover() {
    const Array& chosen = array();
    Duration transition = random_.chance(50) ? Duration{} : random_.duration(milliseconds{10}, seconds{8});
    for (const auto& lun : chosen.luns) sim_.world.move_lun(*lun, 1 - lun->owner, transition);
    later(transition, [] {});
  }
  void restart() {
    if (!sim_.daemon) return;
    sim_.kill_daemon();
    later(random_.duration(milliseconds{10}, seconds{15}), [this] {
      if (!sim_.daemon) sim_.start_daemon();
    });
  }
  /// Somewhere between two effects.
  void crash() {
    if (!sim_.daemon) return;
    std::uint64_t count = random_.below(12);
    sim_.trace(fmt::format("fault: the daemon dies after {} effects", count));
    sim_.daemon->executor.stop_after_effects(count);
    later(random_.duration(milliseconds{1}, milliseconds{900}), [this] {
      if (sim_.daemon) restart();
    });
  }
  void reconfigure() {
    if (!sim_.daemon) return;
    Request request;
    request.kind = random_.chance(40) ? RequestKind::reconfigure_all : RequestKind::reconfigure;
    bool all = request.kind == RequestKind::reconfigure_all;
    sim_.trace(all ? "fault: reconfigure all" : "fault: reconfigure");
    sim_.coverage.count("request", all ? "reconfigure all" : "reconfigure");
    sim_.daemon->request(static_cast<RequestId>(1000000 + ++requests_), request);
    sim_.oracle.reconfigured(all);
    later({}, [] {});
  }
  /// The administrator edits the file and has it read.
  void change_configuration() {
    if (!sim_.daemon) return;
    Settings changed = random_settings(random_);
    // The times are those of the run: every limit is derived from them.
    changed.polling_interval = sim_.settings.polling_interval;
    changed.max_polling_interval = sim_.settings.max_polling_interval;
    changed.checker_timeout = sim_.settings.checker_timeout;
    changed.error_handling = sim_.settings.error_handling;
    changed.more_defaults = sim_.settings.more_defaults;
    bool has_standby = std::ranges::any_of(sim_.world.arrays(), [](const auto& known) { return known->other_access == Access::standby; });
    if (has_standby && !grouped(changed)) changed.grouping = "group_by_prio";
    sim_.trace("fault: another configuration");
    sim_.configure(changed);
    reconfigure();
  }
  static bool grouped(const Settings& settings) { return settings.grouping == "group_by_prio" || settings.grouping == "failover"; }
  void rescan_all() {
    sim_.trace("fault: all disks are scanned again");
    for (const auto& disk : sim_.world.disks()) {
      if (disk->present && random_.chance(80)) sim_.world.trigger(*disk, DiskUevent::Action::change);
    }
  }
  /// Paths of one volume go together and return together.
  void burst() {
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
  /// Nothing works for a while.
  void outage() {
    bool silent = random_.chance(30);
    for (const auto& host : const_hosts()) {
      if (host->link == Link::up) sim_.world.set_link(*host, silent ? Link::silent : Link::down);
    }
    later(random_.duration(seconds{1}, seconds{90}), [this] {
      for (const auto& host : const_hosts()) {
        if (host->link != Link::up) sim_.world.set_link(*host, Link::up);
      }
    });
  }
  void reset_bus() {
    HostPort& host = *random_.pick(const_hosts());
    for (const auto& disk : sim_.world.disks()) {
      if (disk->present && disk->host == &host) sim_.world.raise_unit_attention(*disk);
    }
  }
  /// Somebody else talks to the kernel.
  void meddle() {
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
  /// The volume grows; the map follows when it is asked to.
  void grow() {
    Disk* disk = any_disk();
    if (disk == nullptr) return;
    Lun* lun = disk->lun;
    sim_.world.resize(*lun, lun->size_sectors + 2048);
    later(random_.duration(seconds{1}, seconds{10}), [this, lun] {
      DmDevice* map = sim_.map_of(*lun);
      if (map == nullptr || !sim_.daemon) return;
      resize_map(*map);
    });
  }
  void resize_map(const DmDevice& map) {
    Request request;
    request.kind = RequestKind::resize_map;
    request.map = map.name.text;
    sim_.trace("fault: resize " + map.name.text);
    sim_.coverage.count("request", "resize map");
    sim_.daemon->request(static_cast<RequestId>(1000000 + ++requests_), request);
  }
  void hang_and_add() {
    Disk* gone = any_disk();
    if (gone == nullptr) return;
    Lun* lun = gone->lun;
    sim_.world.delete_disk(*gone);
    later(random_.duration(seconds{1}, seconds{5}), [this, gone, lun] {
      std::vector<Disk*> others = sim_.world.disks_of(*lun);
      if (others.empty()) return return_disk(*gone, *lun);
      Disk* sick = random_.pick(others);
      if (!sick->hangs) sim_.world.set_hang(*sick, true);
      later(a_while(), [this, sick] {
        if (sick->hangs) sim_.world.set_hang(*sick, false);
      });
      later(random_.duration(milliseconds{100}, seconds{8}), [this, gone, lun] { return_disk(*gone, *lun); });
    });
  }

  Simulation& sim_;
  Random random_;
  bool keep_cut_ = false;
  std::uint64_t requests_ = 0;
};

void reconfigure(Simulation& sim) {
  Request request;
  request.kind = RequestKind::reconfigure;
  sim.oracle.reconfigured(false);
  if (!sim.ask(request, seconds{60})) sim.oracle.violate("final plan", "reconfigure was not answered");
  sim.run(seconds{20});
}

/// Planning again what was planned before must give nothing to do. Without failback, an order of groups that has grown old is put right by
/// the first reconfiguration, and only the second has nothing left.
void check_reconfigure_changes_nothing(Simulation& sim) {
  if (sim.settings.failback != "immediate") {
    sim.oracle.changed_all();
    reconfigure(sim);
  }
  std::uint64_t before = sim.kernel.table_actions;
  reconfigure(sim);
  if (sim.kernel.table_actions != before) {
    sim.oracle.violate("final plan", fmt::format("planning again led to {} table actions", sim.kernel.table_actions - before));
  }
}

}  // namespace

Report run_scenario(std::uint64_t seed, Mutation mutation, std::size_t keep_lines) {
  Random random(seed ^ 0x6d756c7469706174ULL);
  Settings settings = random_settings(random);
  Simulation sim(seed, settings, mutation);
  sim.stop_on_violation = true;
  sim.keep_lines = keep_lines;
  Faults faults(sim, random.fork());
  faults.build();
  sim.start_users(random.duration(milliseconds{100}, milliseconds{600}), 1 + random.below(2));
  sim.start_daemon();
  sim.run(seconds{10});
  faults.reserve();
  int count = random.between(1, 10);
  for (int index = 0; index < count && sim.oracle.violations().empty(); ++index) {
    faults.inject();
    if (random.chance(30)) faults.inject();
    sim.run(random.chance(30) ? random.duration(milliseconds{1}, milliseconds{500}) : random.duration(seconds{1}, seconds{25}));
  }
  // What is under way comes to its end first: an exchange and its rescan take longest.
  sim.run(settings.notice_limit() + seconds{150});
  if (random.chance(25)) faults.keep_one_cable_cut();
  faults.heal();
  sim.run(settings.notice_limit() * 2 + seconds{90});
  faults.resize_the_rest();
  sim.run(settings.recovery_limit());
  if (sim.oracle.violations().empty()) sim.oracle.check_final();
  if (sim.oracle.violations().empty()) check_reconfigure_changes_nothing(sim);

  Report report;
  report.seed = seed;
  report.violations = sim.oracle.violations();
  report.trace.assign(sim.recent.begin(), sim.recent.end());
  report.configuration = sim.settings.text();
  report.coverage = sim.coverage;
  report.trace_hash = sim.trace_hash;
  report.requests = sim.oracle.requests();
  report.failures = sim.oracle.failures();
  report.table_loads = sim.kernel.table_loads;
  report.actions = sim.queue.actions_run();
  return report;
}

}  // namespace mpath::sim
