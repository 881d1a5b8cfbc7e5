// SPDX-License-Identifier: LGPL-2.1-or-later
// From configuration files as they were read to what the engine takes. The daemon, the tools and the simulator use the same function.
// Any thread.
#pragma once

#include "libmpath/engine/event.h"
#include "libmpath/ports/ports.h"

namespace mpath::runtime {

/// Parses the files; every diagnostic becomes a line "FILE:LINE: text", escaped. Without `config` in the result the configuration must not
/// be used: the main file could not be read (though it exists) or holds something that must not be guessed at.
[[nodiscard]] engine::ConfigurationLoaded parse_configuration(const ports::ConfigFiles& files);

}  // namespace mpath::runtime
