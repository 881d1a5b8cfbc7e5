// SPDX-License-Identifier: LGPL-2.1-or-later
// The words that topology, tables and JSON share, so that one fact has one name everywhere. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// Size in K, M, G, T or P of 1024, one decimal below ten: "1.0G", "16M".
[[nodiscard]] std::string size_text(std::uint64_t sectors);

[[nodiscard]] std::string_view word(KernelPathState state);
[[nodiscard]] std::string_view word(KernelGroupState state);
[[nodiscard]] std::string_view word(engine::PendingAction action);  ///< empty for none
[[nodiscard]] std::string_view word(engine::InitState state);

/// Ten characters, as many X as tenths of the time are left, then " LEFT/TOTAL" in seconds. No bar when `total` is 0.
[[nodiscard]] std::string countdown_text(seconds left, seconds total);

/// Whole seconds from `now` to `deadline`, a begun one counted; 0 if it is past or never comes.
[[nodiscard]] seconds seconds_until(MonoTime now, MonoTime deadline);

/// The facts of a path, or those of an unknown device where it has none.
[[nodiscard]] const PathFacts& facts_of(const engine::PathView& path);

}  // namespace mpath::view
