// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/udev_monitor.h"

#include <libudev.h>
#include <sys/sysmacros.h>

#include <algorithm>
#include <cerrno>
#include <unordered_map>

#include "libmpath/base/limits.h"
#include "libmpath/model/kernel_map.h"

namespace mpath::sys {

namespace {

std::string property(udev_device* device, const char* name) {
  const char* value = udev_device_get_property_value(device, name);
  return value != nullptr ? value : "";
}

Uevent::Action to_action(const char* word) {
  std::string_view action = word != nullptr ? word : "";
  if (action == "add") return Uevent::Action::add;
  if (action == "change") return Uevent::Action::change;
  if (action == "remove") return Uevent::Action::remove;
  return Uevent::Action::other;
}

void read_map(udev_device* device, Uevent& event) {
  event.dm_action = property(device, "DM_ACTION");
  if (auto path = parse_devnum(property(device, "DM_PATH"))) event.dm_path = *path;
  bool is_change = event.action == Uevent::Action::change;
  if (!is_change && event.action != Uevent::Action::remove) return;
  MapUevent map{.action = is_change ? MapUevent::Action::change : MapUevent::Action::remove,
                .name = {property(device, "DM_NAME")}, .uuid = property(device, "DM_UUID"), .devnum = event.devnum,
                .ready = std::nullopt};
  if (std::string ready = property(device, "MPATH_DEVICE_READY"); !ready.empty()) map.ready = ready == "1";
  if (!wwid_in(map.uuid).empty()) event.map = std::move(map);
}

std::optional<Uevent> to_uevent(udev_device* device) {
  const char* path = udev_device_get_syspath(device);
  const char* name = udev_device_get_sysname(device);
  const char* action = udev_device_get_action(device);
  if (path == nullptr || name == nullptr || action == nullptr) return std::nullopt;
  Uevent event{.action = to_action(action), .kernel_name = name, .sysfs_path = path};
  // libudev turns the '!' of sysfs into the '/' of /dev.
  std::ranges::replace(event.kernel_name, '/', '!');
  dev_t number = udev_device_get_devnum(device);
  event.devnum = {major(number), minor(number)};
  event.is_dm = event.kernel_name.starts_with("dm-");
  if (event.is_dm) read_map(device, event);
  return event;
}

}  // namespace

void filter_uevents(std::vector<Uevent>& events) {
  // What the later events of a disk, seen from the end, do to the earlier ones.
  enum class Drops { nothing, changes, everything };
  std::unordered_map<std::string, Drops> later;
  std::vector<bool> dropped(events.size(), false);
  for (std::size_t i = events.size(); i-- > 0;) {
    const Uevent& event = events[i];
    if (event.is_dm) continue;
    Drops& drops = later[event.kernel_name];
    dropped[i] = drops == Drops::everything || (drops == Drops::changes && event.action == Uevent::Action::change);
    if (event.action == Uevent::Action::remove) drops = Drops::everything;
    if (event.action == Uevent::Action::add && drops == Drops::nothing) drops = Drops::changes;
  }
  std::size_t kept = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    if (dropped[i]) continue;
    if (kept != i) events[kept] = std::move(events[i]);
    ++kept;
  }
  events.resize(kept);
}

Result<std::unique_ptr<UdevMonitor>> UdevMonitor::open() {
  udev* context = udev_new();
  udev_monitor* monitor = context != nullptr ? udev_monitor_new_from_netlink(context, "udev") : nullptr;
  if (monitor == nullptr) {
    int error = errno;
    udev_unref(context);
    return std::unexpected(error_from_errno(error, "udev", "its events cannot be received"));
  }
  std::unique_ptr<UdevMonitor> made(new UdevMonitor(context, monitor));
  if (udev_monitor_filter_add_match_subsystem_devtype(monitor, "block", "disk") < 0) {
    return fail(ErrorCode::limit, "udev", "its events cannot be filtered");
  }
  // Refused without CAP_NET_ADMIN beyond net.core.rmem_max; a smaller buffer only overflows earlier, which is noticed.
  (void)udev_monitor_set_receive_buffer_size(monitor, limits::uevent_buffer_bytes);
  if (int error = udev_monitor_enable_receiving(monitor); error < 0) {
    return std::unexpected(error_from_errno(-error, "udev", "its events cannot be received"));
  }
  return made;
}

UdevMonitor::~UdevMonitor() {
  udev_monitor_unref(monitor_);
  udev_unref(udev_);
}

int UdevMonitor::fd() const { return udev_monitor_get_fd(monitor_); }

bool UdevMonitor::receive(std::vector<Uevent>& events) {
  bool complete = true;
  for (std::size_t i = 0; i < limits::uevents_per_read; ++i) {
    errno = 0;
    udev_device* device = udev_monitor_receive_device(monitor_);
    if (device == nullptr) {
      if (errno == EINTR) continue;
      if (errno != ENOBUFS) return complete;
      complete = false;
      continue;
    }
    if (auto event = to_uevent(device)) events.push_back(std::move(*event));
    udev_device_unref(device);
  }
  return complete;
}

}  // namespace mpath::sys
