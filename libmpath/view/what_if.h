// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl what-if`: which maps would lose good paths if some paths failed or went away. Nothing is asked of any device. Pure, any thread.
#pragma once

#include <string>
#include <vector>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

enum class Loss : std::uint8_t { failed, removed };

struct AffectedMap {
  const engine::MapView* map = nullptr;
  std::vector<const engine::PathView*> losing;  ///< selected paths of the map
  std::size_t paths = 0;  ///< in its table
  std::size_t good = 0;   ///< that may carry I/O now
  std::size_t left = 0;   ///< … and would still
};

/// Worst first. The values are exit statuses.
enum class Redundancy { kept = 0, single_path = 1, no_path = 2 };

struct WhatIf {
  Loss loss = Loss::failed;
  std::vector<AffectedMap> maps;      ///< in the snapshot's order; the snapshot must outlive this
  std::size_t paths = 0;              ///< selected ones
  std::vector<std::string> unknown;   ///< words that select nothing
  Redundancy worst = Redundancy::kept;  ///< kept: every map would have two good paths or more, or loses none
};

[[nodiscard]] WhatIf what_if(const engine::Snapshot& snapshot, Loss loss, const std::vector<std::string>& words);

[[nodiscard]] std::string what_if_text(const engine::Snapshot& snapshot, const WhatIf& answer);
/// One JSON object.
[[nodiscard]] std::string what_if_json(const engine::Snapshot& snapshot, const WhatIf& answer);

/// What happens to the I/O of a map that has no usable path: "I/O is queued for 60 s, then fails (no_path_retry 12)".
[[nodiscard]] std::string without_path_text(const engine::Snapshot& snapshot, const engine::MapView& map);

}  // namespace mpath::view
