// SPDX-License-Identifier: LGPL-2.1-or-later
// What the positional argument of multipath(8) names.
#pragma once

#include <string>

#include "libmpath/base/error.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::tool {

struct Wanted {
  enum class Kind {
    everything,  ///< there is no argument
    map_device,  ///< the device node of a dm device
    device,      ///< the node or number of another block device
    name,        ///< map name, alias, WWID or "dm-N"
  };
  Kind kind = Kind::everything;
  std::string name;
  DevNum devnum;
};

/// Looks at the file system. Error: a text that can be none of them ("'x' is not a valid argument").
[[nodiscard]] Result<Wanted> resolve(const std::string& argument);

/// Whether it is this map by itself: its device, or one of its names. Not for Kind::everything.
[[nodiscard]] bool names(const Wanted& wanted, const MapName& name, const Wwid& wwid, DevNum devnum);

/// The map itself, or one that has the device as a path.
[[nodiscard]] bool is_wanted(const engine::MapView& map, const Wanted& wanted);

}  // namespace mpath::tool
