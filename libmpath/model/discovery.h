// SPDX-License-Identifier: LGPL-2.1-or-later
// What the rim reads of one block device, before anything is decided about it. Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/model/path.h"
#include "libmpath/model/udev_properties.h"

namespace mpath {

/// A disk that udev knows; nothing has been read of it yet.
struct ListedDisk {
  DevNum devnum;
  std::string kernel_name;
};

/// `facts` without WWID, identity and target port group: policy derives those from the raw material below, because the
/// configuration says which source counts.
struct DiscoveredPath {
  PathFacts facts;
  UdevProperties properties;              ///< needed once, to judge the device; not kept
  std::vector<std::uint8_t> vpd_page_83;  ///< sysfs vpd_pg83: header and designators; empty where sysfs has none
  std::string sysfs_wwid;                 ///< NVMe `wwid`, DASD `uid`; empty elsewhere
  bool is_multipath_member = false;       ///< udev property DM_MULTIPATH_DEVICE_PATH is "1"
  bool is_hidden = false;                 ///< sysfs `hidden`
};

/// I/O of a block device that is under way, as sysfs counts it.
struct IoCounters {
  std::uint64_t reads_in_flight = 0;
  std::uint64_t writes_in_flight = 0;
  [[nodiscard]] std::uint64_t in_flight() const { return reads_in_flight + writes_in_flight; }
};

/// A uevent of a dm device (behaviour of 0.14, section 2).
struct MapUevent {
  enum class Action { change, remove };
  Action action = Action::change;
  MapName name;
  std::string uuid;
  DevNum devnum;
  std::optional<bool> ready;  ///< udev property MPATH_DEVICE_READY is "1"; nothing: it is not set
};

}  // namespace mpath
