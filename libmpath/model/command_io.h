// SPDX-License-Identifier: LGPL-2.1-or-later
// What is asked of a path's device, and the outcome, as values: checkers, prioritizers and the engine decide on them, the rim carries
// them. Any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <variant>
#include <vector>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/time.h"
#include "libmpath/model/ids.h"

namespace mpath {

/// A SCSI command without data, one that reads `data_in_bytes` from the device, or one that sends it `data_out`; never both.
struct ScsiCommand {
  std::array<std::uint8_t, 16> cdb{};
  std::uint8_t cdb_bytes = 6;
  std::uint32_t data_in_bytes = 0;
  std::vector<std::uint8_t> data_out;
  milliseconds timeout{30000};  ///< handed to the kernel as it is; the kernel ends the command after it
};

/// A read past the page cache (O_DIRECT) from the block device itself. It goes through the block layer, so its time is not limited by
/// `timeout`: that says when to look upon it as late.
struct BlockRead {
  std::uint64_t offset_bytes = 0;
  std::uint32_t bytes = 0;  ///< 0: one logical block
  milliseconds timeout{30000};
};

/// An NVMe admin command that reads `data_in_bytes` (NVMe Base Specification: Identify, Get Log Page).
struct NvmeAdminCommand {
  std::uint8_t opcode = 0;
  std::uint32_t namespace_id = 0;
  std::array<std::uint32_t, 6> command_dwords{};  ///< 10 to 15
  std::uint32_t data_in_bytes = 0;
  milliseconds timeout{30000};
};

/// TEST UNIT READY through the cciss driver's own ioctls (CCISS_GETLUNINFO, CCISS_PASSTHRU).
struct CcissTest {
  milliseconds timeout{30000};
};

/// What the running system says of the device; answered as text in CommandOutcome::data. Sends nothing to the device.
struct SystemRead {
  enum class What : std::uint8_t {
    access_state,   ///< sysfs access_state and preferred_path of a SCSI device, one line each
    device_state,   ///< sysfs state of the SCSI device or NVMe controller, one line
    by_path_links,  ///< names of the links in /dev/disk/by-path that lead to this disk, one line each
  };
  What what = What::access_state;
};

using DeviceCommand = std::variant<ScsiCommand, BlockRead, NvmeAdminCommand, CcissTest, SystemRead>;

/// The operation code of a SCSI command; nothing for the others.
[[nodiscard]] constexpr std::optional<std::uint8_t> scsi_operation(const DeviceCommand& command) {
  const auto* scsi = std::get_if<ScsiCommand>(&command);
  return scsi == nullptr ? std::nullopt : std::optional(scsi->cdb[0]);
}

/// Why a command has no answer of the device.
enum class CommandFailure {
  none,          ///< it has one: see status, sense and nvme_status
  not_a_scsi_device,  ///< ENOTTY and the like: commands of this kind can not be sent to this device
  open_failed,   ///< the node cannot be opened, or is another device by now
  submit_failed, ///< the kernel refused the command
  gone,          ///< the device was removed while the command was under way
  io_error,      ///< BlockRead, CcissTest: the kernel reports an error, or fewer bytes than were asked for
};

/// Host status of the kernel's SCSI midlayer (include/scsi/scsi_status.h, DID_*), as far as anybody decides on it.
enum class HostStatus : std::uint16_t {
  ok = 0x00, no_connect = 0x01, bus_busy = 0x02, time_out = 0x03, bad_target = 0x04, abort = 0x05, parity = 0x06,
  error = 0x07, reset = 0x08, bad_interrupt = 0x09, passthrough = 0x0a, soft_error = 0x0b, imm_retry = 0x0c,
  requeue = 0x0d, transport_disrupted = 0x0e, transport_fail_fast = 0x0f, target_failure = 0x10,
  nexus_failure = 0x11, alloc_failure = 0x12, medium_error = 0x13, transport_marginal = 0x14,
};

/// What came back. The sense bytes are inline so that a good result costs no allocation.
struct CommandOutcome {
  CommandFailure failure = CommandFailure::none;
  std::uint8_t status = 0;        ///< SAM-6 status byte: 0 good, 0x02 check condition, 0x18 reservation conflict…
  HostStatus host_status = HostStatus::ok;
  std::uint16_t driver_status = 0;
  std::uint16_t nvme_status = 0;  ///< of an NVMe command: status code and type, 0 good
  std::uint8_t sense_bytes = 0;
  std::array<std::uint8_t, 32> sense{};
  std::vector<std::uint8_t> data;  ///< what the device sent, without the part it left out; empty for BlockRead
  Duration round_trip{};

  [[nodiscard]] Bytes sense_data() const { return Bytes(sense).first(sense_bytes); }
  /// The data of a SystemRead; lives as long as the outcome.
  [[nodiscard]] std::string_view text() const { return {reinterpret_cast<const char*>(data.data()), data.size()}; }
};

}  // namespace mpath
