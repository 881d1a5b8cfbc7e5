// SPDX-License-Identifier: LGPL-2.1-or-later
// Builders of the SCSI commands that a path manager sends to its paths. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "libmpath/model/command_io.h"

namespace mpath::wire {

/// Vital product data pages that are asked for by name.
inline constexpr std::uint8_t vpd_supported_pages = 0x00;
inline constexpr std::uint8_t vpd_unit_serial_number = 0x80;
inline constexpr std::uint8_t vpd_device_identification = 0x83;

/// Enough for every standard INQUIRY field that is used, and no more than any device can send.
inline constexpr std::uint16_t standard_inquiry_bytes = 96;

/// INQUIRY (SPC-4, INQUIRY command) for the standard data; `bytes` is the allocation length.
[[nodiscard]] ScsiCommand standard_inquiry(std::uint16_t bytes, milliseconds timeout);

/// INQUIRY with EVPD for vital product data page `page`; `bytes` is the allocation length.
[[nodiscard]] ScsiCommand inquiry_page(std::uint8_t page, std::uint16_t bytes, milliseconds timeout);

/// TEST UNIT READY (SPC-4, TEST UNIT READY command); no data.
[[nodiscard]] ScsiCommand test_unit_ready(milliseconds timeout);

/// REPORT TARGET PORT GROUPS (SPC-4 6.37); `bytes` is the allocation length. `extended_header` asks for the
/// format that also tells the implicit transition time; old devices refuse it.
[[nodiscard]] ScsiCommand report_target_port_groups(std::uint32_t bytes, milliseconds timeout,
                                                    bool extended_header = false);

/// Allocation length for REPORT TARGET PORT GROUPS that takes the answer of all but the largest arrays.
inline constexpr std::uint32_t target_port_groups_bytes = 1024;

/// READ(10) of the first logical block (SBC-3 5.8), whatever its length up to 4096 bytes.
[[nodiscard]] ScsiCommand read_first_block(milliseconds timeout);

/// The Control mode page (SPC-4 7.5.8), with a flag that another host's commands on our tasks are reported as "task aborted" (TAS).
inline constexpr std::uint8_t control_mode_page_bytes = 36;
enum class ModeValues : std::uint8_t { current = 0, changeable = 1 };
/// MODE SENSE(6) without block descriptors for the Control mode page.
[[nodiscard]] ScsiCommand mode_sense_control(ModeValues values, milliseconds timeout);
/// TAS in the answer of MODE SENSE(6): as it is, or whether it can be changed; nothing if the answer is not that page.
[[nodiscard]] std::optional<bool> task_aborted_status(Bytes mode_data);
/// MODE SELECT(6) with save that sends the page back as it was read, with TAS set. Nothing if the answer is not that page.
[[nodiscard]] std::optional<ScsiCommand> mode_select_task_aborted_status(Bytes mode_data, milliseconds timeout);

/// NetApp ONTAP's vendor specific command 0xc0: the attributes of page `page`.
[[nodiscard]] ScsiCommand ontap_vendor_attributes(std::uint8_t page, std::uint8_t bytes, milliseconds timeout);

}  // namespace mpath::wire
