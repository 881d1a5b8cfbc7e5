// SPDX-License-Identifier: LGPL-2.1-or-later
// Asymmetric access states: the answer of REPORT TARGET PORT GROUPS, sysfs' words, and the priority that
// follows from them. Pure, any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/error.h"

namespace mpath::wire {

/// Asymmetric access state (SPC-4 6.37); `reserved` stands for all values the standard does not assign.
enum class AccessState : std::uint8_t {
  active_optimized, active_non_optimized, standby, unavailable, lba_dependent, offline, transitioning, reserved,
};
[[nodiscard]] std::string_view to_string(AccessState state);
/// The attribute `access_state` of a SCSI device: "active/optimized", "standby"…; by prefix, else `reserved`.
[[nodiscard]] AccessState parse_access_state(std::string_view word);

struct TargetPortGroup {
  std::uint16_t id = 0;
  AccessState state = AccessState::reserved;
  bool preferred = false;
  std::uint8_t status_code = 0;  ///< why the state changed last: 1 by command, 2 by the device itself
  std::vector<std::uint16_t> relative_ports;
};

struct TargetPortGroups {
  std::vector<TargetPortGroup> groups;
  std::uint8_t implicit_transition_seconds = 0;  ///< extended header only; 0: not told
  std::uint32_t bytes_needed = 0;                ///< allocation length that takes the whole answer
  bool is_truncated = false;  ///< the answer is longer than the data: ask again with bytes_needed
};

/// The answer of REPORT TARGET PORT GROUPS (SPC-4 6.37). Groups that are cut off are left out.
/// `extended_header`: it was asked for; whether the device obeyed is seen in the data.
/// Errors: corrupt, if there is not even the header.
[[nodiscard]] Result<TargetPortGroups> parse_target_port_groups(Bytes data, bool extended_header = false);

/// The group of that identifier, or null.
[[nodiscard]] const TargetPortGroup* find_group(const TargetPortGroups& answer, std::uint16_t id);

/// Priority of a path in that state: 50, 10, 5, 1 or 0; 80 more for the preferred bit, except in the
/// optimized state unless `exclusive_pref_bit`.
[[nodiscard]] int alua_priority(AccessState state, bool preferred, bool exclusive_pref_bit);

}  // namespace mpath::wire
