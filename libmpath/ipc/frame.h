// SPDX-License-Identifier: LGPL-2.1-or-later
// The frames of the daemon's socket, both directions: a native size_t that counts the text and its NUL, then those bytes. Bytes come
// from hostile clients: a decoder never holds more than its limit and never trusts a length before the bytes are there.
// One decoder belongs to one connection and one thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "libmpath/base/error.h"
#include "libmpath/base/limits.h"

namespace mpath::ipc {

/// `text` as a frame; ErrorCode::limit if readers would refuse it (limits::reply_bytes).
[[nodiscard]] Result<std::string> encode_frame(std::string_view text);

/// Takes one frame at a time, with exact reads: read at most wanted() bytes, feed() them, and take() the text once complete().
/// So nothing of the next frame is ever in the buffer.
class FrameDecoder {
 public:
  /// For a server. A request has up to limits::command_bytes; one that begins with `large_prefix` up to `large_bytes`, not less than
  /// that. Leave the prefix out for peers that may not send such; a literal, it is not copied.
  [[nodiscard]] static FrameDecoder for_requests(std::string_view large_prefix = {}, std::size_t large_bytes = limits::mpathctl_request_bytes);
  /// For a client: 1 to limits::reply_bytes - 1.
  [[nodiscard]] static FrameDecoder for_replies();

  /// How many bytes to read now; 0 once the frame is complete, or after an error.
  [[nodiscard]] std::size_t wanted() const;
  /// At most wanted() bytes. An error means: close the connection; it has no good bytes any more.
  [[nodiscard]] Status feed(std::string_view bytes);
  [[nodiscard]] bool complete() const { return has_length_ && buffer_.size() == length_; }
  /// Something of a frame has arrived: the time limit of the request runs.
  [[nodiscard]] bool started() const { return has_length_ || !buffer_.empty(); }
  /// The text of the complete frame, empty if there is none; the decoder begins anew. A request ends at its first NUL and loses its
  /// newlines at the end; a reply loses one NUL at the end.
  [[nodiscard]] std::string take();

 private:
  enum class Kind { request, reply };
  FrameDecoder(Kind kind, std::string_view large_prefix, std::size_t most_bytes)
      : kind_(kind), large_prefix_(large_prefix), most_bytes_(most_bytes) {}
  [[nodiscard]] bool awaits_prefix() const;
  [[nodiscard]] Status refuse(Status status);

  Kind kind_;
  std::string_view large_prefix_;
  std::size_t most_bytes_;
  bool has_length_ = false;
  bool refused_ = false;
  std::size_t length_ = 0;
  std::string buffer_;  ///< the length word until it is whole, then the payload
};

}  // namespace mpath::ipc
