// SPDX-License-Identifier: LGPL-2.1-or-later
// Who may have changed a device-mapper device from outside. The kernel does not say who did; what can be seen a moment later is which
// processes wait for udev to work on an operation of theirs (udev cookies, which libdevmapper keeps as semaphores), and which programs that
// do such things are running. Lane fast; reads /proc only. Bounded in time and number.
#pragma once

#include <string>
#include <vector>

#include "libmpath/model/kernel_map.h"

namespace mpath::sys {

/// Those with a cookie first; at most limits::dm_actors. Nobody of our own process.
[[nodiscard]] std::vector<DmActor> actors_on_device_mapper(const std::string& proc = "/proc");

}  // namespace mpath::sys
