// SPDX-License-Identifier: LGPL-2.1-or-later
// Keys of lane submit: what shares one waits for each other there. Any thread.
#pragma once

#include <cstdint>

#include "libmpath/model/path.h"

namespace mpath::sys {

/// What sleeps together when the kernel holds a submission: the SCSI host, the NVMe controller.
[[nodiscard]] inline std::uint64_t submission_key(const PathFacts& facts) {
  std::uint64_t number = facts.address ? facts.address->host : facts.devnum.minor;
  return facts.bus == Bus::scsi ? number : std::uint64_t{1} << 62 | static_cast<std::uint64_t>(facts.bus) << 56 | number;
}

}  // namespace mpath::sys
