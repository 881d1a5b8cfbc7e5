// SPDX-License-Identifier: LGPL-2.1-or-later
// What the checkers' files share. Internal to policy/.
#pragma once

#include "libmpath/policy/checker.h"
#include "libmpath/wire/sense.h"

namespace mpath::policy {

/// Commands that the transport lost are sent so many times in all.
inline constexpr std::uint8_t transport_attempts = 5;

[[nodiscard]] inline CheckTurn ask(DeviceCommand command) { return {.command = std::move(command)}; }
[[nodiscard]] inline CheckTurn decide(PathState state, StaticText reason) { return {.state = state, .reason = reason}; }

/// Sends the first command of step `step`.
[[nodiscard]] inline CheckTurn enter(CheckerMemory& memory, std::uint8_t step, DeviceCommand command) {
  memory.step = step;
  memory.attempts = 1;
  return ask(std::move(command));
}

/// True if the command may be sent once more; counts it.
[[nodiscard]] inline bool try_again(CheckerMemory& memory, const CheckContext& context, std::uint8_t attempts) {
  if (memory.attempts >= attempts || context.is_out_of_time) return false;
  ++memory.attempts;
  return true;
}

// checker_arrays.cc
[[nodiscard]] CheckTurn begin_rdac(CheckerMemory& memory, const CheckContext& context);
[[nodiscard]] CheckTurn continue_rdac(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome);
[[nodiscard]] CheckTurn begin_hp_sw(CheckerMemory& memory, const CheckContext& context);
[[nodiscard]] CheckTurn continue_hp_sw(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome);
[[nodiscard]] CheckTurn begin_emc(CheckerMemory& memory, const CheckContext& context);
[[nodiscard]] CheckTurn continue_emc(CheckerMemory& memory, VolumeMemory& volume, const CheckContext& context,
                                     const CommandOutcome& outcome);
// checker_alua.cc
[[nodiscard]] CheckTurn begin_alua(CheckerMemory& memory, const CheckContext& context);
[[nodiscard]] CheckTurn continue_alua(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome);

}  // namespace mpath::policy
