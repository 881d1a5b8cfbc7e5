// SPDX-License-Identifier: LGPL-2.1-or-later
// Where the reading child (direct_read_worker.h) comes from. A very small process is forked before the program has threads, locks or
// descriptors; it does nothing but fork a reader when it is asked for one, so that a reader that died can be replaced although the daemon
// itself never forks or executes anything once it runs. It ends with the program.
//
// Made by main(), before any thread; then used by the engine's thread.
#pragma once

#include <sys/types.h>

#include <cstddef>

#include "libmpath/base/error.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::sys {

class DirectReadHelper {
 public:
  /// Forks it. `arguments` is main()'s argv: the words that `ps` and `pidof` show of the helper and its readers are written there, so that
  /// nobody takes them for the program; null leaves them.
  [[nodiscard]] static Result<DirectReadHelper> start(char** arguments);

  /// The daemon's end of a pair of sockets whose other end a new reader serves. Never blocks. If no reader can be made the other end is
  /// closed. ErrorCode::unavailable if the helper is gone.
  [[nodiscard]] Result<UniqueFd> new_reader() const;

 private:
  explicit DirectReadHelper(UniqueFd socket) : socket_(std::move(socket)) {}
  UniqueFd socket_;
};

/// As recvmsg(2) with these flags: what came, up to `size` bytes, and the descriptor that came with it, if one did.
[[nodiscard]] ssize_t receive_with_descriptor(int socket, void* bytes, std::size_t size, int flags, UniqueFd& descriptor);

/// Sends `bytes`, and with them the descriptor unless it is negative. Never blocks. False with errno set on failure.
[[nodiscard]] bool send_with_descriptor(int socket, const void* bytes, std::size_t size, int descriptor);

}  // namespace mpath::sys
