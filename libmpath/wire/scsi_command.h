// SPDX-License-Identifier: LGPL-2.1-or-later
// Builders of the SCSI commands that a path manager sends to its paths. Pure, any thread.
#pragma once

#include <cstdint>

#include "libmpath/model/command_io.h"

namespace mpath::wire {

/// Vital product data pages that are asked for by name.
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

}  // namespace mpath::wire
