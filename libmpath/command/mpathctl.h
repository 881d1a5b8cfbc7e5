// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests and replies of mpathctl on the daemon's socket: after the word "mpathctl/1 " a JSON object {"command": "status", …}; the reply
// is {"exit_status": N, "output": TEXT}, or {"exit_status": N, "error": TEXT}. For the daemon and for mpathctl. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "libmpath/command/parser.h"

namespace mpath::command {

/// Opens a request; JSON follows. Exact, never abbreviated, in no list of commands.
inline constexpr std::string_view mpathctl_prefix = "mpathctl/1 ";

/// Exit statuses of mpathctl that every verb has.
inline constexpr int exit_refused = 1;   ///< the daemon did not do it and says why
inline constexpr int exit_emptying = 2;  ///< `drain`: done, but I/O is still under way
inline constexpr int exit_changes = 2;   ///< `plan`: there is something to do
inline constexpr int exit_usage = 64;
inline constexpr int exit_unavailable = 69;
inline constexpr int exit_internal = 70;

/// `json`: the text after the word. Unknown commands and members are refused by name, never guessed.
[[nodiscard]] std::expected<Request, ParseFailure> parse_mpathctl(std::string_view json);

/// The whole text of a request of one of mpathctl's kinds.
[[nodiscard]] std::string mpathctl_request(const Request& request);
/// The whole text that asks for the status.
[[nodiscard]] std::string status_request(bool json);

struct MpathctlReply {
  int exit_status = exit_internal;
  std::string output;  ///< for standard output
  std::string error;   ///< for standard error; empty if it worked
};
[[nodiscard]] std::string encode_reply(const MpathctlReply& reply);
/// Nothing if `text` is no such reply: the daemon is another program, or refused before it looked ("fail\ntimeout\n").
[[nodiscard]] std::optional<MpathctlReply> decode_reply(std::string_view text);

}  // namespace mpath::command
