// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/scsi_command.h"

namespace mpath::wire {

namespace {

constexpr std::uint8_t op_test_unit_ready = 0x00;
constexpr std::uint8_t op_inquiry = 0x12;
constexpr std::uint8_t op_maintenance_in = 0xa3;
constexpr std::uint8_t action_report_target_port_groups = 0x0a;
constexpr std::uint8_t extended_header_format = 0x20;

ScsiCommand inquiry(std::uint8_t flags, std::uint8_t page, std::uint16_t bytes, milliseconds timeout) {
  ScsiCommand command;
  command.cdb = {op_inquiry, flags, page, static_cast<std::uint8_t>(bytes >> 8),
                 static_cast<std::uint8_t>(bytes & 0xff)};
  command.cdb_bytes = 6;
  command.data_in_bytes = bytes;
  command.timeout = timeout;
  return command;
}

}  // namespace

ScsiCommand standard_inquiry(std::uint16_t bytes, milliseconds timeout) {
  return inquiry(0, 0, bytes, timeout);
}

ScsiCommand inquiry_page(std::uint8_t page, std::uint16_t bytes, milliseconds timeout) {
  return inquiry(1, page, bytes, timeout);
}

ScsiCommand test_unit_ready(milliseconds timeout) {
  ScsiCommand command;
  command.cdb[0] = op_test_unit_ready;
  command.cdb_bytes = 6;
  command.timeout = timeout;
  return command;
}

ScsiCommand report_target_port_groups(std::uint32_t bytes, milliseconds timeout, bool extended_header) {
  ScsiCommand command;
  command.cdb[0] = op_maintenance_in;
  command.cdb[1] = static_cast<std::uint8_t>(action_report_target_port_groups |
                                             (extended_header ? extended_header_format : 0));
  for (unsigned i = 0; i < 4; ++i) command.cdb[6 + i] = static_cast<std::uint8_t>(bytes >> (24 - 8 * i) & 0xff);
  command.cdb_bytes = 12;
  command.data_in_bytes = bytes;
  command.timeout = timeout;
  return command;
}

}  // namespace mpath::wire
