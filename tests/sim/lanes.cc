// SPDX-License-Identifier: LGPL-2.1-or-later
#include <stdexcept>

#include "libmpath/base/limits.h"
#include "tests/sim/ports.h"

namespace mpath::sim {

struct VirtualLanes::Slot {
  VirtualLanes* owner = nullptr;  ///< nullptr: the process was killed
  ports::Lane lane = ports::Lane::fast;
  std::uint64_t key = 0;
  std::size_t holds = 1;  ///< one for the task itself
  std::vector<std::move_only_function<void()>> then;
  ports::Continuation continuation;
};

namespace {

/// How many tasks of a lane run at once; each key at most once.
std::size_t width(ports::Lane lane) {
  switch (lane) {
    case ports::Lane::submit: return limits::submission_lanes + limits::spare_submission_lanes;
    case ports::Lane::wait: return limits::wait_lanes;
    case ports::Lane::table:
    case ports::Lane::fast:
    case ports::Lane::discovery:
    case ports::Lane::files:
    case ports::Lane::settings:
    case ports::Lane::view: return 1;
  }
  return 1;
}

}  // namespace

VirtualLanes::~VirtualLanes() { *alive_ = false; }

bool VirtualLanes::submit(ports::Lane lane, std::uint64_t key, ports::LaneTask task) {
  LaneState& lane_state = state(lane);
  if (lane_state.waiting.size() >= limits::lane_queue) return false;
  lane_state.waiting.push_back(Task{key, std::move(task)});
  start_some(lane);
  return true;
}

void VirtualLanes::start_some(ports::Lane lane) {
  LaneState& lane_state = state(lane);
  for (auto task = lane_state.waiting.begin(); task != lane_state.waiting.end() && lane_state.running < width(lane);) {
    bool keyed = lane == ports::Lane::submit || lane == ports::Lane::wait;
    if (keyed && lane_state.running_keys.contains(task->key)) {
      ++task;
      continue;
    }
    ++lane_state.running;
    lane_state.running_keys.insert(task->key);
    auto slot = std::make_shared<Slot>();
    slot->owner = this;
    slot->lane = lane;
    slot->key = task->key;
    Duration delay = random_.duration(microseconds{20}, microseconds{500}) + extra_start_delay;
    queue_.after(delay, [this, alive = alive_, slot, taken = std::move(*task)]() mutable {
      if (*alive) run(slot, std::move(taken));
    });
    task = lane_state.waiting.erase(task);
  }
}

void VirtualLanes::run(const std::shared_ptr<Slot>& slot, Task task) {
  current_ = slot;
  slot->continuation = task.work();
  current_.reset();
  --slot->holds;
  finish_if_free(slot);
}

VirtualLanes::Release VirtualLanes::hold() {
  if (!current_) throw std::logic_error("a blocking port function was called outside of a lane");
  ++current_->holds;
  return [this, alive = alive_, slot = current_] {
    if (!*alive) return;
    --slot->holds;
    finish_if_free(slot);
  };
}

bool VirtualLanes::is_held() const { return current_ && current_->holds > 1; }

void VirtualLanes::then(std::move_only_function<void()> action) { current_->then.push_back(std::move(action)); }

void VirtualLanes::finish_if_free(const std::shared_ptr<Slot>& slot) {
  if (slot->holds > 0) return;
  for (auto& action : std::exchange(slot->then, {})) action();
  queue_.after(random_.duration(microseconds{10}, microseconds{500}), [this, alive = alive_, slot] {
    if (!*alive) return;
    LaneState& lane_state = state(slot->lane);
    --lane_state.running;
    lane_state.running_keys.erase(slot->key);
    start_some(slot->lane);
    if (slot->continuation) slot->continuation();
    if (on_continuation) on_continuation();
  });
}

std::size_t VirtualLanes::running(ports::Lane lane) const { return lanes_[static_cast<std::size_t>(lane)].running; }
std::size_t VirtualLanes::waiting(ports::Lane lane) const { return lanes_[static_cast<std::size_t>(lane)].waiting.size(); }

std::optional<ports::Lane> VirtualLanes::current_lane() const {
  if (!current_) return std::nullopt;
  return current_->lane;
}

}  // namespace mpath::sim
