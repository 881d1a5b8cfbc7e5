// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/status.h"

#include "libmpath/base/text.h"

namespace mpath::view {

namespace {

/// Two blanks before "monitored" are what readers have always got.
std::string_view verdict_text(DeviceVerdict verdict) {
  switch (verdict) {
    case DeviceVerdict::hidden: return "hidden, unmonitored";
    case DeviceVerdict::foreign: return "foreign, monitored";
    case DeviceVerdict::blacklisted: return "devnode blacklisted, unmonitored";
    case DeviceVerdict::whitelisted: return "devnode whitelisted, unmonitored";
    case DeviceVerdict::monitored: return " devnode whitelisted, monitored";
  }
  return "hidden, unmonitored";
}

constexpr PathState last_path_state = PathState::disconnected;

}  // namespace

std::string status(const engine::Snapshot& snapshot) {
  std::array<std::size_t, static_cast<std::size_t>(last_path_state) + 1> counts{};
  std::size_t paths = 0;
  for (const auto& path : snapshot.paths) {
    if (!path) continue;
    ++counts[static_cast<std::size_t>(path->health.state)];
    if (path->init_state != engine::InitState::removed) ++paths;
  }
  std::string out = "path checker states:\n";
  for (std::size_t state = 0; state < counts.size(); ++state) {
    if (counts[state] > 0) out += fmt::format("{:<20}{}\n", to_string(static_cast<PathState>(state)), counts[state]);
  }
  return out + fmt::format("\npaths: {}\nbusy: {}\n", paths, snapshot.events_waiting ? "True" : "False");
}

std::string daemon_line(const engine::Snapshot& snapshot) {
  return fmt::format("pid {} {}{}\n", snapshot.process_id, engine::to_string(snapshot.state),
                     snapshot.reconfigure_pending ? " (pending reconfigure)" : "");
}

std::string devices(std::span<const BlockDevice> devices) {
  std::string out = "available block devices:\n";
  for (const BlockDevice& device : devices) {
    out += fmt::format("    {} {}\n", escape(device.name), verdict_text(device.verdict));
  }
  return out;
}

}  // namespace mpath::view
