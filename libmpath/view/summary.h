// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl status`: how the daemon and its maps are, for people and as JSON for programs. Pure, any thread.
#pragma once

#include <string>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// Worst first counts: a map without a path is worse than a degraded one. The values are exit statuses of mpathctl.
enum class Health {
  healthy = 0,
  degraded = 1,      ///< a path of some map is out of order, an action for one fails, or a lane or host does not move
  without_path = 2,  ///< some map has no usable path
};
[[nodiscard]] std::string_view to_string(Health health);
[[nodiscard]] Health health_of(const engine::Snapshot& snapshot);

[[nodiscard]] std::string summary_text(const engine::Snapshot& snapshot);
/// One JSON object; times in seconds, durations of turns in microseconds.
[[nodiscard]] std::string summary_json(const engine::Snapshot& snapshot);

}  // namespace mpath::view
