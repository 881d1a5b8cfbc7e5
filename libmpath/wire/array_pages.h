// SPDX-License-Identifier: LGPL-2.1-or-later
// What certain arrays say of a path in vendor specific pages. The bytes come from devices and may be hostile. Pure, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/error.h"

namespace mpath::wire {

/// Vital product data pages of arrays.
inline constexpr std::uint8_t vpd_emc_unit_path = 0xc0;
inline constexpr std::uint8_t vpd_ontap_proxy = 0xc1;
inline constexpr std::uint8_t vpd_rdac_access_control = 0xc9;

/// RDAC "Volume Access Control" page (NetApp E-Series and its kin).
struct RdacPage {
  bool is_connected = false;          ///< a volume is behind this port
  bool is_volume_page = false;        ///< it names itself "vac1"
  bool has_port_group_state = false;
  std::uint8_t access_state = 0;      ///< asymmetric access state of this controller's port group, as SPC-4 6.37 numbers them
  std::uint8_t other_access_state = 0;///< of the other controller's
  bool is_owner = false;              ///< this controller owns the volume
  bool ships_io = false;              ///< it passes I/O on to the owner
  std::uint8_t path_priority = 0;     ///< 1: the preferred path, 2: the other one
};
inline constexpr std::uint16_t rdac_page_bytes = 44;
/// Error: corrupt, if the page ends before the ownership flags.
[[nodiscard]] Result<RdacPage> parse_rdac_page(Bytes page);

/// EMC CLARiiON/VNX page 0xc0: what is behind this path.
struct EmcPage {
  bool is_unit_path_page = false;     ///< a page 0xc0 of the known revision
  bool is_failover_mode = false;      ///< path type, failover mode and array settings fit this host software
  bool is_upgrading = false;          ///< a non-disruptive software upgrade runs
  std::uint8_t unit_state = 0;        ///< 0 unbound, 1 bound and passive, 2 active
  std::uint8_t default_owner = 0;
  std::uint8_t processor = 0;         ///< the storage processor of this path
  std::array<std::uint8_t, 16> volume{};
};
inline constexpr std::uint16_t emc_page_bytes = 128;
inline constexpr std::uint8_t emc_unit_unbound = 0;
inline constexpr std::uint8_t emc_unit_active = 2;
/// Error: corrupt, if the page is cut off.
[[nodiscard]] Result<EmcPage> parse_emc_page(Bytes page);

/// Whether the list of supported pages (page 0x00) has `page`.
[[nodiscard]] bool lists_page(Bytes supported_pages, std::uint8_t page);

/// Hitachi's standard INQUIRY data: the controller that owns the volume is the one of this path. Nothing where the fields do not tell.
[[nodiscard]] std::optional<bool> hds_is_owner_path(Bytes standard_inquiry);
inline constexpr std::uint16_t hds_inquiry_bytes = 255;

/// DataCore's standard INQUIRY data: name of the server.
[[nodiscard]] std::optional<std::string> datacore_server(Bytes standard_inquiry);
inline constexpr std::uint16_t datacore_inquiry_bytes = 128;

/// NetApp ONTAP: how this port reaches the storage, from the vendor specific command 0xc0 (page 0x41). Nothing if the answer lacks its signature.
enum class OntapTransport : std::uint8_t { other, iscsi_software, iscsi_hardware };
inline constexpr std::uint8_t ontap_transport_page = 0x41;
inline constexpr std::uint8_t ontap_transport_bytes = 128;
[[nodiscard]] std::optional<OntapTransport> parse_ontap_transport(Bytes answer);
/// Page 0xc1: the path leads through the partner controller. Nothing if the page is cut off or another vendor's.
[[nodiscard]] std::optional<bool> ontap_is_proxy(Bytes page);
inline constexpr std::uint16_t ontap_proxy_bytes = 255;

}  // namespace mpath::wire
