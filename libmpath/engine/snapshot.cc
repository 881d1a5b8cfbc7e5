// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/engine/snapshot.h"

namespace mpath::engine {

std::string_view to_string(DaemonState state) {
  switch (state) {
    case DaemonState::init: return "init";
    case DaemonState::startup: return "startup";
    case DaemonState::configure: return "configure";
    case DaemonState::idle: return "idle";
    case DaemonState::running: return "running";
    case DaemonState::shutdown: return "shutdown";
  }
  return "init";
}

}  // namespace mpath::engine
