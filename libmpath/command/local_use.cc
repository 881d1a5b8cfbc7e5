// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/local_use.h"

#include "libmpath/config/hardware.h"
#include "libmpath/policy/identify.h"

namespace mpath::command {

config::LocalUse local_use(const engine::Snapshot& snapshot) {
  config::LocalUse use;
  config::HardwareMatcher matcher(snapshot.config);
  std::vector<bool> seen(snapshot.config->devices.size(), false);
  for (const auto& path : snapshot.paths) {
    if (!path || !path->facts) continue;
    const config::PathIdentity identity = policy::identity_for_lookup(*path->facts);
    for (std::size_t index : matcher.matches(identity.vendor, identity.product, identity.revision)) {
      if (!seen[index]) use.devices.push_back(index);
      seen[index] = true;
    }
  }
  for (const auto& map : snapshot.maps) {
    if (map) use.maps.push_back({map->wwid.text, map->name.text});
  }
  return use;
}

}  // namespace mpath::command
