// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/sense.h"

#include <fmt/format.h>
#include <scsi/sg_lib.h>

#include <array>

namespace mpath::wire {

namespace {

constexpr std::uint8_t status_mask = 0x7e;
constexpr std::uint8_t reservation_conflict = 0x18;
constexpr std::uint8_t recovered_error_key = 1;
constexpr std::uint8_t unit_attention_key = 6;

constexpr std::array<std::string_view, 16> key_names = {
    "no sense",    "recovered error", "not ready",      "medium error",    "hardware error", "illegal request",
    "unit attention", "data protect", "blank check",    "vendor specific", "copy aborted",   "aborted command",
    "reserved",    "volume overflow", "miscompare",     "completed",
};

/// Whether an error of the transport is final; all others are worth another attempt.
bool is_final(HostStatus status) {
  return status == HostStatus::ok || status == HostStatus::no_connect || status == HostStatus::bad_target ||
         status == HostStatus::abort || status == HostStatus::transport_fail_fast;
}

StaticText host_reason(HostStatus status) {
  switch (status) {
    case HostStatus::ok: return "the command failed";
    case HostStatus::no_connect: return "no connection to the target";
    case HostStatus::bus_busy: return "the bus stayed busy";
    case HostStatus::time_out: return "the command timed out";
    case HostStatus::bad_target: return "no such target";
    case HostStatus::abort: return "the command was aborted";
    case HostStatus::parity: return "parity error";
    case HostStatus::error: return "host adapter error";
    case HostStatus::reset: return "the device was reset";
    case HostStatus::bad_interrupt: return "unexpected interrupt of the host adapter";
    case HostStatus::passthrough: return "the host adapter refused the command";
    case HostStatus::soft_error: return "transient error of the host adapter";
    case HostStatus::imm_retry: return "the host adapter asks for a retry";
    case HostStatus::requeue: return "the host adapter asks for a requeue";
    case HostStatus::transport_disrupted: return "the transport was disrupted";
    case HostStatus::transport_fail_fast: return "the transport failed";
    case HostStatus::target_failure: return "permanent failure of the target";
    case HostStatus::nexus_failure: return "permanent failure of the nexus";
    case HostStatus::alloc_failure: return "the target is out of space";
    case HostStatus::medium_error: return "medium error";
    case HostStatus::transport_marginal: return "the transport is marginal";
  }
  return "unknown error of the host adapter";
}

StaticText status_reason(std::uint8_t status) {
  switch (status) {
    case 0x00: return "the driver reported an error";
    case 0x02: return "check condition";
    case 0x08: return "the device is busy";
    case 0x28: return "the device's task set is full";
    case 0x30: return "an auto contingent allegiance is active";
    case 0x40: return "the command was aborted by the device";
    default: return "unexpected SCSI status";
  }
}

StaticText key_reason(std::uint8_t key) {
  switch (key & 0x0f) {
    case 0x2: return "not ready";
    case 0x3: return "medium error";
    case 0x4: return "hardware error";
    case 0x5: return "illegal request";
    case 0x7: return "data protect";
    case 0xb: return "aborted command";
    default: return "check condition";
  }
}

Verdict judge_failure(CommandFailure failure) {
  switch (failure) {
    case CommandFailure::none: break;
    case CommandFailure::not_a_scsi_device:
      return {.state = PathState::wild, .reason = "the device takes no SCSI commands"};
    case CommandFailure::open_failed: return {.reason = "the device cannot be opened"};
    case CommandFailure::submit_failed: return {.reason = "the kernel refused the command"};
    case CommandFailure::gone: return {.reason = "the device is gone"};
    case CommandFailure::io_error: return {.reason = "the kernel reports an I/O error"};
  }
  return {.reason = "no answer"};
}

/// The last rows of the checker's table: the sense triple decides.
void judge_sense(Verdict& verdict, const CommandOutcome& outcome) {
  verdict.state = PathState::down;
  verdict.reason = outcome.host_status != HostStatus::ok ? host_reason(outcome.host_status)
                                                         : status_reason(outcome.status & status_mask);
  if (!verdict.sense) return;
  Sense sense = *verdict.sense;
  if (sense.key == unit_attention_key) {
    verdict.retry = true;
    verdict.reason = "unit attention";
  } else if (sense == Sense{0x2, 0x04, 0x0b}) {
    verdict.state = PathState::ghost;
    verdict.reason = "the port is in standby state";
  } else if (sense == Sense{0x2, 0x04, 0x0a}) {
    verdict.state = PathState::pending;
    verdict.reason = "the port is in transition between access states";
  } else if (sense == lun_not_supported) {
    verdict.state = PathState::disconnected;
    verdict.reason = "the logical unit does not exist any more";
  } else if (outcome.host_status == HostStatus::ok) {
    verdict.reason = key_reason(sense.key);
  }
}

}  // namespace

std::optional<Sense> decode_sense(Bytes data) {
  ByteReader reader(data);
  auto code = reader.u8(0);
  if (!code) return std::nullopt;
  std::uint8_t response = *code & 0x7f;
  bool is_descriptor = response == 0x72 || response == 0x73;
  bool is_fixed = response == 0x70 || response == 0x71;
  if (is_descriptor && data.size() >= 4) {
    return Sense{static_cast<std::uint8_t>(data[1] & 0x0f), data[2], data[3]};
  }
  if (is_fixed && data.size() >= 14) {
    return Sense{static_cast<std::uint8_t>(data[2] & 0x0f), data[12], data[13]};
  }
  return std::nullopt;
}

std::string to_string(Sense sense) {
  return fmt::format("{:x}/{:02x}/{:02x}", sense.key, sense.asc, sense.ascq);
}

std::string describe(Sense sense) {
  std::array<char, 160> buffer{};
  sg_get_asc_ascq_str(sense.asc, sense.ascq, static_cast<int>(buffer.size()), buffer.data());
  buffer.back() = '\0';
  std::string_view text = buffer.data();
  constexpr std::string_view prefix = "Additional sense: ";
  if (text.starts_with(prefix)) text.remove_prefix(prefix.size());
  return fmt::format("{} {}: {}", to_string(sense), key_names[sense.key & 0x0f], text);
}

bool needs_identity_check(Sense sense) {
  return sense == Sense{0x6, 0x3f, 0x0e} || sense == Sense{0x6, 0x3f, 0x03} ||
         sense == Sense{0x6, 0x2a, 0x06} || sense == lun_not_supported;
}

OutcomeClass classify(const CommandOutcome& outcome) {
  if (outcome.failure == CommandFailure::not_a_scsi_device) return OutcomeClass::unsupported;
  if (outcome.failure != CommandFailure::none) return OutcomeClass::failed;
  auto sense = decode_sense(outcome.sense_data());
  if (sense && sense->key == 0x5) return OutcomeClass::illegal_request;
  switch (outcome.host_status) {
    case HostStatus::ok: break;
    case HostStatus::bus_busy:
    case HostStatus::error:
    case HostStatus::soft_error:
    case HostStatus::transport_disrupted: return OutcomeClass::transport;
    case HostStatus::no_connect: case HostStatus::time_out: case HostStatus::bad_target: case HostStatus::abort:
    case HostStatus::parity: case HostStatus::reset: case HostStatus::bad_interrupt: case HostStatus::passthrough:
    case HostStatus::imm_retry: case HostStatus::requeue: case HostStatus::transport_fail_fast:
    case HostStatus::target_failure: case HostStatus::nexus_failure: case HostStatus::alloc_failure:
    case HostStatus::medium_error: case HostStatus::transport_marginal: return OutcomeClass::failed;
  }
  if ((outcome.status & status_mask) == 0 && outcome.driver_status == 0) return OutcomeClass::good;
  if (sense && sense->key == recovered_error_key) return OutcomeClass::good;
  if (sense && sense->key == unit_attention_key) return OutcomeClass::unit_attention;
  return OutcomeClass::failed;
}

Verdict tur_verdict(const CommandOutcome& outcome) {
  if (outcome.failure != CommandFailure::none) return judge_failure(outcome.failure);
  Verdict verdict;
  verdict.sense = decode_sense(outcome.sense_data());
  if (verdict.sense) {
    verdict.unit_attention = verdict.sense->key == unit_attention_key;
    verdict.needs_identity_check = needs_identity_check(*verdict.sense);
    verdict.access_state_changed =
        *verdict.sense == Sense{0x6, 0x2a, 0x06} || *verdict.sense == Sense{0x6, 0x2a, 0x07};
  }
  if ((outcome.status & status_mask) == reservation_conflict) {
    verdict.state = PathState::up;
    verdict.reason = "reserved by another host";
    return verdict;
  }
  if ((outcome.status & status_mask) == 0 && outcome.host_status == HostStatus::ok &&
      outcome.driver_status == 0) {
    verdict.state = PathState::up;
    verdict.reason = "ready";
    return verdict;
  }
  judge_sense(verdict, outcome);
  if (!is_final(outcome.host_status)) verdict.retry = true;
  return verdict;
}

}  // namespace mpath::wire
