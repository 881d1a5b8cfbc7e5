// SPDX-License-Identifier: LGPL-2.1-or-later
// What a SCSI device says of itself in INQUIRY data: names of the logical unit and of the port, serial
// number, target port group support. The bytes come from sysfs or from a command and may be hostile. Pure,
// any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/error.h"
#include "libmpath/model/ids.h"
#include "libmpath/model/path.h"

namespace mpath::wire {

/// Of what a designator is the name (SPC-4 7.8.6, ASSOCIATION). Values outside the list are possible.
enum class Association : std::uint8_t { logical_unit = 0, target_port = 1, target_device = 2, reserved = 3 };

/// How a designator is formed (SPC-4 7.8.6, DESIGNATOR TYPE). Values outside the list are possible.
enum class DesignatorType : std::uint8_t {
  vendor_specific = 0, t10_vendor = 1, eui64 = 2, naa = 3, relative_target_port = 4, target_port_group = 5,
  logical_unit_group = 6, md5 = 7, scsi_name_string = 8, protocol_specific = 9, uuid = 10,
};

/// One designator; `value` points into the page it was read from.
struct Designator {
  DesignatorType type = DesignatorType::vendor_specific;
  Association association = Association::logical_unit;
  std::uint8_t code_set = 0;
  Bytes value;
};

/// The designators of a Device Identification page (0x83) with its header, in the page's order. A designator
/// that is cut off ends the list. Errors: corrupt, if the header is missing or is that of another page.
[[nodiscard]] Result<std::vector<Designator>> parse_device_identification(Bytes page);

/// The WWID that follows from page 0x83: the best designator of the logical unit (NAA 6, 5, 2, EUI-64, SCSI
/// name string, T10 vendor, NAA 3; the first among equals) with its type digit, at most limits::wwid_bytes
/// bytes. In names that are text the bytes that could break a file line or a path name (control and non-ASCII
/// bytes, '/') become '_'. Errors: corrupt as above; not_found, if no designator can serve.
[[nodiscard]] Result<Wwid> choose_wwid(Bytes page);

/// The page has NAA names of the logical unit (SPC-6 7.7.6.6), and `wwid`, which looks like one of them, is none of them: it was made
/// from another page.
[[nodiscard]] bool contradicts(Bytes page, const Wwid& wwid);

/// ALUA target port group of the port through which the page was read, if it says so.
[[nodiscard]] std::optional<std::uint16_t> target_port_group(Bytes page);
/// Relative port identifier of that port, likewise.
[[nodiscard]] std::optional<std::uint16_t> relative_target_port(Bytes page);

/// A fingerprint of the names of the logical unit in page 0x83: the same through every port, another for
/// another volume. 0 if the page is unreadable or names no logical unit. Vendor specific designators count
/// only if there is nothing else.
[[nodiscard]] std::uint64_t identity_fingerprint(Bytes page);

/// The serial number of page 0x80 (SPC-4, Unit Serial Number VPD page), without padding. May hold any byte.
/// Errors: corrupt, if the header is missing or is that of another page.
[[nodiscard]] Result<std::string> parse_unit_serial_number(Bytes page);

/// The fields of the standard INQUIRY data (SPC-4 6.6.2) that are used; text without padding.
struct StandardInquiry {
  std::uint8_t peripheral_qualifier = 0;  ///< 0: a device is connected to the logical unit
  std::uint8_t device_type = 0;           ///< 0: disk
  TpgSupport tpg_support = TpgSupport::undetermined;
  std::string vendor;
  std::string product;
  std::string revision;
};
/// Errors: corrupt, if the data end before the TPGS field. Text that is cut off is taken as far as it goes.
[[nodiscard]] Result<StandardInquiry> parse_standard_inquiry(Bytes data);

}  // namespace mpath::wire
