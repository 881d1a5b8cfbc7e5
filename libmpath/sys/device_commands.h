// SPDX-License-Identifier: LGPL-2.1-or-later
// ports::Commands for all kinds of commands: each goes to the part of sys/ that can carry it out. Everything on the engine's thread. Stop
// the lanes before destroying it.
#pragma once

#include <memory>
#include <vector>

#include "libmpath/sys/direct_reads.h"
#include "libmpath/sys/epoll_loop.h"
#include "libmpath/sys/sg_commands.h"
#include "libmpath/sys/sleeping_commands.h"
#include "libmpath/sys/system_reads.h"

namespace mpath::sys {

class DeviceCommands final : public ports::Commands {
 public:
  /// `new_reader`: see DirectReadOptions; empty where there is no child: reads past the page cache are refused then.
  [[nodiscard]] static Result<std::unique_ptr<DeviceCommands>> create(ports::Lanes& lanes, const ports::Clock& clock,
                                                                      std::function<Result<UniqueFd>()> new_reader);
  DeviceCommands(const DeviceCommands&) = delete;
  DeviceCommands& operator=(const DeviceCommands&) = delete;
  ~DeviceCommands() override = default;

  /// Lets `loop` wake when collect() has something to do, and remembers for what. Both must live as long as the loop runs.
  [[nodiscard]] Status watch(EpollLoop& loop);

  void attach(PathId path, std::shared_ptr<const PathFacts> facts) override;
  void detach(PathId path) override;
  void submit(const ports::CommandRequest& request) override;
  void flush() override;
  void collect(std::vector<ports::CommandReply>& replies) override;
  void collect_busy_hosts(std::vector<std::uint32_t>& hosts) override { scsi_->collect_busy_hosts(hosts); }

  [[nodiscard]] const SgCommands& scsi() const { return *scsi_; }
  [[nodiscard]] const DirectReads& reads() const { return *reads_; }

 private:
  struct Attached {
    std::uint32_t generation = 0;
    std::shared_ptr<const PathFacts> facts;
  };
  DeviceCommands(ports::Lanes& lanes, const ports::Clock& clock) : sleeping_(lanes, clock), system_(lanes) {}
  [[nodiscard]] const std::shared_ptr<const PathFacts>* find(PathId path) const;
  void drop_commands(PathId path);
  void set_awake(bool awake);

  std::unique_ptr<SgCommands> scsi_;
  std::unique_ptr<DirectReads> reads_;
  SleepingCommands sleeping_;
  SystemReads system_;
  UniqueFd wake_;  ///< readable while replies wait that nothing else tells of
  bool awake_ = false;
  bool scsi_called_ = false;   ///< its descriptor was readable
  bool reads_called_ = false;
  std::vector<Attached> attached_;  ///< by PathId::slot
  std::vector<ports::CommandReply> ready_;
};

}  // namespace mpath::sys
