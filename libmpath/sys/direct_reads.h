// SPDX-License-Identifier: LGPL-2.1-or-later
// BlockRead commands: handed to a child process that reads past the page cache (direct_read_worker.h). The block node is opened in lane
// submit, verified, and passed to the child; the daemon keeps no descriptor of it. The daemon never waits for the child: what its socket
// does not take is kept here. A child that died, or that says nothing for limits::direct_silence and does not answer a question, is replaced;
// its reads are answered with CommandFailure::submit_failed, which says nothing of the path.
//
// Threads: everything on the engine's thread. Stop the lanes before destroying it.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "libmpath/base/unique_fd.h"
#include "libmpath/ports/ports.h"
#include "libmpath/sys/direct_read_frames.h"

namespace mpath::sys {

/// An open block node for reads past the page cache.
struct DirectNode {
  UniqueFd fd;
  std::uint32_t block_bytes = 0;  ///< its logical block
};

struct DirectReadOptions {
  /// Gives the daemon's end of the socket pair of a new child (DirectReadHelper::new_reader). Engine thread.
  std::function<Result<UniqueFd>()> new_reader;
  /// Lane submit.
  std::function<Result<DirectNode>(const PathFacts& facts)> open;
};

/// The opener for real devices: O_DIRECT, verified (block_node.h).
[[nodiscard]] Result<DirectNode> open_direct_node(const PathFacts& facts);

class DirectReads {
 public:
  [[nodiscard]] static Result<std::unique_ptr<DirectReads>> create(ports::Lanes& lanes, const ports::Clock& clock,
                                                                   DirectReadOptions options);
  DirectReads(const DirectReads&) = delete;
  DirectReads& operator=(const DirectReads&) = delete;
  ~DirectReads();

  /// Readable when collect() has something to do; level-triggered.
  [[nodiscard]] int event_fd() const { return event_.get(); }

  /// `read` of `path`, which is the device of `facts`. Replies come from collect(), never from here.
  void submit(OpId op, PathId path, const BlockRead& read, const std::shared_ptr<const PathFacts>& facts);
  /// Reads of the path under way give no reply any more.
  void detach(PathId path);
  void flush();
  /// Appends what has been answered.
  void collect(std::vector<ports::CommandReply>& replies);
  /// What needs no look at the child: for a turn that event_fd() did not cause.
  void collect_known(std::vector<ports::CommandReply>& replies);
  /// Some reply waits for collect() though event_fd() does not say so.
  [[nodiscard]] bool has_replies() const { return !ready_.empty(); }

  /// What is due by the clock: asking a silent child, replacing it. collect() does it when the timer has gone off.
  void tend();

  /// Children that were replaced because they died or fell silent.
  [[nodiscard]] std::size_t lost_children() const { return lost_children_; }

 private:
  enum class Phase : std::uint8_t { closed, opening, open };
  struct Waiting {
    OpId op = OpId::none;
    BlockRead read;
  };
  struct Device {
    std::uint32_t generation = 0;
    Phase phase = Phase::closed;
    std::uint64_t opening = 0;  ///< which attempt to open; an older one's result is not wanted
    std::shared_ptr<const PathFacts> facts;
    std::vector<Waiting> waiting;    ///< until it is open
    std::vector<OpId> outstanding;   ///< with the child
  };
  struct Message {
    std::vector<ReadFrame> frames;
    UniqueFd fd;
  };

  DirectReads(ports::Lanes& lanes, const ports::Clock& clock, DirectReadOptions options);
  [[nodiscard]] Device* find(PathId path);
  void open(Device& device, PathId path);
  void opened(PathId path, Result<DirectNode> node);
  void hand_over(Device& device, PathId path);
  void fail_all(Device& device, PathId path, CommandFailure failure);
  void reply_failure(PathId path, OpId op, CommandFailure failure);
  [[nodiscard]] bool ensure_child(MonoTime now);
  void child_lost(MonoTime now);
  void queue_frame(const ReadFrame& frame, UniqueFd fd = {});
  void write_out();
  void watch_for_room(bool wanted);
  void receive(MonoTime now);
  void take(const ReadReplyFrame& frame);
  void wake_at(MonoTime when);
  void close_in_lane(UniqueFd fd, std::uint64_t key);

  ports::Lanes& lanes_;
  const ports::Clock& clock_;
  const DirectReadOptions options_;
  UniqueFd event_;  ///< epoll of the socket and the timer
  UniqueFd timer_;
  MonoTime timer_at_ = no_deadline;
  UniqueFd child_;
  bool wants_room_ = false;
  MonoTime child_since_{};
  MonoTime heard_{};                   ///< when the child said something last, or was first given something
  MonoTime asked_ = no_deadline;       ///< since when it owes a sign of life
  MonoTime no_child_before_{};
  Duration restart_after_{0};
  std::size_t lost_children_ = 0;
  std::size_t outstanding_ = 0;
  std::uint64_t last_attempt_ = 0;
  std::vector<Device> devices_;        ///< by PathId::slot
  std::vector<PathId> to_flush_;
  std::deque<Message> out_;
  std::vector<ports::CommandReply> ready_;
  /// For continuations that outlive this object.
  std::shared_ptr<DirectReads*> self_;
};

}  // namespace mpath::sys
