// SPDX-License-Identifier: LGPL-2.1-or-later
// Path checkers: what is asked of a path to learn whether it works, and what the answers say. Each checker is a small state machine over
// device commands: begin_check() names the first command, continue_check() takes its outcome and names the next or gives the verdict.
// Used by the engine only. Pure; a CheckerMemory belongs to one path, a VolumeMemory to one map.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "libmpath/base/static_text.h"
#include "libmpath/base/time.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/path.h"

namespace mpath::policy {

enum class Checker : std::uint8_t {
  missing,       ///< there is no checker of the configured name: the path stays unchecked
  none,          ///< the kernel's own state of the device
  tur,           ///< TEST UNIT READY
  directio,      ///< a read of one block past the page cache
  readsector0,   ///< READ(10) of the first block
  rdac,          ///< NetApp E-Series and its kin: INQUIRY, page 0xc9
  hp_sw,         ///< HP active/passive: INQUIRY, page 0x80, then TEST UNIT READY
  emc_clariion,  ///< INQUIRY, page 0xc0, and a read through the active controller
  cciss_tur,     ///< TEST UNIT READY through the cciss driver
  alua,          ///< REPORT TARGET PORT GROUPS; one answer serves all paths of a port group
};
/// The word of multipath.conf; empty for `missing`.
[[nodiscard]] std::string_view to_string(Checker checker);
/// `missing` for a name that is none.
[[nodiscard]] Checker parse_checker(std::string_view name);

/// What a checker remembers of a path, during a check and between checks.
struct CheckerMemory {
  std::uint8_t step = 0;       ///< within the check; each checker counts its own
  std::uint8_t attempts = 0;   ///< of the outstanding command
  bool is_prepared = false;    ///< the path's settings have been looked after (rdac)
  bool knows_volume = false;   ///< `volume` has been read (emc_clariion)
  std::array<std::uint8_t, 16> volume{};
};

/// What the checks of all paths of a map share.
struct VolumeMemory {
  bool is_inactive_snapshot = false;  ///< emc_clariion: the active controller refuses to read it
};

struct CheckContext {
  const PathFacts& facts;
  milliseconds timeout{30000};   ///< for each command
  bool is_out_of_time = false;   ///< the whole check has taken as long already: no further attempt
  bool may_configure = false;    ///< settings of the device may be changed
};

/// Either the next command, or the verdict.
struct CheckTurn {
  std::optional<DeviceCommand> command;
  PathState state = PathState::unchecked;
  StaticText reason;
  StaticText remark;                  ///< for the log; empty mostly
  bool needs_identity_check = false;  ///< another logical unit may answer by now
  bool access_state_changed = false;  ///< priorities are out of date
};

[[nodiscard]] CheckTurn begin_check(Checker checker, CheckerMemory& memory, const CheckContext& context);
[[nodiscard]] CheckTurn continue_check(Checker checker, CheckerMemory& memory, VolumeMemory& volume, const CheckContext& context,
                                       const CommandOutcome& outcome);

/// The state of a path whose check was not answered within its time.
[[nodiscard]] constexpr PathState state_when_late(Checker checker) {
  return checker == Checker::directio ? PathState::down : PathState::timeout;
}

}  // namespace mpath::policy
