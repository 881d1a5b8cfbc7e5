// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of multipath(8).
#pragma once

#include <optional>
#include <string>

namespace mpath::tool {

enum class Mode {
  list_short,   ///< -l
  list_long,    ///< -ll
  dump_config,  ///< -t
  dump_used,    ///< -T
  reload,       ///< -r: asks the daemon
  flush_one,    ///< -f: asks the daemon
  flush_all,    ///< -F: asks the daemon
};

struct Options {
  Mode mode = Mode::list_short;
  std::optional<int> verbosity;
  std::string device;  ///< the positional argument, empty if there is none
};

/// What came of the command line: options, or an exit status because all has been said.
struct ParsedOptions {
  std::optional<Options> options;
  int exit_status = 0;
};

/// Says what is wrong on standard error, or on standard output where scripts expect it there.
[[nodiscard]] ParsedOptions parse_options(int argc, char** argv);

}  // namespace mpath::tool
