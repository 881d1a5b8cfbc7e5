// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/dm_control.h"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>

#include <cerrno>
#include <cstring>

#include "libmpath/base/limits.h"

// Newer than the oldest kernel headers that this is built with.
#ifndef DM_GET_TARGET_VERSION
#define DM_GET_TARGET_VERSION _IOWR(DM_IOCTL, 17, struct dm_ioctl)
#endif

namespace mpath::sys {

namespace {

constexpr const char* control_path = "/dev/mapper/control";
constexpr std::size_t first_buffer_bytes = 16u << 10;
constexpr int interrupted_retries = 8;
constexpr std::uint32_t list_has_uuid_minor = 45;  ///< interface version since which DM_LIST_DEVICES carries flags and uuid
constexpr std::uint32_t list_has_events_minor = 37;

DevNum to_devnum(std::uint64_t device) { return {major(device), minor(device)}; }

/// The NUL-terminated text at `at`, never beyond `end`.
std::string_view bounded_text(const char* at, const char* end) {
  return {at, strnlen(at, static_cast<std::size_t>(end - at))};
}

DmInfo to_info(const dm_ioctl& head) {
  DmInfo info;
  info.name = bounded_text(head.name, head.name + sizeof head.name);
  info.uuid = bounded_text(head.uuid, head.uuid + sizeof head.uuid);
  info.devnum = to_devnum(head.dev);
  info.event_number = head.event_nr;
  info.open_count = head.open_count > 0 ? static_cast<std::uint32_t>(head.open_count) : 0;
  info.target_count = head.target_count;
  info.suspended = (head.flags & DM_SUSPEND_FLAG) != 0;
  info.read_only = (head.flags & DM_READONLY_FLAG) != 0;
  info.deferred_remove = (head.flags & DM_DEFERRED_REMOVE) != 0;
  info.has_live_table = (head.flags & DM_ACTIVE_PRESENT_FLAG) != 0;
  info.has_inactive_table = (head.flags & DM_INACTIVE_PRESENT_FLAG) != 0;
  return info;
}

}  // namespace

/// One request and the buffer of its answer.
struct DmControl::Call {
  unsigned long command;
  const char* what;           ///< for errors: "cannot be resumed"
  std::string_view subject;   ///< name or uuid
  By by = By::name;
  std::uint32_t flags = 0;
  std::uint32_t event_number = 0;
  std::uint32_t targets = 0;  ///< in the payload of a table
  std::string_view payload{};
  std::size_t payload_offset = 0;  ///< zero bytes before it (the sector of a message)
  bool grows = false;              ///< the answer may need more room
  bool addresses_device = true;

  std::vector<std::uint8_t> buffer{};

  dm_ioctl& head() { return *reinterpret_cast<dm_ioctl*>(buffer.data()); }
  const char* begin() { return reinterpret_cast<const char*>(buffer.data()); }
  /// The part of the buffer that the kernel filled.
  const char* end() { return begin() + std::min<std::size_t>(buffer.size(), head().data_size); }

  void prepare(std::size_t bytes) {
    buffer.assign(bytes, 0);
    dm_ioctl& request = head();
    request.version[0] = DM_VERSION_MAJOR;
    request.data_size = static_cast<std::uint32_t>(bytes);
    request.data_start = sizeof(dm_ioctl);
    request.flags = flags;
    request.event_nr = event_number;
    request.target_count = targets;
    if (addresses_device) {
      char* field = by == By::name ? request.name : request.uuid;
      std::memcpy(field, subject.data(), subject.size());
    }
    if (!payload.empty()) std::memcpy(buffer.data() + sizeof(dm_ioctl) + payload_offset, payload.data(), payload.size());
  }
};

Status DmControl::run(Call& call) const {
  std::size_t longest = call.by == By::name ? DM_NAME_LEN : DM_UUID_LEN;
  if (call.addresses_device && (call.subject.empty() || call.subject.size() >= longest ||
                                call.subject.find('\0') != std::string_view::npos)) {
    return fail(ErrorCode::invalid_argument, std::string(call.subject), "no device-mapper device can have this name");
  }
  std::size_t bytes = sizeof(dm_ioctl) + call.payload_offset + call.payload.size() + 1;
  bytes = std::max(bytes, call.grows ? first_buffer_bytes : sizeof(dm_ioctl) + 256);
  for (int interrupted = 0;;) {
    call.prepare(bytes);
    if (::ioctl(fd_.get(), call.command, call.buffer.data()) != 0) {
      int error = errno;
      if (error == EINTR && ++interrupted < interrupted_retries) continue;
      Error failure = error_from_errno(error, std::string(call.subject), call.what);
      if (error == EACCES || error == EPERM) failure.what += "; device-mapper needs CAP_SYS_ADMIN";
      return std::unexpected(std::move(failure));
    }
    if ((call.head().flags & DM_BUFFER_FULL_FLAG) == 0) return {};
    if (!call.grows || bytes >= limits::dm_answer_bytes) {
      return fail(ErrorCode::limit, std::string(call.subject), call.what, "the kernel's answer is longer than dm_answer_bytes");
    }
    bytes *= 2;
  }
}

Result<DmControl> DmControl::open() {
  UniqueFd fd(::open(control_path, O_RDWR | O_CLOEXEC));
  if (!fd) {
    Error failure = error_from_errno(errno, control_path, "cannot be opened");
    if (failure.code == ErrorCode::permission) {
      failure.what = "cannot be opened; device-mapper needs root";
    } else if (failure.code == ErrorCode::not_found) {
      failure.code = ErrorCode::unavailable;
      failure.what = "device-mapper is not there; load it with: modprobe dm-mod";
    }
    return std::unexpected(std::move(failure));
  }
  DmControl control(std::move(fd));
  Call call{.command = DM_VERSION, .what = "device-mapper does not answer", .subject = control_path,
            .addresses_device = false};
  if (auto answered = control.run(call); !answered) return std::unexpected(answered.error());
  control.version_ = {call.head().version[0], call.head().version[1], call.head().version[2]};
  return control;
}

Result<std::vector<KernelMapListing>> DmControl::list() const {
  Call call{.command = DM_LIST_DEVICES, .what = "cannot list devices", .subject = "device-mapper", .flags = DM_UUID_FLAG,
            .grows = true, .addresses_device = false};
  if (auto answered = run(call); !answered) return std::unexpected(answered.error());
  std::vector<KernelMapListing> devices;
  const char* end = call.end();
  const char* at = call.begin() + std::min<std::size_t>(call.head().data_start, call.buffer.size());
  constexpr std::size_t name_offset = offsetof(dm_name_list, name);
  while (static_cast<std::size_t>(end - at) > name_offset) {
    dm_name_list entry{};
    std::memcpy(&entry, at, name_offset);
    if (entry.dev == 0) break;  // how an empty list looks
    std::string_view name = bounded_text(at + name_offset, end);
    KernelMapListing listing{.name = {std::string(name)}, .devnum = to_devnum(entry.dev)};
    // After the name, at the next multiple of eight: event number, flags, uuid.
    std::size_t tail = (name_offset + name.size() + 1 + 7) & ~std::size_t{7};
    std::uint32_t numbers[2] = {};
    if (version_[1] >= list_has_events_minor && static_cast<std::size_t>(end - at) >= tail + sizeof numbers) {
      std::memcpy(numbers, at + tail, sizeof numbers);
      listing.event_number = numbers[0];
      if (version_[1] >= list_has_uuid_minor && (numbers[1] & DM_NAME_LIST_FLAG_HAS_UUID) != 0) {
        listing.uuid = bounded_text(at + tail + sizeof numbers, end);
      }
    }
    devices.push_back(std::move(listing));
    if (entry.next == 0 || entry.next > static_cast<std::size_t>(end - at)) break;
    at += entry.next;
  }
  return devices;
}

Result<DmVersion> DmControl::target_version(std::string_view target) const {
  auto find = [](Call& call, std::string_view wanted) -> Result<DmVersion> {
    const char* end = call.end();
    const char* at = call.begin() + std::min<std::size_t>(call.head().data_start, call.buffer.size());
    while (static_cast<std::size_t>(end - at) > sizeof(dm_target_versions)) {
      dm_target_versions entry{};
      std::memcpy(&entry, at, sizeof entry);
      if (bounded_text(at + sizeof entry, end) == wanted) {
        return DmVersion{entry.version[0], entry.version[1], entry.version[2]};
      }
      if (entry.next == 0 || entry.next > static_cast<std::size_t>(end - at)) break;
      at += entry.next;
    }
    return fail(ErrorCode::not_found, std::string(wanted), "the kernel has no such device-mapper target");
  };
  // Asking for the one target makes the kernel load its module; the list knows only what is loaded.
  Call one{.command = DM_GET_TARGET_VERSION, .what = "cannot be asked for", .subject = target, .grows = true};
  if (auto answered = run(one); answered) return find(one, target);
  Call all{.command = DM_LIST_VERSIONS, .what = "cannot list targets", .subject = "device-mapper", .grows = true,
           .addresses_device = false};
  if (auto answered = run(all); !answered) return std::unexpected(answered.error());
  return find(all, target);
}

Result<DmInfo> DmControl::info(const MapName& name) const {
  Call call{.command = DM_DEV_STATUS, .what = "cannot be read", .subject = name.text};
  if (auto answered = run(call); !answered) return std::unexpected(answered.error());
  return to_info(call.head());
}

Result<DmInfo> DmControl::info_by_uuid(std::string_view uuid) const {
  Call call{.command = DM_DEV_STATUS, .what = "cannot be read", .subject = uuid, .by = By::uuid};
  if (auto answered = run(call); !answered) return std::unexpected(answered.error());
  return to_info(call.head());
}

Result<DmTable> DmControl::read_targets(const MapName& name, std::uint32_t flags) const {
  Call call{.command = DM_TABLE_STATUS, .what = "its table cannot be read", .subject = name.text, .flags = flags,
            .grows = true};
  if (auto answered = run(call); !answered) return std::unexpected(answered.error());
  DmTable table{.info = to_info(call.head())};
  const char* end = call.end();
  const char* data = call.begin() + std::min<std::size_t>(call.head().data_start, call.buffer.size());
  const char* at = data;
  for (std::uint32_t i = 0; i < call.head().target_count; ++i) {
    if (static_cast<std::size_t>(end - at) <= sizeof(dm_target_spec)) break;
    dm_target_spec spec{};
    std::memcpy(&spec, at, sizeof spec);
    table.targets.push_back({spec.sector_start, spec.length,
                             std::string(bounded_text(spec.target_type, spec.target_type + sizeof spec.target_type)),
                             std::string(bounded_text(at + sizeof spec, end))});
    // Here `next` counts from the beginning of the data, unlike in the lists.
    if (spec.next > static_cast<std::size_t>(end - data)) break;
    at = data + spec.next;
  }
  return table;
}

Result<DmTable> DmControl::table(const MapName& name) const {
  return read_targets(name, DM_STATUS_TABLE_FLAG | DM_NOFLUSH_FLAG);
}

Result<DmTable> DmControl::status(const MapName& name) const { return read_targets(name, DM_NOFLUSH_FLAG); }

Status DmControl::message(std::string_view uuid, std::string_view text) const {
  Call call{.command = DM_TARGET_MSG, .what = "did not take the message", .subject = uuid, .by = By::uuid,
            .payload = text, .payload_offset = sizeof(dm_target_msg)};
  return run(call);
}

Status DmControl::resume(const MapName& name, std::uint16_t udev_flags, bool flush) const {
  // File systems are not frozen: with no path left that would wait for ever.
  std::uint32_t flags = DM_SKIP_LOCKFS_FLAG | (flush ? 0u : DM_NOFLUSH_FLAG);
  Call call{.command = DM_DEV_SUSPEND, .what = "cannot be resumed", .subject = name.text, .flags = flags,
            .event_number = static_cast<std::uint32_t>(udev_flags) << 16};
  return run(call);
}

Status DmControl::suspend(const MapName& name) const {
  Call call{.command = DM_DEV_SUSPEND, .what = "cannot be suspended", .subject = name.text,
            .flags = DM_SUSPEND_FLAG | DM_SKIP_LOCKFS_FLAG | DM_NOFLUSH_FLAG};
  return run(call);
}

Status DmControl::clear(const MapName& name) const {
  Call call{.command = DM_TABLE_CLEAR, .what = "its inactive table cannot be dropped", .subject = name.text};
  return run(call);
}

Status DmControl::load(const MapName& name, const std::vector<DmTarget>& targets, bool read_only) const {
  // Each target's head, then its parameters with their NUL, filled up to a multiple of eight; `next` counts from the head's beginning.
  std::string payload;
  for (const DmTarget& target : targets) {
    dm_target_spec spec{};
    spec.sector_start = target.start_sector;
    spec.length = target.length_sectors;
    if (target.type.size() >= sizeof spec.target_type) return fail(ErrorCode::invalid_argument, name.text, "a target's type is too long");
    std::memcpy(spec.target_type, target.type.data(), target.type.size());
    const std::size_t bytes = (sizeof spec + target.text.size() + 1 + 7) & ~std::size_t{7};
    spec.next = static_cast<std::uint32_t>(bytes);
    std::string part(reinterpret_cast<const char*>(&spec), sizeof spec);
    part += target.text;
    part.resize(bytes, '\0');
    payload += part;
  }
  Call call{.command = DM_TABLE_LOAD, .what = "the new table was not accepted", .subject = name.text, .flags = read_only ? unsigned{DM_READONLY_FLAG} : 0U,
            .targets = static_cast<std::uint32_t>(targets.size()), .payload = payload};
  return run(call);
}

Status DmControl::arm_poll() const {
  if (version_[1] < list_has_events_minor) {
    return fail(ErrorCode::unsupported, "device-mapper", "this kernel has no event poll");
  }
  Call call{.command = DM_DEV_ARM_POLL, .what = "the event poll cannot be armed", .subject = "device-mapper",
            .addresses_device = false};
  return run(call);
}

}  // namespace mpath::sys
