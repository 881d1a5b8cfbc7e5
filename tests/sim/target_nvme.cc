// SPDX-License-Identifier: LGPL-2.1-or-later
// A subsystem that reports asymmetric namespace access: one ANA group for each namespace.
#include "tests/sim/target.h"

namespace mpath::sim {

namespace {

void put_le(std::vector<std::uint8_t>& bytes, std::size_t at, std::size_t value, std::size_t length) {
  for (std::size_t i = 0; i < length; ++i) bytes.at(at + i) = static_cast<std::uint8_t>(value >> (8 * i));
}

std::uint8_t ana_state(Access access) {
  switch (access) {
    case Access::optimized: return 0x1;
    case Access::non_optimized: return 0x2;
    case Access::standby:
    case Access::unavailable: return 0x3;
    case Access::transitioning: return 0xf;
  }
  return 0x4;
}

}  // namespace

CommandOutcome answer_nvme(const Disk& disk, const NvmeAdminCommand& command, Access access) {
  const Lun& lun = *disk.lun;
  std::vector<std::uint8_t> data;
  if (command.opcode == 0x06 && command.command_dwords[0] == 1) {
    data.assign(4096, 0);
    data[76] = 0x08;
    put_le(data, 348, lun.array->luns.size(), 4);
  } else if (command.opcode == 0x06 && command.command_dwords[0] == 0 && command.namespace_id == lun.number + 1) {
    data.assign(4096, 0);
    put_le(data, 92, lun.number + 1, 4);
  } else if (command.opcode == 0x02 && (command.command_dwords[0] & 0xff) == 0x0c) {
    data.assign(16 + lun.array->luns.size() * 32, 0);
    put_le(data, 8, lun.array->luns.size(), 2);
    for (std::size_t at = 0; at < lun.array->luns.size(); ++at) {
      put_le(data, 16 + at * 32, at + 1, 4);
      // The states of the other namespaces do not matter to this one.
      data[16 + at * 32 + 16] = at == lun.number ? ana_state(access) : 0x1;
    }
  } else {
    CommandOutcome refused;
    refused.nvme_status = 0x02;
    return refused;
  }
  return give(std::move(data), command.data_in_bytes);
}

}  // namespace mpath::sim
