// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/vpd.h"

#include <algorithm>
#include <string_view>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/wire/scsi_command.h"

namespace mpath::wire {

namespace {

std::string_view as_text(Bytes bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

/// The body of a VPD page after its header, as long as both the header and the buffer say.
Result<Bytes> page_body(Bytes page, std::uint8_t code, std::string_view name) {
  ByteReader reader(page);
  auto actual = reader.u8(1);
  auto length = reader.be16(2);
  if (!length) return fail(ErrorCode::corrupt, std::string(name), "shorter than its header");
  if (*actual != code) return fail(ErrorCode::corrupt, std::string(name), "the device sent another page");
  return reader.clipped(4, *length);
}

// --- choice of the WWID -------------------------------------------------------------------------------------

std::uint8_t naa_format(Bytes value) { return value.empty() ? 0 : static_cast<std::uint8_t>(value[0] >> 4); }

int naa_rank(Bytes value) {
  switch (naa_format(value)) {
    case 6: return value.size() == 16 ? 8 : 0;
    case 5: return value.size() == 8 ? 7 : 0;
    case 2: return value.size() == 8 ? 6 : 0;
    case 3: return value.size() == 8 ? 1 : 0;
    default: return 0;
  }
}

bool has_known_name_prefix(std::string_view name) {
  return name.starts_with("eui.") || name.starts_with("naa.") || name.starts_with("iqn.");
}

/// How good a designator is as a WWID; 0: unusable.
int wwid_rank(const Designator& designator) {
  if (designator.association != Association::logical_unit) return 0;
  std::size_t size = designator.value.size();
  switch (designator.type) {
    case DesignatorType::naa: return naa_rank(designator.value);
    case DesignatorType::eui64: return size == 8 || size == 12 || size == 16 ? 4 : 0;
    case DesignatorType::scsi_name_string: return has_known_name_prefix(as_text(designator.value)) ? 3 : 0;
    case DesignatorType::t10_vendor: return size >= 8 ? 2 : 0;
    case DesignatorType::vendor_specific:
    case DesignatorType::relative_target_port:
    case DesignatorType::target_port_group:
    case DesignatorType::logical_unit_group:
    case DesignatorType::md5:
    case DesignatorType::protocol_specific:
    case DesignatorType::uuid: return 0;
  }
  return 0;
}

/// Device text up to its first NUL, without trailing blanks.
std::string_view until_nul(std::string_view text) { return trim_right(text.substr(0, text.find('\0'))); }

char safe_byte(char c) { return c > ' ' && c <= '~' && c != '/' ? c : '_'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string render_name_string(std::string_view value) {
  std::string_view name = until_nul(value);
  if (name.size() <= 4) return {};
  bool is_iscsi = name.starts_with("iqn.");
  std::string wwid(1, is_iscsi ? '8' : name.starts_with("naa.") ? '3' : '2');
  for (char c : name.substr(4)) wwid += safe_byte(is_iscsi ? c : lower(c));
  return wwid;
}

std::string render_t10(std::string_view value) {
  std::string wwid = "1";
  bool in_blanks = false;
  for (char c : until_nul(value)) {
    if (c == ' ' && in_blanks) continue;
    in_blanks = c == ' ';
    wwid += safe_byte(c);
  }
  return wwid.size() > 1 ? wwid : std::string{};
}

std::string render(const Designator& designator) {
  std::string_view value = as_text(designator.value);
  if (designator.type == DesignatorType::naa) return "3" + to_hex(value);
  if (designator.type == DesignatorType::eui64) return "2" + to_hex(value);
  if (designator.type == DesignatorType::scsi_name_string) return render_name_string(value);
  return render_t10(value);
}

// --- fields of the port -------------------------------------------------------------------------------------

std::optional<std::uint16_t> port_number(Bytes page, DesignatorType type) {
  auto designators = parse_device_identification(page);
  if (!designators) return std::nullopt;
  for (const Designator& designator : *designators) {
    if (designator.type != type || designator.association != Association::target_port) continue;
    if (auto number = ByteReader(designator.value).be16(2)) return number;
  }
  return std::nullopt;
}

bool names_the_volume(DesignatorType type) {
  return type == DesignatorType::t10_vendor || type == DesignatorType::eui64 || type == DesignatorType::naa ||
         type == DesignatorType::md5 || type == DesignatorType::scsi_name_string ||
         type == DesignatorType::uuid;
}

template <typename Predicate>
std::uint64_t fingerprint_of(const std::vector<Designator>& designators, Predicate counts) {
  std::uint64_t hash = 0;
  for (const Designator& designator : designators) {
    if (designator.association != Association::logical_unit || !counts(designator.type)) continue;
    const char head[] = {static_cast<char>(designator.type), static_cast<char>(designator.code_set),
                         static_cast<char>(designator.value.size())};
    std::string_view head_text(head, sizeof head);
    hash = hash == 0 ? fingerprint(head_text) : fingerprint(head_text, hash);
    hash = fingerprint(as_text(designator.value), hash);
  }
  return hash;
}

TpgSupport tpg_support(std::uint8_t field) {
  switch (field & 3) {
    case 0: return TpgSupport::none;
    case 1: return TpgSupport::implicit_only;
    case 2: return TpgSupport::explicit_only;
    default: return TpgSupport::implicit_and_explicit;
  }
}

}  // namespace

Result<std::vector<Designator>> parse_device_identification(Bytes page) {
  auto body = page_body(page, vpd_device_identification, "VPD page 0x83");
  if (!body) return std::unexpected(std::move(body.error()));
  ByteReader reader(*body);
  std::vector<Designator> designators;
  std::size_t at = 0;
  while (auto length = reader.u8(at + 3)) {
    auto value = reader.exact(at + 4, *length);
    if (!value) break;
    designators.push_back({static_cast<DesignatorType>((*body)[at + 1] & 0x0f),
                           static_cast<Association>((*body)[at + 1] >> 4 & 3),
                           static_cast<std::uint8_t>((*body)[at] & 0x0f), *value});
    at += 4 + *length;
  }
  return designators;
}

Result<Wwid> choose_wwid(Bytes page) {
  auto designators = parse_device_identification(page);
  if (!designators) return std::unexpected(std::move(designators.error()));
  int best_rank = 0;
  std::string best;
  for (const Designator& designator : *designators) {
    int rank = wwid_rank(designator);
    if (rank <= best_rank) continue;
    std::string wwid = render(designator);
    if (wwid.empty()) continue;
    best_rank = rank;
    best = std::move(wwid);
  }
  if (best.empty()) {
    return fail(ErrorCode::not_found, "VPD page 0x83", "has no designator that can serve as a WWID");
  }
  // The limit is odd, so that a cut name still holds whole bytes after its type digit.
  static_assert(limits::wwid_bytes % 2 == 1);
  if (best.size() > limits::wwid_bytes) best.resize(limits::wwid_bytes);
  return Wwid{std::move(best)};
}

bool contradicts(Bytes page, const Wwid& wwid) {
  // The type digit, and 8 or 16 bytes in hexadecimal.
  constexpr std::size_t short_name = 17;
  constexpr std::size_t long_name = 33;
  const std::string& text = wwid.text;
  bool is_naa = (text.size() == short_name || text.size() == long_name) && text.starts_with('3') &&
                text.find_first_not_of("0123456789abcdef") == std::string::npos;
  auto designators = parse_device_identification(page);
  if (!is_naa || !designators) return false;
  bool has_names = false;
  for (const Designator& designator : *designators) {
    if (designator.type != DesignatorType::naa || designator.association != Association::logical_unit) continue;
    has_names = true;
    if (render(designator) == text) return false;
  }
  return has_names;
}

std::optional<std::uint16_t> target_port_group(Bytes page) {
  return port_number(page, DesignatorType::target_port_group);
}

std::optional<std::uint16_t> relative_target_port(Bytes page) {
  return port_number(page, DesignatorType::relative_target_port);
}

std::uint64_t identity_fingerprint(Bytes page) {
  auto designators = parse_device_identification(page);
  if (!designators) return 0;
  if (std::uint64_t hash = fingerprint_of(*designators, names_the_volume)) return hash;
  return fingerprint_of(*designators,
                        [](DesignatorType type) { return type == DesignatorType::vendor_specific; });
}

Result<std::string> parse_unit_serial_number(Bytes page) {
  auto body = page_body(page, vpd_unit_serial_number, "VPD page 0x80");
  if (!body) return std::unexpected(std::move(body.error()));
  return std::string(trim(as_text(*body)));
}

Result<StandardInquiry> parse_standard_inquiry(Bytes data) {
  ByteReader reader(data);
  auto flags = reader.u8(5);
  if (!flags) return fail(ErrorCode::corrupt, "standard INQUIRY data", "shorter than 6 bytes");
  StandardInquiry inquiry;
  inquiry.peripheral_qualifier = static_cast<std::uint8_t>(data[0] >> 5);
  inquiry.device_type = data[0] & 0x1f;
  inquiry.tpg_support = tpg_support(static_cast<std::uint8_t>(*flags >> 4));
  inquiry.vendor = trim_right(as_text(reader.clipped(8, 8)));
  inquiry.product = trim_right(as_text(reader.clipped(16, 16)));
  inquiry.revision = trim_right(as_text(reader.clipped(32, 4)));
  return inquiry;
}

}  // namespace mpath::wire
