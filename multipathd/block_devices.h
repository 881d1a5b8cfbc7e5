// SPDX-License-Identifier: LGPL-2.1-or-later
// The list behind `show devices`: every block device of the system, judged by its name. Reads sysfs: lane view.
#pragma once

#include <memory>
#include <vector>

#include "libmpath/engine/snapshot.h"
#include "libmpath/view/status.h"

namespace mpath::daemon {

[[nodiscard]] std::vector<view::BlockDevice> list_block_devices(const engine::Snapshot& snapshot);

}  // namespace mpath::daemon
