// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/device_commands.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cerrno>

#include "libmpath/sys/block_node.h"

namespace mpath::sys {

Result<std::unique_ptr<DeviceCommands>> DeviceCommands::create(ports::Lanes& lanes, const ports::Clock& clock,
                                                               std::function<Result<UniqueFd>()> new_reader) {
  std::unique_ptr<DeviceCommands> made(new DeviceCommands(lanes, clock));
  auto scsi = SgCommands::create(lanes, clock);
  if (!scsi) return std::unexpected(std::move(scsi.error()));
  made->scsi_ = std::move(*scsi);
  auto reads = DirectReads::create(lanes, clock, {.new_reader = std::move(new_reader), .open = open_direct_node});
  if (!reads) return std::unexpected(std::move(reads.error()));
  made->reads_ = std::move(*reads);
  made->wake_.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made->wake_) return std::unexpected(error_from_errno(errno, "commands", "replies cannot be watched for"));
  return made;
}

Status DeviceCommands::watch(EpollLoop& loop) {
  Status watched = loop.watch(scsi_->event_fd(), EPOLLIN, [this](std::uint32_t) { scsi_called_ = true; });
  if (watched) watched = loop.watch(reads_->event_fd(), EPOLLIN, [this](std::uint32_t) { reads_called_ = true; });
  // Its replies are collected at the beginning of each turn; being woken is all that is needed.
  if (watched) watched = loop.watch(wake_.get(), EPOLLIN, [](std::uint32_t) {});
  return watched;
}

const std::shared_ptr<const PathFacts>* DeviceCommands::find(PathId path) const {
  bool known = path.valid() && path.slot < attached_.size() && attached_[path.slot].generation == path.generation;
  return known ? &attached_[path.slot].facts : nullptr;
}

void DeviceCommands::drop_commands(PathId path) {
  reads_->detach(path);
  sleeping_.detach(path);
  system_.detach(path);
}

void DeviceCommands::attach(PathId path, std::shared_ptr<const PathFacts> facts) {
  if (!path.valid() || !facts) return;
  if (path.slot >= attached_.size()) attached_.resize(path.slot + 1);
  Attached& attached = attached_[path.slot];
  if (attached.generation != 0 && (attached.generation != path.generation || !same_device(*attached.facts, *facts))) {
    drop_commands({path.slot, attached.generation});
  }
  attached = {.generation = path.generation, .facts = facts};
  scsi_->attach(path, std::move(facts));
}

void DeviceCommands::detach(PathId path) {
  if (find(path) != nullptr) {
    drop_commands(path);
    attached_[path.slot] = {};
  }
  scsi_->detach(path);
}

void DeviceCommands::submit(const ports::CommandRequest& request) {
  const std::shared_ptr<const PathFacts>* facts = find(request.path);
  if (facts == nullptr || std::holds_alternative<ScsiCommand>(request.command)) {
    scsi_->submit(request);  // which also says that a path is not attached
  } else if (const auto* read = std::get_if<BlockRead>(&request.command)) {
    reads_->submit(request.op, request.path, *read, *facts);
  } else if (std::holds_alternative<SystemRead>(request.command)) {
    system_.submit(request, *facts);
  } else {
    sleeping_.submit(request, *facts);
  }
}

void DeviceCommands::flush() {
  scsi_->flush();
  reads_->flush();
  sleeping_.flush();
  system_.flush();
  if (reads_->has_replies() || sleeping_.has_replies() || system_.has_replies()) set_awake(true);
}

void DeviceCommands::collect(std::vector<ports::CommandReply>& replies) {
  // A look that finds nothing would cost a system call in every turn.
  std::exchange(scsi_called_, false) ? scsi_->collect(replies) : scsi_->collect_known(replies);
  std::exchange(reads_called_, false) ? reads_->collect(ready_) : reads_->collect_known(ready_);
  sleeping_.collect(ready_);
  system_.collect(ready_);
  set_awake(false);
  for (ports::CommandReply& reply : ready_) {
    if (find(reply.path) != nullptr) replies.push_back(std::move(reply));  // detached paths get none
  }
  ready_.clear();
}

void DeviceCommands::set_awake(bool awake) {
  if (std::exchange(awake_, awake) == awake) return;
  std::uint64_t count = 1;
  [[maybe_unused]] ssize_t done = awake ? ::write(wake_.get(), &count, sizeof count) : ::read(wake_.get(), &count, sizeof count);
}

}  // namespace mpath::sys
