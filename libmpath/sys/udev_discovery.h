// SPDX-License-Identifier: LGPL-2.1-or-later
// ports::Discovery over libudev and sysfs. libudev's objects are not for several threads: everything here runs in lane discovery
// (or before the lanes start), but remove_device(), rescan() and those for settings, which use no libudev. The engine's thread has UdevMonitor, which shares nothing with this.
#pragma once

#include <memory>
#include <string>

#include "libmpath/ports/ports.h"

struct udev;
struct udev_device;

namespace mpath::sys {

class UdevDiscovery final : public ports::Discovery {
 public:
  [[nodiscard]] static Result<std::unique_ptr<UdevDiscovery>> create();
  UdevDiscovery(const UdevDiscovery&) = delete;
  UdevDiscovery& operator=(const UdevDiscovery&) = delete;
  ~UdevDiscovery() override;

  /// Disks that cannot be paths (dm devices, NVMe multipath heads) and those that vanish while they are read are left out.
  Result<std::vector<ListedDisk>> list_disks() override;
  std::vector<DevNum> maps_not_ready() override;
  /// Errors: not_found; invalid_argument for a text that is no name; unsupported and unavailable as read_path_facts().
  Result<DiscoveredPath> gather(std::string_view device) override;
  std::vector<std::string> users(DevNum device) override;
  Status remove_device(const PathFacts& facts) override;
  /// Errors: unsupported where the kernel keeps no account of the device (queue/iostats is 0).
  Result<IoCounters> io_counters(std::string_view sysfs_path) override;
  /// Errors: not_found, permission, busy…; invalid_argument for an object outside /sys.
  Result<std::string> read_setting(std::string_view object, std::string_view attribute) override;
  Status write_setting(std::string_view object, std::string_view attribute, std::string_view value) override;
  Result<std::uint64_t> rescan(const PathFacts& facts) override;
  Status trigger(std::string_view sysfs_path, std::string_view action) override;

 private:
  explicit UdevDiscovery(udev* context) : udev_(context) {}
  [[nodiscard]] Result<DiscoveredPath> read(udev_device* device) const;
  udev* udev_;
};

}  // namespace mpath::sys
