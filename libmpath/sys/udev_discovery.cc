// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/udev_discovery.h"

#include <fcntl.h>
#include <libudev.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/base/unique_fd.h"
#include "libmpath/sys/device_users.h"
#include "libmpath/sys/directory.h"
#include "libmpath/sys/path_facts.h"
#include "libmpath/sys/sysfs.h"

namespace mpath::sys {

namespace {

constexpr const char* sysfs_root = "/sys";

struct Unref {
  void operator()(udev_device* device) const { udev_device_unref(device); }
  void operator()(udev_enumerate* enumerate) const { udev_enumerate_unref(enumerate); }
};
using DevicePtr = std::unique_ptr<udev_device, Unref>;

bool is_disk(udev_device* device) {
  const char* type = udev_device_get_devtype(device);
  return type != nullptr && std::string_view(type) == "disk";
}

/// An absolute path below /sys without ways out of it.
bool is_sysfs_path(std::string_view path) {
  return path.starts_with("/sys/") && path.find("/../") == std::string_view::npos && !path.ends_with("/..") &&
         path.find('\0') == std::string_view::npos;
}

}  // namespace

Result<std::unique_ptr<UdevDiscovery>> UdevDiscovery::create() {
  udev* context = udev_new();
  if (context == nullptr) return std::unexpected(error_from_errno(errno, "udev", "cannot be used"));
  return std::unique_ptr<UdevDiscovery>(new UdevDiscovery(context));
}

UdevDiscovery::~UdevDiscovery() { udev_unref(udev_); }

Result<DiscoveredPath> UdevDiscovery::read(udev_device* device) const {
  const char* path = udev_device_get_syspath(device);
  if (path == nullptr) return fail(ErrorCode::not_found, "udev", "a device without a path in sysfs");
  auto found = read_path_facts(sysfs_root, path);
  if (!found) return found;
  found->facts.udev_initialized = udev_device_get_is_initialized(device) > 0;
  for (auto* entry = udev_device_get_properties_list_entry(device); entry != nullptr;
       entry = udev_list_entry_get_next(entry)) {
    const char* name = udev_list_entry_get_name(entry);
    const char* value = udev_list_entry_get_value(entry);
    if (name == nullptr || value == nullptr) continue;
    if (std::string_view(name) == "DM_MULTIPATH_DEVICE_PATH") found->is_multipath_member = std::string_view(value) == "1";
    found->properties.add(name, value);
  }
  return found;
}

/// Not by libudev's enumeration, which keeps all that udev knows of every disk and partition until its end.
Result<std::vector<ListedDisk>> UdevDiscovery::list_disks() {
  const std::string directory = std::string(sysfs_root) + "/block";
  if (!SysfsDirectory(directory).exists()) return fail(ErrorCode::not_found, directory, "cannot be read: disks are not known; is sysfs mounted?");
  std::vector<ListedDisk> found;
  for_each_entry(directory, [&](int, std::string_view name) {
    if (name.starts_with("dm-")) return true;
    DevicePtr device(udev_device_new_from_syspath(udev_, fmt::format("{}/{}", directory, name).c_str()));
    if (!device || udev_device_get_is_initialized(device.get()) <= 0) return true;
    dev_t number = udev_device_get_devnum(device.get());
    found.push_back({{major(number), minor(number)}, std::string(name)});
    return true;
  });
  std::ranges::sort(found, natural_less, [](const ListedDisk& disk) { return std::string_view(disk.kernel_name); });
  return found;
}

std::vector<DevNum> UdevDiscovery::maps_not_ready() {
  std::vector<DevNum> found;
  std::unique_ptr<udev_enumerate, Unref> all(udev_enumerate_new(udev_));
  bool works = all && udev_enumerate_add_match_subsystem(all.get(), "block") >= 0 &&
               udev_enumerate_add_match_sysname(all.get(), "dm-*") >= 0 &&
               udev_enumerate_add_match_property(all.get(), "MPATH_DEVICE_READY", "0") >= 0 && udev_enumerate_scan_devices(all.get()) >= 0;
  if (!works) return found;
  for (auto* entry = udev_enumerate_get_list_entry(all.get()); entry != nullptr; entry = udev_list_entry_get_next(entry)) {
    DevicePtr device(udev_device_new_from_syspath(udev_, udev_list_entry_get_name(entry)));
    if (!device) continue;
    dev_t number = udev_device_get_devnum(device.get());
    found.push_back({major(number), minor(number)});
  }
  return found;
}

Result<DiscoveredPath> UdevDiscovery::gather(std::string_view name) {
  if (name.starts_with("/dev/")) name.remove_prefix(5);
  std::string text(name);
  DevicePtr device;
  if (is_sysfs_path(name)) {
    device.reset(udev_device_new_from_syspath(udev_, text.c_str()));
  } else if (!name.empty() && name.size() < 256 && name.find('/') == std::string_view::npos &&
             name.find('\0') == std::string_view::npos && name != "." && name != "..") {
    device.reset(udev_device_new_from_subsystem_sysname(udev_, "block", text.c_str()));
  } else {
    return fail(ErrorCode::invalid_argument, std::move(text), "is not the name of a block device");
  }
  if (!device) return fail(ErrorCode::not_found, std::move(text), "there is no such block device");
  const char* subsystem = udev_device_get_subsystem(device.get());
  if (subsystem == nullptr || std::string_view(subsystem) != "block" || !is_disk(device.get())) {
    return fail(ErrorCode::invalid_argument, std::move(text), "is not a whole disk");
  }
  return read(device.get());
}

std::vector<std::string> UdevDiscovery::users(DevNum device) { return users_of(device, partitions_of(device)); }

Result<IoCounters> UdevDiscovery::io_counters(std::string_view sysfs_path) {
  if (!is_sysfs_path(sysfs_path)) return fail(ErrorCode::invalid_argument, std::string(sysfs_path), "is no place in sysfs");
  return read_io_counters(std::string(sysfs_path));
}

Status UdevDiscovery::trigger(std::string_view sysfs_path, std::string_view action) {
  if (!is_sysfs_path(sysfs_path) || (action != "add" && action != "change")) {
    return fail(ErrorCode::invalid_argument, std::string(sysfs_path), "no uevent can be asked for it");
  }
  std::string file = std::string(sysfs_path) + "/uevent";
  UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), action.data(), action.size()) < 0) {
    return std::unexpected(error_from_errno(errno, std::move(file), "cannot ask the kernel for a uevent"));
  }
  return {};
}

Result<std::string> UdevDiscovery::read_setting(std::string_view object, std::string_view attribute) {
  return mpath::sys::read_setting("/sys", object, attribute);
}

Status UdevDiscovery::write_setting(std::string_view object, std::string_view attribute, std::string_view value) {
  return mpath::sys::write_setting("/sys", object, attribute, value);
}

/// Through the directory's own descriptor, so that device and number that are compared are those of the device that goes.
namespace {

std::optional<std::uint64_t> number_in(const UniqueFd& directory, const char* attribute) {
  UniqueFd file(::openat(directory.get(), attribute, O_RDONLY | O_CLOEXEC));
  char text[32];
  ssize_t got = file ? ::read(file.get(), text, sizeof text) : -1;
  return got > 0 ? parse_decimal(trim(std::string_view(text, static_cast<std::size_t>(got)))) : std::nullopt;
}

/// The block device's directory in sysfs, if it still is the device that `facts` describe.
Result<UniqueFd> open_directory(const PathFacts& facts, const char* deed) {
  if (facts.bus != Bus::scsi) return fail(ErrorCode::unsupported, facts.kernel_name, fmt::format("is no SCSI device and cannot be {}", deed));
  if (!is_sysfs_path(facts.sysfs_path)) return fail(ErrorCode::invalid_argument, facts.kernel_name, "its place in sysfs is not known");
  UniqueFd directory(::open(facts.sysfs_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory) return std::unexpected(error_from_errno(errno, facts.kernel_name, fmt::format("cannot be {}", deed)));
  if (facts.disk_sequence != 0 && number_in(directory, "diskseq") != facts.disk_sequence) {
    return fail(ErrorCode::conflict, facts.kernel_name, fmt::format("is another device by now; it is not {}", deed));
  }
  return directory;
}

}  // namespace

Result<std::uint64_t> UdevDiscovery::rescan(const PathFacts& facts) {
  auto directory = open_directory(facts, "rescanned");
  if (!directory) return std::unexpected(directory.error());
  UniqueFd file(::openat(directory->get(), "device/rescan", O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), "1", 1) < 0) {
    return std::unexpected(error_from_errno(errno, facts.kernel_name, "cannot be rescanned"));
  }
  auto size = number_in(*directory, "size");
  if (!size) return fail(ErrorCode::io, facts.kernel_name, "its size cannot be read");
  return *size;
}

Status UdevDiscovery::remove_device(const PathFacts& facts) {
  auto directory = open_directory(facts, "removed");
  if (!directory) return std::unexpected(directory.error());
  UniqueFd file(::openat(directory->get(), "device/delete", O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), "1", 1) < 0) {
    return std::unexpected(error_from_errno(errno, facts.kernel_name, "cannot be removed"));
  }
  return {};
}

}  // namespace mpath::sys
