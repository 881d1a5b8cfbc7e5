// SPDX-License-Identifier: LGPL-2.1-or-later
// What of the configuration is in use, for `show config local` and `multipath -T`. Pure, any thread.
#pragma once

#include "libmpath/config/dump.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::command {

/// Which device entries match the paths that are there, in order of first use, and which maps there are. The snapshot has a configuration.
[[nodiscard]] config::LocalUse local_use(const engine::Snapshot& snapshot);

}  // namespace mpath::command
