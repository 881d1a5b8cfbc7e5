// SPDX-License-Identifier: LGPL-2.1-or-later
// Events that wait for a turn. A std::deque would allocate for each of them, because an event is larger than its blocks; this one keeps its
// room for a turn's work. Of the engine's thread.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "libmpath/base/limits.h"
#include "libmpath/base/room.h"
#include "libmpath/engine/event.h"

namespace mpath::runtime {

class EventQueue {
 public:
  EventQueue() { events_.reserve(limits::events_per_turn); }
  [[nodiscard]] bool empty() const { return first_ == events_.size(); }
  void push(engine::Event event) { events_.push_back(std::move(event)); }
  /// Not of an empty queue.
  [[nodiscard]] engine::Event pop() {
    engine::Event event = std::move(events_[first_++]);
    if (empty()) {
      empty_but_keep(events_, limits::events_per_turn);
      first_ = 0;
    } else if (first_ >= limits::events_per_turn && first_ * 2 >= events_.size()) {
      events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return event;
  }

 private:
  std::vector<engine::Event> events_;
  std::size_t first_ = 0;
};

}  // namespace mpath::runtime
