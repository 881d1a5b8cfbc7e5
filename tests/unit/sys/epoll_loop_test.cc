// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/epoll_loop.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <thread>

namespace mpath::sys {
namespace {

using Trigger = EpollLoop::Trigger;

struct Pipe {
  Pipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
    reader.reset(ends[0]);
    writer.reset(ends[1]);
  }
  void put() { EXPECT_EQ(::write(writer.get(), "x", 1), 1); }
  void take() {
    char c = 0;
    EXPECT_EQ(::read(reader.get(), &c, 1), 1);
  }
  UniqueFd reader, writer;
};

class EpollLoopTest : public testing::Test {
 protected:
  std::unique_ptr<EpollLoop> loop_ = EpollLoop::create().value();
  bool poll() { return loop_->run_once(Duration{0}); }
};

TEST_F(EpollLoopTest, NothingDueNothingHappens) {
  EXPECT_FALSE(poll());
  loop_->set_deadline(loop_->now() + std::chrono::hours{1});
  EXPECT_FALSE(poll());
  EXPECT_EQ(loop_->wake_ups(), 0u);
}

TEST_F(EpollLoopTest, ReadyDescriptorsAreReportedByTheirTrigger) {
  struct Case {
    Trigger trigger;
    int calls_after_two_polls;
  };
  for (auto [trigger, expected] : {Case{Trigger::level, 2}, Case{Trigger::edge, 1}, Case{Trigger::once, 1}}) {
    Pipe pipe;
    int calls = 0;
    ASSERT_TRUE(loop_->watch(pipe.reader.get(), EPOLLIN, [&](std::uint32_t) { ++calls; }, trigger));
    pipe.put();
    poll();
    poll();
    EXPECT_EQ(calls, expected);
    loop_->unwatch(pipe.reader.get());
  }
}

TEST_F(EpollLoopTest, OnceNeedsRearming) {
  Pipe pipe;
  int calls = 0;
  ASSERT_TRUE(loop_->watch(pipe.reader.get(), EPOLLIN, [&](std::uint32_t) { ++calls; }, Trigger::once));
  pipe.put();
  poll();
  pipe.put();
  EXPECT_FALSE(poll());
  ASSERT_TRUE(loop_->rearm(pipe.reader.get(), EPOLLIN));
  EXPECT_TRUE(poll());
  EXPECT_EQ(calls, 2);
  loop_->unwatch(pipe.reader.get());
}

TEST_F(EpollLoopTest, ACallbackMayUnwatchItselfAndOthers) {
  Pipe one, two;
  int calls = 0;
  auto unwatch_both = [&](std::uint32_t) {
    ++calls;
    loop_->unwatch(one.reader.get());
    loop_->unwatch(two.reader.get());
  };
  ASSERT_TRUE(loop_->watch(one.reader.get(), EPOLLIN, unwatch_both));
  ASSERT_TRUE(loop_->watch(two.reader.get(), EPOLLIN, unwatch_both));
  one.put();
  two.put();
  EXPECT_TRUE(poll());
  EXPECT_EQ(calls, 1) << "the second event was taken in the same wait, and is void";
  EXPECT_FALSE(poll());
}

TEST_F(EpollLoopTest, AReusedDescriptorNumberDoesNotGetTheOldEvent) {
  Pipe one, two;
  int number = two.reader.get();
  int late = 0;
  ASSERT_TRUE(loop_->watch(one.reader.get(), EPOLLIN, [&](std::uint32_t) {
    loop_->unwatch(number);
    ASSERT_TRUE(loop_->watch(number, EPOLLIN, [&](std::uint32_t) { ++late; }, Trigger::edge));
    loop_->unwatch(one.reader.get());
  }));
  ASSERT_TRUE(loop_->watch(number, EPOLLIN, [&](std::uint32_t) { FAIL(); }));
  one.put();
  two.put();
  poll();
  EXPECT_EQ(late, 0);
  poll();
  EXPECT_EQ(late, 1);
  loop_->unwatch(number);
}

TEST_F(EpollLoopTest, WrongDescriptorsGiveErrors) {
  Pipe pipe;
  EXPECT_EQ(loop_->watch(-1, EPOLLIN, [](std::uint32_t) {}).error().code, ErrorCode::invalid_argument);
  ASSERT_TRUE(loop_->watch(pipe.reader.get(), EPOLLIN, [](std::uint32_t) {}));
  EXPECT_EQ(loop_->watch(pipe.reader.get(), EPOLLIN, [](std::uint32_t) {}).error().code, ErrorCode::exists);
  EXPECT_EQ(loop_->rearm(pipe.writer.get(), EPOLLIN).error().code, ErrorCode::not_found);
  loop_->unwatch(pipe.reader.get());
  loop_->unwatch(pipe.reader.get());
}

TEST_F(EpollLoopTest, ADeadlineThatHasPassedWakesAtOnce) {
  loop_->set_deadline(loop_->now());
  EXPECT_TRUE(loop_->run_once());
  EXPECT_EQ(loop_->wake_ups(), 1u);
  EXPECT_FALSE(poll()) << "once";
}

TEST_F(EpollLoopTest, ADeadlineCanBeTakenBack) {
  loop_->set_deadline(loop_->now());
  loop_->set_deadline(no_deadline);
  EXPECT_FALSE(poll());
}

TEST_F(EpollLoopTest, ADeadlineAtTheBeginningOfTimeCanBePutOff) {
  loop_->set_deadline(MonoTime::min());
  loop_->set_deadline(loop_->now() + std::chrono::hours{1});
  EXPECT_FALSE(poll());
}

TEST_F(EpollLoopTest, PostsFromManyThreadsAllRunAndInOrderOfEach) {
  constexpr int threads = 4;
  constexpr int posts = 1000;
  std::vector<int> seen(threads, 0);
  int total = 0;
  bool in_order = true;
  std::vector<std::thread> senders;
  for (int sender = 0; sender < threads; ++sender) {
    senders.emplace_back([&, sender] {
      for (int i = 0; i < posts; ++i) {
        loop_->post([&, sender, i] {
          in_order = in_order && seen[static_cast<std::size_t>(sender)]++ == i;
          if (++total == threads * posts) loop_->stop();
        });
      }
    });
  }
  loop_->run([] { return false; });
  for (std::thread& sender : senders) sender.join();
  EXPECT_EQ(total, threads * posts);
  EXPECT_TRUE(in_order);
}

TEST_F(EpollLoopTest, ManyPostsWakeOnce) {
  int ran = 0;
  std::thread([&] {
    for (int i = 0; i < 100; ++i) loop_->post([&] { ++ran; });
  }).join();
  while (ran < 100) poll();
  poll();
  EXPECT_EQ(loop_->wake_ups(), 1u);
}

TEST_F(EpollLoopTest, AContinuationMayPost) {
  int ran = 0;
  loop_->post([&] {
    ++ran;
    loop_->post([&] { ++ran; });
  });
  while (poll()) {}
  EXPECT_EQ(ran, 2);
}

TEST_F(EpollLoopTest, SignalsArriveAsEvents) {
  int got = 0;
  ASSERT_TRUE(loop_->watch_signals({SIGUSR2}, [&](int signal) { got = signal; }));
  raise(SIGUSR2);
  EXPECT_TRUE(poll());
  EXPECT_EQ(got, SIGUSR2);
}

}  // namespace
}  // namespace mpath::sys
