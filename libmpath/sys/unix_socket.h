// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon's listening sockets (names: ipc/names.h). Called once at start-up, engine thread.
#pragma once

#include <string>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::sys {

/// First descriptor that systemd passes (sd_listen_fds(3)).
inline constexpr int first_passed_socket = 3;
/// More are not taken.
inline constexpr int most_passed_sockets = 2;

/// The sockets on which to listen: those that the service manager passed (`passed` of them), else `names`, each a path or, with a leading
/// '@', an abstract name. A path that is left over from an earlier run is replaced; everybody may connect, who it is is checked later.
/// Errors: every name failed, with the last reason.
[[nodiscard]] Result<std::vector<UniqueFd>> open_listening_sockets(int passed, const std::vector<std::string>& names);

}  // namespace mpath::sys
