// SPDX-License-Identifier: LGPL-2.1-or-later
// Events that wait for a turn. A std::deque would allocate for each of them, because an event is larger than its blocks; this one keeps its
// room. Of the engine's thread.
#pragma once

#include <cstddef>
#include <utility>
#include <vector>

#include "libmpath/engine/event.h"

namespace mpath::runtime {

class EventQueue {
 public:
  [[nodiscard]] bool empty() const { return first_ == events_.size(); }
  void push(engine::Event event) { events_.push_back(std::move(event)); }
  /// Not of an empty queue.
  [[nodiscard]] engine::Event pop() {
    engine::Event event = std::move(events_[first_++]);
    if (empty()) {
      events_.clear();
      first_ = 0;
      if (events_.capacity() > kept_room) events_.shrink_to_fit();
    } else if (first_ >= kept_room && first_ * 2 >= events_.size()) {
      events_.erase(events_.begin(), events_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
    return event;
  }

 private:
  static constexpr std::size_t kept_room = 1024;  ///< that stays after a burst
  std::vector<engine::Event> events_;
  std::size_t first_ = 0;
};

}  // namespace mpath::runtime
