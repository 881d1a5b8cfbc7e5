// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/oracle.h"

#include <fmt/format.h>


namespace mpath::sim {

namespace {

constexpr Duration known_hang = milliseconds{1500};
constexpr Duration longest_standstill = milliseconds{500};
constexpr Duration fail_again_limit = seconds{1};
constexpr Duration verified_lately = seconds{1};
/// A load that the kernel refused is tried again after this at the latest.
constexpr Duration longest_retry = seconds{60};

std::string seconds_text(Duration length) { return fmt::format("{:.1f} s", std::chrono::duration<double>(length).count()); }

std::string wwid_of(const Disk& disk) { return disk.lun == nullptr ? "nothing" : disk.lun->wwid.text; }

}  // namespace

void Oracle::violate(const std::string& rule, const std::string& text) {
  violations_.push_back(Violation{rule, text});
  if (on_violation) on_violation(rule + ": " + text);
}

Duration Oracle::daemon_age() const { return daemon_since_ ? now() - *daemon_since_ : Duration{}; }

/// A load is put off for a path that hangs, and as long after it as I/O of before may still be with the device.
bool Oracle::may_await_load(const DmDevice& device) const {
  if (!device.live) return false;
  return std::any_of(device.live->paths.begin(), device.live->paths.end(), [&](const TargetPath& path) {
    bool hangs = path.disk->present && world_.hanging(*path.disk);
    bool hung_lately = path.disk->hung_until != MonoTime{} && now() - path.disk->hung_until < settings_.recovery_limit() + world_.data_timeout;
    return hangs || hung_lately;
  });
}

/// How much longer than others it may be kept out of service for its failures.
Duration Oracle::distrust_of(const Disk& disk) const {
  auto known = paths_.find(&disk);
  return known != paths_.end() && known->second.bar == "unreliable" ? settings_.distrust : Duration{};
}

const Disk* Oracle::working_for(const std::string& wwid, Duration length, bool counts_unreliable) const {
  if (daemon_age() < length + seconds{5}) return nullptr;
  const DmDevice* device = kernel_.find_uuid("mpath-" + wwid);
  bool load_waits = device != nullptr && may_await_load(*device);
  for (const auto& disk : world_.disks()) {
    bool found = disk->present && wwid_of(*disk) == wwid && disk->udev_wwid == wwid && now() - disk->udev_changed >= length;
    Duration needed = length + (counts_unreliable ? Duration{} : distrust_of(*disk));
    if (!found || !world_.usable_for(*disk, needed) || is_commanded(*disk)) continue;
    bool outside = device != nullptr && device->live && !device->live->holds(*disk);
    // Whose size is not the map's stays outside until the map is resized.
    bool fits = outside && disk->kernel_size_sectors == device->live->size_sectors;
    if (!outside || (fits && !load_waits)) return disk.get();
  }
  return nullptr;
}

bool Oracle::definitely_bad(const Disk& disk) const {
  if (!disk.present || disk.offline || disk.host->link == Link::down || disk.port->link == Link::down) return true;
  if (disk.lun != nullptr && disk.lun->is_inactive_snapshot) return true;
  auto found = paths_.find(&disk);
  if (found == paths_.end()) return false;
  const PathKnowledge& known = found->second;
  return known.bad || known.perhaps_bad || known.failed_by_kernel || (known.asked_since && now() - *known.asked_since >= settings_.check_timeout());
}

// --- what the kernel is told --------------------------------------------------------------------------------

void Oracle::check_members(const DmDevice& device, const Target& table, const char* what) {
  std::set<DevNum> members;
  for (const TargetPath& path : table.paths) {
    const Disk& disk = *path.disk;
    if (!members.insert(disk.devnum).second) violate("stranger", fmt::format("{} {}: {} twice", what, device.name.text, disk.name));
    bool exchanged = wwid_of(disk) != device.wwid() && disk.lun != nullptr;
    // While nothing reaches it, nobody can find out.
    if (exchanged && now() - disk.remapped_at > settings_.notice_limit() && world_.usable_for(disk, settings_.notice_limit())) {
      violate("stranger", fmt::format("{} {} ({}): {} is {}", what, device.name.text, device.wwid(), disk.name, wwid_of(disk)));
    }
  }
  for (const DmDevice* other : kernel_.devices()) {
    if (other == &device || !other->live) continue;
    for (const TargetPath& path : other->live->paths) {
      bool moved = now() - path.disk->remapped_at < settings_.notice_limit() + seconds{60};
      // A map in use whose last path went to another volume cannot go; the path stays failed in it.
      if (members.contains(path.disk->devnum) && path.disk->present && path.active && !moved) {
        violate("stranger", fmt::format("{} {}: {} is in {} too", what, device.name.text, path.disk->name, other->name.text));
      }
    }
  }
}

void Oracle::created(const DmDevice& device) {
  count("kernel", "create");
  check_members(device, *device.live, "create");
  MapKnowledge& map = maps_[device.wwid()];
  map.created = now();
  map.to_fail_again = now() + fail_again_limit;
}

void Oracle::loading(const DmDevice& device, const Target& table) {
  count("kernel", "load");
  check_members(device, table, "load");
  check_need(device, table);
  MapKnowledge& map = maps_[device.wwid()];
  map.drain_began = now();
  map.drain_excusable = true;
  if (!device.live) return;
  if (!table.queue_if_no_path && device.live->queue_if_no_path) giving_up(device);
  map.failed_before.clear();
  map.newcomers.clear();
  for (const TargetPath& path : table.paths) {
    if (!device.live->holds(*path.disk)) map.newcomers.insert(path.disk);
  }
  for (const TargetPath& path : device.live->paths) {
    if (!path.active) map.failed_before.insert(path.disk);
  }
  // Paths that are slow, each with three commands to a check, are allowed to have answered a while ago.
  Duration slowest{};
  for (const TargetPath& path : device.live->paths) slowest = std::max(slowest, path.disk->extra_latency);
  for (const TargetPath& sick : device.live->paths) {
    const Disk& disk = *sick.disk;
    bool hangs = sick.in_flight > 0 && disk.present && world_.hanging(disk) &&
                 now() - disk.hangs_since > known_hang + 4 * slowest;
    if (!hangs) continue;
    bool another = std::any_of(device.live->paths.begin(), device.live->paths.end(), [&](const TargetPath& path) {
      return path.active && world_.usable_for(*path.disk, seconds{2});
    });
    if (!another || daemon_age() < seconds{5}) continue;
    map.drain_excusable = false;
    violate("load on hang", fmt::format("{} is loaded while {} requests hang on {} for {}", device.name.text, sick.in_flight,
                                        disk.name, seconds_text(now() - disk.hangs_since)));
  }
}

void Oracle::swapped(const DmDevice& device) {
  count("kernel", "swap");
  MapKnowledge& map = maps_[device.wwid()];
  Duration stood = now() - map.drain_began;
  if (stood > longest_standstill && !map.drain_excusable) {
    violate("load on hang", fmt::format("{} stood still for {}", device.name.text, seconds_text(stood)));
  }
  map.to_fail_again = now() + fail_again_limit;
  map.swapped_at = now();
  if (device.live->queue_if_no_path) map.gave_up = false;
  for (const TargetPath& path : device.live->paths) {
    if (!map.failed_before.contains(path.disk)) know(*path.disk).down_since.reset();
  }
  // It goes on with what else it is to be.
  if (map.configured_in_vain != MonoTime{}) map.configured_in_vain = now() - longest_retry;
  if (map.held_by_others || may_await_load(device)) map.stood_still_at = now();
  Duration limit = settings_.notice_limit() + settings_.distrust + longest_retry;
  std::erase_if(map.occasions, [&](MonoTime at) { return now() - at > limit && map.stood_still_at < at + limit - longest_retry; });
  if (map.occasions.empty()) {
    if (++map.loads_without_occasion > tolerated_loads) violate("too many loads", fmt::format("{}: its load number {} has no occasion", device.name.text, device.loads));
  } else {
    map.occasions.pop_front();
  }
}

void Oracle::message(const DmDevice& device, const MapMessage& message) {
  using Kind = MapMessage::Kind;
  std::string text = to_string(message);
  count("message", text.substr(0, text.find(' ')));
  MapKnowledge& map = maps_[device.wwid()];
  Disk* disk = message.path.valid() ? world_.find(message.path) : nullptr;
  switch (message.kind) {
    case Kind::fail_path: {
      if (disk == nullptr) return;
      for (const TargetPath& path : device.live->paths) {
        bool last = path.disk == disk && path.active && device.live->valid_paths() == 1;
        bool again = map.to_fail_again != MonoTime{} && map.failed_before.contains(disk);
        // What somebody else reinstated against the product's verdict is failed again.
        bool against = now() < map.excused_until || is_commanded(*disk);
        if (last && !again && !against && !definitely_bad(*disk)) {
          violate("last path", fmt::format("{}: {} is failed without a verdict", device.name.text, disk->name));
        }
      }
      check_failing(device, *disk);
      if (!know(*disk).down_since) know(*disk).down_since = now();
      if (device.inactive) map.failed_before.insert(disk);
      return;
    }
    case Kind::reinstate_path:
      if (disk == nullptr) return;
      check_returning(device, *disk);
      map.failed_before.erase(disk);
      if (disk->present && disk->lun != nullptr && wwid_of(*disk) != device.wwid() && now() - disk->remapped_at > verified_lately) {
        violate("misdirected", fmt::format("{} ({}): {} is reinstated, which leads to {}", device.name.text, device.wwid(),
                                           disk->name, wwid_of(*disk)));
      }
      know(*disk).down_since.reset();
      know(*disk).failed_by_kernel = false;
      return;
    case Kind::fail_if_no_path: giving_up(device); return;
    case Kind::queue_if_no_path: map.gave_up = false; return;
    case Kind::switch_group:
      if (settings_.failback == "manual" && !is_configuring(map) && !may_await_load(device) && now() >= map.switch_excused_until) {
        violate("failback", device.name.text + ": the group is switched although failback is manual");
      }
      return;
    case Kind::enable_group:
    case Kind::cancel_deferred_remove: return;
  }
}

void Oracle::giving_up(const DmDevice& device) {
  MapKnowledge& map = maps_[device.wwid()];
  if (std::exchange(map.gave_up, true)) return;
  if (is_configuring(map) || map.queueing_disabled.wish != Wish::no) return;
  if (settings_.no_path_retry.kind == NoPathRetry::Kind::queue) {
    violate("queueing", device.name.text + ": switched off although no_path_retry is queue");
  }
  if (settings_.no_path_retry.kind != NoPathRetry::Kind::checks) return;
  Duration promised = settings_.polling_interval * settings_.no_path_retry.checks - seconds{1};
  for (const TargetPath& path : device.live->paths) {
    // A message or an I/O error is when the product may have begun to count.
    auto since = know(*path.disk).down_since;
    // A swap that took long brings in paths that were good when it began; the map's time without a path goes on.
    if (map.newcomers.contains(path.disk) && now() - map.swapped_at < promised) continue;
    bool is_of_map = path.disk->present && (path.disk->lun == nullptr || wwid_of(*path.disk) == device.wwid());
    if (!is_of_map || daemon_age() < promised) continue;
    // A pause is noticed by the first deadline that is missed; how much of the time before it was slept through nobody can tell.
    Duration lost = since ? settings_.polling_interval * static_cast<int>(queue_.pauses_since(*since)) : Duration{};
    if (!since || now() - *since + lost < promised) {
      violate("queueing", fmt::format("{}: switched off, {} has been down for {} only", device.name.text, path.disk->name,
                                      since ? seconds_text(now() - *since) : "no time"));
    }
  }
}

// --- what the product knows ---------------------------------------------------------------------------------

void Oracle::path_failed(const DmDevice&, const Disk& disk) {
  PathKnowledge& known = know(disk);
  known.failed_by_kernel = true;
  if (!known.down_since) known.down_since = now();
}

void Oracle::changed(const Lun* lun) {
  if (lun == nullptr) return;
  // A mark that counts for the groups moves its path at once, and what else it brings within five seconds is moved by a second load.
  bool marks_count = settings_.more_defaults.contains("marginal_pathgroups");
  auto& occasions = maps_[lun->wwid.text].occasions;
  occasions.insert(occasions.end(), marks_count ? 2 : 1, now());
}

void Oracle::meddled(const DmDevice& device) {
  maps_[device.wwid()].excused_until = now() + settings_.recovery_limit();
}

void Oracle::changed_all() {
  for (const auto& array : world_.arrays()) {
    for (const auto& lun : array->luns) changed(lun.get());
  }
}

void Oracle::daemon_started() {
  daemon_since_ = now();
  for (auto& [disk, known] : paths_) {
    known.asked_since.reset();
    known.bad = false;
    known.barred_since.reset();
  }
  for (auto& [wwid, map] : maps_) map.suspended.set(Wish::no, now());
}

// --- I/O ----------------------------------------------------------------------------------------------------

void Oracle::request_ended(const DmDevice& device, const IoResult& result, Duration length) {
  ++requests_;
  Duration& longest = longest_[device.wwid()];
  longest = std::max(longest, length);
  switch (result.kind) {
    case IoResult::Kind::done:
      if (result.reached != nullptr && result.reached->wwid.text != device.wwid() &&
          now() - result.path->remapped_at > settings_.notice_limit()) {
        violate("misdirected", fmt::format("I/O of {} ({}) reached {} through {}", device.name.text, device.wwid(),
                                           result.reached->wwid.text, result.path->name));
      }
      return;
    case IoResult::Kind::target_error: return;
    case IoResult::Kind::failed: break;
  }
  ++failures_;
  if (device.removed) {
    violate("failed early", device.name.text + " was removed under I/O");
    return;
  }
  const MapKnowledge& map = maps_[device.wwid()];
  bool must_queue = settings_.no_path_retry.kind != NoPathRetry::Kind::fail && !map.gave_up && map.queueing_disabled.wish == Wish::no;
  if (must_queue) violate("failed early", device.name.text + ": a request failed although it had to be queued");
  // One that is not trusted serves again when the others have failed; what they had then may have failed with them.
  if (const Disk* disk = working_for(device.wwid(), settings_.recovery_limit(), false); disk && now() >= map.excused_until) {
    violate("failed early", fmt::format("{}: a request failed although {} works", device.name.text, disk->name));
  }
}

Duration Oracle::longest_request(const std::string& wwid) const {
  auto found = longest_.find(wwid);
  return found == longest_.end() ? Duration{} : found->second;
}

}  // namespace mpath::sim
