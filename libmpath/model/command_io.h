// SPDX-License-Identifier: LGPL-2.1-or-later
// A SCSI command to a path and its outcome, as values: the engine decides on them, the rim carries them.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/time.h"
#include "libmpath/model/ids.h"

namespace mpath {

/// A command without data, or one that reads `data_in_bytes` from the device.
struct ScsiCommand {
  std::array<std::uint8_t, 16> cdb{};
  std::uint8_t cdb_bytes = 6;
  std::uint32_t data_in_bytes = 0;
  milliseconds timeout{30000};  ///< handed to the kernel as it is; the kernel ends the command after it
};

/// Why a command has no SCSI answer.
enum class CommandFailure {
  none,          ///< it has one: see status and sense
  not_a_scsi_device,  ///< ENOTTY and the like: commands can not be sent to this device
  open_failed,   ///< the node cannot be opened, or is another device by now
  submit_failed, ///< the kernel refused the command
  gone,          ///< the device was removed while the command was under way
};

/// Host status of the kernel's SCSI midlayer (include/scsi/scsi_status.h, DID_*), as far as anybody decides on it.
enum class HostStatus : std::uint16_t {
  ok = 0x00, no_connect = 0x01, bus_busy = 0x02, time_out = 0x03, bad_target = 0x04, abort = 0x05, parity = 0x06,
  error = 0x07, reset = 0x08, bad_interrupt = 0x09, passthrough = 0x0a, soft_error = 0x0b, imm_retry = 0x0c,
  requeue = 0x0d, transport_disrupted = 0x0e, transport_fail_fast = 0x0f, target_failure = 0x10,
  nexus_failure = 0x11, alloc_failure = 0x12, medium_error = 0x13, transport_marginal = 0x14,
};

/// What came back. The sense bytes are inline so that a good result costs no allocation.
struct ScsiOutcome {
  CommandFailure failure = CommandFailure::none;
  std::uint8_t status = 0;        ///< SAM-6 status byte: 0 good, 0x02 check condition, 0x18 reservation conflict…
  HostStatus host_status = HostStatus::ok;
  std::uint16_t driver_status = 0;
  std::uint8_t sense_bytes = 0;
  std::array<std::uint8_t, 32> sense{};
  std::vector<std::uint8_t> data;  ///< what the device sent, without the part it left out
  Duration round_trip{};

  [[nodiscard]] Bytes sense_data() const { return Bytes(sense).first(sense_bytes); }
};

}  // namespace mpath
