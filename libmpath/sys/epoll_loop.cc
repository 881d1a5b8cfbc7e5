// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/epoll_loop.h"

#include <pthread.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>

#include "libmpath/sys/timer.h"

namespace mpath::sys {

namespace {

// Tags of epoll: generation in the upper half, descriptor in the lower. Generation 0 is the loop's own.
constexpr std::uint64_t timer_tag = 1;
constexpr std::uint64_t wake_tag = 2;
constexpr int events_per_wait = 256;
constexpr Duration early_enough = milliseconds{20};
constexpr std::size_t kept_posted = 4096;  ///< room for continuations that is kept after a burst

std::uint32_t trigger_bits(EpollLoop::Trigger trigger) {
  switch (trigger) {
    case EpollLoop::Trigger::level: return 0;
    case EpollLoop::Trigger::edge: return EPOLLET;
    case EpollLoop::Trigger::once: return EPOLLONESHOT;
  }
  return 0;
}

}  // namespace

struct EpollLoop::Watch {
  std::uint64_t tag = 0;
  std::uint32_t trigger = 0;
  Callback callback;
};

Result<std::unique_ptr<EpollLoop>> EpollLoop::create() {
  std::unique_ptr<EpollLoop> loop(new EpollLoop);
  loop->epoll_.reset(epoll_create1(EPOLL_CLOEXEC));
  loop->timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  loop->wake_.reset(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!loop->epoll_ || !loop->timer_ || !loop->wake_) {
    return std::unexpected(error_from_errno(errno, "event loop", "cannot be created"));
  }
  // Edge-triggered, so that neither the timer nor the wake-up needs a read.
  if (auto added = loop->add(loop->timer_.get(), timer_tag, EPOLLIN | EPOLLET); !added) return std::unexpected(added.error());
  if (auto added = loop->add(loop->wake_.get(), wake_tag, EPOLLIN | EPOLLET); !added) return std::unexpected(added.error());
  return loop;
}

EpollLoop::~EpollLoop() = default;

MonoTime EpollLoop::now() const {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return MonoTime(seconds(time.tv_sec) + Duration(time.tv_nsec));
}

Status EpollLoop::add(int fd, std::uint64_t tag, std::uint32_t events) {
  epoll_event event{.events = events, .data = {.u64 = tag}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    return std::unexpected(error_from_errno(errno, fmt::format("descriptor {}", fd), "cannot be watched"));
  }
  return {};
}

Status EpollLoop::watch(int fd, std::uint32_t events, Callback callback, Trigger trigger) {
  if (fd < 0) return fail(ErrorCode::invalid_argument, "event loop", "no descriptor to watch");
  auto slot = static_cast<std::size_t>(fd);
  if (slot < watches_.size() && watches_[slot]) {
    return fail(ErrorCode::exists, fmt::format("descriptor {}", fd), "is watched already");
  }
  auto watch = std::make_unique<Watch>();
  watch->tag = static_cast<std::uint64_t>(next_generation_) << 32 | static_cast<std::uint32_t>(fd);
  watch->trigger = trigger_bits(trigger);
  watch->callback = std::move(callback);
  if (auto added = add(fd, watch->tag, events | watch->trigger); !added) return added;
  if (++next_generation_ == 0) next_generation_ = 1;
  if (slot >= watches_.size()) watches_.resize(slot + 1);
  watches_[slot] = std::move(watch);
  return {};
}

Status EpollLoop::rearm(int fd, std::uint32_t events) {
  auto slot = static_cast<std::size_t>(fd);
  if (fd < 0 || slot >= watches_.size() || !watches_[slot]) {
    return fail(ErrorCode::not_found, fmt::format("descriptor {}", fd), "is not watched");
  }
  Watch& watch = *watches_[slot];
  epoll_event event{.events = events | watch.trigger, .data = {.u64 = watch.tag}};
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) != 0) {
    return std::unexpected(error_from_errno(errno, fmt::format("descriptor {}", fd), "cannot be watched again"));
  }
  return {};
}

void EpollLoop::unwatch(int fd) {
  auto slot = static_cast<std::size_t>(fd);
  if (fd < 0 || slot >= watches_.size() || !watches_[slot]) return;
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  // Its callback may be the one that runs now.
  if (dispatching_) retired_.push_back(std::move(watches_[slot]));
  watches_[slot].reset();
}

void EpollLoop::wake() {
  std::uint64_t one = 1;
  // The counter never gets near its end (it would need 2^64 wake-ups), so this cannot fail.
  [[maybe_unused]] ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

void EpollLoop::post(ports::Continuation continuation) {
  {
    std::lock_guard lock(posted_mutex_);
    posted_.push_back(std::move(continuation));
    if (std::exchange(wake_pending_, true)) return;
  }
  wake();
}

void EpollLoop::stop() {
  stopping_.store(true);
  wake();
}

bool EpollLoop::run_posted() {
  {
    std::lock_guard lock(posted_mutex_);
    wake_pending_ = false;
    if (posted_.empty()) return false;
    running_.swap(posted_);
  }
  for (ports::Continuation& continuation : running_) {
    continuation();
    continuation = nullptr;
  }
  running_.clear();
  if (running_.capacity() > kept_posted) running_.shrink_to_fit();
  return true;
}

void EpollLoop::set_deadline(MonoTime deadline) {
  // An armed time that is a little early costs one idle wake-up; a later one for each turn would cost a call for each turn.
  // What is armed may be the beginning of all time, which nothing can be counted from.
  if (deadline == armed_ || (deadline > armed_ && deadline - early_enough < armed_)) return;
  set_timer(timer_.get(), deadline);
  armed_ = deadline;
}

Status EpollLoop::watch_signals(std::initializer_list<int> signals, std::function<void(int)> callback) {
  if (signals_) return fail(ErrorCode::exists, "event loop", "signals are watched already");
  sigset_t set;
  sigemptyset(&set);
  for (int signal : signals) sigaddset(&set, signal);
  if (int error = pthread_sigmask(SIG_BLOCK, &set, nullptr); error != 0) {
    return std::unexpected(error_from_errno(error, "event loop", "cannot block signals"));
  }
  signals_.reset(signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return std::unexpected(error_from_errno(errno, "event loop", "cannot receive signals"));
  return watch(signals_.get(), EPOLLIN,
               [this, callback = std::move(callback)](std::uint32_t) { read_signals(callback); });
}

void EpollLoop::read_signals(const std::function<void(int)>& callback) {
  signalfd_siginfo information{};
  while (::read(signals_.get(), &information, sizeof information) == sizeof information) {
    callback(static_cast<int>(information.ssi_signo));
  }
}

void EpollLoop::dispatch(std::uint64_t tag, std::uint32_t events) {
  if (tag == timer_tag) {
    armed_ = no_deadline;
    return;
  }
  if (tag == wake_tag) return;
  auto slot = static_cast<std::size_t>(static_cast<std::uint32_t>(tag));
  if (slot >= watches_.size() || !watches_[slot] || watches_[slot]->tag != tag) return;  // unwatched meanwhile
  Watch& watch = *watches_[slot];
  watch.callback(events);
}

bool EpollLoop::run_once(std::optional<Duration> timeout) {
  bool had_posted = run_posted();
  if (had_posted) timeout = Duration{0};
  // A finite wait is for tests and tools: whole milliseconds do. The engine's deadlines have the timer.
  int wait = timeout ? static_cast<int>(std::chrono::ceil<milliseconds>(*timeout).count()) : -1;
  epoll_event events[events_per_wait];
  int count = epoll_wait(epoll_.get(), events, events_per_wait, wait);
  if (count <= 0) return had_posted;
  ++wake_ups_;
  dispatching_ = true;
  for (int i = 0; i < count; ++i) dispatch(events[i].data.u64, events[i].events);
  dispatching_ = false;
  retired_.clear();
  run_posted();
  return true;
}

void EpollLoop::run(const std::function<bool()>& turn) {
  bool more = turn();
  while (!stopping_.load()) {
    run_once(more ? std::optional(Duration{0}) : std::nullopt);
    more = turn();
  }
  stopping_.store(false);
}

}  // namespace mpath::sys
