// SPDX-License-Identifier: LGPL-2.1-or-later
// What the prioritizers' files share. Internal to policy/.
#pragma once

#include "libmpath/policy/prioritizer.h"

namespace mpath::policy {

[[nodiscard]] inline PriorityTurn ask_for_priority(DeviceCommand command) {
  return {.kind = PriorityTurn::Kind::ask, .command = std::move(command), .priority = {}};
}
[[nodiscard]] inline PriorityTurn known_priority(int priority) {
  return {.kind = PriorityTurn::Kind::known, .command = {}, .priority = priority};
}
[[nodiscard]] inline PriorityTurn undefined_priority() { return {}; }
[[nodiscard]] inline PriorityTurn unchanged_priority(std::optional<int> otherwise = {}) {
  return {.kind = PriorityTurn::Kind::unchanged, .command = {}, .priority = otherwise};
}

// prioritizer_arrays.cc
[[nodiscard]] PriorityTurn begin_array_priority(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context);
[[nodiscard]] PriorityTurn continue_array_priority(const Prioritizer& prioritizer, PriorityMemory& memory,
                                                   const PriorityContext& context, const CommandOutcome& outcome);
// prioritizer_ana.cc
[[nodiscard]] PriorityTurn begin_ana(PriorityMemory& memory, const PriorityContext& context);
[[nodiscard]] PriorityTurn continue_ana(PriorityMemory& memory, const PriorityContext& context, const CommandOutcome& outcome);

}  // namespace mpath::policy
