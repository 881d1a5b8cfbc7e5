// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a device is a path of ours at all: what it is, and what the blacklist says of it. Pure; any thread.
#pragma once

#include <string>

#include "libmpath/config/effective.h"
#include "libmpath/model/discovery.h"

namespace mpath::policy {

struct Admission {
  bool is_admitted = false;
  std::string reason;  ///< why not, with the rule that decided it
};

/// `facts` are those of `path` after identify().
[[nodiscard]] Admission admit(const config::Config& config, const DiscoveredPath& path, const PathFacts& facts,
                              const config::PathSettings& settings, const config::DaemonSettings& daemon);

}  // namespace mpath::policy
