// SPDX-License-Identifier: LGPL-2.1-or-later
// What the oracle knows of the commands that were given, and what it asks of a path that must carry no I/O.
#include <fmt/format.h>

#include "tests/sim/oracle.h"

namespace mpath::sim {

namespace {

/// From an answer to the kernel having been told.
constexpr Duration told_limit = seconds{5};
/// Until the daemon has heard of a new device.
constexpr Duration heard_limit = seconds{1};
/// From one picture of the daemon's to the next.
constexpr Duration picture_period = seconds{1};
/// As for the daemon's picture of a path.
constexpr Duration bar_limit = seconds{4};
/// A daemon that has just started reads what the one before it wrote, and hears of every path first.
constexpr Duration start_limit = seconds{15};
/// Marks are written together, in a lane: a daemon that is killed within this time after an answer may have left nothing.
constexpr Duration written_limit = seconds{1};

std::string seconds_text(Duration length) { return fmt::format("{:.1f} s", std::chrono::duration<double>(length).count()); }

}  // namespace

std::string Oracle::place_of(const Disk& disk) {
  return fmt::format("{} {} {} {}", disk.host->number, disk.port->name, disk.lun_number, disk.udev_wwid);
}

bool Oracle::is_commanded(const Disk& disk) const {
  // What was taken back has to be checked first.
  auto holds = [&](const Asked& asked) {
    return asked.wish != Wish::no || (asked.since != MonoTime{} && now() - asked.since < settings_.recovery_limit());
  };
  auto path = paths_.find(&disk);
  if (path != paths_.end() && holds(path->second.disabled)) return true;
  auto place = places_.find(place_of(disk));
  return place != places_.end() && holds(place->second.drained);
}

/// A name, a host or a port of the array. Of a disk that has just gone the daemon may not have heard yet: what is said of it then holds for the
/// next disk in its place, or does not.
bool Oracle::is_selected(const Request& request, const Disk& disk) const {
  if (!disk.present && now() - disk.vanished > heard_limit) return false;
  if (!request.path.empty()) return request.path == disk.name;
  return std::ranges::any_of(request.subjects, [&](const std::string& word) {
    return word == disk.name || word == fmt::format("host{}", disk.host->number) || word == disk.port->name;
  });
}

bool Oracle::is_known_well(const Disk& disk) const {
  return disk.present && now() - disk.appeared > heard_limit && daemon_age() > heard_limit;
}

void Oracle::request_sent(const Request& request) {
  auto is = [&](auto... kinds) { return ((request.kind == kinds) || ...); };
  auto begins = [&](Asked& asked) {
    if (asked.wish == Wish::no) asked.set(Wish::maybe, now());
  };
  auto ends = [&](Asked& asked) {
    if (asked.wish == Wish::yes) asked.set(Wish::maybe, now());
  };
  for (const auto& disk : world_.disks()) {
    if (!is_selected(request, *disk)) continue;
    Asked& drained = places_[place_of(*disk)].drained;
    if (is(RequestKind::fail_path)) {
      begins(know(*disk).disabled);
      know(*disk).disabled_volume = disk->udev_wwid;
    }
    if (is(RequestKind::mpathctl_drain)) begins(drained);
    if (is(RequestKind::mpathctl_undrain, RequestKind::reinstate_path)) ends(drained);
    if (is(RequestKind::reinstate_path)) ends(know(*disk).disabled);
  }
  for (const DmDevice* device : kernel_.devices()) {
    bool all = is(RequestKind::disable_queueing_all, RequestKind::restore_queueing_all);
    if (!device->is_multipath() || (!all && device->name.text != request.map)) continue;
    MapKnowledge& map = maps_[device->wwid()];
    if (is(RequestKind::suspend_map)) begins(map.suspended);
    if (is(RequestKind::resume_map)) map.suspended.set(Wish::maybe, now());
    if (is(RequestKind::disable_queueing, RequestKind::disable_queueing_all)) begins(map.queueing_disabled);
    if (is(RequestKind::restore_queueing, RequestKind::restore_queueing_all)) ends(map.queueing_disabled);
    if (is(RequestKind::switch_group)) map.switch_excused_until = now() + told_limit;
  }
}

void Oracle::request_done(const Request& request) {
  auto is = [&](auto... kinds) { return ((request.kind == kinds) || ...); };
  for (const auto& disk : world_.disks()) {
    if (!is_selected(request, *disk)) continue;
    PlaceKnowledge& place = places_[place_of(*disk)];
    Wish wish = is_known_well(*disk) ? Wish::yes : Wish::maybe;
    if (is(RequestKind::fail_path)) know(*disk).disabled.set(wish, now());
    if (is(RequestKind::reinstate_path)) know(*disk).disabled.set(Wish::no, now());
    bool ends_drain = is(RequestKind::reinstate_path, RequestKind::mpathctl_undrain);
    if (ends_drain && (disk->present || place.drained.wish != Wish::no)) place.drained.set(disk->present ? Wish::no : Wish::maybe, now());
    // Without a confirmation it may be given up for the last path's sake.
    if (is(RequestKind::mpathctl_drain)) place.drained.set(request.confirm_within ? Wish::maybe : wish, now());
    bool is_news = is(RequestKind::mpathctl_drain, RequestKind::mpathctl_drain_confirm, RequestKind::mpathctl_undrain, RequestKind::reinstate_path);
    if (is_news) place.undo_at.reset();
    if (request.confirm_within && disk->present) place.undo_at = now() + *request.confirm_within;
    place.told = now();
  }
  bool all = is(RequestKind::disable_queueing_all, RequestKind::restore_queueing_all);
  for (const DmDevice* device : kernel_.devices()) {
    if (!device->is_multipath() || (!all && device->name.text != request.map)) continue;
    MapKnowledge& map = maps_[device->wwid()];
    if (is(RequestKind::suspend_map)) map.suspended.set(Wish::yes, now());
    if (is(RequestKind::resume_map)) {
      map.suspended.set(Wish::no, now());
      map.excused_until = now() + settings_.recovery_limit();
    }
    if (is(RequestKind::disable_queueing, RequestKind::disable_queueing_all)) map.queueing_disabled.set(Wish::yes, now());
    if (is(RequestKind::restore_queueing, RequestKind::restore_queueing_all)) {
      map.queueing_disabled.set(Wish::no, now());
      // Until the kernel has been told to queue again.
      map.gave_up = true;
    }
  }
}

/// What was asked for was asked of this device: one that is made later is another.
void Oracle::removed(const DmDevice& device) {
  count("kernel", "remove");
  MapKnowledge& map = maps_[device.wwid()];
  for (Asked* asked : {&map.suspended, &map.queueing_disabled}) asked->set(Wish::no, now());
}

void Oracle::held(const DmDevice& device) {
  MapKnowledge& map = maps_[device.wwid()];
  map.held_by_others = true;
  // Nothing reaches it meanwhile.
  map.excused_until = now() + settings_.recovery_limit() + seconds{20};
}

void Oracle::daemon_stopped() {
  daemon_since_.reset();
  for (auto& [place, known] : places_) {
    if (now() - known.told >= written_limit) continue;
    if (known.drained.wish == Wish::yes) known.drained.set(Wish::maybe, now());
    known.undo_at.reset();
  }
  for (auto& [disk, known] : paths_) {
    bool is_fresh = now() - known.disabled.since < written_limit;
    if (known.disabled.wish == Wish::yes && is_fresh) known.disabled.set(Wish::maybe, now());
  }
  for (auto& [wwid, map] : maps_) {
    if (map.queueing_disabled.wish == Wish::yes && now() - map.queueing_disabled.since < written_limit) {
      map.queueing_disabled.set(Wish::maybe, now());
    }
  }
}

void Oracle::daemon_continued() { daemon_since_ = now(); }

/// This host is registered for its volume, or was until another one preempted it, and not through this path.
bool Oracle::lacks_registration(const Disk& disk) const {
  if (disk.lun == nullptr || !settings_.more_defaults.contains("reservation_key")) return false;
  const auto& keys = disk.lun->reservations.keys;
  auto map = maps_.find(disk.lun->wwid.text);
  bool concerns = (map != maps_.end() && map->second.preempted) ||
                  std::ranges::any_of(keys, [](const auto& entry) { return entry.first.first < other_host; });
  return concerns && !keys.contains({disk.host->number, disk.port->name});
}

/// A path is failed by a message.
void Oracle::check_failing(const DmDevice& device, const Disk& disk) {
  const PathKnowledge& known = know(disk);
  const MapKnowledge& map = maps_[device.wwid()];
  bool again = map.failed_before.contains(&disk) || now() < map.excused_until;
  bool hung = disk.hung_until != MonoTime{} && now() - disk.hung_until < settings_.notice_limit();
  bool is_other = disk.lun == nullptr || disk.lun->wwid.text != device.wwid() || disk.udev_wwid != device.wwid();
  bool has_reason = is_commanded(disk) || definitely_bad(disk) || !known.bar.empty() || disk.was_slow;
  // For its failures of before a path is kept out for so long, and no longer.
  bool may_be_distrusted = settings_.distrust.count() > 0 && now() - disk.usable_changed < settings_.distrust + settings_.notice_limit();
  // A path that is not registered is shown so a moment later, and one that is again is told to the kernel a moment later.
  bool may_be_reserved = lacks_registration(disk) || now() - known.unregistered_at <= told_limit;
  if (again || hung || is_other || has_reason || may_be_distrusted || may_be_reserved || daemon_age() < settings_.notice_limit()) return;
  if (!world_.usable_for(disk, settings_.notice_limit()) || now() - disk.remapped_at < settings_.notice_limit()) return;
  violate("failed in vain", fmt::format("{}: {} is failed, which works", device.name.text, disk.name));
}

/// A path is reinstated. The daemon may do without an answer only where it had not got to the point of a verdict.
void Oracle::check_returning(const DmDevice& device, const Disk& disk) {
  const PathKnowledge& known = know(disk);
  bool sends_nothing = disk.port->array->kind == ArrayKind::nvme && settings_.nvme_checker == "none";
  bool in_turn = settings_.more_defaults.find("path_checker alua") != std::string::npos;
  // A suspect path is used again where nothing better is left, or only at the price of moving the volume.
  // The command that it has not answered is outstanding then.
  bool shown_late = known.down_since && now() - *known.down_since <= picture_period;
  bool is_needed = (known.bar == "suspect" || shown_late) && known.asked_since;
  // A configuration without suspicion ends the one that there is: the path counts as what it was, until its check has timed out.
  bool is_absolved = !settings_.suspect_after && now() - settings_changed_ < settings_.notice_limit() && known.asked_since;
  bool excused = now() < maps_[device.wwid()].excused_until || is_commanded(disk) || is_needed || is_absolved || disk.was_slow;
  if (sends_nothing || in_turn || excused || !disk.present || disk.offline || !world_.hanging(disk)) return;
  Duration silent = now() - std::max(disk.hangs_since, daemon_since_.value_or(now()));
  if (silent <= seconds{5}) return;
  violate("blind return", fmt::format("{}: {} is reinstated, which has been hanging for {}", device.name.text, disk.name, seconds_text(silent)));
}

/// What was asked for, against what the kernel does.
void Oracle::check_commands(const DmDevice& device, const MapKnowledge& map) {
  if (!daemon_since_ || daemon_age() < start_limit || device.draining) return;
  auto in_force = [&](const Asked& asked) { return asked.wish == Wish::yes && now() - asked.since > told_limit; };
  if (in_force(map.suspended) && !device.suspended && now() - map.let_go_at > told_limit) {
    violate("held", device.name.text + " was suspended on request and goes on by itself");
  }
  if (device.suspended || now() - map.swapped_at < told_limit || now() - map.suspended.since < told_limit || now() < map.excused_until) return;
  if (in_force(map.queueing_disabled) && device.live->queue_if_no_path) {
    violate("queueing", device.name.text + " queues although that was disabled");
  }
  for (const TargetPath& path : device.live->paths) {
    if (!path.active || !path.disk->present) continue;
    auto place = places_.find(place_of(*path.disk));
    bool drained = place != places_.end() && in_force(place->second.drained);
    const PathKnowledge& known = know(*path.disk);
    bool disabled = in_force(known.disabled) && known.disabled_volume == path.disk->udev_wwid && path.disk->udev_wwid == device.wwid();
    if (drained || disabled) {
      violate("barred", fmt::format("{}: {} is {}, and the kernel uses it", device.name.text, path.disk->name, drained ? "drained" : "failed by command"));
    }
  }
}

/// The daemon itself says that the path is to carry no I/O.
void Oracle::compare_bar(const ShownPath& shown, const Disk& disk, const DmDevice* device, bool carries) {
  PathKnowledge& known = know(disk);
  if (known.bar != shown.bar && !shown.bar.empty()) count("bar", shown.bar);
  known.bar = shown.bar;
  if (shown.bar == "drained") {
    const PlaceKnowledge& place = places_[place_of(disk)];
    // A daemon or machine that stood still has not noticed how time passed.
    bool late = place.undo_at && now() - *place.undo_at > seconds{40} && daemon_age() > start_limit;
    if (late && place.drained.wish != Wish::yes) violate("barred", fmt::format("{} is still drained, though nobody confirmed it", disk.name));
  }
  if (shown.bar.empty() || !carries || device == nullptr) {
    known.barred_since.reset();
  } else if (!known.barred_since) {
    known.barred_since = now();
  } else if (now() - *known.barred_since > bar_limit) {
    violate("barred", fmt::format("{}: {} is {}, and the kernel uses it", device->name.text, disk.name, shown.bar));
  }
}

void Oracle::io_sent(const DmDevice& device, const Disk& disk) {
  const PathKnowledge& known = know(disk);
  if (!daemon_since_ || !known.barred_since || now() - *known.barred_since <= bar_limit) return;
  violate("barred", fmt::format("{}: new I/O for {}, which is {}", device.name.text, disk.name, known.bar));
}

/// A path hangs while others of the group that carries I/O answer: it is not used for longer than suspect_after and the checks need.
void Oracle::check_suspects(const DmDevice& device, const MapKnowledge& map) {
  // A command that is outstanding is watched as the configuration said when it was sent.
  if (!settings_.suspect_after || now() - settings_changed_ < settings_.notice_limit()) return;
  if (daemon_age() < settings_.notice_limit() || is_held(map) || now() < map.excused_until) return;
  const Target& target = *device.live;
  // A map that stands still takes no message.
  if (device.suspended || device.draining || !target.current_group) return;
  // With the checker alua the paths of a port group are asked in turn.
  bool in_turn = settings_.more_defaults.find("path_checker alua") != std::string::npos;
  Duration limit = settings_.max_polling_interval * (in_turn ? static_cast<int>(target.paths.size()) : 1) + *settings_.suspect_after + seconds{4};
  auto answers = [&](const TargetPath& path) {
    return path.active && path.group == *target.current_group && world_.usable_for(*path.disk, settings_.notice_limit()) &&
           world_.access(*path.disk) == Access::optimized;
  };
  // Where some were slow lately, others may be as well: 20 times what is usual may be a long time.
  bool any_slow = std::ranges::any_of(target.paths, [&](const TargetPath& path) { return path.disk->was_slow || path.disk->hung_until != MonoTime{}; });
  if (any_slow || std::ranges::none_of(target.paths, answers)) return;
  for (const TargetPath& path : target.paths) {
    const Disk& disk = *path.disk;
    bool is_silent = disk.present && !disk.offline && world_.hanging(disk) && now() - disk.hangs_since > limit;
    bool sends_nothing = disk.port->array->kind == ArrayKind::nvme && settings_.nvme_checker == "none";
    if (!path.active || !is_silent || sends_nothing) continue;
    violate("suspect", fmt::format("{}: {} has been hanging for {}, and the kernel uses it", device.name.text, disk.name,
                                   seconds_text(now() - disk.hangs_since)));
  }
}

}  // namespace mpath::sim
