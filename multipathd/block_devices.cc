// SPDX-License-Identifier: LGPL-2.1-or-later
#include "multipathd/block_devices.h"

#include <filesystem>
#include <fstream>
#include <unordered_set>

#include "libmpath/policy/blacklist.h"
#include "libmpath/wire/names.h"

namespace mpath::daemon {

namespace {

bool is_hidden(const std::filesystem::path& device) {
  std::ifstream attribute(device / "hidden");
  return attribute.get() == '1';
}

}  // namespace

std::vector<view::BlockDevice> list_block_devices(const engine::Snapshot& snapshot) {
  std::vector<view::BlockDevice> devices;
  if (!snapshot.config) return devices;
  policy::Blacklist blacklist(snapshot.config);
  std::unordered_set<std::string> monitored;
  for (const auto& path : snapshot.paths) monitored.insert(path->facts->kernel_name);
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/block", failure)) {
    std::string name = entry.path().filename().string();
    view::DeviceVerdict verdict = view::DeviceVerdict::whitelisted;
    if (is_hidden(entry.path())) {
      verdict = view::DeviceVerdict::hidden;
    } else if (blacklist.devnode(name).is_blacklisted()) {
      verdict = view::DeviceVerdict::blacklisted;
    } else if (monitored.contains(name)) {
      verdict = view::DeviceVerdict::monitored;
    }
    devices.push_back({.name = std::move(name), .verdict = verdict});
  }
  std::ranges::sort(devices, wire::kernel_name_less, &view::BlockDevice::name);
  return devices;
}

}  // namespace mpath::daemon
