// SPDX-License-Identifier: LGPL-2.1-or-later
// What the daemon and its reading child say to each other: fixed frames, several to a message, over a SOCK_SEQPACKET pair. Both are the
// same program in the same memory layout, so the frames are plain structures. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

namespace mpath::sys {

/// Daemon to child.
struct ReadFrame {
  enum class Kind : std::uint32_t {
    open = 1,   ///< the path's descriptor comes with this message, which has no other frame; bytes: its logical block
    close = 2,  ///< the path is not used any more; its reads under way give no reply
    read = 3,
    ping = 4,   ///< answered at once
  };
  Kind kind = Kind::ping;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  std::uint32_t bytes = 0;  ///< read: 0 means one logical block
  std::uint64_t op = 0;
  std::uint64_t offset = 0;
};

/// Child to daemon.
struct ReadReplyFrame {
  enum class Kind : std::uint32_t {
    done = 1,     ///< result: bytes read, or minus errno of the device
    refused = 2,  ///< it did not reach the device; result: minus errno
    pong = 3,
  };
  Kind kind = Kind::pong;
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  std::int32_t result = 0;
  std::uint64_t op = 0;
  std::int64_t nanoseconds = 0;  ///< from handing it to the kernel to its end
  std::uint32_t wanted = 0;      ///< bytes that were asked for
  std::uint32_t reserved = 0;
};

static_assert(std::is_trivially_copyable_v<ReadFrame> && sizeof(ReadFrame) == 32);
static_assert(std::is_trivially_copyable_v<ReadReplyFrame> && sizeof(ReadReplyFrame) == 40);
inline constexpr std::size_t frames_per_message = 100;

}  // namespace mpath::sys
