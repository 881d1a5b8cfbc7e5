// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/alua.h"

namespace mpath::wire {

namespace {

AccessState decode_state(std::uint8_t nibble) {
  switch (nibble) {
    case 0x0: return AccessState::active_optimized;
    case 0x1: return AccessState::active_non_optimized;
    case 0x2: return AccessState::standby;
    case 0x3: return AccessState::unavailable;
    case 0x4: return AccessState::lba_dependent;
    case 0xe: return AccessState::offline;
    case 0xf: return AccessState::transitioning;
    default: return AccessState::reserved;
  }
}

constexpr AccessState assigned_states[] = {
    AccessState::active_optimized, AccessState::active_non_optimized, AccessState::standby,
    AccessState::unavailable,      AccessState::lba_dependent,        AccessState::offline,
    AccessState::transitioning,
};

constexpr std::size_t group_descriptor_bytes = 8;
constexpr std::size_t port_descriptor_bytes = 4;

}  // namespace

std::string_view to_string(AccessState state) {
  switch (state) {
    case AccessState::active_optimized: return "active/optimized";
    case AccessState::active_non_optimized: return "active/non-optimized";
    case AccessState::standby: return "standby";
    case AccessState::unavailable: return "unavailable";
    case AccessState::lba_dependent: return "lba-dependent";
    case AccessState::offline: return "offline";
    case AccessState::transitioning: return "transitioning";
    case AccessState::reserved: return "reserved";
  }
  return "reserved";
}

AccessState parse_access_state(std::string_view word) {
  for (AccessState state : assigned_states) {
    if (word.starts_with(to_string(state))) return state;
  }
  return AccessState::reserved;
}

Result<TargetPortGroups> parse_target_port_groups(Bytes data, bool extended_header) {
  ByteReader whole(data);
  auto length = whole.be32(0);
  if (!length) return fail(ErrorCode::corrupt, "REPORT TARGET PORT GROUPS answer", "shorter than its header");
  TargetPortGroups answer;
  answer.bytes_needed = *length > UINT32_MAX - 4 ? UINT32_MAX : *length + 4;
  answer.is_truncated = answer.bytes_needed > data.size();

  ByteReader reader(whole.clipped(0, answer.bytes_needed));
  std::size_t at = 4;
  if (extended_header && reader.size() >= 8 && (data[4] >> 4 & 7) == 1) {
    answer.implicit_transition_seconds = data[5];
    at = 8;
  }
  while (auto fixed = reader.exact(at, group_descriptor_bytes)) {
    std::size_t ports = (*fixed)[7];
    auto list = reader.exact(at + group_descriptor_bytes, ports * port_descriptor_bytes);
    if (!list) break;
    TargetPortGroup group;
    group.id = *ByteReader(*fixed).be16(2);
    group.state = decode_state((*fixed)[0] & 0x0f);
    group.preferred = ((*fixed)[0] & 0x80) != 0;
    group.status_code = (*fixed)[5];
    for (std::size_t i = 0; i < ports; ++i) {
      group.relative_ports.push_back(*ByteReader(*list).be16(i * port_descriptor_bytes + 2));
    }
    answer.groups.push_back(std::move(group));
    at += group_descriptor_bytes + ports * port_descriptor_bytes;
  }
  return answer;
}

const TargetPortGroup* find_group(const TargetPortGroups& answer, std::uint16_t id) {
  for (const TargetPortGroup& group : answer.groups) {
    if (group.id == id) return &group;
  }
  return nullptr;
}

int alua_priority(AccessState state, bool preferred, bool exclusive_pref_bit) {
  int bonus = preferred && (exclusive_pref_bit || state != AccessState::active_optimized) ? 80 : 0;
  switch (state) {
    case AccessState::active_optimized: return 50 + bonus;
    case AccessState::active_non_optimized: return 10 + bonus;
    case AccessState::lba_dependent: return 5 + bonus;
    case AccessState::standby: return 1 + bonus;
    case AccessState::unavailable:
    case AccessState::offline:
    case AccessState::transitioning:
    case AccessState::reserved: return bonus;
  }
  return bonus;
}

}  // namespace mpath::wire
