// SPDX-License-Identifier: LGPL-2.1-or-later
// The registration of one path for the persistent reservation of its volume: which commands are sent, in which order, and what the answers
// say. A small state machine like the checkers': begin_registration() names the first command, continue_registration() takes its outcome
// and names the next or gives the verdict. Used by the engine only. Pure; a RegistrationMemory belongs to one path.
//
// A path is registered only if the array still has a registration with the key: otherwise nobody has registered this host, or another
// one has preempted it, and then it must not come back by itself.
//
//   READ KEYS          the key is not there                         -> absent
//   REGISTER key, key  taken: the path was registered               -> registered
//   REGISTER former, key  after a change of the key, in the same way
//   REGISTER AND IGNORE EXISTING KEY  the path was not registered, and is now
//   READ KEYS          another path has the key as well             -> registered
//   REGISTER key, 0    none has: preempted meanwhile; taken back    -> absent
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "libmpath/base/static_text.h"
#include "libmpath/base/time.h"
#include "libmpath/model/command_io.h"

namespace mpath::policy {

/// What is wanted of a path.
struct RegistrationGoal {
  std::uint64_t key = 0;
  std::uint64_t former_key = 0;   ///< the one before it was changed, 0: none
  bool aptpl = false;             ///< activate persist through power loss
  bool all_target_ports = false;
  bool asks_holder = false;       ///< who holds the reservation is not known
  bool only_clears = false;       ///< a registration with `key` that was left behind is removed
};

enum class RegistrationStep : std::uint8_t { idle, read_keys, confirm, replace, take, count, withdraw, read_holder, clear };

struct RegistrationMemory {
  RegistrationGoal goal;
  RegistrationStep step = RegistrationStep::idle;
  std::uint8_t attempts = 0;    ///< of the outstanding command
  std::uint16_t keys_bytes = 0; ///< allocation length of READ KEYS
  bool owes_count = false;      ///< it was registered by us and nothing proved yet that this was right
};

/// Either the next command, or the verdict.
struct RegistrationTurn {
  enum class Kind : std::uint8_t {
    ask,         ///< `command` is sent next
    registered,  ///< the path is registered with the key
    absent,      ///< the array has no registration with the key: the volume is not registered by this host
    unsupported, ///< the device knows no persistent reservations
    cleared,     ///< only_clears: nothing is left on the path
    failed,      ///< the device did not do it; `reason`
  };
  Kind kind = Kind::failed;
  std::optional<DeviceCommand> command;
  bool proves_missing = false;    ///< with `ask`: the device has just said that the path is not registered with the key
  bool was_preempted = false;     ///< with `absent`: the registrations were there when this began
  bool leaves_stray = false;      ///< with `absent`: what was registered could not be taken back
  bool removed_stray = false;     ///< with `cleared`: there was something
  std::optional<bool> holds;      ///< with `registered`: whether this host holds the reservation, if that was asked and told
  StaticText reason;
};

/// So many times a command is sent when the device only asks for patience (a unit attention, "becoming ready").
inline constexpr std::uint8_t registration_attempts = 6;

[[nodiscard]] RegistrationTurn begin_registration(RegistrationMemory& memory, const RegistrationGoal& goal, milliseconds timeout);
[[nodiscard]] RegistrationTurn continue_registration(RegistrationMemory& memory, milliseconds timeout, const CommandOutcome& outcome);

}  // namespace mpath::policy
