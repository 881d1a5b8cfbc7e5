// SPDX-License-Identifier: LGPL-2.1-or-later
// Which checker and which prioritizer a path has, from the configuration, its facts, and what it answers to a few questions. Pure functions; the engine
// carries the questions to the device. Any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "libmpath/config/effective.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/path.h"
#include "libmpath/policy/checker.h"
#include "libmpath/policy/prioritizer.h"

namespace mpath::policy {

/// A question to the device about what it supports.
enum class Probe : std::uint8_t {
  inquiry,          ///< standard INQUIRY: does it support target port groups?
  supported_pages,  ///< VPD page 0x00: has it an RDAC access control page?
  rdac_page,        ///< page 0xc9: is it one?
  ana,              ///< Identify Controller: does it report asymmetric namespace access?
};

/// What a device said of what it supports. A device that does not say is asked so often in all.
inline constexpr std::uint8_t probe_attempts = 3;
struct ProbeAnswers {
  TpgSupport tpg_support = TpgSupport::undetermined;  ///< by command; PathFacts has what sysfs knows
  std::optional<bool> lists_rdac_page;
  std::optional<bool> is_rdac;
  std::optional<bool> reports_ana;
  bool refuses_port_groups = false;  ///< it says that it supports them, and does not report them
  std::uint8_t unanswered = 0;
};

/// TPG support as far as it is known from sysfs or by command.
[[nodiscard]] TpgSupport tpg_support(const PathFacts& facts, const ProbeAnswers& answers);
[[nodiscard]] constexpr bool supports_port_groups(TpgSupport support) {
  return support != TpgSupport::none && support != TpgSupport::undetermined;
}

/// What must be asked before both can be chosen; nothing if all is known, or as much as can be had.
[[nodiscard]] std::optional<Probe> next_probe(const PathFacts& facts, const config::PathSettings& settings, const ProbeAnswers& answers);
[[nodiscard]] DeviceCommand probe_command(Probe probe, milliseconds timeout);
void take_probe(Probe probe, const CommandOutcome& outcome, ProbeAnswers& answers);

/// By detect_checker: rdac for an RDAC array, tur (or alua if that is configured) where target port groups are supported, else what is
/// configured. alua falls back to tur where there are no port groups.
[[nodiscard]] Checker choose_checker(const PathFacts& facts, const config::PathSettings& settings, const ProbeAnswers& answers);

struct PriorityChoice {
  PriorityMethod method = PriorityMethod::constant;
  bool is_detected = false;  ///< then without arguments
};
/// By detect_prio: ana for an NVMe controller that reports it, alua where target port groups are supported or may be, else what is
/// configured. alua falls back to const where there are no port groups.
[[nodiscard]] PriorityChoice choose_priority(const PathFacts& facts, const config::PathSettings& settings, const ProbeAnswers& answers);

}  // namespace mpath::policy
