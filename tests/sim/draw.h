// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration and the SAN of a random scenario.
#pragma once

#include "tests/sim/simulation.h"

namespace mpath::sim {

inline constexpr std::uint64_t lun_sectors = 204800;
inline constexpr std::uint64_t own_key = 0x123abc;

[[nodiscard]] Settings draw_settings(Random& random);
/// Another configuration for a run that is under way: its times stay, because every limit of the oracle is derived from them.
[[nodiscard]] Settings redraw_settings(Random& random, const Settings& present, const World& world);
/// Host ports, arrays and units of `sim`, and who uses its maps.
void draw_world(Simulation& sim, Random& random);
/// What the paths and the configuration are, for the coverage.
void count_methods(Simulation& sim);

}  // namespace mpath::sim
