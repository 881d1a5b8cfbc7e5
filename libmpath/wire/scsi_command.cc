// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/scsi_command.h"

namespace mpath::wire {

namespace {

constexpr std::uint8_t op_test_unit_ready = 0x00;
constexpr std::uint8_t op_inquiry = 0x12;
constexpr std::uint8_t op_mode_select = 0x15;
constexpr std::uint8_t op_mode_sense = 0x1a;
constexpr std::uint8_t op_read_10 = 0x28;
constexpr std::uint8_t op_maintenance_in = 0xa3;
constexpr std::uint8_t op_ontap = 0xc0;
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

constexpr std::uint8_t control_page = 0x0a;
constexpr std::uint8_t task_aborted_status_bit = 0x40;
constexpr std::uint32_t largest_block_bytes = 4096;

/// The Control mode page within the answer of MODE SENSE(6).
std::optional<Bytes> control_page_of(Bytes mode_data) {
  ByteReader reader(mode_data);
  auto descriptors = reader.u8(3);
  if (!descriptors) return std::nullopt;
  std::size_t at = std::size_t{4} + *descriptors;
  auto code = reader.u8(at);
  auto length = reader.u8(at + 1);
  if (!code || !length || (*code & 0x3f) != control_page || *length < 4) return std::nullopt;
  return reader.exact(at, std::size_t{2} + *length);
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

ScsiCommand read_first_block(milliseconds timeout) {
  ScsiCommand command;
  command.cdb[0] = op_read_10;
  command.cdb[8] = 1;
  command.cdb_bytes = 10;
  command.data_in_bytes = largest_block_bytes;
  command.timeout = timeout;
  return command;
}

ScsiCommand mode_sense_control(ModeValues values, milliseconds timeout) {
  ScsiCommand command;
  constexpr std::uint8_t no_block_descriptors = 0x08;
  command.cdb = {op_mode_sense, no_block_descriptors,
                 static_cast<std::uint8_t>(static_cast<std::uint8_t>(values) << 6 | control_page), 0, control_mode_page_bytes};
  command.cdb_bytes = 6;
  command.data_in_bytes = control_mode_page_bytes;
  command.timeout = timeout;
  return command;
}

std::optional<bool> task_aborted_status(Bytes mode_data) {
  auto page = control_page_of(mode_data);
  if (!page) return std::nullopt;
  return ((*page)[5] & task_aborted_status_bit) != 0;
}

std::optional<ScsiCommand> mode_select_task_aborted_status(Bytes mode_data, milliseconds timeout) {
  auto page = control_page_of(mode_data);
  if (!page || page->size() > control_mode_page_bytes) return std::nullopt;
  ScsiCommand command;
  command.data_out.assign(4, 0);
  command.data_out.insert(command.data_out.end(), page->begin(), page->end());
  command.data_out[4] = control_page;  // without the bit that says it can be saved
  command.data_out[4 + 5] |= task_aborted_status_bit;
  constexpr std::uint8_t standard_format_and_save = 0x11;
  command.cdb = {op_mode_select, standard_format_and_save, 0, 0, static_cast<std::uint8_t>(command.data_out.size())};
  command.cdb_bytes = 6;
  command.timeout = timeout;
  return command;
}

ScsiCommand ontap_vendor_attributes(std::uint8_t page, std::uint8_t bytes, milliseconds timeout) {
  ScsiCommand command;
  command.cdb = {op_ontap, 0x00, 0x01, 0x0a, 0x98, 0x0a, page, bytes};
  command.cdb_bytes = 10;
  command.data_in_bytes = bytes;
  command.timeout = timeout;
  return command;
}

}  // namespace mpath::wire
