// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/ipc/frame.h"

#include <cstring>

namespace mpath::ipc {

namespace {

constexpr std::size_t length_bytes = sizeof(std::size_t);

}  // namespace

Result<std::string> encode_frame(std::string_view text) {
  const std::size_t length = text.size() + 1;
  if (length >= limits::reply_bytes) {
    return fail(ErrorCode::limit, "frame",
                fmt::format("{} bytes are more than a reader takes ({})", length, limits::reply_bytes - 1));
  }
  std::string frame(length_bytes, '\0');
  std::memcpy(frame.data(), &length, length_bytes);
  frame.reserve(length_bytes + length);
  frame += text;
  frame += '\0';
  return frame;
}

FrameDecoder FrameDecoder::for_requests(std::string_view large_prefix, std::size_t large_bytes) {
  return {Kind::request, large_prefix, large_prefix.empty() ? limits::command_bytes : large_bytes};
}

FrameDecoder FrameDecoder::for_replies() { return {Kind::reply, {}, limits::reply_bytes - 1}; }

/// Whether the prefix that alone allows this length is not yet whole.
bool FrameDecoder::awaits_prefix() const {
  return kind_ == Kind::request && has_length_ && length_ > limits::command_bytes && buffer_.size() < large_prefix_.size();
}

std::size_t FrameDecoder::wanted() const {
  if (refused_) return 0;
  if (!has_length_) return length_bytes - buffer_.size();
  if (awaits_prefix()) return large_prefix_.size() - buffer_.size();
  return length_ - buffer_.size();
}

Status FrameDecoder::refuse(Status status) {
  refused_ = true;
  has_length_ = false;
  buffer_.clear();
  return status;
}

Status FrameDecoder::feed(std::string_view bytes) {
  if (bytes.size() > wanted()) {
    return refuse(fail(ErrorCode::invalid_argument, "frame",
                       fmt::format("{} bytes where {} were wanted", bytes.size(), wanted())));
  }
  const bool checks_prefix = awaits_prefix();
  buffer_ += bytes;
  if (!has_length_) {
    if (buffer_.size() < length_bytes) return {};
    std::memcpy(&length_, buffer_.data(), length_bytes);
    buffer_.clear();
    has_length_ = true;
    if (length_ >= 1 && length_ <= most_bytes_) return {};
    return refuse(fail(ErrorCode::corrupt, "frame",
                       fmt::format("the length {} is not between 1 and {}", length_, most_bytes_)));
  }
  if (checks_prefix && !large_prefix_.starts_with(buffer_)) {
    return refuse(fail(ErrorCode::corrupt, "frame",
                       fmt::format("a command of {} bytes is longer than {}", length_, limits::command_bytes)));
  }
  return {};
}

std::string FrameDecoder::take() {
  if (!complete()) return {};
  std::string text = std::exchange(buffer_, {});
  has_length_ = false;
  length_ = 0;
  if (kind_ == Kind::reply) {
    if (text.back() == '\0') text.pop_back();
    return text;
  }
  if (const std::size_t nul = text.find('\0'); nul != std::string::npos) text.resize(nul);
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text;
}

}  // namespace mpath::ipc
