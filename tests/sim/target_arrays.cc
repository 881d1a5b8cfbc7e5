// SPDX-License-Identifier: LGPL-2.1-or-later
// Active/passive arrays: one controller serves a unit, the other one answers for it until it is told to take over.
#include "tests/sim/target.h"

namespace mpath::sim {

std::string_view product_name(ArrayKind kind) {
  switch (kind) {
    case ArrayKind::plain: return "ARRAY";
    case ArrayKind::rdac: return "RDAC";
    case ArrayKind::clariion: return "CLARIION";
    case ArrayKind::hp: return "HP";
    case ArrayKind::nvme: return "NVME";
  }
  return "ARRAY";
}

namespace {

std::vector<std::uint8_t> rdac_page(const Disk& disk, bool serves) {
  std::vector<std::uint8_t> page(44, 0);
  page[1] = 0xc9;
  page[3] = 40;
  std::string_view name = "vac1";
  std::copy(name.begin(), name.end(), page.begin() + 4);
  page[8] = serves ? 0x01 : 0x00;
  page[9] = disk.lun->default_owner == disk.port->controller ? 0x01 : 0x02;
  return page;
}

std::vector<std::uint8_t> emc_page(const Disk& disk, bool serves) {
  std::vector<std::uint8_t> page(128, 0);
  page[1] = 0xc0;
  page[3] = 124;
  page[4] = serves ? 2 : 1;
  page[5] = static_cast<std::uint8_t>(disk.lun->default_owner);
  page[8] = static_cast<std::uint8_t>(disk.port->controller);
  for (std::size_t at = 0; at < 16; ++at) page[10 + at] = static_cast<std::uint8_t>(disk.lun->wwid.text[disk.lun->wwid.text.size() - 16 + at]);
  page[27] = 0x03;
  page[28] = 0x04;
  page[30] = 0x04;
  page[48] = disk.lun->array->is_upgrading ? 1 : 0;
  return page;
}

constexpr std::uint8_t task_aborted_status = 0x40;

}  // namespace

std::optional<std::vector<std::uint8_t>> array_page(const Disk& disk, std::uint8_t page, bool serves) {
  if (disk.lun->array->kind == ArrayKind::rdac && page == 0xc9) return rdac_page(disk, serves);
  if (disk.lun->array->kind == ArrayKind::clariion && page == 0xc0) return emc_page(disk, serves);
  return std::nullopt;
}

std::optional<CommandOutcome> page_without_unit(const Disk& disk, const ScsiCommand& command) {
  std::vector<std::uint8_t> pages = array_pages(disk.port->array->kind);
  bool is_own_page = command.cdb[0] == 0x12 && (command.cdb[1] & 1) != 0 && pages.size() == 1 && pages.front() == command.cdb[2];
  if (!is_own_page) return std::nullopt;
  std::vector<std::uint8_t> page(128, 0);
  page[0] = 0x7f;
  page[1] = command.cdb[2];
  page[3] = static_cast<std::uint8_t>(page.size() - 4);
  return give(std::move(page), command.data_in_bytes);
}

std::vector<std::uint8_t> array_pages(ArrayKind kind) {
  if (kind == ArrayKind::rdac) return {0xc9};
  if (kind == ArrayKind::clariion) return {0xc0};
  return {};
}

std::optional<CommandOutcome> answer_passive(ArrayKind kind, std::uint8_t operation, bool is_data) {
  bool reads = is_data || operation == 0x28 || operation == 0x88;
  switch (kind) {
    case ArrayKind::rdac: return reads ? std::optional(check_condition(0x05, 0x94, 0x01)) : std::nullopt;
    case ArrayKind::clariion: return reads ? std::optional(check_condition(0x05, 0x04, 0x03)) : std::nullopt;
    case ArrayKind::hp: return check_condition(0x02, 0x04, 0x02);
    case ArrayKind::plain:
    case ArrayKind::nvme: return std::nullopt;
  }
  return std::nullopt;
}

CommandOutcome mode_sense(const Disk& disk, const ScsiCommand& command) {
  if ((command.cdb[2] & 0x3f) != 0x0a) return check_condition(0x05, 0x24, 0x00);
  bool asks_changeable = command.cdb[2] >> 6 == 1;
  std::uint8_t flags = asks_changeable || disk.task_aborted_status ? task_aborted_status : 0;
  return give({15, 0, 0, 0, 0x8a, 10, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0}, command.cdb[4]);
}

CommandOutcome mode_select(Disk& disk, const ScsiCommand& command) {
  const std::vector<std::uint8_t>& data = command.data_out;
  bool is_right = command.cdb[1] == 0x11 && command.cdb[4] == data.size() && data.size() == 16 && data[0] == 0 && data[4] == 0x0a;
  if (!is_right) return check_condition(0x05, 0x26, 0x00);
  disk.task_aborted_status = (data[9] & task_aborted_status) != 0;
  return {};
}

}  // namespace mpath::sim
