// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/direct_reads.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "libmpath/base/limits.h"
#include "libmpath/sys/block_node.h"
#include "libmpath/sys/direct_read_helper.h"
#include "libmpath/sys/lane_keys.h"
#include "libmpath/sys/timer.h"

namespace mpath::sys {

namespace {

CommandOutcome outcome_of(const ReadReplyFrame& frame) {
  CommandOutcome outcome;
  outcome.round_trip = Duration{frame.nanoseconds};
  if (frame.kind == ReadReplyFrame::Kind::refused) {
    outcome.failure = CommandFailure::submit_failed;
  } else if (frame.result == -ENODEV || frame.result == -ENXIO) {
    outcome.failure = CommandFailure::gone;
  } else if (frame.result < 0 || static_cast<std::uint32_t>(frame.result) != frame.wanted) {
    outcome.failure = CommandFailure::io_error;
  }
  return outcome;
}

}  // namespace

Result<DirectNode> open_direct_node(const PathFacts& facts) {
  auto fd = open_block_node(facts, O_DIRECT);
  if (!fd) return std::unexpected(std::move(fd.error()));
  int block = 0;
  if (::ioctl(fd->get(), BLKSSZGET, &block) != 0 || block <= 0) {
    return std::unexpected(error_from_errno(errno, facts.kernel_name, "does not tell the size of its blocks"));
  }
  return DirectNode{.fd = std::move(*fd), .block_bytes = static_cast<std::uint32_t>(block)};
}

DirectReads::DirectReads(ports::Lanes& lanes, const ports::Clock& clock, DirectReadOptions options)
    : lanes_(lanes), clock_(clock), options_(std::move(options)), self_(std::make_shared<DirectReads*>(this)) {}

DirectReads::~DirectReads() { *self_ = nullptr; }

Result<std::unique_ptr<DirectReads>> DirectReads::create(ports::Lanes& lanes, const ports::Clock& clock, DirectReadOptions options) {
  std::unique_ptr<DirectReads> made(new DirectReads(lanes, clock, std::move(options)));
  made->event_.reset(epoll_create1(EPOLL_CLOEXEC));
  made->timer_.reset(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
  epoll_event event{.events = EPOLLIN, .data = {}};
  if (!made->event_ || !made->timer_ || epoll_ctl(made->event_.get(), EPOLL_CTL_ADD, made->timer_.get(), &event) != 0) {
    return std::unexpected(error_from_errno(errno, "reads past the page cache", "replies cannot be watched for"));
  }
  return made;
}

DirectReads::Device* DirectReads::find(PathId path) {
  if (!path.valid() || path.slot >= devices_.size() || devices_[path.slot].generation != path.generation) return nullptr;
  return &devices_[path.slot];
}

void DirectReads::reply_failure(PathId path, OpId op, CommandFailure failure) {
  ready_.push_back(ports::failed_reply(op, path, failure));
}

void DirectReads::submit(OpId op, PathId path, const BlockRead& read, const std::shared_ptr<const PathFacts>& facts) {
  if (!path.valid() || !facts || path.slot >= limits::direct_reads || read.bytes > limits::direct_read_bytes) {
    reply_failure(path, op, CommandFailure::submit_failed);
    return;
  }
  if (path.slot >= devices_.size()) devices_.resize(path.slot + 1);
  Device& device = devices_[path.slot];
  if (device.generation != path.generation) {
    if (device.generation != 0) detach({path.slot, device.generation});
    device.generation = path.generation;
  }
  if (device.phase == Phase::closed) device.facts = facts;
  if (device.waiting.size() + device.outstanding.size() >= limits::direct_reads_per_path) {
    reply_failure(path, op, CommandFailure::submit_failed);
    return;
  }
  if (device.waiting.empty()) to_flush_.push_back(path);
  device.waiting.push_back({.op = op, .read = read});
}

void DirectReads::detach(PathId path) {
  Device* device = find(path);
  if (device == nullptr) return;
  if (device->phase == Phase::open && child_) {
    queue_frame({.kind = ReadFrame::Kind::close, .slot = path.slot, .generation = path.generation});
    write_out();
  }
  outstanding_ -= device->outstanding.size();
  *device = {};
}

void DirectReads::flush() {
  if (to_flush_.empty()) return;
  MonoTime now = clock_.now();
  for (PathId path : to_flush_) {
    Device* device = find(path);
    if (device == nullptr || device->waiting.empty()) continue;
    if (!ensure_child(now)) {
      fail_all(*device, path, CommandFailure::submit_failed);
    } else if (device->phase == Phase::open) {
      hand_over(*device, path);
    } else if (device->phase == Phase::closed) {
      open(*device, path);
    }
  }
  to_flush_.clear();
  write_out();
}

void DirectReads::open(Device& device, PathId path) {
  device.phase = Phase::opening;
  device.opening = ++last_attempt_;
  std::uint64_t key = submission_key(*device.facts);
  auto task = [self = self_, path, attempt = device.opening, key, facts = device.facts, open = options_.open]() -> ports::Continuation {
    return [self, path, attempt, key, node = open(*facts)]() mutable {
      if (*self == nullptr) return;
      DirectReads& reads = **self;
      const Device* wanted = reads.find(path);
      if (wanted == nullptr || wanted->opening != attempt) {
        if (node) reads.close_in_lane(std::move(node->fd), key);
        return;
      }
      reads.opened(path, std::move(node));
    };
  };
  if (lanes_.submit(ports::Lane::submit, key, std::move(task))) return;
  device.phase = Phase::closed;
  fail_all(device, path, CommandFailure::submit_failed);
}

void DirectReads::opened(PathId path, Result<DirectNode> node) {
  Device& device = *find(path);
  device.phase = Phase::closed;
  if (!node) {
    fail_all(device, path, CommandFailure::open_failed);
    return;
  }
  if (!ensure_child(clock_.now())) {
    close_in_lane(std::move(node->fd), submission_key(*device.facts));
    fail_all(device, path, CommandFailure::submit_failed);
    return;
  }
  device.phase = Phase::open;
  queue_frame({.kind = ReadFrame::Kind::open, .slot = path.slot, .generation = path.generation, .bytes = node->block_bytes},
              std::move(node->fd));
  hand_over(device, path);
  write_out();
}

/// Closing may sleep.
void DirectReads::close_in_lane(UniqueFd fd, std::uint64_t key) {
  (void)lanes_.submit(ports::Lane::submit, key, [fd = std::move(fd)]() mutable -> ports::Continuation {
    fd.reset();
    return {};
  });
}

void DirectReads::hand_over(Device& device, PathId path) {
  if (outstanding_ == 0) heard_ = clock_.now();
  for (const Waiting& waiting : device.waiting) {
    queue_frame({.kind = ReadFrame::Kind::read, .slot = path.slot, .generation = path.generation, .bytes = waiting.read.bytes,
                 .op = static_cast<std::uint64_t>(waiting.op), .offset = waiting.read.offset_bytes});
    device.outstanding.push_back(waiting.op);
    ++outstanding_;
  }
  device.waiting.clear();
  if (timer_at_ == no_deadline) wake_at(heard_ + limits::direct_silence);
}

void DirectReads::fail_all(Device& device, PathId path, CommandFailure failure) {
  outstanding_ -= device.outstanding.size();
  for (OpId op : std::exchange(device.outstanding, {})) reply_failure(path, op, failure);
  for (const Waiting& waiting : std::exchange(device.waiting, {})) reply_failure(path, waiting.op, failure);
  if (!ready_.empty()) wake_at(MonoTime{Duration{1}});
}

// --- the child -------------------------------------------------------------------------------------------------

bool DirectReads::ensure_child(MonoTime now) {
  if (child_) return true;
  if (now < no_child_before_ || !options_.new_reader) return false;
  auto made = options_.new_reader();
  if (!made) {
    no_child_before_ = now + limits::direct_restart_most;
    return false;
  }
  child_ = std::move(*made);
  child_since_ = heard_ = now;
  asked_ = no_deadline;
  wants_room_ = false;
  epoll_event event{.events = EPOLLIN, .data = {.fd = child_.get()}};
  if (epoll_ctl(event_.get(), EPOLL_CTL_ADD, child_.get(), &event) == 0) return true;
  child_lost(now);
  return false;
}

/// Its reads are lost, and its descriptors: each path is opened anew when it is next asked for.
void DirectReads::child_lost(MonoTime now) {
  child_.reset();  // which takes it out of the epoll, too
  out_.clear();
  asked_ = no_deadline;
  ++lost_children_;
  bool lived = now - child_since_ > limits::direct_restart_most;
  restart_after_ = lived ? Duration{0} : std::clamp(restart_after_ * 2, limits::direct_restart, limits::direct_restart_most);
  no_child_before_ = now + restart_after_;
  for (std::uint32_t slot = 0; slot < devices_.size(); ++slot) {
    Device& device = devices_[slot];
    if (device.generation == 0 || device.phase != Phase::open) continue;
    device.phase = Phase::closed;
    fail_all(device, {slot, device.generation}, CommandFailure::submit_failed);
  }
}

void DirectReads::queue_frame(const ReadFrame& frame, UniqueFd fd) {
  // A descriptor travels alone.
  bool joins = !fd && !out_.empty() && !out_.back().fd && out_.back().frames.size() < frames_per_message;
  if (!joins) out_.emplace_back();
  out_.back().frames.push_back(frame);
  out_.back().fd = std::move(fd);
}

void DirectReads::write_out() {
  while (!out_.empty() && child_) {
    const Message& message = out_.front();
    if (!send_with_descriptor(child_.get(), message.frames.data(), message.frames.size() * sizeof(ReadFrame), message.fd.get())) {
      if (errno != EAGAIN) {
        child_lost(clock_.now());
        return;
      }
      watch_for_room(true);
      return;
    }
    // The child's end has the open file now: closing ours is not the last close.
    out_.pop_front();
  }
  watch_for_room(false);
}

void DirectReads::watch_for_room(bool wanted) {
  if (!child_ || std::exchange(wants_room_, wanted) == wanted) return;
  epoll_event event{.events = wanted ? EPOLLIN | EPOLLOUT : EPOLLIN, .data = {.fd = child_.get()}};
  epoll_ctl(event_.get(), EPOLL_CTL_MOD, child_.get(), &event);
}

void DirectReads::receive(MonoTime now) {
  while (child_) {
    std::array<ReadReplyFrame, frames_per_message> frames;
    ssize_t got = ::recv(child_.get(), frames.data(), sizeof frames, MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) {
      child_lost(now);
      return;
    }
    heard_ = now;
    asked_ = no_deadline;
    std::size_t count = static_cast<std::size_t>(got) / sizeof(ReadReplyFrame);
    for (std::size_t i = 0; i < count; ++i) take(frames[i]);
    if (count < frames_per_message / 2) return;  // level-triggered: what is left wakes us again
  }
}

void DirectReads::take(const ReadReplyFrame& frame) {
  if (frame.kind == ReadReplyFrame::Kind::pong) return;
  PathId path{.slot = frame.slot, .generation = frame.generation};
  OpId op{frame.op};
  Device* device = find(path);
  if (device == nullptr || std::erase(device->outstanding, op) == 0) return;
  --outstanding_;
  ports::CommandReply& reply = ready_.emplace_back();
  reply.op = op;
  reply.path = path;
  reply.outcome = outcome_of(frame);
}

/// A child that hangs in the kernel, or was killed while reads hold it there, does not hang up: it is asked for a sign of life.
void DirectReads::tend() {
  MonoTime now = clock_.now();
  if (!child_ || outstanding_ == 0) return;
  if (asked_ != no_deadline && now >= asked_ + limits::direct_patience) {
    child_lost(now);
    return;
  }
  if (asked_ == no_deadline && now >= heard_ + limits::direct_silence) {
    asked_ = now;
    queue_frame({.kind = ReadFrame::Kind::ping});
    write_out();
  }
  wake_at(asked_ != no_deadline ? asked_ + limits::direct_patience : heard_ + limits::direct_silence);
}

void DirectReads::collect(std::vector<ports::CommandReply>& replies) {
  epoll_event events[2];
  int count = epoll_wait(event_.get(), events, 2, 0);
  if (count > 0) {
    MonoTime now = clock_.now();
    bool timer_fired = timer_at_ <= now;
    if (timer_fired) timer_at_ = no_deadline;
    receive(now);
    write_out();
    tend();
    if (timer_fired && timer_at_ == no_deadline) set_timer(timer_.get(), no_deadline);
  }
  collect_known(replies);
}

void DirectReads::collect_known(std::vector<ports::CommandReply>& replies) {
  std::ranges::move(ready_, std::back_inserter(replies));
  ready_.clear();
}

void DirectReads::wake_at(MonoTime when) {
  if (when >= timer_at_) return;
  timer_at_ = when;
  set_timer(timer_.get(), when);
}

}  // namespace mpath::sys
