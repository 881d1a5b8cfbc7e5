// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl history`: the last transitions of paths and maps, for people and as JSON for programs. Pure, any thread.
#pragma once

#include <string>

#include "libmpath/base/utc_offsets.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// Point in time as UTC in ISO 8601 with milliseconds: "2026-11-21T02:31:11.123Z". `utc_offset`: what the machine's clock lacks to UTC.
[[nodiscard]] std::string utc_text(MonoTime at, Duration utc_offset);

/// One line for each transition, oldest first.
[[nodiscard]] std::string history_text(const engine::Snapshot& snapshot, const UtcOffsets& utc);
/// One JSON object; times as UTC text and in seconds of the machine's clock.
[[nodiscard]] std::string history_json(const engine::Snapshot& snapshot, const UtcOffsets& utc);

}  // namespace mpath::view
