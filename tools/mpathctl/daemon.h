// SPDX-License-Identifier: LGPL-2.1-or-later
// What a verb of mpathctl asks of the daemon.
#pragma once

#include <optional>

#include "libmpath/command/mpathctl.h"

namespace mpath::ctl {

/// Sends the request. Without a reply it has said why and gives `when_unreachable` as the exit status of a reply that has nothing to print.
struct Answer {
  bool arrived = false;
  command::MpathctlReply reply;  ///< its exit status counts even if nothing arrived
};
[[nodiscard]] Answer ask_daemon(const Request& request, int when_unreachable = command::exit_unavailable);

/// Asks and prints the reply, or its error; gives the exit status.
[[nodiscard]] int ask_and_print(const Request& request, int when_unreachable = command::exit_unavailable);

}  // namespace mpath::ctl
