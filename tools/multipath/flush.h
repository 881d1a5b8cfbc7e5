// SPDX-License-Identifier: LGPL-2.1-or-later
// multipath -f and -F: the daemon is asked to remove maps; where none runs they are removed from here.
#pragma once

#include "tools/multipath/options.h"

namespace mpath::tool {

/// Each prints and gives the exit status.
[[nodiscard]] int flush_one(const Options& options);
[[nodiscard]] int flush_all(const Options& options);
/// -r: the daemon loads every map.
[[nodiscard]] int reload_all();

}  // namespace mpath::tool
