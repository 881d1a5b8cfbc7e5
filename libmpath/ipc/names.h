// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the daemon listens. For server and clients.
#pragma once

#include <string_view>

namespace mpath::ipc {

inline constexpr std::string_view socket_path = "/run/multipathd.socket";
/// The '@' stands for the leading NUL byte of an abstract address; no byte follows the name.
inline constexpr std::string_view abstract_socket = "@/org/kernel/linux/storage/multipathd";
/// Replaces both names when set; a leading '@' means abstract.
inline constexpr const char* socket_variable = "MULTIPATH_SOCKET_NAME";

}  // namespace mpath::ipc
