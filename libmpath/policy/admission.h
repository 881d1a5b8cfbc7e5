// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a device is a path of ours at all: what it is, and what the blacklist says of it. Pure; the thread that owns the Blacklist.
#pragma once

#include <string>

#include "libmpath/config/effective.h"
#include "libmpath/model/discovery.h"
#include "libmpath/policy/blacklist.h"

namespace mpath::policy {

struct Admission {
  bool is_admitted = false;
  std::string reason;  ///< why not, with the rule that decided it
};

/// `facts` are those of `path` after identify(). A device without a WWID yet is not judged by it.
[[nodiscard]] Admission admit(Blacklist& blacklist, const DiscoveredPath& path, const PathFacts& facts,
                              const config::PathSettings& settings, const config::DaemonSettings& daemon);

/// A disk as the configuration sees it: its settings, what it is by them, and whether it is a path of ours.
struct Judgement {
  std::shared_ptr<const config::PathSettings> settings;
  std::shared_ptr<const PathFacts> facts;
  Admission admission;
};
[[nodiscard]] Judgement judge(const DiscoveredPath& found, config::Resolver& resolver, Blacklist& blacklist);

}  // namespace mpath::policy
