// SPDX-License-Identifier: LGPL-2.1-or-later
// A random SAN, a random configuration and a random sequence of faults, all from one seed; then rest, and the oracle's final comparison.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/sim/simulation.h"

namespace mpath::sim {

struct Report {
  std::uint64_t seed = 0;
  std::vector<Violation> violations;
  std::vector<std::string> trace;  ///< its end
  std::string configuration;
  std::uint64_t trace_hash = 0;
  std::uint64_t requests = 0;
  std::uint64_t failures = 0;
  std::uint64_t table_loads = 0;
  std::uint64_t actions = 0;
  Coverage coverage;
};

/// Runs the seed's scenario; stops at the first violation.
[[nodiscard]] Report run_scenario(std::uint64_t seed, Mutation mutation = Mutation::none, std::size_t keep_lines = 100);

}  // namespace mpath::sim
