// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine's deadlines, ordered by (deadline, sequence). Nodes live inside their owners; nothing is allocated to set a timer. Not
// thread-safe: it belongs to the engine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "libmpath/base/time.h"

namespace mpath::engine {

enum class TimerOwner : std::uint8_t { path, map, engine, run_state, sampling, drain };

struct TimerNode {
  TimerOwner owner = TimerOwner::engine;
  std::uint32_t slot = 0;

 private:
  friend class TimerQueue;
  static constexpr std::size_t not_queued = SIZE_MAX;
  MonoTime deadline_{};
  std::uint64_t sequence_ = 0;
  std::size_t position_ = not_queued;
};

/// A binary heap whose nodes know their place, so that a timer can be moved or taken out in O(log n).
class TimerQueue {
 public:
  void set(TimerNode& node, MonoTime deadline);
  void cancel(TimerNode& node);
  [[nodiscard]] MonoTime next() const;
  /// Takes out the first node that is due at `now`; null if none is.
  [[nodiscard]] TimerNode* take_due(MonoTime now);

 private:
  [[nodiscard]] static bool before(const TimerNode* a, const TimerNode* b);
  void sift_up(std::size_t position);
  void sift_down(std::size_t position);
  void place(TimerNode* node, std::size_t position);

  std::vector<TimerNode*> heap_;
  std::uint64_t sequence_ = 0;
};

}  // namespace mpath::engine
