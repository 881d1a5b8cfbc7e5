// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/reservation.h"

#include <algorithm>

namespace mpath::wire {

namespace {

constexpr std::uint8_t action_read_keys = 0x00;
constexpr std::uint8_t action_read_reservation = 0x01;
constexpr std::uint8_t action_register = 0x00;
constexpr std::uint8_t action_register_and_ignore_existing_key = 0x06;
constexpr std::size_t header_bytes = 8;
constexpr std::size_t key_bytes = 8;
constexpr std::uint16_t reservation_bytes = 24;  ///< header and the one descriptor there can be
constexpr std::size_t parameter_bytes = 24;
constexpr std::uint8_t all_target_ports_bit = 0x04;
constexpr std::uint8_t aptpl_bit = 0x01;

ScsiCommand reserve_in(std::uint8_t action, std::uint16_t bytes, milliseconds timeout) {
  ScsiCommand command;
  command.cdb[0] = op_persistent_reserve_in;
  command.cdb[1] = action;
  command.cdb[7] = static_cast<std::uint8_t>(bytes >> 8);
  command.cdb[8] = static_cast<std::uint8_t>(bytes & 0xff);
  command.cdb_bytes = 10;
  command.data_in_bytes = bytes;
  command.timeout = timeout;
  return command;
}

void put_key(std::vector<std::uint8_t>& data, std::uint64_t key) {
  for (int shift = 56; shift >= 0; shift -= 8) data.push_back(static_cast<std::uint8_t>(key >> shift));
}

ScsiCommand reserve_out(std::uint8_t action, const Registration& registration, milliseconds timeout) {
  ScsiCommand command;
  put_key(command.data_out, registration.key);
  put_key(command.data_out, registration.new_key);
  command.data_out.resize(parameter_bytes, 0);
  command.data_out[20] = static_cast<std::uint8_t>((registration.all_target_ports ? all_target_ports_bit : 0) |
                                                   (registration.aptpl ? aptpl_bit : 0));
  command.cdb[0] = op_persistent_reserve_out;
  command.cdb[1] = action;
  command.cdb[8] = parameter_bytes;
  command.cdb_bytes = 10;
  command.timeout = timeout;
  return command;
}

}  // namespace

ScsiCommand read_reservation_keys(std::uint16_t bytes, milliseconds timeout) { return reserve_in(action_read_keys, bytes, timeout); }

ScsiCommand read_reservation(milliseconds timeout) { return reserve_in(action_read_reservation, reservation_bytes, timeout); }

ScsiCommand register_key(const Registration& registration, milliseconds timeout) {
  return reserve_out(action_register, registration, timeout);
}

ScsiCommand register_ignoring_existing_key(const Registration& registration, milliseconds timeout) {
  Registration without_key = registration;
  without_key.key = 0;
  return reserve_out(action_register_and_ignore_existing_key, without_key, timeout);
}

Result<ReservationKeys> parse_reservation_keys(Bytes data) {
  ByteReader whole(data);
  auto generation = whole.be32(0);
  auto length = whole.be32(4);
  if (!generation || !length) return fail(ErrorCode::corrupt, "READ KEYS answer", "shorter than its header");
  ReservationKeys answer{.generation = *generation, .keys = {}};
  answer.bytes_needed = *length > UINT32_MAX - header_bytes ? UINT32_MAX : *length + static_cast<std::uint32_t>(header_bytes);
  answer.is_truncated = answer.bytes_needed > data.size();
  ByteReader keys(whole.clipped(header_bytes, *length));
  answer.keys.reserve(keys.size() / key_bytes);
  for (std::size_t at = 0; auto key = keys.be64(at); at += key_bytes) answer.keys.push_back(*key);
  return answer;
}

Result<std::optional<ReservationHolder>> parse_reservation(Bytes data) {
  ByteReader reader(data);
  auto length = reader.be32(4);
  if (!length) return fail(ErrorCode::corrupt, "READ RESERVATION answer", "shorter than its header");
  if (*length == 0) return std::nullopt;
  ByteReader descriptor(reader.clipped(header_bytes, *length));
  auto key = descriptor.be64(0);
  auto scope_and_type = descriptor.u8(13);
  if (!key || !scope_and_type) return fail(ErrorCode::corrupt, "READ RESERVATION answer", "shorter than it says");
  return ReservationHolder{.key = *key,
                           .scope = static_cast<std::uint8_t>(*scope_and_type >> 4),
                           .type = static_cast<std::uint8_t>(*scope_and_type & 0x0f)};
}

}  // namespace mpath::wire
