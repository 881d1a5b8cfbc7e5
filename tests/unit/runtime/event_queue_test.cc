// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/runtime/event_queue.h"

#include <gtest/gtest.h>

namespace mpath::runtime {
namespace {

std::uint32_t host_of(const engine::Event& event) { return std::get<engine::HostBusy>(event).host; }

TEST(EventQueue, KeepsTheOrderWhileItGrowsAndShrinks) {
  EventQueue queue;
  EXPECT_TRUE(queue.empty());
  std::uint32_t pushed = 0;
  std::uint32_t popped = 0;
  for (std::uint32_t round = 0; round < 200; ++round) {
    // First more comes than goes, then it is emptied.
    std::uint32_t more = round < 100 ? 60 : 5;
    for (std::uint32_t i = 0; i < more; ++i) queue.push(engine::HostBusy{pushed++});
    for (std::uint32_t i = 0; i < 40 && !queue.empty(); ++i) ASSERT_EQ(host_of(queue.pop()), popped++);
  }
  EXPECT_EQ(pushed, popped);
  EXPECT_TRUE(queue.empty());
  queue.push(engine::HostBusy{7});
  EXPECT_FALSE(queue.empty());
  EXPECT_EQ(host_of(queue.pop()), 7u);
}

}  // namespace
}  // namespace mpath::runtime
