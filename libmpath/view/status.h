// SPDX-License-Identifier: LGPL-2.1-or-later
// The small reports of the socket: `show status`, `show daemon`, `show devices`. Pure, any thread.
#pragma once

#include <span>
#include <string>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

[[nodiscard]] std::string status(const engine::Snapshot& snapshot);

/// "pid 661 idle", " (pending reconfigure)" if one is scheduled.
[[nodiscard]] std::string daemon_line(const engine::Snapshot& snapshot);

/// What becomes of a block device, judged by its name alone.
enum class DeviceVerdict { hidden, foreign, blacklisted, whitelisted, monitored };
struct BlockDevice {
  std::string name;  ///< kernel name; disks and partitions
  DeviceVerdict verdict = DeviceVerdict::whitelisted;
};
[[nodiscard]] std::string devices(std::span<const BlockDevice> devices);

}  // namespace mpath::view
