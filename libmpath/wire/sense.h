// SPDX-License-Identifier: LGPL-2.1-or-later
// Sense data of a SCSI command, and what the outcome of TEST UNIT READY says of a path. Pure, any thread; the
// verdict allocates nothing.
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/static_text.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/path.h"

namespace mpath::wire {

/// Sense key, additional sense code and its qualifier (SPC-4 4.5).
struct Sense {
  std::uint8_t key = 0;
  std::uint8_t asc = 0;
  std::uint8_t ascq = 0;
  friend auto operator<=>(const Sense&, const Sense&) = default;
};

inline constexpr Sense lun_not_supported{0x5, 0x25, 0x00};

/// From descriptor format (0x72, 0x73; at least 4 bytes) or fixed format (0x70, 0x71; at least 14 bytes);
/// nothing if it is neither or too short.
[[nodiscard]] std::optional<Sense> decode_sense(Bytes data);

/// "6/29/00"
[[nodiscard]] std::string to_string(Sense sense);
/// For people: "6/29/00 unit attention: Power on, reset, or bus device reset occurred".
[[nodiscard]] std::string describe(Sense sense);

/// The device behind the path may be another than before: unit attention 3F/0E (reported LUNs changed), 3F/03
/// (INQUIRY data changed), 2A/06 (access state changed: ports may have moved), and 5/25/00 (no such logical
/// unit).
[[nodiscard]] bool needs_identity_check(Sense sense);

/// The outcome of a command in the terms that checkers and prioritizers decide by.
enum class OutcomeClass : std::uint8_t {
  good,             ///< with good status, or with a recovered error
  unsupported,      ///< the device takes no commands of this kind
  illegal_request,  ///< it refused this one
  transport,        ///< bus busy, host adapter error or a disturbed transport: worth another attempt
  unit_attention,
  failed,
};
[[nodiscard]] OutcomeClass classify(const CommandOutcome& outcome);

/// What one outcome says of the path.
struct Verdict {
  PathState state = PathState::down;    ///< what holds if it is not retried, or retries are used up
  bool retry = false;                   ///< ask again at once; all attempts together are at most tur_attempts
  bool unit_attention = false;
  bool needs_identity_check = false;
  bool access_state_changed = false;    ///< unit attention 2A/06 or 2A/07: priorities are out of date
  StaticText reason;
  std::optional<Sense> sense;
};

/// TEST UNIT READY is sent so many times in a row before the last outcome counts.
inline constexpr unsigned tur_attempts = 5;

/// Judge the outcome of TEST UNIT READY (behaviour of 0.14, checker tur).
[[nodiscard]] Verdict tur_verdict(const CommandOutcome& outcome);

}  // namespace mpath::wire
