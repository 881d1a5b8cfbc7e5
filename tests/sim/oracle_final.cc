// SPDX-License-Identifier: LGPL-2.1-or-later
// The oracle's comparison of the kernel with the world when everything has come to rest.
#include <fmt/format.h>

#include <set>

#include "tests/sim/oracle.h"

namespace mpath::sim {

void Oracle::check_final() {
  std::set<std::string> uuids;
  std::map<const Disk*, std::string> owner;
  for (const DmDevice* device : kernel_.devices()) {
    if (!device->is_multipath()) continue;
    if (!uuids.insert(device->uuid).second) violate("final maps", "two maps of " + device->uuid);
    if (device->suspended || device->draining) violate("final maps", device->name.text + " is suspended");
    if (device->inactive) violate("final maps", device->name.text + " has a table that was never swapped in");
    if (!device->live) continue;
    for (const TargetPath& path : device->live->paths) {
      if (!path.active) continue;
      auto [at, fresh] = owner.emplace(path.disk, device->name.text);
      if (!fresh) violate("final tables", fmt::format("{} is in {} and {}", path.disk->name, at->second, device->name.text));
    }
  }
  for (const auto& array : world_.arrays()) {
    for (const auto& lun : array->luns) check_map_final(*lun, world_.disks_of(*lun));
  }
}

void Oracle::check_map_final(const Lun& lun, const std::vector<Disk*>& disks) {
  const DmDevice* device = kernel_.find_uuid("mpath-" + lun.wwid.text);
  bool any_usable = false;
  for (const Disk* disk : disks) any_usable = any_usable || world_.usable_for(*disk, settings_.recovery_limit());
  if (device == nullptr) {
    if (any_usable) violate("final maps", "no map of " + lun.wwid.text);
    return;
  }
  if (!device->live) return;
  if (any_usable && device->read_only != lun.is_read_only) {
    violate("final tables", fmt::format("{} is {}, its volume is not", device->name.text, device->read_only ? "read-only" : "writable"));
  }
  if (any_usable && device->live->size_sectors != lun.size_sectors) {
    violate("final tables", fmt::format("{} has {} sectors, the volume {}", device->name.text, device->live->size_sectors, lun.size_sectors));
  }
  std::set<const Disk*> members;
  for (const TargetPath& path : device->live->paths) {
    const Disk& disk = *path.disk;
    members.insert(&disk);
    if (!disk.present) {
      if (any_usable) violate("final tables", fmt::format("{} has {}, which is gone", device->name.text, disk.name));
      continue;
    }
    if (disk.lun != nullptr && disk.lun != &lun) {
      // A map in use whose last path went to another volume cannot go; the path stays failed in it.
      if (!path.active && disks.empty()) continue;
      violate("final tables", fmt::format("{} has {}, which leads to {}", device->name.text, disk.name, disk.lun->wwid.text));
      continue;
    }
    if (path.active && world_.unusable_for(disk, settings_.notice_limit()) && world_.access(disk) != Access::standby &&
        disk.fault != Fault::reservation_conflict) {
      violate("final states", fmt::format("{}: {} is active but does not work", device->name.text, disk.name));
    }
    if (!path.active && world_.usable_for(disk, settings_.recovery_limit() + settings_.distrust)) {
      violate("final states", fmt::format("{}: {} is failed but works", device->name.text, disk.name));
    }
  }
  for (const Disk* disk : disks) {
    if (world_.usable_for(*disk, settings_.recovery_limit()) && !members.contains(disk)) {
      violate("final tables", fmt::format("{} lacks {}, which works", device->name.text, disk->name));
    }
  }
  check_queue_final(*device, any_usable);
  check_group_final(*device, lun);
  check_grouping_final(*device, lun);
}

void Oracle::check_queue_final(const DmDevice& device, bool any_usable) {
  switch (settings_.no_path_retry.kind) {
    case NoPathRetry::Kind::undefined: return;
    case NoPathRetry::Kind::fail:
      if (device.live->queue_if_no_path) violate("final queueing", device.name.text + " queues, but no_path_retry is fail");
      return;
    case NoPathRetry::Kind::queue:
      if (!device.live->queue_if_no_path) violate("final queueing", device.name.text + " does not queue");
      return;
    case NoPathRetry::Kind::checks:
      if (any_usable && !device.live->queue_if_no_path) violate("final queueing", device.name.text + " does not queue");
      return;
  }
}

/// Which paths stand together. Without failback, paths stay where they were when their priorities change.
void Oracle::check_grouping_final(const DmDevice& device, const Lun& lun) {
  const std::string_view grouping = settings_.grouping_of(lun.array->kind);
  const Target& target = *device.live;
  bool alone = std::all_of(target.groups.begin(), target.groups.end(), [](const TargetGroup& group) { return group.paths.size() == 1; });
  if (grouping == "failover" && !alone) violate("final groups", device.name.text + " has a group of two paths with failover");
  if (grouping == "multibus" && target.groups.size() != 1) violate("final groups", device.name.text + " has several groups with multibus");
  if (grouping != "group_by_prio" || settings_.failback != "immediate") return;
  std::map<Access, std::size_t> group_of;
  for (const TargetPath& path : target.paths) {
    if (!world_.usable_for(*path.disk, settings_.notice_limit() + settings_.recovery_limit())) continue;
    auto [at, fresh] = group_of.emplace(world_.access(*path.disk), path.group);
    if (!fresh && at->second != path.group) violate("final groups", device.name.text + " has paths of one access state in two groups");
  }
  std::set<std::size_t> groups;
  for (auto [access, group] : group_of) {
    if (!groups.insert(group).second) violate("final groups", device.name.text + " has paths of two access states in one group");
  }
}

/// With failback immediate and groups by priority, I/O goes through an optimized path if one works.
void Oracle::check_group_final(const DmDevice& device, const Lun& lun) {
  if (settings_.failback != "immediate" || settings_.grouping_of(lun.array->kind) != "group_by_prio") return;
  auto optimized = [&](const TargetPath& path) {
    return world_.usable_for(*path.disk, settings_.notice_limit()) && world_.access(*path.disk) == Access::optimized;
  };
  const Target& target = *device.live;
  // Where nobody sends I/O no group is ever initialised.
  if (device.open_count == 0 || std::none_of(target.paths.begin(), target.paths.end(), optimized)) return;
  std::uint32_t group = target.next_group.value_or(target.current_group.value_or(0));
  if (std::none_of(target.groups[group].paths.begin(), target.groups[group].paths.end(),
                   [&](std::size_t index) { return optimized(target.paths[index]); })) {
    violate("final group", fmt::format("{} uses group {}, which has no optimized path", device.name.text, group + 1));
  }
}

}  // namespace mpath::sim
