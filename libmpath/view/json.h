// SPDX-License-Identifier: LGPL-2.1-or-later
// `show maps json`, version 0.1: written directly, because clients depend on the layout byte by byte (three blanks of indentation, a
// blank on both sides of the colon). Always valid JSON: strings are escaped. No true, false or null, no negative priority, and only
// the state words that strict readers know. Pure, any thread.
#pragma once

#include <string>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

[[nodiscard]] std::string maps_json(const engine::Snapshot& snapshot);
/// One map, under the key "map" instead of "maps".
[[nodiscard]] std::string map_json(const engine::Snapshot& snapshot, const engine::MapView& map);

}  // namespace mpath::view
