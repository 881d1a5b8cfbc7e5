// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/ipc/frame.h"

#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "libmpath/base/limits.h"

namespace mpath::ipc {
namespace {

constexpr std::string_view large_prefix = "mpathctl/1 ";

std::string length_word(std::size_t length) {
  std::string word(sizeof length, '\0');
  std::memcpy(word.data(), &length, sizeof length);
  return word;
}

std::string frame(std::string_view payload) { return length_word(payload.size()) + std::string(payload); }

/// Feeds `bytes` in reads of at most `step`, as a server would; stops when the frame is complete or refused.
Status feed_all(FrameDecoder& decoder, std::string_view bytes, std::size_t step = 1000000) {
  while (!bytes.empty() && decoder.wanted() > 0) {
    const std::size_t count = std::min({bytes.size(), decoder.wanted(), step});
    if (Status status = decoder.feed(bytes.substr(0, count)); !status) return status;
    bytes.remove_prefix(count);
  }
  return {};
}

TEST(EncodeFrame, CountsTheTextAndItsNul) {
  EXPECT_EQ(encode_frame("ok\n").value(), length_word(4) + std::string("ok\n\0", 4));
  EXPECT_EQ(encode_frame("").value(), length_word(1) + std::string(1, '\0'));
}

TEST(EncodeFrame, RefusesWhatReadersRefuse) {
  EXPECT_TRUE(encode_frame(std::string(limits::reply_bytes - 2, 'x')));
  const auto refused = encode_frame(std::string(limits::reply_bytes - 1, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::limit);
}

TEST(RequestDecoder, TakesARequestInPiecesOfAnySize) {
  for (std::size_t step = 1; step < 20; ++step) {
    FrameDecoder decoder = FrameDecoder::for_requests();
    ASSERT_TRUE(feed_all(decoder, frame(std::string("show paths\0", 11)), step));
    ASSERT_TRUE(decoder.complete());
    EXPECT_EQ(decoder.take(), "show paths");
    EXPECT_FALSE(decoder.started());
  }
}

TEST(RequestDecoder, TakesOneRequestAfterTheOther) {
  FrameDecoder decoder = FrameDecoder::for_requests();
  for (const std::string text : {"show paths", "show maps"}) {
    ASSERT_TRUE(feed_all(decoder, frame(text)));
    EXPECT_EQ(decoder.take(), text);
  }
}

TEST(RequestDecoder, ReadsNothingBeyondTheRequest) {
  FrameDecoder decoder = FrameDecoder::for_requests();
  EXPECT_EQ(decoder.wanted(), sizeof(std::size_t));
  ASSERT_TRUE(decoder.feed(length_word(5)));
  EXPECT_EQ(decoder.wanted(), 5u);
  ASSERT_TRUE(decoder.feed("quit"));
  EXPECT_EQ(decoder.wanted(), 1u);
  EXPECT_FALSE(decoder.complete());
  ASSERT_TRUE(decoder.feed(std::string(1, '\0')));
  EXPECT_EQ(decoder.wanted(), 0u);
  EXPECT_FALSE(decoder.feed("x"));
}

TEST(RequestDecoder, StripsNulAndNewline) {
  const std::pair<std::string, std::string> cases[] = {
      {"show maps", "show maps"},
      {"show maps\n", "show maps"},
      {std::string("show maps\0", 10), "show maps"},
      {std::string("show maps\n\0", 11), "show maps"},
      {std::string("show maps\0hidden", 16), "show maps"},
      {std::string(3, '\0'), ""},
      {"\n", ""},
  };
  for (const auto& [payload, text] : cases) {
    FrameDecoder decoder = FrameDecoder::for_requests();
    ASSERT_TRUE(feed_all(decoder, frame(payload)));
    EXPECT_EQ(decoder.take(), text);
  }
}

TEST(RequestDecoder, RefusesHostileLengthsAndStaysClosed) {
  for (std::size_t length : {std::size_t{0}, limits::command_bytes + 1, ~std::size_t{0}, std::size_t{1} << 63}) {
    FrameDecoder decoder = FrameDecoder::for_requests();
    const Status status = decoder.feed(length_word(length));
    ASSERT_FALSE(status) << length;
    EXPECT_EQ(status.error().code, ErrorCode::corrupt);
    EXPECT_EQ(decoder.wanted(), 0u);
    EXPECT_FALSE(decoder.complete());
  }
}

TEST(RequestDecoder, TakesTheLongestCommand) {
  const std::string text(limits::command_bytes, 'x');
  FrameDecoder decoder = FrameDecoder::for_requests();
  ASSERT_TRUE(feed_all(decoder, frame(text)));
  EXPECT_EQ(decoder.take(), text);
}

TEST(RequestDecoder, LetsRootSendALargeMpathctlRequest) {
  const std::string text = std::string(large_prefix) + std::string(100000, 'j');
  for (std::size_t step : {std::size_t{1}, std::size_t{7}, std::size_t{65536}}) {
    FrameDecoder decoder = FrameDecoder::for_requests(large_prefix);
    ASSERT_TRUE(feed_all(decoder, frame(text), step));
    EXPECT_EQ(decoder.take(), text);
  }
  FrameDecoder others = FrameDecoder::for_requests();
  EXPECT_FALSE(feed_all(others, frame(text)));
}

TEST(RequestDecoder, RefusesALargeRequestAtItsFirstWrongByte) {
  FrameDecoder decoder = FrameDecoder::for_requests(large_prefix);
  ASSERT_TRUE(decoder.feed(length_word(100000)));
  EXPECT_EQ(decoder.wanted(), large_prefix.size());
  ASSERT_TRUE(decoder.feed("mpath"));
  EXPECT_FALSE(decoder.feed("d"));
  FrameDecoder too_long = FrameDecoder::for_requests(large_prefix);
  EXPECT_FALSE(too_long.feed(length_word(limits::mpathctl_request_bytes + 1)));
}

TEST(ReplyDecoder, KeepsNewlinesAndDropsTheNul) {
  FrameDecoder decoder = FrameDecoder::for_replies();
  ASSERT_TRUE(feed_all(decoder, encode_frame("fail\ntimeout\n").value()));
  EXPECT_EQ(decoder.take(), "fail\ntimeout\n");
}

TEST(ReplyDecoder, RefusesNothingAndTooMuch) {
  for (std::size_t length : {std::size_t{0}, limits::reply_bytes}) {
    FrameDecoder decoder = FrameDecoder::for_replies();
    EXPECT_FALSE(decoder.feed(length_word(length))) << length;
  }
  FrameDecoder largest = FrameDecoder::for_replies();
  EXPECT_TRUE(largest.feed(length_word(limits::reply_bytes - 1)));
}

TEST(Decoder, SurvivesRandomBytesWithoutGrowing) {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    FrameDecoder decoder = random() % 3 == 0   ? FrameDecoder::for_replies()
                           : random() % 2 == 0 ? FrameDecoder::for_requests(large_prefix)
                                               : FrameDecoder::for_requests();
    std::string bytes = random() % 2 == 0 ? length_word(random() % 600) : std::string();
    for (std::uint64_t k = random() % 40; k > 0; --k) bytes += static_cast<char>(random());
    const Status status = feed_all(decoder, bytes, 1 + random() % 9);
    if (!status) {
      ASSERT_EQ(decoder.wanted(), 0u);
      ASSERT_FALSE(decoder.feed("x"));
      ASSERT_EQ(decoder.take(), "");
    } else if (decoder.complete()) {
      ASSERT_LE(decoder.take().size(), 600u);
    } else {
      ASSERT_GT(decoder.wanted(), 0u);
    }
  }
}

}  // namespace
}  // namespace mpath::ipc
