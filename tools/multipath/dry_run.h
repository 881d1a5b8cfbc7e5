// SPDX-License-Identifier: LGPL-2.1-or-later
// multipath -d: every map as it would be made or loaded, without doing it. Each path is checked once; a running daemon is not asked.
#pragma once

#include "tools/multipath/options.h"

namespace mpath::tool {

/// Prints; gives the exit status.
[[nodiscard]] int dry_run(const Options& options);

}  // namespace mpath::tool
