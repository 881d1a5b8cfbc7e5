// SPDX-License-Identifier: LGPL-2.1-or-later
// Prioritizers: where a path's priority comes from. Like a checker each is a small state machine over device commands; `alua` is not
// here, because one REPORT TARGET PORT GROUPS serves all paths of a map (engine). Used by the engine only, on its thread: a Prioritizer
// holds compiled expressions. A PriorityMemory belongs to one path.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "libmpath/base/time.h"
#include "libmpath/config/prio_arguments.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/path.h"

namespace mpath::policy {

enum class PriorityMethod : std::uint8_t {
  missing,       ///< there is no prioritizer of the configured name: the priority stays undefined
  constant,      ///< 1
  alua,          ///< state of the target port group, asked of the array
  sysfs,         ///< the same as the kernel remembers it
  ana,           ///< state of the ANA group of an NVMe namespace
  emc,           ///< EMC CLARiiON: active and default controller
  hds,           ///< Hitachi: the owning controller
  hp_sw,         ///< HP active/passive
  rdac,          ///< owning and preferred controller, I/O shipping
  ontap,         ///< NetApp ONTAP: not through the partner, not over software iSCSI
  datacore,      ///< the preferred DataCore server
  iet,           ///< the preferred address of an iSCSI target
  path_latency,  ///< how long reads take
  random,        ///< 1 to 10
  weightedpath,  ///< by name, address, serial number or port names
};
/// The word of multipath.conf; empty for `missing`.
[[nodiscard]] std::string_view to_string(PriorityMethod method);
[[nodiscard]] PriorityMethod parse_priority_method(std::string_view name);

/// The device or the system is asked for it.
[[nodiscard]] bool asks_device(PriorityMethod method);
/// It says what the array does with all paths of a volume: when it changes for one path the others' have changed too.
[[nodiscard]] bool follows_array(PriorityMethod method);
/// It is the state of the path's target port group.
[[nodiscard]] constexpr bool follows_port_group(PriorityMethod method) {
  return method == PriorityMethod::alua || method == PriorityMethod::sysfs;
}

/// A method with its arguments, parsed once for a configuration and shared by the paths that have both in common.
struct Prioritizer {
  PriorityMethod method = PriorityMethod::constant;
  config::PrioArguments arguments;
};
[[nodiscard]] std::shared_ptr<const Prioritizer> make_prioritizer(PriorityMethod method, std::string_view arguments);

/// What a prioritizer remembers of a path.
struct PriorityMemory {
  std::uint8_t step = 0;
  std::uint8_t attempts = 0;
  std::uint16_t count = 0;        ///< path_latency: reads done
  float sum = 0;                  ///< path_latency: of the logarithms
  std::uint32_t ana_groups = 0;   ///< ana: 0 while the controller has not told
  std::uint32_t ana_group = 0;    ///< ana: 0 while unknown
  bool ana_group_is_fixed = false;
};

struct PriorityContext {
  const PathFacts& facts;
  milliseconds timeout{30000};   ///< for each command
  std::uint32_t chance = 0;      ///< random: a number that was drawn
};

/// Either the next command, or the priority, or why there is none.
struct PriorityTurn {
  enum class Kind : std::uint8_t {
    ask,        ///< `command` is sent next
    known,      ///< `priority`
    undefined,  ///< the device gives none
    unchanged,  ///< no answer, or the group is in transition: what was known holds; `priority` if nothing was
  };
  Kind kind = Kind::undefined;
  std::optional<DeviceCommand> command;
  std::optional<int> priority;
};

[[nodiscard]] PriorityTurn begin_priority(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context);
[[nodiscard]] PriorityTurn continue_priority(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context,
                                             const CommandOutcome& outcome);

}  // namespace mpath::policy
