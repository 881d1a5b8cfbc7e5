// SPDX-License-Identifier: LGPL-2.1-or-later
// What the files of the simulated arrays share. Internal to tests/sim.
#pragma once

#include <optional>
#include <span>

#include "tests/sim/world.h"

namespace mpath::sim {

[[nodiscard]] CommandOutcome check_condition(std::uint8_t key, std::uint8_t code, std::uint8_t qualifier);
/// Good status, with as much of the data as the command has room for.
[[nodiscard]] CommandOutcome give(std::vector<std::uint8_t> data, std::size_t allocated);

// --- target_arrays.cc: active/passive arrays with pages of their own --------------------------------------------
/// VPD page of an RDAC or CLARiiON array, if it has that one. `serves`: the disk's controller owns the unit.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> array_page(const Disk& disk, std::uint8_t page, bool serves);
/// The array's own page where no unit is behind the port: the peripheral qualifier says so.
[[nodiscard]] std::optional<CommandOutcome> page_without_unit(const Disk& disk, const ScsiCommand& command);
/// Pages that the list of supported pages has besides 0x00, 0x80 and 0x83.
[[nodiscard]] std::vector<std::uint8_t> array_pages(ArrayKind kind);
/// What a passive controller answers to a command that needs the unit.
[[nodiscard]] std::optional<CommandOutcome> answer_passive(ArrayKind kind, std::uint8_t operation, bool is_data);
/// MODE SENSE and MODE SELECT for the Control mode page.
[[nodiscard]] CommandOutcome mode_sense(const Disk& disk, const ScsiCommand& command);
[[nodiscard]] CommandOutcome mode_select(Disk& disk, const ScsiCommand& command);

// --- target_reservations.cc -------------------------------------------------------------------------------------
[[nodiscard]] CommandOutcome answer_reserve_in(const Disk& disk, const ScsiCommand& command);
/// Data I/O through it is not allowed.
[[nodiscard]] bool conflicts(const Disk& disk);

// --- target_nvme.cc ---------------------------------------------------------------------------------------------
[[nodiscard]] CommandOutcome answer_nvme(const Disk& disk, const NvmeAdminCommand& command, Access access);

}  // namespace mpath::sim
