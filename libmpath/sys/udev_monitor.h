// SPDX-License-Identifier: LGPL-2.1-or-later
// Uevents of disks after udev has worked on them. Owned and called by the engine's thread; nothing here blocks or reads sysfs:
// a path's facts are gathered afterwards in lane discovery.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/model/discovery.h"

struct udev;
struct udev_device;
struct udev_monitor;

namespace mpath::sys {

/// One uevent of a disk or dm device.
struct Uevent {
  enum class Action { add, change, remove, other };
  Action action = Action::other;
  std::string kernel_name;  ///< "sda", "dm-3"
  std::string sysfs_path;
  DevNum devnum;
  std::optional<MapUevent> map;  ///< change and remove of a dm device whose uuid begins with "mpath-"
  std::string dm_action;         ///< DM_ACTION: "PATH_FAILED"…; empty if there is none
  DevNum dm_path;                ///< DM_PATH
  bool is_dm = false;
};

/// Drops what later events of the same disk make void: a remove all before it, an add the changes before it. Events of dm
/// devices stay. The order of the others stays (behaviour of 0.14, section 2.2).
void filter_uevents(std::vector<Uevent>& events);

class UdevMonitor {
 public:
  /// Errors: of the netlink socket. The receive buffer is made as large as the process may.
  [[nodiscard]] static Result<std::unique_ptr<UdevMonitor>> open();
  UdevMonitor(const UdevMonitor&) = delete;
  UdevMonitor& operator=(const UdevMonitor&) = delete;
  ~UdevMonitor();

  [[nodiscard]] int fd() const;
  /// Appends what has arrived, at most limits::uevents_per_read (the descriptor stays readable if there is more), unfiltered.
  /// False if the kernel dropped events: what is known must be compared with the system anew.
  [[nodiscard]] bool receive(std::vector<Uevent>& events);

 private:
  UdevMonitor(udev* context, udev_monitor* monitor) : udev_(context), monitor_(monitor) {}
  udev* udev_;
  udev_monitor* monitor_;
};

}  // namespace mpath::sys
