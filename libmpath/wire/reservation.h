// SPDX-License-Identifier: LGPL-2.1-or-later
// Persistent reservations: the commands PERSISTENT RESERVE IN (SPC-4 6.15) and PERSISTENT RESERVE OUT (SPC-4 6.16), and what a logical unit
// answers. Bytes of a device: bounded, never trusted. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/error.h"
#include "libmpath/model/command_io.h"

namespace mpath::wire {

inline constexpr std::uint8_t op_persistent_reserve_in = 0x5e;
inline constexpr std::uint8_t op_persistent_reserve_out = 0x5f;

/// Reservation types (SPC-4 6.15.3.4) in which every registrant holds the reservation.
inline constexpr std::uint8_t write_exclusive_all_registrants = 7;
inline constexpr std::uint8_t exclusive_access_all_registrants = 8;

/// Allocation length for READ KEYS that takes 127 registrations.
inline constexpr std::uint16_t reservation_keys_bytes = 1024;

/// PERSISTENT RESERVE IN, READ KEYS; `bytes` is the allocation length.
[[nodiscard]] ScsiCommand read_reservation_keys(std::uint16_t bytes, milliseconds timeout);
/// PERSISTENT RESERVE IN, READ RESERVATION.
[[nodiscard]] ScsiCommand read_reservation(milliseconds timeout);

/// What PERSISTENT RESERVE OUT, REGISTER, says of one I_T nexus (SPC-4 6.16.3).
struct Registration {
  std::uint64_t key = 0;         ///< the one it is registered with; 0: it is not registered
  std::uint64_t new_key = 0;     ///< 0: it is not registered any more
  bool aptpl = false;            ///< activate persist through power loss
  bool all_target_ports = false; ///< ALL_TG_PT: through every port of the target
};
/// REGISTER: RESERVATION CONFLICT unless the nexus is registered with `key`.
[[nodiscard]] ScsiCommand register_key(const Registration& registration, milliseconds timeout);
/// REGISTER AND IGNORE EXISTING KEY: whatever it is registered with; `key` does not count.
[[nodiscard]] ScsiCommand register_ignoring_existing_key(const Registration& registration, milliseconds timeout);

/// The answer to READ KEYS: one key for each registered I_T nexus.
struct ReservationKeys {
  std::uint32_t generation = 0;     ///< counts registrations, clears and preemptions
  std::vector<std::uint64_t> keys;  ///< those that are here whole
  bool is_truncated = false;
  std::uint32_t bytes_needed = 0;   ///< allocation length for all of them
};
/// ErrorCode::corrupt if it is shorter than its header.
[[nodiscard]] Result<ReservationKeys> parse_reservation_keys(Bytes data);

/// The answer to READ RESERVATION.
struct ReservationHolder {
  std::uint64_t key = 0;   ///< of the holder; 0 in the types in which all registrants hold it
  std::uint8_t scope = 0;
  std::uint8_t type = 0;
  [[nodiscard]] bool is_every_registrant() const {
    return type == write_exclusive_all_registrants || type == exclusive_access_all_registrants;
  }
};
/// Nothing: there is no reservation. ErrorCode::corrupt if the answer is shorter than it says.
[[nodiscard]] Result<std::optional<ReservationHolder>> parse_reservation(Bytes data);

}  // namespace mpath::wire
