// SPDX-License-Identifier: LGPL-2.1-or-later
// What the modes of multipath(8) print in the same way.
#pragma once

#include "libmpath/base/error.h"
#include "libmpath/engine/snapshot.h"
#include "tools/multipath/options.h"

namespace mpath::tool {

inline constexpr int default_verbosity = 2;

/// One line on standard error; gives the exit status 1.
int complain(const Error& error);

/// 0, or 1 if standard output did not take all.
[[nodiscard]] int end_of_output();

/// From verbosity 3 on: every path that is known, before anything else.
void print_path_table(const engine::Snapshot& snapshot, const Options& options);

/// The block of a map on standard output, bold on a terminal. `dry_run`: the first line begins with ": ".
void print_map(const engine::MapView& map, const Options& options, bool dry_run = false);

}  // namespace mpath::tool
