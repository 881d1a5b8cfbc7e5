// SPDX-License-Identifier: LGPL-2.1-or-later
// One look at the machine with the daemon's own engine in its observing modes: nothing is changed, and a device that hangs is shown as
// pending after a limit instead of being waited for.
#pragma once

#include <memory>
#include <string>

#include "libmpath/engine/engine.h"
#include "libmpath/engine/rehearsal.h"

namespace mpath::tool {

struct Observation {
  std::shared_ptr<const engine::Snapshot> snapshot;
  engine::RehearsalInputs inputs;  ///< for Mode::survey only
};

/// Mode::observe, survey or list. Messages above `verbosity` are not printed. Errors: no permission, no device-mapper, a configuration that
/// cannot be used.
[[nodiscard]] Result<Observation> observe(engine::Mode mode, std::optional<int> verbosity);

}  // namespace mpath::tool
