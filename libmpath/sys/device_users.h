// SPDX-License-Identifier: LGPL-2.1-or-later
// Who keeps a block device busy, for people who want to remove it: dm devices and other holders on top of it, mounts, swap, and processes
// that have it open, but never this program itself, its children, or its clients. Bounded in time and number; what cannot be read is left out. Any lane;
// reads /sys, /proc only.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmpath/model/ids.h"

namespace mpath::sys {

/// Where to look; tests put it elsewhere.
struct UserSources {
  std::string sys = "/sys";
  std::string proc = "/proc";
};

/// "mounted on /mnt", "used as swap", "held by vg-data (dm-3)", "open by fio (1234)" of the device and its `partitions`; partition maps
/// themselves are no users. At most limits::device_users, all escaped; the search ends after limits::device_users_time.
[[nodiscard]] std::vector<std::string> users_of(DevNum device, std::span<const DevNum> partitions, const UserSources& sources = {});

/// Block devices on top of it.
[[nodiscard]] std::vector<DevNum> holders_of(DevNum device, const UserSources& sources = {});
/// Its partitions that the kernel has made.
[[nodiscard]] std::vector<DevNum> partitions_of(DevNum device, const UserSources& sources = {});

/// In one line; empty if none is known.
[[nodiscard]] std::string text_of(const std::vector<std::string>& users);

}  // namespace mpath::sys
