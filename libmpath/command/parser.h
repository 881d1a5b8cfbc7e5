// SPDX-License-Identifier: LGPL-2.1-or-later
// The text of a client's request to a Request. The grammar is the one of the old tool: unambiguous beginnings of keywords, fixed order,
// quotes and comments as in multipath.conf. Requests of mpathctl are one exact word and JSON. Pure, any thread; the text may hold any
// bytes and is at most as long as ipc::FrameDecoder lets through.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "libmpath/model/request.h"

namespace mpath::command {

/// The reply to send at once instead of carrying out a request: an error, or the help that was asked for ("help", "?").
struct ParseFailure {
  std::string reply;
};

[[nodiscard]] std::expected<Request, ParseFailure> parse(std::string_view text);

/// Whether a client with this user id (SO_PEERCRED) may make such a request. If not, the reply is permission_reply.
[[nodiscard]] constexpr bool is_allowed(RequestKind kind, std::uint32_t peer_uid) {
  return peer_uid == 0 || is_read_only(kind);
}
inline constexpr std::string_view permission_reply = "fail\npermission deny: need to be root\n";

}  // namespace mpath::command
