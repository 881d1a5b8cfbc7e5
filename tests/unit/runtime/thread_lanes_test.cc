// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/runtime/thread_lanes.h"

#include <gmock/gmock.h>
#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>

namespace mpath::runtime {
namespace {

using ports::Continuation;
using ports::Lane;
using testing::ElementsAre;

class SetClock final : public ports::Clock {
 public:
  [[nodiscard]] MonoTime now() const override { return MonoTime(Duration(now_.load())); }
  void advance(Duration by) { now_ += by.count(); }

 private:
  std::atomic<Duration::rep> now_ = 1'000'000'000;
};

/// The engine's side: collects continuations, runs them when told.
class Inbox {
 public:
  void post(Continuation continuation) {
    std::lock_guard lock(mutex_);
    arrived_.push_back(std::move(continuation));
    changed_.notify_all();
  }
  /// Waits until `count` have come and runs them on this thread.
  void run(std::size_t count) {
    while (count > 0) {
      std::vector<Continuation> batch;
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [this] { return !arrived_.empty(); });
        batch.swap(arrived_);
      }
      for (Continuation& continuation : batch) continuation();
      ASSERT_LE(batch.size(), count);
      count -= batch.size();
    }
  }
  std::size_t waiting() {
    std::lock_guard lock(mutex_);
    return arrived_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Continuation> arrived_;
};

class ThreadLanesTest : public testing::Test {
 protected:
  ThreadLanesTest() {
    auto made = ThreadLanes::create(clock_, [this](Continuation done) { inbox_.post(std::move(done)); });
    lanes_ = std::move(made.value());
  }
  /// Submits a task that reports itself as started and then holds its thread until `release`.
  void hold(Lane lane, std::uint64_t key, std::latch& started, std::latch& release) {
    ASSERT_TRUE(lanes_->submit(lane, key, [&started, &release]() -> Continuation {
      started.count_down();
      release.wait();
      return [] {};
    }));
  }

  SetClock clock_;
  Inbox inbox_;
  std::unique_ptr<ThreadLanes> lanes_;
};

TEST_F(ThreadLanesTest, ContinuationRunsOnTheCallersThread) {
  pthread_t engine = pthread_self();
  bool on_lane = false;
  bool on_engine = false;
  ASSERT_TRUE(lanes_->submit(Lane::fast, 0, [&]() -> Continuation {
    on_lane = !pthread_equal(engine, pthread_self());
    return [&] { on_engine = pthread_equal(engine, pthread_self()); };
  }));
  inbox_.run(1);
  EXPECT_TRUE(on_lane);
  EXPECT_TRUE(on_engine);
}

TEST_F(ThreadLanesTest, OrderHoldsWithinOneKey) {
  std::vector<int> order;
  constexpr int tasks = 500;
  for (int i = 0; i < tasks; ++i) {
    ASSERT_TRUE(lanes_->submit(Lane::submit, 7, [&order, i]() -> Continuation {
      order.push_back(i);  // no lock: tasks of one key never run at once
      return [] {};
    }));
  }
  inbox_.run(tasks);
  std::vector<int> expected(tasks);
  for (int i = 0; i < tasks; ++i) expected[static_cast<std::size_t>(i)] = i;
  EXPECT_EQ(order, expected);
}

TEST_F(ThreadLanesTest, WhatIsHeldBackRunsOnceItIsLetGo) {
  for (int round = 0; round < 50; ++round) {
    constexpr std::uint64_t keys = 5;  // more than threads that wait for them
    lanes_->hold_back();
    for (std::uint64_t key = 0; key < keys; ++key) {
      ASSERT_TRUE(lanes_->submit(Lane::submit, key, []() -> Continuation { return [] {}; }));
    }
    ASSERT_TRUE(lanes_->submit(Lane::fast, 0, []() -> Continuation { return [] {}; }));
    lanes_->let_go();
    inbox_.run(keys + 1);
  }
  ASSERT_TRUE(lanes_->submit(Lane::submit, 0, []() -> Continuation { return [] {}; }));
  inbox_.run(1);
}

TEST_F(ThreadLanesTest, AStuckHostDoesNotHoldAnother) {
  std::latch started(1), release(1);
  hold(Lane::submit, 1, started, release);
  started.wait();
  bool same_host_ran = false;
  ASSERT_TRUE(lanes_->submit(Lane::submit, 1, [&]() -> Continuation {
    same_host_ran = true;
    return [] {};
  }));
  ASSERT_TRUE(lanes_->submit(Lane::submit, 2, [&]() -> Continuation { return [] {}; }));
  inbox_.run(1);  // that of host 2
  EXPECT_EQ(inbox_.waiting(), 0u);
  EXPECT_EQ(lanes_->busy(Duration{0}).at(0).waiting_behind, 1u);
  release.count_down();
  inbox_.run(2);
  EXPECT_TRUE(same_host_ran);
}

TEST_F(ThreadLanesTest, StartsMoreThreadsOnlyAfterAllAreBusyForLong) {
  std::size_t base = lanes_->threads();
  EXPECT_EQ(base, 6u);
  std::latch started(2), third(1), release(1);
  hold(Lane::submit, 1, started, release);
  hold(Lane::submit, 2, started, release);
  started.wait();
  EXPECT_EQ(lanes_->tend(), no_deadline) << "nothing waits";

  hold(Lane::submit, 3, third, release);
  MonoTime due = lanes_->tend();
  EXPECT_EQ(due, clock_.now() + limits::lane_patience);
  EXPECT_EQ(lanes_->threads(), base);

  clock_.advance(limits::lane_patience);
  EXPECT_NE(lanes_->tend(), no_deadline);
  EXPECT_EQ(lanes_->threads(), base + 1);
  third.wait();
  EXPECT_EQ(lanes_->tend(), no_deadline) << "the wait is over";

  release.count_down();
  inbox_.run(3);
  // A surplus thread ends when it finds nothing to do; stop() sees every one of them end.
  EXPECT_TRUE(lanes_->stop(seconds{30}));
  EXPECT_EQ(lanes_->threads(), 0u);
}

TEST_F(ThreadLanesTest, ThereIsALimitOfThreads) {
  constexpr std::size_t most = limits::submission_lanes + limits::spare_submission_lanes;
  std::latch started(most), beyond(1), release(1);
  for (std::uint64_t host = 0; host < most; ++host) hold(Lane::submit, host, started, release);
  for (std::size_t i = 0; i < most; ++i) {
    (void)lanes_->tend();
    clock_.advance(limits::lane_patience);
  }
  // Each round starts at most one, and none before the last one has taken its work.
  while (!started.try_wait()) {
    clock_.advance(limits::lane_patience);
    (void)lanes_->tend();
  }
  EXPECT_EQ(lanes_->threads(), 6 - 2 + most);
  hold(Lane::submit, most, beyond, release);
  clock_.advance(limits::lane_patience);
  EXPECT_EQ(lanes_->tend(), no_deadline);
  EXPECT_EQ(lanes_->threads(), 6 - 2 + most);
  EXPECT_FALSE(beyond.try_wait());
  release.count_down();
  inbox_.run(most + 1);
}

TEST_F(ThreadLanesTest, AStuckFileDoesNotHoldTheView) {
  std::latch started(1), release(1), viewed(1);
  hold(Lane::files, 0, started, release);
  started.wait();
  ASSERT_TRUE(lanes_->submit(Lane::view, 0, [&]() -> Continuation {
    viewed.count_down();
    return [] {};
  }));
  clock_.advance(limits::lane_patience);
  (void)lanes_->tend();
  viewed.wait();
  release.count_down();
  inbox_.run(2);
}

TEST_F(ThreadLanesTest, OneFileTaskAtATimeWhateverTheKey) {
  std::latch started(1), release(1);
  hold(Lane::files, 1, started, release);
  started.wait();
  std::atomic<bool> ran = false;
  ASSERT_TRUE(lanes_->submit(Lane::files, 2, [&]() -> Continuation {
    ran = true;
    return [] {};
  }));
  clock_.advance(limits::lane_patience);
  EXPECT_EQ(lanes_->tend(), no_deadline) << "another thread would not help";
  EXPECT_FALSE(ran);
  release.count_down();
  inbox_.run(2);
  EXPECT_TRUE(ran);
}

TEST_F(ThreadLanesTest, ReportsWhatIsBusySinceWhen) {
  std::latch first(1), second(1), release(1);
  MonoTime begin = clock_.now();
  hold(Lane::wait, 42, first, release);
  first.wait();
  clock_.advance(seconds{3});
  hold(Lane::table, 5, second, release);
  second.wait();
  ASSERT_TRUE(lanes_->submit(Lane::table, 6, []() -> Continuation { return [] {}; }));
  clock_.advance(seconds{1});

  std::vector<BusyLane> busy = lanes_->busy(seconds{1});
  ASSERT_EQ(busy.size(), 2u);
  EXPECT_EQ(busy[0].lane, Lane::wait);
  EXPECT_EQ(busy[0].key, 42u);
  EXPECT_EQ(busy[0].since, begin);
  EXPECT_EQ(busy[0].waiting_in_lane, 0u);
  EXPECT_EQ(busy[1].lane, Lane::table);
  EXPECT_EQ(busy[1].waiting_in_lane, 1u);
  EXPECT_EQ(lanes_->busy(seconds{2}).size(), 1u);
  release.count_down();
  inbox_.run(3);
}

TEST_F(ThreadLanesTest, AFullQueueRefuses) {
  std::latch started(1), release(1);
  hold(Lane::fast, 0, started, release);
  started.wait();
  for (std::size_t i = 0; i < limits::lane_queue; ++i) {
    ASSERT_TRUE(lanes_->submit(Lane::fast, 0, []() -> Continuation { return {}; }));
  }
  EXPECT_FALSE(lanes_->submit(Lane::fast, 0, []() -> Continuation { return {}; }));
  EXPECT_TRUE(lanes_->submit(Lane::table, 0, []() -> Continuation { return {}; }));
  release.count_down();
  inbox_.run(1);
}

TEST_F(ThreadLanesTest, LaneThreadsBlockSignalsAndHaveNameAndStack) {
  char name[16] = {};
  bool blocked = true;
  std::size_t stack = 0;
  ASSERT_TRUE(lanes_->submit(Lane::table, 0, [&]() -> Continuation {
    pthread_getname_np(pthread_self(), name, sizeof name);
    sigset_t mask;
    pthread_sigmask(SIG_SETMASK, nullptr, &mask);
    for (int signal : {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGALRM}) blocked = blocked && sigismember(&mask, signal) == 1;
    pthread_attr_t attributes;
    pthread_getattr_np(pthread_self(), &attributes);
    pthread_attr_getstacksize(&attributes, &stack);
    pthread_attr_destroy(&attributes);
    return [] {};
  }));
  inbox_.run(1);
  EXPECT_STREQ(name, "mpath-table");
  EXPECT_TRUE(blocked);
  EXPECT_LE(stack, limits::thread_stack_bytes);
}

TEST_F(ThreadLanesTest, StopLeavesAStuckTaskBehind) {
  auto started = std::make_shared<std::latch>(1);
  auto release = std::make_shared<std::latch>(1);
  auto ended = std::make_shared<std::latch>(1);
  auto late = std::make_shared<std::atomic<bool>>(false);
  ASSERT_TRUE(lanes_->submit(Lane::wait, 1, [=]() -> Continuation {
    started->count_down();
    release->wait();
    return [late, ended] { *late = true; };
  }));
  started->wait();
  bool dropped_ran = false;
  ASSERT_TRUE(lanes_->submit(Lane::wait, 1, [&]() -> Continuation {
    dropped_ran = true;
    return [] {};
  }));
  EXPECT_FALSE(lanes_->stop(Duration{0}));
  EXPECT_FALSE(lanes_->submit(Lane::fast, 0, []() -> Continuation { return {}; }));
  lanes_.reset();
  release->count_down();
  EXPECT_EQ(inbox_.waiting(), 0u);
  EXPECT_FALSE(dropped_ran);
  EXPECT_FALSE(*late);
}

}  // namespace
}  // namespace mpath::runtime
