// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the daemon listens, and the word that opens a request of mpathctl. For server and clients.
#pragma once

#include <string_view>

namespace mpath::ipc {

inline constexpr std::string_view socket_path = "/run/multipathd.socket";
/// The '@' stands for the leading NUL byte of an abstract address; no byte follows the name.
inline constexpr std::string_view abstract_socket = "@/org/kernel/linux/storage/multipathd";
/// Replaces both names when set; a leading '@' means abstract.
inline constexpr const char* socket_variable = "MULTIPATH_SOCKET_NAME";

/// Opens a request of mpathctl; JSON follows. Exact, never abbreviated, in no list of commands.
inline constexpr std::string_view mpathctl_prefix = "mpathctl/1 ";

}  // namespace mpath::ipc
