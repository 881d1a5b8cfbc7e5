// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/stalled_hosts.h"

#include <gmock/gmock.h>

namespace mpath::sys {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

constexpr MonoTime start{seconds{100}};

TEST(StalledHosts, SaysOnceThatAHostStallsAndOnceThatItIsOver) {
  StalledHosts hosts;
  EXPECT_THAT(hosts.compare({}, start), IsEmpty());
  auto begun = hosts.compare({{.host = 3, .since = start, .waiting = 40, .in_kernel = true}}, start + milliseconds{2500});
  ASSERT_THAT(begun, SizeIs(1));
  EXPECT_EQ(begun[0].host, 3u);
  EXPECT_TRUE(begun[0].stalls);
  EXPECT_EQ(begun[0].text, "has taken no command for 2 s (the kernel holds the submission); 40 wait for it, and only for it");

  // It was asleep, now it is full: still the same stall.
  EXPECT_THAT(hosts.compare({{.host = 3, .since = start + seconds{20}, .waiting = 41}}, start + seconds{30}), IsEmpty());

  auto over = hosts.compare({}, start + seconds{93});
  ASSERT_THAT(over, SizeIs(1));
  EXPECT_FALSE(over[0].stalls);
  EXPECT_EQ(over[0].text, "takes commands again, after 93 s");
  EXPECT_THAT(hosts.compare({}, start + seconds{94}), IsEmpty());
}

TEST(StalledHosts, HostsAreToldApart) {
  StalledHosts hosts;
  StalledHost three{.host = 3, .since = start, .waiting = 1};
  StalledHost four{.host = 4, .since = start, .waiting = 2};
  EXPECT_THAT(hosts.compare({three}, start + seconds{2}), SizeIs(1));
  auto second = hosts.compare({three, four}, start + seconds{3});
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].host, 4u);
  EXPECT_EQ(second[0].text, "has taken no command for 3 s (its queue is full and nothing of it ends); 2 wait for it, and only for it");
  auto third = hosts.compare({four}, start + seconds{5});
  ASSERT_THAT(third, SizeIs(1));
  EXPECT_EQ(third[0].host, 3u);
  EXPECT_FALSE(third[0].stalls);
}

TEST(StalledHosts, DevicesThatAreAHostEachAreToldTogether) {
  StalledHosts hosts;
  auto remarks = hosts.compare({{.host = 3, .since = start + seconds{1}, .waiting = 1, .in_kernel = true},
                                {.host = 3, .since = start, .waiting = 1, .in_kernel = true}},
                               start + seconds{4});
  ASSERT_THAT(remarks, SizeIs(1));
  EXPECT_EQ(remarks[0].text, "has taken no command for 4 s (the kernel holds the submission); 2 wait for it, and only for it");
}

}  // namespace
}  // namespace mpath::sys
