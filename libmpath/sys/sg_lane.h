// SPDX-License-Identifier: LGPL-2.1-or-later
// The half of SgCommands that runs in lane submit: opening the node, verifying that it is still the device, handing commands to the
// kernel. Everything here may sleep. A Batch belongs to the lane from SgCommands::flush() until its continuation runs.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/base/unique_fd.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/path.h"
#include "libmpath/ports/ports.h"

namespace mpath::sys {

/// Opens the node of a path and makes sure that it is the device of the facts.
using CommandNodeOpener = std::function<Result<UniqueFd>(const PathFacts& facts)>;

/// The opener for real devices: the sg node O_RDWR | O_NONBLOCK, whose H:C:T:L must be that of the facts, or the block node
/// O_RDONLY where there is no sg node; the disk sequence number must be that of the facts where both are known.
[[nodiscard]] Result<UniqueFd> open_command_node(const PathFacts& facts);

/// An open device. `fd` is the lane's: the engine's thread only reads from a copy of the number while the device is attached.
struct SgNode {
  std::shared_ptr<const PathFacts> facts;
  UniqueFd fd;
  bool answers_at_once = false;  ///< no sg node: SG_IO on the block node, which sleeps until the command has ended
};

/// One command. Its address is stable: the kernel writes sense and data into it when the reply is read.
struct SgItem {
  std::uint32_t index = 0;
  OpId op = OpId::none;
  PathId path;
  ScsiCommand command;
  std::vector<std::uint8_t> data;
  std::array<std::uint8_t, 32> sense{};
  std::atomic<Duration::rep> started = 0;  ///< set by the lane just before the kernel gets it
  bool with_lane = false;  ///< engine's thread: in a batch whose continuation has not run
  bool ended = false;      ///< engine's thread: replied or dropped; free when the lane is done with it
};

/// What became of a command in the lane.
struct SgSubmission {
  enum class Result { waiting, submitted, answered, failed };
  SgItem* item = nullptr;
  std::shared_ptr<SgNode> node;
  Result result = Result::waiting;
  CommandFailure failure = CommandFailure::none;
  int opened_fd = -1;   ///< the node was opened for this command
  CommandOutcome outcome;  ///< of `answered`, without data
  std::uint32_t data_bytes = 0;
};

/// How many more commands a host takes. Lane only.
class HostGate {
 public:
  HostGate(std::string sysfs_root, std::uint32_t host) : sysfs_root_(std::move(sysfs_root)), host_(host) {}
  /// can_queue - host_busy, at least 0; no_limit where the kernel does not tell.
  [[nodiscard]] std::uint32_t room();
  /// Whether one of these devices finished a command since the last call: a host that is full of work is not stuck.
  [[nodiscard]] bool moves(const std::vector<std::shared_ptr<const PathFacts>>& devices);
  static constexpr std::uint32_t no_limit = ~0u;

 private:
  std::string sysfs_root_;
  std::uint32_t host_;
  UniqueFd busy_;
  std::uint32_t can_queue_ = 0;  ///< 0: not read yet
  std::optional<std::uint64_t> finished_;  ///< while it is full
};

/// Commands to one host, handed to the lane together.
struct SgBatch {
  std::vector<SgSubmission> submissions;
  std::vector<std::shared_ptr<const PathFacts>> samples;  ///< for HostGate::moves(), only while the host is full
  bool wants_word = false; ///< the engine's thread must hear of the end, whatever it is
  bool host_full = false;  ///< out: some were not submitted because of it
  bool host_works = false; ///< out: it was full, and finished commands of others meanwhile
};

/// Every command is with the kernel, and nothing else is to be told.
[[nodiscard]] bool is_uneventful(const SgBatch& batch);

/// Lane: submits what the host takes. `waiting` ones stay for the next time.
void run_batch(SgBatch& batch, HostGate& gate, const CommandNodeOpener& open, const ports::Clock& clock);

}  // namespace mpath::sys
