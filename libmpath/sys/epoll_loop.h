// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine thread's event loop: descriptors, one timer, continuations of lanes, signals. Owned and run by one thread; only
// now(), post() and stop() may be called from others. Nothing wakes it while nothing is due.
#pragma once

#include <atomic>
#include <functional>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "libmpath/base/unique_fd.h"
#include "libmpath/ports/ports.h"

namespace mpath::sys {

class EpollLoop final : public ports::Clock {
 public:
  /// How a watched descriptor reports.
  enum class Trigger {
    level,  ///< as long as it is ready
    edge,   ///< each time something comes; the callback must take all
    once,   ///< one time, then again after rearm()
  };
  /// Gets the EPOLL* bits. It may watch and unwatch anything, its own descriptor too.
  using Callback = std::move_only_function<void(std::uint32_t events)>;

  [[nodiscard]] static Result<std::unique_ptr<EpollLoop>> create();
  EpollLoop(const EpollLoop&) = delete;
  EpollLoop& operator=(const EpollLoop&) = delete;
  ~EpollLoop() override;

  /// CLOCK_MONOTONIC; any thread.
  [[nodiscard]] MonoTime now() const override;

  /// Calls `callback` when `fd` is ready for `events` (EPOLLIN, EPOLLOUT; errors and hang-ups always count). The descriptor
  /// stays the caller's; unwatch it before closing it.
  [[nodiscard]] Status watch(int fd, std::uint32_t events, Callback callback, Trigger trigger = Trigger::level);
  /// Other events for a watched descriptor, and for Trigger::once: armed again.
  [[nodiscard]] Status rearm(int fd, std::uint32_t events);
  /// No callback for it any more, not even for an event already taken. Unknown descriptors are ignored.
  void unwatch(int fd);

  /// Queues work for the loop's thread and wakes it if it sleeps; any number of posts costs one wake-up. Any thread.
  void post(ports::Continuation continuation);

  /// When run_once() shall come back at the latest; no_deadline: only for an event. Costs a system call only if it
  /// differs much from the one before, or that one has passed.
  void set_deadline(MonoTime deadline);

  /// Blocks these signals in the calling thread (and in threads it starts from now on) and reports them here. Once for a loop.
  [[nodiscard]] Status watch_signals(std::initializer_list<int> signals, std::function<void(int signal)> callback);

  /// One wait and what it brought: continuations, descriptors, the deadline. `timeout`: nothing means until something comes.
  /// True if anything happened.
  bool run_once(std::optional<Duration> timeout = std::nullopt);
  /// run_once() until stop(), calling `turn` after each. `turn` gives true if it wants to be called again without a wait.
  void run(const std::function<bool()>& turn);
  /// Any thread.
  void stop();

  /// Waits that ended, for tests and status: a quiet loop does not count.
  [[nodiscard]] std::uint64_t wake_ups() const { return wake_ups_; }

 private:
  struct Watch;
  EpollLoop() = default;
  void wake();
  bool run_posted();
  void dispatch(std::uint64_t tag, std::uint32_t events);
  void read_signals(const std::function<void(int)>& callback);
  [[nodiscard]] Status add(int fd, std::uint64_t tag, std::uint32_t events);

  UniqueFd epoll_;
  UniqueFd timer_;
  UniqueFd wake_;
  UniqueFd signals_;
  MonoTime armed_ = no_deadline;
  std::vector<std::unique_ptr<Watch>> watches_;  ///< by descriptor
  std::vector<std::unique_ptr<Watch>> retired_;  ///< unwatched during a dispatch
  std::uint32_t next_generation_ = 1;
  bool dispatching_ = false;
  std::uint64_t wake_ups_ = 0;
  std::atomic<bool> stopping_ = false;

  std::mutex posted_mutex_;
  std::vector<ports::Continuation> posted_;
  bool wake_pending_ = false;
  std::vector<ports::Continuation> running_;  ///< swapped with posted_, so that both keep their room
};

}  // namespace mpath::sys
