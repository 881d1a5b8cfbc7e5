// SPDX-License-Identifier: LGPL-2.1-or-later
// What the oracle learns from commands, and what it looks at from second to second: waiting requests, suspended maps, the daemon's picture.
#include <fmt/format.h>

#include <algorithm>

#include "tests/sim/oracle.h"

namespace mpath::sim {

namespace {

constexpr Duration fail_again_limit = seconds{1};
/// A configuration that was asked for is in force, and its messages are sent.
constexpr Duration configuration_limit = seconds{20};
/// A load that the kernel refused is tried again after this at the latest.
constexpr Duration longest_retry = seconds{60};
/// A message that the kernel refused is sent again after a second; a path may change twice meanwhile.
constexpr Duration picture_limit = seconds{4};
/// No request takes longer in the kernel than its own timeout and what follows it.
constexpr Duration longest_suspension = seconds{40};

std::string seconds_text(Duration length) { return fmt::format("{:.1f} s", std::chrono::duration<double>(length).count()); }

std::string_view command_word(const DeviceCommand& command) {
  if (std::holds_alternative<BlockRead>(command)) return "block read";
  if (std::holds_alternative<NvmeAdminCommand>(command)) return "nvme admin";
  if (std::holds_alternative<CcissTest>(command)) return "cciss test";
  if (std::holds_alternative<SystemRead>(command)) return "system read";
  switch (scsi_operation(command).value_or(0xff)) {
    case 0x00: return "test unit ready";
    case 0x12: return "inquiry";
    case 0x1a: case 0x5a: return "mode sense";
    case 0x28: case 0x88: return "read";
    case 0x5e: return "persistent reserve in";
    case 0x5f: return "persistent reserve out";
    case 0xa3: return "report target port groups";
    default: return "other";
  }
}

std::string_view outcome_word(const CommandOutcome& outcome) {
  if (outcome.failure == CommandFailure::gone) return "gone";
  if (outcome.failure != CommandFailure::none) return "failure";
  if (outcome.host_status == HostStatus::time_out) return "timed out";
  if (outcome.host_status != HostStatus::ok) return "no connection";
  if (outcome.status == 0x08) return "busy";
  if (outcome.status == 0x18) return "reservation conflict";
  if (outcome.status == 0x00) return "good";
  switch (outcome.sense[2] & 0x0f) {
    case 2: return "not ready";
    case 5: return "illegal request";
    case 6: return "unit attention";
    default: return "other sense";
  }
}

}  // namespace

// --- what the product knows ---------------------------------------------------------------------------------

void Oracle::command_sent(const Disk& disk, const DeviceCommand& command) {
  count("command", command_word(command));
  know(disk).asked_since = now();
}

void Oracle::command_answered(const Disk& disk, const DeviceCommand& command, const CommandOutcome& outcome) {
  count("outcome", outcome_word(outcome));
  PathKnowledge& known = know(disk);
  MonoTime asked = known.asked_since.value_or(now());
  known.asked_since.reset();
  bool clean = outcome.failure == CommandFailure::none && outcome.host_status == HostStatus::ok && outcome.status == 0;
  std::uint8_t key = outcome.sense[2] & 0x0f;
  if (scsi_operation(command) == 0x12) return judge_inquiry(disk, std::get<ScsiCommand>(command), outcome, clean, asked);
  // The checker alua has no other command; with others it is sent only after the path has proved to work.
  if (scsi_operation(command) == 0xa3) {
    std::uint8_t code = outcome.sense[12];
    if (outcome.status == 0x02 && (key == 6 || (key == 5 && code != 0x25))) return;
    known.bad = !clean;
    known.judged = now();
    if (known.bad && !known.down_since) known.down_since = now();
    if (!known.bad) known.failed_by_kernel = false;
    return;
  }
  if (const auto* system = std::get_if<SystemRead>(&command)) {
    if (system->what != SystemRead::What::device_state) return;
    known.bad = !outcome.text().starts_with("live") && !outcome.text().starts_with("running");
    known.judged = now();
    if (known.bad && !known.down_since) known.down_since = now();
    return;
  }
  bool is_direct = std::holds_alternative<BlockRead>(command);
  bool reads = is_direct || scsi_operation(command) == 0x28;
  if (scsi_operation(command) != 0x00 && !reads) return;
  // Test reads go past the page cache; a READ command is a checker's own.
  if (is_direct && settings_.more_defaults.find("marginal_path_err") != std::string::npos) {
    known.perhaps_bad = !clean && outcome.status != 0x18;
    if (!known.perhaps_bad) known.bad = false;
    return;
  }
  if (outcome.status == 0x02 && outcome.sense_bytes > 13) {
    bool passive = outcome.sense[13] == 0x0b || (outcome.sense[13] == 0x02 && disk.port->array->kind == ArrayKind::hp);
    bool standby = key == 2 && outcome.sense[12] == 4 && passive;
    bool transitioning = key == 2 && outcome.sense[12] == 4 && outcome.sense[13] == 0x0a;
    // A CLARiiON may change its controller between the page and the read of one check.
    bool decides = reads && disk.port->array->kind == ArrayKind::clariion;
    if (key == 6 || (transitioning && !decides)) return;
    // Whose checker reads, as of a controller that was the active one a moment ago, cannot do with one that stands by.
    known.bad = !standby || reads;
  } else {
    // Who has to read cannot do without.
    known.bad = !clean && !(outcome.status == 0x18 && !reads);
  }
  known.judged = now();
  if (known.bad && !known.down_since) known.down_since = now();
  if (!known.bad) known.failed_by_kernel = false;
}

/// An identity, or the page of an array's own that its checker reads.
void Oracle::judge_inquiry(const Disk& disk, const ScsiCommand& command, const CommandOutcome& outcome, bool clean, MonoTime asked) {
  PathKnowledge& known = know(disk);
  ArrayKind kind = disk.port->array->kind;
  bool is_page = (command.cdb[1] & 1) != 0;
  bool is_check = is_page && ((kind == ArrayKind::rdac && command.cdb[2] == 0xc9) || (kind == ArrayKind::clariion && command.cdb[2] == 0xc0));
  if (!is_check) {
    if (!clean) return;
    bool same = !disk.present || disk.lun == nullptr || outcome.data == identification_page(*disk.lun, *disk.port);
    if (same && disk.lun != nullptr && disk.lun->wwid.text != disk.udev_wwid) known.bad = true;
    return;
  }
  bool bad = !clean || outcome.data.size() < 8 || (outcome.data[0] & 0x7f) != 0;
  // Right after the check the prioritizer reads the same page, and does not judge the path.
  known.perhaps_bad = bad && asked - known.page_read < milliseconds{10};
  if (!bad) known.page_read = now();
  if (known.perhaps_bad) return;
  known.judged = now();
  // Of an active controller a read follows, and decides.
  bool decides = bad || kind == ArrayKind::rdac || outcome.data[4] != 2;
  if (decides) known.bad = bad;
  if (known.bad && !known.down_since) known.down_since = now();
  if (decides && !bad) known.failed_by_kernel = false;
}

void Oracle::settings_changed() {
  settings_changed_ = now();
  // Until the kernel has been told to queue again.
  for (auto& [wwid, map] : maps_) map.gave_up = true;
}

void Oracle::reconfigured(bool loads_all) {
  reconfigured_ = now();
  if (!loads_all) return;
  for (auto& [wwid, map] : maps_) ++map.loads_asked_for;
}

bool Oracle::is_configuring(const MapKnowledge& map) const {
  // What a map should be is seen to when it goes on.
  MonoTime last = std::max({settings_changed_, reconfigured_, map.created, daemon_since_.value_or(MonoTime{}), map.stood_still_at});
  // What was asked for is owed until the load is tried again.
  bool is_owed = map.configured_in_vain != MonoTime{} && now() - map.configured_in_vain < longest_retry + configuration_limit;
  return is_owed || now() - last < configuration_limit;
}

void Oracle::load_refused(const DmDevice& device) {
  MapKnowledge& map = maps_[device.wwid()];
  if (is_configuring(map)) map.configured_in_vain = now();
}

/// The tables are the same but for the group that is used first.
void Oracle::check_need(const DmDevice& device, const Target& table) {
  // A table that was left behind is got rid of by a load only.
  if (!device.live || device.inactive) return;
  auto contents = [](const Target& target) {
    std::string text = fmt::format("{} {} {} {} {} {}", target.size_sectors, target.read_only, target.queue_if_no_path,
                                   target.retain_handler, target.other_features, target.handler);
    for (const TargetGroup& group : target.groups) {
      text += " | " + group.selector;
      for (std::size_t at : group.paths) text += fmt::format(" {} {}", target.paths[at].disk->disk_sequence, fmt::join(target.paths[at].arguments, " "));
    }
    return text;
  };
  if (contents(*device.live) != contents(table)) return;
  // Its event is what it is for.
  if (kernel_.udev_ready(device) == false) return;
  MapKnowledge& map = maps_[device.wwid()];
  if (map.loads_asked_for > 0) {
    --map.loads_asked_for;
    return;
  }
  violate("needless load", device.name.text + " is loaded with the table that it has");
}

// --- from second to second ----------------------------------------------------------------------------------

/// Its checker does not look at what makes I/O fail.
bool Oracle::answers_whatever_happens(const Disk& disk) const {
  switch (disk.port->array->kind) {
    case ArrayKind::plain: return settings_.more_defaults.find("path_checker alua") != std::string::npos;
    case ArrayKind::rdac:
    case ArrayKind::clariion:
    case ArrayKind::hp: return true;
    case ArrayKind::nvme: return settings_.nvme_checker == "none";
  }
  return false;
}

/// Whether any of the product's ways of asking might have found it usable.
bool Oracle::may_look_usable(const DmDevice& device, const Disk& disk) const {
  if (!disk.present || disk.offline || disk.lun == nullptr || disk.lun->wwid.text != device.wwid()) return false;
  bool sends_nothing = disk.port->array->kind == ArrayKind::nvme && settings_.nvme_checker == "none";
  if (sends_nothing) return disk.host->link != Link::down && disk.port->link != Link::down;
  if (disk.host->link != Link::up || disk.port->link != Link::up || disk.hangs) return false;
  if (answers_whatever_happens(disk)) return true;
  return disk.fault != Fault::not_ready && disk.fault != Fault::busy && world_.access(disk) != Access::unavailable;
}

void Oracle::check_waiting(const DmDevice& device, MapKnowledge& map) {
  bool waits = !device.queued.empty() || (!device.held.empty() && !device.draining);
  if (!waits || is_held(map)) {
    map.waiting_since.reset();
  } else {
    if (!map.waiting_since) map.waiting_since = now();
    const Disk* disk = working_for(device.wwid(), settings_.recovery_limit());
    if (disk != nullptr && now() - *map.waiting_since > settings_.recovery_limit()) {
      violate("stalled", fmt::format("requests of {} wait although {} works", device.name.text, disk->name));
      map.waiting_since = now();
    }
  }
  if (!device.live) return;
  // A table without queueing that is about to be swapped in was judged when it was loaded.
  bool gives_up = device.inactive && !device.inactive->queue_if_no_path;
  if (device.live->queue_if_no_path && !gives_up) map.gave_up = false;
  bool hopeless = std::none_of(device.live->paths.begin(), device.live->paths.end(),
                               [&](const TargetPath& path) { return may_look_usable(device, *path.disk); });
  if (!hopeless || device.live->valid_paths() > 0 || device.suspended) {
    map.hopeless_since.reset();
    return;
  }
  if (!map.hopeless_since) map.hopeless_since = now();
  bool disabled = map.queueing_disabled.wish == Wish::yes;
  if (!map.waiting_since || (settings_.no_path_retry.kind == NoPathRetry::Kind::queue && !disabled)) return;
  // A daemon that has just started has to hear of every path first.
  MonoTime began = daemon_since_.value_or(now()) + settings_.notice_limit();
  MonoTime since = std::max({*map.hopeless_since, began, settings_changed_, reconfigured_, map.queueing_disabled.since});
  Duration retries = settings_.polling_interval * static_cast<int>(settings_.no_path_retry.checks);
  Duration slept = (retries + seconds{5}) * static_cast<int>(queue_.pauses_since(since));
  Duration limit = retries + slept + settings_.polling_interval + seconds{5};
  if (now() - since > limit && now() - *map.waiting_since > seconds{2}) {
    violate("queued too long", fmt::format("{}: no path for {}, and requests still wait", device.name.text, seconds_text(now() - since)));
  }
}

/// The registration that takes it back may be under way.
constexpr Duration take_back_limit = seconds{2};

[[nodiscard]] static bool knows_this_host(const Lun& lun) {
  return std::ranges::any_of(lun.reservations.keys, [](const auto& entry) { return entry.first.first < other_host; });
}

void Oracle::conflicted(const Disk& disk) {
  // I/O that goes astray after an exchange of volumes is judged as such.
  bool is_astray = now() - disk.remapped_at <= settings_.notice_limit() && disk.remapped_at != MonoTime{};
  if (disk.lun == nullptr || is_astray || !knows_this_host(*disk.lun)) return;
  violate("unregistered", fmt::format("I/O of {} was sent through {}, which is not registered", disk.lun->wwid.text, disk.name));
}

void Oracle::preempted(const Lun& lun) { maps_[lun.wwid.text].preempted = true; }

void Oracle::check_preempted() {
  for (const auto& array : world_.arrays()) {
    for (const auto& lun : array->luns) {
      MapKnowledge& map = maps_[lun->wwid.text];
      if (!map.preempted) continue;
      if (!knows_this_host(*lun)) {
        map.registered_again.reset();
      } else if (!map.registered_again) {
        map.registered_again = now();
      } else if (now() - *map.registered_again > take_back_limit) {
        violate("not preempted", fmt::format("{} was preempted, and this host is registered again", lun->wwid.text));
      }
    }
  }
}

void Oracle::tick() {
  check_preempted();
  for (const auto& disk : world_.disks()) {
    if (lacks_registration(*disk)) know(*disk).unregistered_at = now();
  }
  for (const DmDevice* device : kernel_.devices()) {
    if (!device->is_multipath()) continue;
    MapKnowledge& map = maps_[device->wwid()];
    check_waiting(*device, map);
    if (map.held_by_others) map.let_go_at = now();
    if (!device->suspended) map.held_by_others = false;
    // While it stands still nothing can be told to the kernel.
    if (device->suspended && is_held(map)) {
      map.excused_until = now() + settings_.recovery_limit();
      map.stood_still_at = now();
    }
    if (!device->suspended || is_held(map)) {
      map.suspended_since.reset();
    } else if (!map.suspended_since) {
      map.suspended_since = now();
    } else if (now() - *map.suspended_since > longest_suspension + settings_.error_handling) {
      violate("stands still", fmt::format("{} has been suspended for {}", device->name.text, seconds_text(now() - *map.suspended_since)));
    }
    if (!device->live) continue;
    check_commands(*device, map);
    check_suspects(*device, map);
    bool due = map.to_fail_again != MonoTime{} && now() >= map.to_fail_again;
    if (due) map.to_fail_again = {};
    for (const TargetPath& path : device->live->paths) {
      if (!path.active && !know(*path.disk).down_since) know(*path.disk).down_since = now();
      const PathKnowledge& known = know(*path.disk);
      bool long_known = known.bad && now() - known.judged > fail_again_limit;
      if (due && daemon_since_ && !device->suspended && path.active && path.disk->present && long_known && known.judged >= *daemon_since_) {
        violate("not failed again", fmt::format("{}: {} is active after a load", device->name.text, path.disk->name));
      }
    }
  }
}

/// A path that the daemon says is of no use gets no I/O from the kernel.
void Oracle::compare_picture(const std::vector<ShownPath>& picture) {
  for (const ShownPath& shown : picture) {
    const Disk* disk = world_.find(shown.devnum);
    if (disk == nullptr || !disk->present || disk->disk_sequence != shown.disk_sequence) continue;
    PathKnowledge& known = know(*disk);
    const DmDevice* device = shown.map.empty() ? nullptr : kernel_.find(MapName{shown.map});
    bool decided = shown.state == PathState::down || shown.state == PathState::timeout ||
                   shown.state == PathState::shaky || shown.state == PathState::delayed;
    bool carries = false;
    if (device != nullptr && device->live && !device->suspended) {
      carries = std::any_of(device->live->paths.begin(), device->live->paths.end(),
                            [&](const TargetPath& path) { return path.disk == disk && path.active; });
    }
    compare_bar(shown, *disk, device, carries);
    if (!decided || !carries) {
      known.differs_since.reset();
    } else if (!known.differs_since) {
      known.differs_since = now();
    } else if (now() - *known.differs_since > picture_limit) {
      violate("picture", fmt::format("{}: {} is shown as {}, and the kernel uses it", device->name.text, disk->name,
                                     to_string(shown.state)));
    }
  }
}

}  // namespace mpath::sim
