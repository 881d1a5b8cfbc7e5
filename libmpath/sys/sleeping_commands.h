// SPDX-License-Identifier: LGPL-2.1-or-later
// Commands for which the kernel has only calls that sleep until the device has answered: NVMe admin commands and the cciss driver's test.
// They run in lane submit, one at a time for each controller and limits::sleeping_commands in all, so that sick controllers leave threads
// for everybody else. The kernel ends each by its timeout.
//
// Threads: everything on the engine's thread. Stop the lanes before destroying it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "libmpath/ports/ports.h"

namespace mpath::sys {

/// Lane submit: opens the device, carries the command out, closes it.
using SleepingCommandRunner = std::function<CommandOutcome(const PathFacts& facts, const DeviceCommand& command, const ports::Clock& clock)>;

/// For real devices: NVME_IOCTL_ADMIN_CMD; CCISS_GETLUNINFO and CCISS_PASSTHRU.
[[nodiscard]] CommandOutcome run_sleeping_command(const PathFacts& facts, const DeviceCommand& command, const ports::Clock& clock);

class SleepingCommands {
 public:
  SleepingCommands(ports::Lanes& lanes, const ports::Clock& clock, SleepingCommandRunner runner = run_sleeping_command);
  SleepingCommands(const SleepingCommands&) = delete;
  SleepingCommands& operator=(const SleepingCommands&) = delete;
  ~SleepingCommands();

  void submit(const ports::CommandRequest& request, const std::shared_ptr<const PathFacts>& facts);
  /// Commands of the path that have not begun are dropped; one that has gives a reply that nobody wants.
  void detach(PathId path);
  void flush();
  void collect(std::vector<ports::CommandReply>& replies);
  [[nodiscard]] bool has_replies() const { return !ready_.empty(); }

 private:
  struct Waiting {
    ports::CommandRequest request;
    std::shared_ptr<const PathFacts> facts;
  };
  struct Controller {
    std::deque<Waiting> waiting;
    bool runs = false;
  };
  void start(std::uint64_t key, Controller& controller);
  void finished(std::uint64_t key, ports::CommandReply reply);

  ports::Lanes& lanes_;
  const ports::Clock& clock_;
  const SleepingCommandRunner runner_;
  std::map<std::uint64_t, Controller> controllers_;
  std::uint64_t last_started_ = 0;  ///< each controller in turn
  std::size_t running_ = 0;
  std::vector<ports::CommandReply> ready_;
  std::shared_ptr<SleepingCommands*> self_;  ///< for continuations that outlive this object
};

}  // namespace mpath::sys
