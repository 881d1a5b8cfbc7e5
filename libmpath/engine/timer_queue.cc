// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/engine/timer_queue.h"

namespace mpath::engine {

bool TimerQueue::before(const TimerNode* a, const TimerNode* b) {
  if (a->deadline_ != b->deadline_) return a->deadline_ < b->deadline_;
  return a->sequence_ < b->sequence_;
}

void TimerQueue::place(TimerNode* node, std::size_t position) {
  heap_[position] = node;
  node->position_ = position;
}

void TimerQueue::sift_up(std::size_t position) {
  TimerNode* node = heap_[position];
  while (position > 0) {
    std::size_t parent = (position - 1) / 2;
    if (!before(node, heap_[parent])) break;
    place(heap_[parent], position);
    position = parent;
  }
  place(node, position);
}

void TimerQueue::sift_down(std::size_t position) {
  TimerNode* node = heap_[position];
  for (;;) {
    std::size_t child = 2 * position + 1;
    if (child >= heap_.size()) break;
    if (child + 1 < heap_.size() && before(heap_[child + 1], heap_[child])) ++child;
    if (!before(heap_[child], node)) break;
    place(heap_[child], position);
    position = child;
  }
  place(node, position);
}

void TimerQueue::set(TimerNode& node, MonoTime deadline) {
  node.deadline_ = deadline;
  node.sequence_ = ++sequence_;
  if (node.position_ == TimerNode::not_queued) {
    heap_.push_back(&node);
    node.position_ = heap_.size() - 1;
    sift_up(node.position_);
    return;
  }
  sift_up(node.position_);
  sift_down(node.position_);
}

void TimerQueue::cancel(TimerNode& node) {
  if (node.position_ == TimerNode::not_queued) return;
  std::size_t position = node.position_;
  node.position_ = TimerNode::not_queued;
  TimerNode* last = heap_.back();
  heap_.pop_back();
  if (last == &node) return;
  place(last, position);
  sift_up(position);
  sift_down(last->position_);
}

MonoTime TimerQueue::next() const {
  return heap_.empty() ? no_deadline : heap_.front()->deadline_;
}

TimerNode* TimerQueue::take_due(MonoTime now) {
  if (heap_.empty() || next() > now) return nullptr;
  TimerNode* node = heap_.front();
  cancel(*node);
  return node;
}

}  // namespace mpath::engine
