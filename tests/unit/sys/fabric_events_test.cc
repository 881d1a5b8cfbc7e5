// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/fabric_events.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include "libmpath/base/limits.h"

namespace mpath::sys {
namespace {

/// "The link of host 3 is up", as the kernel sends it on a little-endian machine.
constexpr std::uint8_t link_up[] = {0x38, 0, 0, 0, 17, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,                    // netlink
                                    1, 1, 0xb2, 0xa1, 0, 1, 40, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
                                    3, 0, 4, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0};

struct Pair {
  Pair() {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
    near_end.reset(ends[0]);
    far_end.reset(ends[1]);
  }
  UniqueFd near_end, far_end;
};

TEST(FabricEvents, TakesWhatCameAndNoMoreAtOnceThanTheLimit) {
  Pair pair;
  int far_end = pair.far_end.get();
  FabricEvents reader(std::move(pair.near_end));
  std::vector<wire::FcEvent> events;
  EXPECT_TRUE(reader.receive(events));
  EXPECT_TRUE(events.empty());
  ASSERT_GT(::send(far_end, "nonsense", 8, 0), 0);
  for (std::size_t i = 0; i < limits::fabric_datagrams; ++i) {
    if (::send(far_end, link_up, sizeof link_up, MSG_DONTWAIT) < 0) break;
    if (i % 8 == 7) {
      EXPECT_TRUE(reader.receive(events));
    }
  }
  EXPECT_TRUE(reader.receive(events));
  ASSERT_EQ(events.size(), limits::fabric_datagrams);
  EXPECT_EQ(events[0].kind, wire::FcEvent::Kind::link_up);
  EXPECT_EQ(events[0].host, 3u);
}

TEST(FabricEvents, OnlyTheKernelIsBelieved) {
  Pair pair;
  int far_end = pair.far_end.get();
  FabricEvents reader(std::move(pair.near_end), true);
  ASSERT_GT(::send(far_end, link_up, sizeof link_up, 0), 0);
  std::vector<wire::FcEvent> events;
  EXPECT_TRUE(reader.receive(events));
  EXPECT_TRUE(events.empty());
}

}  // namespace
}  // namespace mpath::sys
