// SPDX-License-Identifier: LGPL-2.1-or-later
// ports::Commands over the SCSI generic driver: commands are written in lane submit, replies are read on the engine's thread when the
// kernel says that they are there. In steady state a check costs one write() and one read(), with one host_busy read for each batch,
// and allocates nothing. The replies of a burst are taken together, limits::sg_burst_window apart: one wake-up for many, for
// a delay that no decision notices.
//
// Threads: everything on the engine's thread; the lanes touch only what sg_lane.h says. Stop the lanes before destroying it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmpath/base/unique_fd.h"
#include "libmpath/ports/ports.h"
#include "libmpath/sys/sg_lane.h"

namespace mpath::sys {

struct SgOptions {
  CommandNodeOpener open = open_command_node;
  std::string sysfs_root = "/sys";
};

/// A host that takes no commands now.
struct StalledHost {
  std::uint32_t host = 0;
  MonoTime since{};
  std::size_t waiting = 0;      ///< commands not yet handed over
  bool in_kernel = false;       ///< the lane sleeps in the kernel; else the host is full and is asked again shortly
};

class SgCommands final : public ports::Commands {
 public:
  [[nodiscard]] static Result<std::unique_ptr<SgCommands>> create(ports::Lanes& lanes, const ports::Clock& clock,
                                                                  SgOptions options = {});
  SgCommands(const SgCommands&) = delete;
  SgCommands& operator=(const SgCommands&) = delete;
  ~SgCommands() override;

  /// Readable when collect() has something to do; level-triggered.
  [[nodiscard]] int event_fd() const { return event_.get(); }

  void attach(PathId path, std::shared_ptr<const PathFacts> facts) override;
  void detach(PathId path) override;
  void submit(const ports::CommandRequest& request) override;
  void flush() override;
  void collect(std::vector<ports::CommandReply>& replies) override;
  void collect_busy_hosts(std::vector<std::uint32_t>& hosts) override;
  /// What needs no look at the nodes: for a turn that event_fd() did not cause.
  void collect_known(std::vector<ports::CommandReply>& replies);

  /// When event_fd() will be readable though nothing has come.
  [[nodiscard]] MonoTime wakes_at() const { return timer_at_; }

  /// Hosts that have taken nothing for `age` or longer.
  [[nodiscard]] std::vector<StalledHost> stalled(Duration age) const;
  /// Attached devices without an sg node: SG_IO in a lane, where a sick device holds a thread until its command's time-out.
  [[nodiscard]] std::size_t degraded() const { return degraded_; }

 private:
  struct Host;
  struct Device {
    std::uint32_t generation = 0;
    std::shared_ptr<const PathFacts> facts;
    std::shared_ptr<SgNode> node;
    std::shared_ptr<Host> host;
    int fd = -1;  ///< watched; -1 while not open
    std::vector<SgItem*> outstanding;
  };

  SgCommands(ports::Lanes& lanes, const ports::Clock& clock, SgOptions options);
  [[nodiscard]] Device* find(PathId path);
  SgItem* take_item();
  void end_item(SgItem* item);
  void release_if_free(SgItem* item);
  void reply_failure(PathId path, OpId op, CommandFailure failure);
  void reply(SgItem& item, CommandOutcome outcome, std::size_t data_bytes);
  void drop_outstanding(Device& device, bool reply_gone);
  void close_node(Device& device);
  void flush_host(Host& host, MonoTime now);
  void hand_over(Host& host);
  bool is_free(Host& host);
  void batch_done(Host& host);
  void take_results(Host& host);
  void take_result(Host& host, SgSubmission& submission);
  void read_replies(PathId path, std::uint32_t events, MonoTime now);
  void take_reply(Device& device, SgItem& item, const void* header, MonoTime now);
  void watch(Device& device, PathId path, int fd);
  void remove_outstanding(Device& device, SgItem* item);
  void gather_replies(bool gather, MonoTime now);
  void wake_at(MonoTime when);
  void set_timer(MonoTime when);

  ports::Lanes& lanes_;
  const ports::Clock& clock_;
  const SgOptions options_;
  UniqueFd event_;    ///< epoll of the timer and, unless replies are gathered, of replies_
  UniqueFd replies_;  ///< epoll of the nodes
  UniqueFd timer_;
  MonoTime timer_at_ = no_deadline;
  bool gathering_ = false;
  MonoTime burst_until_{};
  Duration window_{};
  MonoTime burst_began_{};
  Duration last_burst_{};
  std::size_t outstanding_ = 0;  ///< with the lanes or the kernel
  std::vector<Device> devices_;  ///< by PathId::slot
  std::unordered_map<std::uint64_t, std::shared_ptr<Host>> hosts_;
  std::vector<Host*> to_flush_;
  /// Shared with the hosts: a lane that is stuck at the end of the process must not find its commands gone.
  using Items = std::vector<std::unique_ptr<SgItem>>;
  std::shared_ptr<Items> items_ = std::make_shared<Items>();
  std::vector<SgItem*> free_items_;
  std::vector<ports::CommandReply> ready_;
  std::vector<std::uint32_t> busy_hosts_;
  std::size_t degraded_ = 0;
};

}  // namespace mpath::sys
