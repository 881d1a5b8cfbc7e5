// SPDX-License-Identifier: LGPL-2.1-or-later
// Contents of /run/multipath/state: what the daemon knows of paths and maps beyond what it can find out again, so that a restart, or its
// death by SIGKILL, forgets none of it. Lines of words; words and lines that a reader does not know mean nothing to it. What is lost or
// damaged is not guessed at: the reader then knows nothing and verifies every path anew. Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/time.h"
#include "libmpath/model/ids.h"
#include "libmpath/model/path.h"

namespace mpath::wire {

/// Of one path. It is the same path only if number, disk sequence number and WWID are the same.
struct PathMarks {
  DevNum devnum;
  std::uint64_t disk_sequence = 0;
  Wwid wwid;
  bool quarantined = false;
  bool suspect = false;
  bool unreliable = false;
  std::uint64_t identity = 0;  ///< of a quarantined path: fingerprint of the volume that it was found as; 0: not known
  bool disabled = false;  ///< by the command `fail path`
  MarginalReasons marginal_reasons;
  friend bool operator==(const PathMarks&, const PathMarks&) = default;
};

/// Of one map.
struct MapMarks {
  Wwid wwid;
  bool queueing_disabled = false;
  bool suspended = false;   ///< by the daemon, at somebody's wish
  MonoTime no_path_since = no_deadline;  ///< by CLOCK_MONOTONIC; no_deadline: a path works
  bool retries_expired = false;          ///< no_path_retry was used up
  bool reservation_over = false;         ///< it was registered for a reservation, and is not until somebody says so again
  MonoTime ready_at = no_deadline;       ///< end of ghost_delay, by CLOCK_MONOTONIC; no_deadline: its users know that it is ready
  friend bool operator==(const MapMarks&, const MapMarks&) = default;
};

/// Of a path that an administrator took out of service, whether it is there now or not.
struct DrainMarks {
  Wwid wwid;
  std::string place;      ///< what stays the same when its device goes and comes back
  std::string asked_for;  ///< the words of the command
  MonoTime undo_at = no_deadline;  ///< by CLOCK_MONOTONIC, which goes on while no daemon runs; no_deadline: confirmed
  friend bool operator==(const DrainMarks&, const DrainMarks&) = default;
};

struct RunState {
  std::vector<PathMarks> paths;
  std::vector<MapMarks> maps;
  std::vector<DrainMarks> drains;
  [[nodiscard]] bool empty() const { return paths.empty() && maps.empty() && drains.empty(); }
  friend bool operator==(const RunState&, const RunState&) = default;
};

/// The whole file.
[[nodiscard]] std::string format_run_state(const RunState& state);

/// Of any bytes. An empty file is an empty state; ErrorCode::unsupported if another version wrote it, ErrorCode::corrupt if it is cut off,
/// changed, or holds more than limits::run_state_entries.
[[nodiscard]] Result<RunState> parse_run_state(std::string_view text);

}  // namespace mpath::wire
