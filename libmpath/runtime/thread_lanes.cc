// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/runtime/thread_lanes.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <unordered_map>

namespace mpath::runtime {

using ports::Continuation;
using ports::Lane;
using ports::LaneTask;

namespace {

constexpr std::size_t kept_nodes = 256;    ///< task nodes a pool keeps for reuse
constexpr std::size_t kept_strands = 256;  ///< idle (lane, key) entries a pool keeps

struct PoolPlan {
  const char* thread_name;
  std::size_t base;
  std::size_t most;
};
enum PoolIndex : std::size_t { submit_pool, table_pool, fast_pool, wait_pool, house_pool };
constexpr PoolPlan plans[] = {
    {"mpath-submit", 2, limits::submission_lanes + limits::spare_submission_lanes},
    {"mpath-table", 1, 1},
    {"mpath-fast", 1, 1},
    {"mpath-wait", 1, limits::wait_lanes},
    {"mpath-house", 1, 4},
};

PoolIndex pool_of(Lane lane) {
  switch (lane) {
    case Lane::submit: return submit_pool;
    case Lane::table: return table_pool;
    case Lane::fast: return fast_pool;
    case Lane::wait: return wait_pool;
    case Lane::discovery: case Lane::files: case Lane::settings: case Lane::view: return house_pool;
  }
  return house_pool;
}

/// Where idle threads sleep. A condition variable would cost each thread that it wakes a further system call, and as many wake-ups as there
/// are tasks.
class Sleepers {
 public:
  Sleepers() { sem_init(&semaphore_, 0, 0); }
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;
  ~Sleepers() { sem_destroy(&semaphore_); }
  void sleep() {
    while (sem_wait(&semaphore_) != 0 && errno == EINTR) {}
  }
  void wake_one() { sem_post(&semaphore_); }

 private:
  sem_t semaphore_{};
};

/// Whether tasks of different keys may run at once in this lane.
bool parallel_by_key(Lane lane) { return lane == Lane::submit || lane == Lane::wait; }

/// Starts a detached thread with every signal blocked; 0 or an errno value.
int start_thread(void* (*body)(void*), void* argument) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
  pthread_attr_setstacksize(&attributes, limits::thread_stack_bytes);
  // A lane never runs with the engine's real-time priority.
  pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
  sched_param parameters{};
  pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
  pthread_attr_setschedparam(&attributes, &parameters);

  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  pthread_t thread{};
  int error = pthread_create(&thread, &attributes, body, argument);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_attr_destroy(&attributes);
  return error;
}

}  // namespace

std::string_view to_string(Lane lane) {
  switch (lane) {
    case Lane::submit: return "submit";
    case Lane::table: return "table";
    case Lane::fast: return "fast";
    case Lane::wait: return "wait";
    case Lane::discovery: return "discovery";
    case Lane::files: return "files";
    case Lane::settings: return "settings";
    case Lane::view: return "view";
  }
  return "unknown";
}

/// What outlives the ThreadLanes object for the sake of a stuck thread.
struct ThreadLanes::Shared {
  const ports::Clock* clock = nullptr;  ///< not used after `stopped`

  std::mutex sink_mutex;
  CompletionSink sink;  ///< empty after stop()

  std::mutex ended_mutex;
  std::condition_variable ended;
  std::size_t live_threads = 0;

  void deliver(Continuation continuation) {
    if (!continuation) return;
    std::lock_guard lock(sink_mutex);
    if (sink) sink(std::move(continuation));
  }
};

class ThreadLanes::Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(std::shared_ptr<Shared> shared, const PoolPlan& plan) : shared_(std::move(shared)), plan_(plan) {}

  /// `hold`: nobody is woken for it before let_go().
  bool submit(Lane lane, std::uint64_t key, LaneTask task, bool hold);
  void let_go();
  MonoTime tend(MonoTime now);
  void busy(MonoTime now, Duration age, std::vector<BusyLane>& out);
  int start();
  void stop();

 private:
  struct Node {
    LaneTask task;
    Node* next = nullptr;
  };
  struct StrandKey {
    Lane lane;
    std::uint64_t key;
    bool operator==(const StrandKey&) const = default;
  };
  struct StrandHash {
    std::size_t operator()(const StrandKey& strand) const noexcept {
      return (strand.key * ports::lane_count + static_cast<std::size_t>(strand.lane)) * 0x9e3779b97f4a7c15ULL;
    }
  };
  /// Tasks of one (lane, key): at most one of them runs, and in order.
  struct Strand {
    StrandKey id{};
    Node* first = nullptr;
    Node* last = nullptr;
    std::size_t waiting = 0;
    bool running = false;
    MonoTime since{};
    Strand* next_ready = nullptr;
  };

  static void* thread_body(void* argument);
  void work();
  void run_one(std::unique_lock<std::mutex>& lock);
  int start_locked();
  Node* take_node(LaneTask task);
  void give_node(Node* node);
  void push_ready(Strand& strand);
  /// Some strands are ready that no thread will take.
  [[nodiscard]] bool is_short() const { return ready_count_ > idle_ + woken_; }
  void update_shortage() { short_.store(is_short(), std::memory_order_relaxed); }

  const std::shared_ptr<Shared> shared_;
  const PoolPlan plan_;
  std::atomic<bool> short_ = false;  ///< work is ready and no idle thread will take it

  std::mutex mutex_;
  Sleepers sleepers_;
  std::unordered_map<StrandKey, Strand, StrandHash> strands_;
  std::vector<Strand*> running_;
  Strand* ready_first_ = nullptr;
  Strand* ready_last_ = nullptr;
  std::size_t ready_count_ = 0;
  std::array<std::size_t, ports::lane_count> waiting_{};
  std::vector<std::unique_ptr<Node>> nodes_;
  Node* free_nodes_ = nullptr;
  std::size_t threads_ = 0;
  std::size_t idle_ = 0;   ///< asleep, and nobody has woken them
  std::size_t woken_ = 0;  ///< on their way to a task
  bool stopping_ = false;
};

ThreadLanes::Pool::Node* ThreadLanes::Pool::take_node(LaneTask task) {
  Node* node = free_nodes_;
  if (node != nullptr) {
    free_nodes_ = node->next;
  } else {
    node = nodes_.emplace_back(std::make_unique<Node>()).get();
  }
  node->task = std::move(task);
  node->next = nullptr;
  return node;
}

void ThreadLanes::Pool::give_node(Node* node) {
  node->next = free_nodes_;
  free_nodes_ = node;
}

void ThreadLanes::Pool::push_ready(Strand& strand) {
  strand.next_ready = nullptr;
  (ready_last_ != nullptr ? ready_last_->next_ready : ready_first_) = &strand;
  ready_last_ = &strand;
  ++ready_count_;
}

bool ThreadLanes::Pool::submit(Lane lane, std::uint64_t key, LaneTask task, bool hold) {
  std::unique_lock lock(mutex_);
  std::size_t& waiting = waiting_[static_cast<std::size_t>(lane)];
  if (stopping_ || waiting >= limits::lane_queue) return false;
  StrandKey id{lane, parallel_by_key(lane) ? key : 0};
  Strand& strand = strands_[id];
  strand.id = id;
  Node* node = take_node(std::move(task));
  (strand.last != nullptr ? strand.last->next : strand.first) = node;
  strand.last = node;
  ++waiting;
  bool became_ready = ++strand.waiting == 1 && !strand.running;
  if (became_ready) push_ready(strand);
  bool wakes = became_ready && idle_ > 0 && !hold;
  if (wakes) {
    --idle_;
    ++woken_;
  }
  update_shortage();
  lock.unlock();  // first, or the woken thread would wait for the lock
  if (wakes) sleepers_.wake_one();
  return true;
}

void ThreadLanes::Pool::let_go() {
  std::unique_lock lock(mutex_);
  std::size_t count = std::min(idle_, ready_count_ - std::min(ready_count_, woken_));
  idle_ -= count;
  woken_ += count;
  lock.unlock();
  for (; count > 0; --count) sleepers_.wake_one();
}

void* ThreadLanes::Pool::thread_body(void* argument) {
  std::unique_ptr<std::shared_ptr<Pool>> self(static_cast<std::shared_ptr<Pool>*>(argument));
  std::shared_ptr<Shared> shared = (*self)->shared_;
  pthread_setname_np(pthread_self(), (*self)->plan_.thread_name);
  (*self)->work();
  self.reset();
  std::lock_guard lock(shared->ended_mutex);
  --shared->live_threads;
  shared->ended.notify_all();
  return nullptr;
}

void ThreadLanes::Pool::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    while (ready_first_ == nullptr && !stopping_) {
      if (threads_ > plan_.base) {
        --threads_;
        return;
      }
      ++idle_;
      lock.unlock();
      sleepers_.sleep();
      lock.lock();
      --woken_;
    }
    if (stopping_) {
      --threads_;
      return;
    }
    run_one(lock);
  }
}

void ThreadLanes::Pool::run_one(std::unique_lock<std::mutex>& lock) {
  Strand& strand = *ready_first_;
  ready_first_ = strand.next_ready;
  if (ready_first_ == nullptr) ready_last_ = nullptr;
  --ready_count_;
  Node* node = strand.first;
  strand.first = node->next;
  if (strand.first == nullptr) strand.last = nullptr;
  --strand.waiting;
  --waiting_[static_cast<std::size_t>(strand.id.lane)];
  strand.running = true;
  strand.since = shared_->clock->now();
  running_.push_back(&strand);
  update_shortage();

  lock.unlock();
  shared_->deliver(node->task());
  node->task = nullptr;  // its captures end on the lane
  lock.lock();

  std::erase(running_, &strand);
  strand.running = false;
  if (stopping_) return;
  give_node(node);
  if (strand.first != nullptr) {
    push_ready(strand);
  } else if (strands_.size() > kept_strands) {
    strands_.erase(strand.id);
  }
  // A burst's nodes are not kept for ever: with nothing waiting or running, all but a few can go.
  if (nodes_.size() > kept_nodes && running_.empty() && ready_first_ == nullptr) {
    nodes_.clear();
    free_nodes_ = nullptr;
  }
  update_shortage();
}

int ThreadLanes::Pool::start_locked() {
  auto self = std::make_unique<std::shared_ptr<Pool>>(shared_from_this());
  {
    std::lock_guard lock(shared_->ended_mutex);
    ++shared_->live_threads;
  }
  int error = start_thread(thread_body, self.get());
  if (error == 0) {
    (void)self.release();  // the thread owns it now
    ++threads_;
  } else {
    std::lock_guard lock(shared_->ended_mutex);
    --shared_->live_threads;
  }
  return error;
}

int ThreadLanes::Pool::start() {
  std::lock_guard lock(mutex_);
  while (threads_ < plan_.base) {
    if (int error = start_locked(); error != 0) return error;
  }
  return 0;
}

MonoTime ThreadLanes::Pool::tend(MonoTime now) {
  if (!short_.load(std::memory_order_relaxed)) return no_deadline;
  std::lock_guard lock(mutex_);
  if (stopping_ || !is_short() || threads_ >= plan_.most) return no_deadline;
  // A thread that has not taken its first task yet, or has just come back, will take the work.
  if (running_.size() < threads_) return now + limits::lane_patience;
  MonoTime latest = running_.front()->since;
  for (const Strand* strand : running_) latest = std::max(latest, strand->since);
  if (now - latest < limits::lane_patience) return latest + limits::lane_patience;
  // A refusal of the system is asked again after the same patience; the work waits meanwhile and busy() shows why.
  (void)start_locked();
  return now + limits::lane_patience;
}

void ThreadLanes::Pool::busy(MonoTime now, Duration age, std::vector<BusyLane>& out) {
  std::lock_guard lock(mutex_);
  for (const Strand* strand : running_) {
    if (now - strand->since < age) continue;
    out.push_back({strand->id.lane, strand->id.key, strand->since, strand->waiting,
                   waiting_[static_cast<std::size_t>(strand->id.lane)]});
  }
}

void ThreadLanes::Pool::stop() {
  std::vector<LaneTask> dropped;  // destroyed without the lock
  std::lock_guard lock(mutex_);
  stopping_ = true;
  short_.store(false, std::memory_order_relaxed);
  for (auto& [id, strand] : strands_) {
    for (Node* node = strand.first; node != nullptr; node = node->next) dropped.push_back(std::move(node->task));
    strand.first = strand.last = nullptr;
    strand.waiting = 0;
  }
  ready_first_ = ready_last_ = nullptr;
  ready_count_ = 0;
  waiting_.fill(0);
  for (; idle_ > 0; --idle_, ++woken_) sleepers_.wake_one();
}

ThreadLanes::ThreadLanes() : shared_(std::make_shared<Shared>()) {}

Result<std::unique_ptr<ThreadLanes>> ThreadLanes::create(const ports::Clock& clock, CompletionSink sink) {
  std::unique_ptr<ThreadLanes> lanes(new ThreadLanes);
  lanes->shared_->clock = &clock;
  lanes->shared_->sink = std::move(sink);
  for (const PoolPlan& plan : plans) {
    auto& pool = lanes->pools_.emplace_back(std::make_shared<Pool>(lanes->shared_, plan));
    if (int error = pool->start(); error != 0) {
      Error failure = error_from_errno(error, plan.thread_name, "cannot start a worker thread; raise TasksMax or ulimit -u");
      failure.code = ErrorCode::limit;
      return std::unexpected(std::move(failure));
    }
  }
  return lanes;
}

ThreadLanes::~ThreadLanes() {
  if (!stopped_) stop(limits::lane_stop);
}

bool ThreadLanes::submit(Lane lane, std::uint64_t key, LaneTask task) {
  PoolIndex pool = pool_of(lane);
  if (holding_) held_ |= 1U << pool;
  return pools_[pool]->submit(lane, key, std::move(task), holding_);
}

void ThreadLanes::hold_back() { holding_ = true; }

void ThreadLanes::let_go() {
  holding_ = false;
  std::uint32_t held = std::exchange(held_, 0);
  for (std::size_t pool = 0; held != 0; ++pool, held >>= 1U) {
    if ((held & 1U) != 0) pools_[pool]->let_go();
  }
}

MonoTime ThreadLanes::tend() {
  MonoTime next = no_deadline;
  for (auto& pool : pools_) next = std::min(next, pool->tend(shared_->clock->now()));
  return next;
}

std::vector<BusyLane> ThreadLanes::busy(Duration age) const {
  std::vector<BusyLane> out;
  MonoTime now = shared_->clock->now();
  for (const auto& pool : pools_) pool->busy(now, age, out);
  std::stable_sort(out.begin(), out.end(), [](const BusyLane& a, const BusyLane& b) { return a.since < b.since; });
  return out;
}

std::size_t ThreadLanes::threads() const {
  std::lock_guard lock(shared_->ended_mutex);
  return shared_->live_threads;
}

bool ThreadLanes::stop(Duration patience) {
  stopped_ = true;
  for (auto& pool : pools_) pool->stop();
  bool all_ended = false;
  {
    std::unique_lock lock(shared_->ended_mutex);
    all_ended = shared_->ended.wait_for(lock, patience, [this] { return shared_->live_threads == 0; });
  }
  std::lock_guard lock(shared_->sink_mutex);
  shared_->sink = nullptr;
  return all_ended;
}

}  // namespace mpath::runtime
