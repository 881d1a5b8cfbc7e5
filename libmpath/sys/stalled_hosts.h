// SPDX-License-Identifier: LGPL-2.1-or-later
// Which hosts take no command, from when until when, as something to say: begin and end of each stall once. Owned and called by the
// engine's thread of a program that has a log.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libmpath/base/time.h"
#include "libmpath/sys/sg_commands.h"

namespace mpath::sys {

class StalledHosts {
 public:
  struct Remark {
    std::uint32_t host = 0;
    bool stalls = false;  ///< false: it takes commands again
    std::string text;
  };

  /// Compares with the time before. `stalled`: those of SgCommands::stalled() that are worth a word.
  [[nodiscard]] std::vector<Remark> compare(const std::vector<StalledHost>& stalled, MonoTime now);

 private:
  std::map<std::uint32_t, MonoTime> since_;
};

}  // namespace mpath::sys
