// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/sleeping_commands.h"

#include <linux/cciss_ioctl.h>
#include <linux/nvme_ioctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <limits>

#include "libmpath/base/limits.h"
#include "libmpath/sys/block_node.h"
#include "libmpath/sys/lane_keys.h"

namespace mpath::sys {

namespace {

void run_nvme(int fd, const NvmeAdminCommand& wanted, CommandOutcome& outcome) {
  constexpr std::uint32_t longest = 1u << 20;
  outcome.data.assign(std::min(wanted.data_in_bytes, longest), 0);
  nvme_admin_cmd command{};
  command.opcode = wanted.opcode;
  command.nsid = wanted.namespace_id;
  command.addr = reinterpret_cast<std::uintptr_t>(outcome.data.data());
  command.data_len = static_cast<__u32>(outcome.data.size());
  command.cdw10 = wanted.command_dwords[0];
  command.cdw11 = wanted.command_dwords[1];
  command.cdw12 = wanted.command_dwords[2];
  command.cdw13 = wanted.command_dwords[3];
  command.cdw14 = wanted.command_dwords[4];
  command.cdw15 = wanted.command_dwords[5];
  command.timeout_ms = static_cast<__u32>(std::clamp<std::int64_t>(wanted.timeout.count(), 1, std::numeric_limits<std::int32_t>::max()));
  int status = ::ioctl(fd, NVME_IOCTL_ADMIN_CMD, &command);
  if (status < 0) outcome.failure = failure_of(errno);
  outcome.nvme_status = static_cast<std::uint16_t>(std::max(status, 0));
  if (status != 0) outcome.data.clear();
}

/// The driver addresses a disk by what it says of it first.
void run_cciss(int fd, const CcissTest& wanted, CommandOutcome& outcome) {
  LogvolInfo_struct volume{};
  if (::ioctl(fd, CCISS_GETLUNINFO, &volume) != 0) {
    outcome.failure = failure_of(errno);
    return;
  }
  IOCTL_Command_struct command{};
  command.LUN_info.LogDev.VolId = volume.LunID;
  command.LUN_info.LogDev.Mode = 1;  // a logical volume
  command.Request.CDBLen = 6;        // TEST UNIT READY is all zero
  command.Request.Type.Type = TYPE_CMD;
  command.Request.Type.Attribute = ATTR_SIMPLE;
  command.Request.Type.Direction = XFER_NONE;
  command.Request.Timeout = static_cast<WORD>(std::clamp<std::int64_t>((wanted.timeout.count() + 999) / 1000, 1, 65535));
  if (::ioctl(fd, CCISS_PASSTHRU, &command) != 0) {
    outcome.failure = failure_of(errno);
    return;
  }
  outcome.status = command.error_info.ScsiStatus;
  std::size_t sense = std::min<std::size_t>({command.error_info.SenseLen, sizeof command.error_info.SenseInfo, outcome.sense.size()});
  std::copy_n(command.error_info.SenseInfo, sense, outcome.sense.begin());
  outcome.sense_bytes = static_cast<std::uint8_t>(sense);
  if (command.error_info.CommandStatus != CMD_SUCCESS && command.error_info.CommandStatus != CMD_TARGET_STATUS) {
    outcome.failure = CommandFailure::io_error;
  }
}

}  // namespace

CommandOutcome run_sleeping_command(const PathFacts& facts, const DeviceCommand& command, const ports::Clock& clock) {
  CommandOutcome outcome;
  auto node = open_block_node(facts, 0);
  if (!node) {
    outcome.failure = CommandFailure::open_failed;
    return outcome;
  }
  MonoTime begin = clock.now();
  if (const auto* nvme = std::get_if<NvmeAdminCommand>(&command)) {
    run_nvme(node->get(), *nvme, outcome);
  } else if (const auto* cciss = std::get_if<CcissTest>(&command)) {
    run_cciss(node->get(), *cciss, outcome);
  } else {
    outcome.failure = CommandFailure::submit_failed;
  }
  outcome.round_trip = clock.now() - begin;
  return outcome;
}

SleepingCommands::SleepingCommands(ports::Lanes& lanes, const ports::Clock& clock, SleepingCommandRunner runner)
    : lanes_(lanes), clock_(clock), runner_(std::move(runner)), self_(std::make_shared<SleepingCommands*>(this)) {}

SleepingCommands::~SleepingCommands() { *self_ = nullptr; }

void SleepingCommands::submit(const ports::CommandRequest& request, const std::shared_ptr<const PathFacts>& facts) {
  controllers_[submission_key(*facts)].waiting.push_back({.request = request, .facts = facts});
}

void SleepingCommands::detach(PathId path) {
  for (auto& [key, controller] : controllers_) {
    std::erase_if(controller.waiting, [&](const Waiting& waiting) { return waiting.request.path == path; });
  }
}

void SleepingCommands::flush() {
  if (controllers_.empty()) return;
  // Each in turn, beginning behind the one that was started last.
  for (std::size_t i = 0; i < controllers_.size() && running_ < limits::sleeping_commands; ++i) {
    auto at = controllers_.upper_bound(last_started_);
    if (at == controllers_.end()) at = controllers_.begin();
    last_started_ = at->first;
    if (!at->second.runs && !at->second.waiting.empty()) start(at->first, at->second);
  }
}

void SleepingCommands::start(std::uint64_t key, Controller& controller) {
  auto work = std::make_shared<Waiting>(std::move(controller.waiting.front()));
  controller.waiting.pop_front();
  auto task = [self = self_, work, key, runner = runner_, &clock = clock_]() -> ports::Continuation {
    ports::CommandReply reply{.op = work->request.op, .path = work->request.path, .outcome = {}};
    reply.outcome = runner(*work->facts, work->request.command, clock);
    return [self, key, reply = std::move(reply)]() mutable {
      if (*self != nullptr) (*self)->finished(key, std::move(reply));
    };
  };
  if (lanes_.submit(ports::Lane::submit, key, std::move(task))) {
    controller.runs = true;
    ++running_;
    return;
  }
  ready_.push_back(ports::failed_reply(work->request.op, work->request.path, CommandFailure::submit_failed));
}

void SleepingCommands::finished(std::uint64_t key, ports::CommandReply reply) {
  ready_.push_back(std::move(reply));
  --running_;
  auto at = controllers_.find(key);
  at->second.runs = false;
  if (at->second.waiting.empty()) controllers_.erase(at);
  flush();
}

void SleepingCommands::collect(std::vector<ports::CommandReply>& replies) {
  std::ranges::move(ready_, std::back_inserter(replies));
  ready_.clear();
}

}  // namespace mpath::sys
