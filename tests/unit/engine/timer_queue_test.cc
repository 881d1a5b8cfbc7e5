// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/engine/timer_queue.h"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace mpath::engine {
namespace {

MonoTime at(int milli) { return MonoTime{milliseconds{milli}}; }

TEST(TimerQueue, GivesEqualDeadlinesInTheOrderTheyWereSet) {
  TimerQueue queue;
  std::vector<TimerNode> nodes(4);
  for (TimerNode& node : nodes) queue.set(node, at(10));
  queue.set(nodes[1], at(10));  // set again: it is the latest now
  EXPECT_EQ(queue.take_due(at(9)), nullptr);
  EXPECT_EQ(queue.take_due(at(10)), &nodes[0]);
  EXPECT_EQ(queue.take_due(at(10)), &nodes[2]);
  EXPECT_EQ(queue.take_due(at(10)), &nodes[3]);
  EXPECT_EQ(queue.take_due(at(10)), &nodes[1]);
  EXPECT_EQ(queue.next(), no_deadline);
}

TEST(TimerQueue, CancellingTwiceIsHarmless) {
  TimerQueue queue;
  TimerNode node;
  queue.cancel(node);
  queue.set(node, at(1));
  queue.cancel(node);
  queue.cancel(node);
  EXPECT_EQ(queue.take_due(at(5)), nullptr);
}

/// The queue against a multimap ordered by (deadline, order of setting).
TEST(TimerQueue, BehavesAsAnOrderedMultimap) {
  unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  auto below = [&](std::size_t limit) { return std::uniform_int_distribution<std::size_t>(0, limit - 1)(random); };
  TimerQueue queue;
  std::vector<TimerNode> nodes(200);
  std::multimap<MonoTime, TimerNode*> model;
  auto forget = [&](TimerNode& node) { std::erase_if(model, [&](const auto& entry) { return entry.second == &node; }); };
  for (int round = 0; round < 20000; ++round) {
    TimerNode& node = nodes[below(nodes.size())];
    switch (below(4)) {
      case 0:
      case 1: {
        MonoTime deadline = at(static_cast<int>(below(50)));
        queue.set(node, deadline);
        forget(node);
        model.emplace(deadline, &node);  // behind its equals
        break;
      }
      case 2:
        queue.cancel(node);
        forget(node);
        break;
      default: {
        MonoTime now = at(static_cast<int>(below(50)));
        TimerNode* expected = !model.empty() && model.begin()->first <= now ? model.begin()->second : nullptr;
        ASSERT_EQ(queue.take_due(now), expected) << "round " << round;
        if (expected != nullptr) model.erase(model.begin());
        break;
      }
    }
    ASSERT_EQ(queue.next(), model.empty() ? no_deadline : model.begin()->first) << "round " << round;
  }
}

}  // namespace
}  // namespace mpath::engine
