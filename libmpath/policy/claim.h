// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether a volume becomes a map at all: find_multipaths (multipath.conf reference, section 7). Pure.
#pragma once

#include <cstdint>

#include "libmpath/model/settings.h"

namespace mpath::policy {

struct ClaimFacts {
  bool map_exists = false;        ///< the kernel has a multipath map with this WWID
  bool in_wwids_file = false;
  std::uint32_t known_paths = 0;  ///< with this WWID, not blacklisted
};

/// True if the daemon, or multipath when it creates maps, may make a map of the volume.
[[nodiscard]] constexpr bool may_create_map(FindMultipaths mode, const ClaimFacts& facts) {
  switch (mode) {
    case FindMultipaths::off:
    case FindMultipaths::greedy: return true;
    case FindMultipaths::strict: return facts.map_exists || facts.in_wwids_file;
    case FindMultipaths::on:
    case FindMultipaths::smart: return facts.map_exists || facts.known_paths >= 2 || facts.in_wwids_file;
  }
  return false;
}

}  // namespace mpath::policy
