// SPDX-License-Identifier: LGPL-2.1-or-later
// The block of lines for a map that `multipath -l`, `multipath -ll` and `show topology` print. Pure, any thread.
#pragma once

#include <array>
#include <span>
#include <string>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// Widths of the six columns of a path line: address, name, number, kernel state, checker state, device state.
using PathColumns = std::array<std::size_t, 6>;

/// Widths for the paths of one map, as the tool aligns them.
[[nodiscard]] PathColumns measure_paths(const engine::MapView& map);
/// Widths for all of these paths, as the daemon aligns them: over everything it knows.
[[nodiscard]] PathColumns measure_paths(std::span<const std::shared_ptr<const engine::PathView>> paths);

struct TopologyOptions {
  int verbosity = 2;     ///< 0 nothing, 1 the name alone, from 2 the whole block
  bool bold = false;     ///< the output is a terminal
  bool dry_run = false;  ///< the first line begins with ": ", the sign of a run that changes nothing
};

/// The lines of one map, each ending in a newline.
[[nodiscard]] std::string topology(const engine::MapView& map, const PathColumns& columns,
                                   const TopologyOptions& options = {});

}  // namespace mpath::view
