// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/stalled_hosts.h"

#include <fmt/format.h>

#include <algorithm>

namespace mpath::sys {

namespace {

std::string age_text(Duration age) { return fmt::format("{} s", std::chrono::floor<seconds>(age).count()); }

}  // namespace

std::vector<StalledHosts::Remark> StalledHosts::compare(const std::vector<StalledHost>& stalled, MonoTime now) {
  std::vector<Remark> remarks;
  // Several of one number: devices without an sg node are a host each.
  std::map<std::uint32_t, StalledHost> hosts;
  for (const StalledHost& host : stalled) {
    auto [at, is_new] = hosts.try_emplace(host.host, host);
    if (is_new) continue;
    at->second.since = std::min(at->second.since, host.since);
    at->second.waiting += host.waiting;
  }
  for (auto at = since_.begin(); at != since_.end();) {
    if (hosts.contains(at->first)) {
      ++at;
      continue;
    }
    remarks.push_back({at->first, false, fmt::format("takes commands again, after {}", age_text(now - at->second))});
    at = since_.erase(at);
  }
  for (const auto& [number, host] : hosts) {
    if (!since_.try_emplace(number, host.since).second) continue;
    remarks.push_back({number, true,
                       fmt::format("has taken no command for {} ({}); {} wait for it, and only for it", age_text(now - host.since),
                                   host.in_kernel ? "the kernel holds the submission" : "its queue is full and nothing of it ends",
                                   host.waiting)});
  }
  return remarks;
}

}  // namespace mpath::sys
