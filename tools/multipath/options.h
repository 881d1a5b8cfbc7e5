// SPDX-License-Identifier: LGPL-2.1-or-later
// The command line of multipath(8).
#pragma once

#include <optional>
#include <string>

#include "libmpath/model/settings.h"

namespace mpath::tool {

enum class Mode {
  create,       ///< without an option of another mode
  dry_run,      ///< -d
  list_short,   ///< -l
  list_long,    ///< -ll
  dump_config,  ///< -t
  dump_used,    ///< -T
  flush_one,    ///< -f: asks the daemon, if one runs
  flush_all,    ///< -F: asks the daemon, if one runs
};

struct Options {
  Mode mode = Mode::create;
  std::optional<int> verbosity;
  bool reload = false;              ///< -r: with create, asks the daemon
  bool bindings_read_only = false;  ///< -B
  std::optional<PathGroupingPolicy> grouping_policy;  ///< -p
  std::optional<std::uint32_t> remove_retries;        ///< -R
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
