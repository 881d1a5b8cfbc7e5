// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/array_pages.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "libmpath/base/text.h"

namespace mpath::wire {

namespace {

bool has_text(Bytes bytes, std::size_t at, std::string_view text) {
  auto field = ByteReader(bytes).exact(at, text.size());
  return field && std::ranges::equal(*field, text, [](std::uint8_t byte, char c) { return byte == static_cast<std::uint8_t>(c); });
}

std::optional<unsigned> hexadecimal_digit(std::uint8_t byte) {
  if (byte >= '0' && byte <= '9') return byte - unsigned{'0'};
  if (byte >= 'A' && byte <= 'F') return byte - unsigned{'A'} + 10;
  return std::nullopt;
}

}  // namespace

Result<RdacPage> parse_rdac_page(Bytes page) {
  if (page.size() < 10) return fail(ErrorCode::corrupt, "RDAC access control page", "it is cut off");
  RdacPage result;
  result.is_connected = (page[0] & 0x7f) == 0;
  result.is_volume_page = has_text(page, 4, "vac1");
  result.is_owner = (page[8] & 0x01) != 0;
  result.ships_io = (page[8] & 0x20) != 0;
  result.path_priority = page[9] & 0x0f;
  if (page.size() >= 13 && (page[8] & 0x10) != 0) {
    result.has_port_group_state = true;
    result.access_state = page[10] & 0x0f;
    result.other_access_state = page[12] & 0x0f;
  }
  return result;
}

Result<EmcPage> parse_emc_page(Bytes page) {
  if (page.size() < 49) return fail(ErrorCode::corrupt, "EMC unit path page", "it is cut off");
  EmcPage result;
  result.is_unit_path_page = page[1] == 0xc0 && page[9] == 0x00;
  std::uint8_t failover_mode = page[28] & 0x07;
  result.is_failover_mode = page[27] == 0x03 && (failover_mode == 4 || failover_mode == 6) && (page[30] & 0x04) != 0;
  result.is_upgrading = page[48] != 0;
  result.unit_state = page[4];
  result.default_owner = page[5];
  result.processor = page[8];
  std::copy_n(page.begin() + 10, result.volume.size(), result.volume.begin());
  return result;
}

bool lists_page(Bytes supported_pages, std::uint8_t page) {
  ByteReader reader(supported_pages);
  auto length = reader.be16(2);
  if (!length || supported_pages[1] != 0x00) return false;
  Bytes list = reader.clipped(4, *length);
  return std::ranges::find(list, page) != list.end();
}

std::optional<bool> hds_is_owner_path(Bytes standard_inquiry) {
  if (standard_inquiry.size() < 50) return std::nullopt;
  auto unit = hexadecimal_digit(standard_inquiry[47]);
  std::uint8_t controller = standard_inquiry[49];
  if (!unit || controller < '0' || controller > '9') return std::nullopt;
  return (*unit & 1U) == ((controller - unsigned{'0'}) & 1U);
}

std::optional<std::string> datacore_server(Bytes standard_inquiry) {
  Bytes field = ByteReader(standard_inquiry).clipped(112, 16);
  if (field.empty()) return std::nullopt;
  std::string name(field.begin(), field.end());
  return std::string(trim(name));
}

std::optional<OntapTransport> parse_ontap_transport(Bytes answer) {
  constexpr std::uint32_t signature = 0x0a980a01;
  ByteReader reader(answer);
  auto length = reader.be32(0);
  if (!length || reader.be32(4) != signature) return std::nullopt;
  if (*length <= 8 || reader.u8(8) != ontap_transport_page) return OntapTransport::other;
  if (has_text(answer, 12, "ism_sw") || has_text(answer, 12, "iswt")) return OntapTransport::iscsi_software;
  if (has_text(answer, 12, "ism_sn")) return OntapTransport::iscsi_hardware;
  return OntapTransport::other;
}

std::optional<bool> ontap_is_proxy(Bytes page) {
  constexpr std::array<std::uint8_t, 6> signature = {0x0a, 0x98, 0x0a, 0x00, vpd_ontap_proxy, 0x00};
  if (page.size() < 20 || page[1] != vpd_ontap_proxy || !std::ranges::equal(page.subspan(8, 6), signature)) return std::nullopt;
  return (page[19] & 0x02) != 0;
}

}  // namespace mpath::wire
