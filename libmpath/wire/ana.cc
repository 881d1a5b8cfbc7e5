// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/ana.h"

#include <algorithm>

#include "libmpath/base/limits.h"

namespace mpath::wire {

namespace {

constexpr std::uint8_t op_get_log_page = 0x02;
constexpr std::uint8_t op_identify = 0x06;
constexpr std::uint32_t identify_bytes = 4096;
constexpr std::uint32_t controller_structure = 1;
constexpr std::uint32_t ana_log = 0x0c;
constexpr std::uint32_t groups_only = 1U << 8;
constexpr std::uint32_t every_namespace = 0xffffffff;
constexpr std::uint32_t log_header_bytes = 16;
constexpr std::uint32_t group_descriptor_bytes = 32;

AnaState decode_state(std::uint8_t nibble) {
  switch (nibble) {
    case 0x1: return AnaState::optimized;
    case 0x2: return AnaState::non_optimized;
    case 0x3: return AnaState::inaccessible;
    case 0x4: return AnaState::persistent_loss;
    case 0xf: return AnaState::change;
    default: return AnaState::reserved;
  }
}

}  // namespace

NvmeAdminCommand identify_controller(milliseconds timeout) {
  return {.opcode = op_identify, .command_dwords = {controller_structure}, .data_in_bytes = identify_bytes, .timeout = timeout};
}

NvmeAdminCommand identify_namespace(std::uint32_t namespace_id, milliseconds timeout) {
  return {.opcode = op_identify, .namespace_id = namespace_id, .data_in_bytes = identify_bytes, .timeout = timeout};
}

NvmeAdminCommand ana_log_page(std::uint32_t groups, milliseconds timeout) {
  std::uint64_t wanted = log_header_bytes + std::uint64_t{group_descriptor_bytes} * std::max(groups, 1U);
  auto bytes = static_cast<std::uint32_t>(std::min<std::uint64_t>(wanted, limits::ana_log_bytes));
  std::uint32_t last_dword = bytes / 4 - 1;
  return {.opcode = op_get_log_page,
          .namespace_id = every_namespace,
          .command_dwords = {ana_log | groups_only | (last_dword & 0xffff) << 16, last_dword >> 16},
          .data_in_bytes = bytes,
          .timeout = timeout};
}

bool nvme_succeeded(const CommandOutcome& outcome) {
  return outcome.failure == CommandFailure::none && outcome.nvme_status == 0;
}

std::optional<AnaSupport> parse_ana_support(Bytes identify_controller) {
  ByteReader reader(identify_controller);
  auto groups = reader.le32(348);
  if (!groups) return std::nullopt;
  return AnaSupport{.is_reported = (identify_controller[76] & 0x08) != 0,
                    .group_ids_are_fixed = (identify_controller[343] & 0x40) != 0,
                    .groups = *groups};
}

std::optional<std::uint32_t> parse_ana_group(Bytes identify_namespace) {
  auto group = ByteReader(identify_namespace).le32(92);
  if (!group || *group == 0) return std::nullopt;
  return group;
}

Result<AnaState> find_ana_state(Bytes log_page, std::uint32_t group) {
  ByteReader reader(log_page);
  auto count = reader.le16(8);
  if (!count || log_page.size() < log_header_bytes) return fail(ErrorCode::corrupt, "ANA log page", "it is shorter than its header");
  std::uint64_t at = log_header_bytes;
  for (unsigned i = 0; i < *count; ++i) {
    auto id = reader.le32(at);
    auto namespaces = reader.le32(at + 4);
    auto state = reader.u8(at + 16);
    if (!id || !namespaces || !state) break;
    if (*id == group) return decode_state(*state & 0x0f);
    // A controller that gives the lists all the same.
    at += group_descriptor_bytes + std::uint64_t{*namespaces} * 4;
  }
  return fail(ErrorCode::not_found, "ANA log page", "it does not name the group of the namespace");
}

}  // namespace mpath::wire
