// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/device_mapper.h"

#include <algorithm>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/sys/device_users.h"
#include "libmpath/sys/dm_actors.h"
#include "libmpath/sys/dm_library.h"
#include "libmpath/sys/sysfs.h"
#include "libmpath/wire/dm_table.h"

namespace mpath::sys {

namespace {

constexpr std::size_t longest_wwid = 128 - map_uuid_prefix.size();  ///< DM_UUID_LEN - 1, without the prefix
constexpr int read_attempts = 3;  ///< table and status are two calls; a table may change between them

/// "part1-mpath-…" for the map "mpath-…": kpartx's uuid of a partition map.
bool is_partition_of(std::string_view uuid, std::string_view map_uuid) {
  if (!uuid.starts_with("part") || !uuid.ends_with(map_uuid)) return false;
  std::string_view number = uuid.substr(4, uuid.size() - 4 - map_uuid.size());
  if (!number.ends_with('-')) return false;
  number.remove_suffix(1);
  return !number.empty() && std::ranges::all_of(number, is_digit);
}

std::uint64_t fingerprint_of(const DmTable& table) {
  if (table.targets.size() != 1) return 0;
  return wire::table_fingerprint(table.targets[0].text, table.targets[0].length_sectors);
}

Status no_map_name(const MapName& name) {
  bool possible = !name.empty() && name.text.size() <= limits::map_name_bytes && name.text != "." && name.text != ".." &&
                  name.text.find('/') == std::string::npos && name.text.find('\0') == std::string::npos;
  if (possible) return {};
  return fail(ErrorCode::invalid_argument, name.text, "cannot be the name of a map");
}

/// The name that the partition map `old` of the map `name` gets when the map becomes `new_name`.
std::string partition_name(const MapName& name, const MapName& new_name, const std::string& old, const std::optional<std::string>& delimiter) {
  std::string_view tail = std::string_view(old).substr(name.text.size());
  while (!tail.empty() && !is_digit(tail.front())) tail.remove_prefix(1);
  return new_name.text + delimiter.value_or(is_digit(new_name.text.back()) ? "p" : "") + std::string(tail);
}

/// A removal that failed because somebody opened the device after it was looked at: udev's programs do.
Status name_users(Status status, DevNum device) {
  if (status || status.error().code != ErrorCode::busy) return status;
  Error failure = std::move(status.error());
  if (std::string users = text_of(users_of(device, {})); !users.empty()) {
    failure.what = "map in use";
    failure.cause = std::move(users);
  }
  return std::unexpected(std::move(failure));
}

/// "sda (8:0)".
std::string name_of(DevNum device) {
  const std::string name = SysfsDirectory("/sys/dev/block").link_name(to_string(device).c_str());
  return name.empty() ? to_string(device) : fmt::format("{} ({})", escape(name), to_string(device));
}

/// Why the kernel would not have a table: the paths that somebody else holds, by name and holder.
Status name_held_paths(Status status, const MultipathTable& table) {
  if (status || status.error().code != ErrorCode::busy) return status;
  std::string held;
  for (const KernelGroup& group : table.groups) {
    for (const KernelPath& path : group.paths) {
      // What holds a partition holds the disk.
      std::string users = text_of(users_of(path.devnum, partitions_of(path.devnum)));
      if (!users.empty()) held += fmt::format("{}{} is {}", held.empty() ? "" : "; ", name_of(path.devnum), users);
    }
  }
  Error failure = std::move(status.error());
  if (!held.empty()) failure.cause = "a path is in use by somebody else: " + held;
  return std::unexpected(std::move(failure));
}

}  // namespace

DeviceMapper::DeviceMapper(DmControl control, DeviceMapperOptions options)
    : control_(std::move(control)), options_(options) {}

Result<std::unique_ptr<DeviceMapper>> DeviceMapper::open(DeviceMapperOptions options) {
  auto control = DmControl::open();
  if (!control) return std::unexpected(std::move(control.error()));
  std::unique_ptr<DeviceMapper> mapper(new DeviceMapper(std::move(*control), options));
  dm_library::set_up(options.udev_sync == UdevSync::on);
  mapper->capabilities_.interface = mapper->control_.version();
  // Arming changes nothing but when event_fd() becomes readable, so it is also the way to ask whether it can be done.
  mapper->capabilities_.event_poll = mapper->control_.arm_poll().has_value();
  return mapper;
}

Status DeviceMapper::probe() {
  auto version = control_.target_version(wire::multipath_target);
  if (!version) {
    capabilities_.multipath = {};
    if (version.error().code != ErrorCode::not_found) return std::unexpected(std::move(version.error()));
    return fail(ErrorCode::unavailable, "device-mapper", "the multipath target is missing; load it with: modprobe dm-multipath",
                version.error().what);
  }
  capabilities_.multipath = *version;
  return {};
}

Status DeviceMapper::check(const MapName& name, const Precondition& expected) const {
  auto table = control_.table(name);
  if (!table) {
    if (table.error().code == ErrorCode::not_found) {
      if (expected.uuid.empty()) return {};
      return fail(ErrorCode::conflict, name.text, "the map is gone");
    }
    return std::unexpected(std::move(table.error()));
  }
  if (expected.uuid.empty()) return fail(ErrorCode::conflict, name.text, "there is a device of this name meanwhile");
  if (table->info.uuid != expected.uuid) {
    return fail(ErrorCode::conflict, name.text, "the name belongs to another device meanwhile", table->info.uuid);
  }
  if (expected.table_fingerprint != 0 && fingerprint_of(*table) != expected.table_fingerprint) {
    return fail(ErrorCode::conflict, name.text, "the table was changed by somebody else meanwhile");
  }
  return {};
}

/// A device whose making was cut short, by an error or the death of whoever made it: it has no table, so nobody can have used it.
void DeviceMapper::remove_unfinished(const std::string& uuid) const {
  auto left = control_.info_by_uuid(uuid);
  if (left && !left->has_live_table && left->open_count == 0) (void)dm_library::remove(MapName{left->name}, false, {});
}

Result<DevNum> DeviceMapper::create(const MapSpec& spec, UdevFlags flags) {
  if (auto possible = no_map_name(spec.name); !possible) return std::unexpected(possible.error());
  if (spec.wwid.empty() || spec.wwid.text.size() > longest_wwid) {
    return fail(ErrorCode::invalid_argument, spec.name.text, "the map has no WWID that device-mapper could store");
  }
  const std::string uuid = map_uuid(spec.wwid);
  remove_unfinished(uuid);
  if (auto there = control_.info(spec.name)) {
    return fail(ErrorCode::exists, spec.name.text, "there is a device of this name already", there->uuid);
  }
  if (auto there = control_.info_by_uuid(uuid)) {
    return fail(ErrorCode::exists, spec.name.text, "the volume has a map already, named " + escape(there->name));
  }
  Status created = dm_library::create(spec, wire::format_table(spec.table), dm_library::udev_bits(flags),
                                      {options_.udev_sync == UdevSync::on, options_.udev_wait});
  created = name_held_paths(std::move(created), spec.table);
  if (!created && created.error().code != ErrorCode::timeout) {
    // libdevmapper removes what it could not fill; if that failed too, once more.
    remove_unfinished(uuid);
    return std::unexpected(std::move(created.error()));
  }
  auto info = control_.info(spec.name);
  if (!info) return std::unexpected(std::move(info.error()));
  return info->devnum;
}

Status DeviceMapper::load(const MapName& name, const MapSpec& spec, const Precondition& expected) {
  if (auto holds = check(name, expected); !holds) return holds;
  return name_held_paths(dm_library::load(name, spec, wire::format_table(spec.table)), spec.table);
}

Status DeviceMapper::resume(const MapName& name, UdevFlags flags, bool flush) {
  std::uint16_t bits = dm_library::udev_bits(flags);
  Status resumed = options_.udev_sync == UdevSync::on
                       ? dm_library::resume(name, bits, flush, {true, options_.udev_wait})
                       : control_.resume(name, bits, flush);
  if (resumed || resumed.error().code == ErrorCode::timeout) return resumed;
  // The new table did not get in. Without an inactive table a resume brings the old one back.
  auto info = control_.info(name);
  if (!info) return resumed;
  if (info->has_inactive_table) (void)control_.clear(name);
  if (!info->suspended) return resumed;
  Error failure = std::move(resumed.error());
  if (auto again = control_.resume(name, bits, false)) {
    failure.what = "the new table did not get in; the map goes on with the old one";
  } else {
    failure.what = "the map is suspended and cannot be resumed; try: dmsetup resume";
    failure.cause += "; " + again.error().message();
  }
  return std::unexpected(std::move(failure));
}

Status DeviceMapper::suspend(const MapName& name, const Precondition& expected) {
  if (auto holds = check(name, expected); !holds) return holds;
  return control_.suspend(name);
}

Status DeviceMapper::drop_table(const MapName& name, const Precondition& expected) {
  if (auto holds = check(name, expected); !holds) return holds;
  return control_.clear(name);
}

Result<std::vector<DmInfo>> DeviceMapper::partitions(const std::string& uuid) const {
  auto devices = control_.list();
  if (!devices) return std::unexpected(std::move(devices.error()));
  std::vector<DmInfo> found;
  for (const KernelMapListing& device : *devices) {
    if (!device.uuid.empty() && !is_partition_of(device.uuid, uuid)) continue;
    auto info = control_.info(device.name);
    if (info && is_partition_of(info->uuid, uuid)) found.push_back(std::move(*info));
  }
  return found;
}

Status DeviceMapper::rename(const MapName& name, const MapName& new_name, const std::optional<std::string>& delimiter,
                            const Precondition& expected) {
  if (auto possible = no_map_name(new_name); !possible) return possible;
  if (auto holds = check(name, expected); !holds) return holds;
  auto parts = partitions(expected.uuid);
  if (!parts) return std::unexpected(std::move(parts.error()));
  dm_library::UdevWait wait{options_.udev_sync == UdevSync::on, options_.udev_wait};
  Status renamed = dm_library::rename(name, new_name, wait);
  if (!renamed && renamed.error().code != ErrorCode::timeout) return renamed;
  // The map itself is what counts; a partition that keeps its old name works as before.
  for (const DmInfo& part : *parts) {
    if (!part.name.starts_with(name.text)) continue;
    (void)dm_library::rename({part.name}, {partition_name(name, new_name, part.name, delimiter)}, wait);
  }
  return renamed;
}

Status DeviceMapper::remove(const MapName& name, bool deferred, const Precondition& expected) {
  if (auto holds = check(name, expected); !holds) return holds;
  auto info = control_.info(name);
  if (!info) return std::unexpected(std::move(info.error()));
  auto parts = partitions(info->uuid);
  if (!parts) return std::unexpected(std::move(parts.error()));
  if (!deferred) {
    auto used = std::ranges::find_if(*parts, [](const DmInfo& part) { return part.open_count > 0; });
    bool part_used = used != parts->end();
    if (part_used || info->open_count > parts->size()) {
      std::vector<DevNum> devices;
      for (const DmInfo& part : *parts) devices.push_back(part.devnum);
      std::string users = text_of(users_of(info->devnum, devices));
      return fail(ErrorCode::busy, name.text, part_used ? "map in use by its partition " + escape(used->name) : "map in use", std::move(users));
    }
  }
  dm_library::UdevWait wait{options_.udev_sync == UdevSync::on, options_.udev_wait};
  std::vector<DmTable> gone;
  auto stays = [&](Status status, DevNum device) -> Status {
    Status failed = name_users(std::move(status), device);
    Error failure = std::move(failed.error());
    if (!gone.empty()) failure.cause += "; " + restore(gone);
    return std::unexpected(std::move(failure));
  };
  for (const DmInfo& part : *parts) {
    auto table = control_.table({part.name});
    if (auto removed = dm_library::remove({part.name}, deferred, wait); !removed) return stays(std::move(removed), part.devnum);
    // What goes with its last user is not made again.
    if (table && !deferred) gone.push_back(std::move(*table));
  }
  if (auto removed = dm_library::remove(name, deferred, wait); !removed) return stays(std::move(removed), info->devnum);
  return {};
}

/// Somebody opened the map after its partitions had gone. Their names are the map's users' names, so they come back.
std::string DeviceMapper::restore(const std::vector<DmTable>& removed) const {
  dm_library::UdevWait wait{options_.udev_sync == UdevSync::on, options_.udev_wait};
  std::string missing;
  for (const DmTable& part : removed) {
    Status made = dm_library::create_device({part.info.name}, part.info.uuid, part.targets, part.info.read_only, wait);
    if (!made && made.error().code != ErrorCode::timeout) missing += (missing.empty() ? "" : ", ") + escape(part.info.name);
  }
  if (missing.empty()) return "its partition maps were made again";
  return "its partition maps could not be made again: " + missing + "; kpartx -a makes them";
}

std::vector<DmActor> DeviceMapper::actors() { return actors_on_device_mapper(); }

Result<bool> DeviceMapper::change_holder(const DmInfo& holder, std::span<const DeviceReplacement> replacements,
                                         const ChangeParameters& change, bool apply) const {
  auto table = control_.table({holder.name});
  if (!table) return std::unexpected(std::move(table.error()));
  bool changed = false;
  for (DmTarget& target : table->targets) {
    if (target.type == wire::multipath_target) continue;
    auto text = change(target.text, replacements);
    if (!text) continue;
    target.text = std::move(*text);
    changed = true;
  }
  if (!changed || !apply) return changed;
  if (table->info.suspended || table->info.has_inactive_table) {
    return fail(ErrorCode::busy, holder.name, "is suspended or has a table that was not swapped in: somebody else is at work on it");
  }
  if (Status loaded = control_.load({holder.name}, table->targets, table->info.read_only); !loaded) return std::unexpected(loaded.error());
  Status swapped = control_.resume({holder.name}, dm_library::udev_bits({.reload = true}), false);
  if (swapped) return true;
  // As for a map: it goes on with the table that it had.
  (void)control_.clear({holder.name});
  (void)control_.resume({holder.name}, dm_library::udev_bits({.reload = true}), false);
  return std::unexpected(std::move(swapped.error()));
}

/// (What uses a partition of a path need not be looked for: the kernel gives a disk to a map or its partitions to others, never both.)
Result<ReassignedHolders> DeviceMapper::change_holders(const MapName& map, DevNum number, std::span<const DevNum> paths,
                                                       const ChangeParameters& change, bool apply) {
  auto devices = control_.list();
  if (!devices) return std::unexpected(std::move(devices.error()));
  std::vector<DeviceReplacement> replacements;
  std::vector<DevNum> holders;
  for (DevNum path : paths) {
    replacements.push_back({path, number});
    for (DevNum holder : holders_of(path)) holders.push_back(holder);
  }
  ReassignedHolders result;
  for (const KernelMapListing& device : *devices) {
    if (device.name == map || std::ranges::find(holders, device.devnum) == holders.end()) continue;
    auto info = control_.info(device.name);
    if (!info) continue;
    auto done = change_holder(*info, replacements, change, apply);
    if (!done) result.left.push_back(std::move(done.error()));
    if (done && *done) result.changed.push_back(info->name);
  }
  return result;
}

Status DeviceMapper::message(const MapName& name, std::string_view uuid, const MapMessage& message) {
  Status sent = control_.message(uuid, to_string(message));
  if (message.kind == MapMessage::Kind::cancel_deferred_remove) {
    auto parts = partitions(std::string(uuid));
    for (std::size_t i = 0; parts && i < parts->size(); ++i) {
      if ((*parts)[i].deferred_remove) (void)control_.message((*parts)[i].uuid, to_string(message));
    }
  }
  if (sent) return sent;
  Error failure = std::move(sent.error());
  failure.subject = name.text;
  if (failure.code == ErrorCode::not_found && control_.info(name)) {
    failure.code = ErrorCode::conflict;
    failure.what = "the name belongs to another device meanwhile";
  }
  return std::unexpected(std::move(failure));
}

Result<std::vector<KernelMapListing>> DeviceMapper::list() { return control_.list(); }

Result<KernelMap> DeviceMapper::read(const MapName& name) {
  for (int attempt = 1;; ++attempt) {
    auto table = control_.table(name);
    if (!table) return std::unexpected(std::move(table.error()));
    if (table->targets.size() != 1 || table->targets[0].type != wire::multipath_target) {
      return fail(ErrorCode::unsupported, name.text, "the device is not one multipath target");
    }
    auto status = control_.status(name);
    if (!status) return std::unexpected(std::move(status.error()));
    const DmTarget& target = table->targets[0];
    auto parsed = wire::parse_table(target.text, target.length_sectors);
    if (!parsed) return std::unexpected(Error{parsed.error().code, name.text, parsed.error().what, parsed.error().cause});
    bool same_target = status->targets.size() == 1 && status->targets[0].type == wire::multipath_target;
    Status applied = same_target ? wire::apply_status(*parsed, status->targets[0].text)
                                 : Status(fail(ErrorCode::conflict, name.text, "the table changes while it is read"));
    if (!applied && applied.error().code == ErrorCode::conflict && attempt < read_attempts) continue;
    if (!applied) return std::unexpected(Error{applied.error().code, name.text, applied.error().what, applied.error().cause});
    const DmInfo& info = status->info;
    return KernelMap{.name = {info.name}, .uuid = info.uuid, .devnum = info.devnum, .table = std::move(*parsed),
                     .table_fingerprint = fingerprint_of(*table), .event_number = info.event_number,
                     .open_count = info.open_count, .suspended = info.suspended, .read_only = info.read_only,
                     .deferred_remove = info.deferred_remove,
                     .has_inactive_table = info.has_inactive_table};
  }
}

Status DeviceMapper::arm_events() { return control_.arm_poll(); }

}  // namespace mpath::sys
