// SPDX-License-Identifier: LGPL-2.1-or-later
// A client's connection to the daemon. For tools only: these functions block, at most as long as they are told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/time.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::client {

/// Time limit of tools that read no configuration: uxsock_timeout's default, and a little for the way.
inline constexpr milliseconds default_time_limit{4100};

/// The names under which to look for the daemon, in order: the environment's, or the path name and then the abstract one.
[[nodiscard]] std::vector<std::string> socket_names();

/// ErrorCode::unavailable if nobody listens; `limit` bounds the wait for room in the daemon's backlog.
[[nodiscard]] Result<UniqueFd> connect_to_daemon(milliseconds limit);

/// Sends one command and waits for its reply. `limit` bounds every wait for the other side to move, so a long reply may take longer.
/// What failed is in Error::what in the words that scripts know: "cannot send packet", "timeout receiving packet",
/// "error <errno> receiving packet". After an error the connection is of no use.
[[nodiscard]] Result<std::string> exchange(int fd, std::string_view command, milliseconds limit);

}  // namespace mpath::client
