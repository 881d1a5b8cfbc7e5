// SPDX-License-Identifier: LGPL-2.1-or-later
// ports::Lanes with real threads. Made and used by the engine's thread of the daemon and of the tools; the tasks run on threads
// of its own, which block every signal, have small stacks (limits::thread_stack_bytes) and carry their lane's name.
//
// Threads: submit 2, table 1, fast 1, wait 1, and one for discovery, files, settings and view together. More are started only while
// all of a pool have been busy for limits::lane_patience with work waiting, and end as soon as they find none: submit up to
// limits::submission_lanes + limits::spare_submission_lanes, wait up to limits::wait_lanes, the shared one up to four, so
// that a stuck file never holds a reply back.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "libmpath/base/limits.h"
#include "libmpath/ports/ports.h"

namespace mpath::runtime {

/// Brings a continuation to the engine's thread; called on lane threads, must not block (sys::EpollLoop::post).
using CompletionSink = std::function<void(ports::Continuation)>;

/// A task that has been running for long, and what waits because of it.
struct BusyLane {
  ports::Lane lane = ports::Lane::submit;
  std::uint64_t key = 0;
  MonoTime since{};
  std::size_t waiting_behind = 0;   ///< tasks of the same lane and key
  std::size_t waiting_in_lane = 0;  ///< all tasks of the lane
};

/// "submit", "table"…
[[nodiscard]] std::string_view to_string(ports::Lane lane);

class ThreadLanes final : public ports::Lanes {
 public:
  /// Starts the basic threads; ErrorCode::limit if the system refuses even those.
  [[nodiscard]] static Result<std::unique_ptr<ThreadLanes>> create(const ports::Clock& clock, CompletionSink sink);
  ThreadLanes(const ThreadLanes&) = delete;
  ThreadLanes& operator=(const ThreadLanes&) = delete;
  /// stop(limits::lane_stop), if it was not called before.
  ~ThreadLanes() override;

  [[nodiscard]] bool submit(ports::Lane lane, std::uint64_t key, ports::LaneTask task) override;
  void hold_back() override;
  void let_go() override;

  /// Engine thread, once a turn: starts threads where all sleep. Gives when to call again at the latest; no_deadline
  /// (and no lock taken) as long as nothing waits for a thread.
  [[nodiscard]] MonoTime tend();

  /// Engine thread: the tasks that have been running for `age` or longer, longest first.
  [[nodiscard]] std::vector<BusyLane> busy(Duration age) const;

  /// Threads alive now.
  [[nodiscard]] std::size_t threads() const;

  /// Engine thread: drop what waits, wait for what runs, at most for `patience` of real time. From its return on the sink is
  /// not called any more. False if some task is stuck in the kernel: its thread is left behind, and keeps alive what it
  /// needs; the task's own captures must survive that too.
  bool stop(Duration patience);

 private:
  struct Shared;
  class Pool;
  ThreadLanes();

  std::shared_ptr<Shared> shared_;
  std::vector<std::shared_ptr<Pool>> pools_;
  bool holding_ = false;
  std::uint32_t held_ = 0;  ///< pools that were given something meanwhile, one bit for each
  bool stopped_ = false;
};

}  // namespace mpath::runtime
