// SPDX-License-Identifier: LGPL-2.1-or-later
// What the simulated configuration file says: the text for the product, the same as values for the oracle.
#pragma once

#include <optional>
#include <string>

#include "libmpath/base/time.h"
#include "libmpath/model/settings.h"
#include "tests/sim/world.h"

namespace mpath::sim {

struct Settings {
  seconds polling_interval{5};
  seconds max_polling_interval{20};
  seconds checker_timeout{0};  ///< 0: not set, so the SCSI device's 30 s count
  NoPathRetry no_path_retry{NoPathRetry::Kind::fail, 0};
  std::string grouping = "multibus";
  std::string failback = "manual";
  std::string selector = "service-time 0";
  bool user_friendly_names = true;
  std::optional<seconds> suspect_after = seconds{2};  ///< nothing: off
  Duration error_handling{};  ///< not of the file: what the kernel takes after a timeout
  Duration distrust{};        ///< how long a path that works may be kept out for its failures; what says so is in more_defaults
  std::string more_defaults;  ///< further lines
  /// Each kind of array but the plain one has an entry of its own: its checker, its prioritizer, groups by priority.
  bool describes_arrays = false;
  std::string nvme_checker = "none";

  [[nodiscard]] std::string text() const;
  [[nodiscard]] std::string_view grouping_of(ArrayKind kind) const {
    return describes_arrays && kind != ArrayKind::plain ? "group_by_prio" : std::string_view(grouping);
  }
  [[nodiscard]] Duration check_timeout() const { return checker_timeout.count() > 0 ? checker_timeout : seconds{30}; }
  /// How long the product may take at most to bring back a path that works again: an unanswered check ends with its timeout, the
  /// next one comes after polling_interval; the rest is for lanes, settling and verification.
  [[nodiscard]] Duration recovery_limit() const { return check_timeout() + error_handling + polling_interval + seconds{5}; }
  /// How long it may take to notice a path that I/O has not found out about: the longest interval comes on top.
  [[nodiscard]] Duration notice_limit() const { return max_polling_interval + check_timeout() + error_handling + seconds{5}; }
};

}  // namespace mpath::sim
