// SPDX-License-Identifier: LGPL-2.1-or-later
// A byte stream of a socket, in pieces. The first byte chooses the decoder and how much of what it wants it gets at a time.
#include <algorithm>
#include <cstdlib>

#include "libmpath/base/limits.h"
#include "libmpath/ipc/frame.h"

namespace {

mpath::ipc::FrameDecoder decoder_for(std::uint8_t choice) {
  using mpath::ipc::FrameDecoder;
  if (choice % 3 == 0) return FrameDecoder::for_replies();
  return choice % 3 == 1 ? FrameDecoder::for_requests() : FrameDecoder::for_requests("mpathctl/1 ");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  if (size == 0) return 0;
  ipc::FrameDecoder decoder = decoder_for(data[0]);
  const std::size_t piece = 1 + data[0] / 3;
  std::string_view stream(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!stream.empty()) {
    const std::size_t wanted = decoder.wanted();
    if (wanted == 0 || wanted > limits::reply_bytes) std::abort();
    const std::string_view part = stream.substr(0, std::min(wanted, piece));
    stream.remove_prefix(part.size());
    if (!decoder.feed(part)) {
      if (decoder.wanted() != 0) std::abort();
      return 0;
    }
    if (!decoder.complete()) continue;
    const std::string text = decoder.take();
    if (decoder.started() || text.size() > size) std::abort();
  }
  return 0;
}
