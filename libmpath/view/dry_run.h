// SPDX-License-Identifier: LGPL-2.1-or-later
// What `multipath -d` shows of a rehearsal: the maps as they would be laid out. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "libmpath/engine/rehearsal.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// A map of the rehearsal's outcome with the states that the kernel has now. What only the kernel could tell after it was done stays
/// undefined: number and protection of a map that does not exist, states of groups that would be loaded, and of paths that are in no table.
[[nodiscard]] engine::MapView as_planned(const engine::MapView& outcome, const engine::RehearsedMap* rehearsed);

/// The record of a map in the rehearsal; null if there is none.
[[nodiscard]] const engine::RehearsedMap* find_rehearsed(const engine::Rehearsal& rehearsal, const Wwid& wwid);

/// What would be done to the map and why, a line each: "reload: paths differ: add 8:48".
[[nodiscard]] std::vector<std::string> planned_lines(const engine::RehearsedMap& rehearsed);

}  // namespace mpath::view
