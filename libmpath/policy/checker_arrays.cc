// SPDX-License-Identifier: LGPL-2.1-or-later
// Checkers of arrays whose passive controllers answer TEST UNIT READY as if they could serve, or that need a look of their own.
#include "libmpath/policy/checker_steps.h"
#include "libmpath/wire/array_pages.h"
#include "libmpath/wire/scsi_command.h"

namespace mpath::policy {

namespace {

constexpr std::uint8_t state_unavailable = 0x3;
constexpr std::uint8_t state_transitioning = 0xf;

// --- rdac: once, that commands which another host's action aborts end with a status; then page 0xc9 ------------------------
enum RdacStep : std::uint8_t { rdac_changeable, rdac_current, rdac_select, rdac_page };

CheckTurn ask_rdac_page(CheckerMemory& memory, const CheckContext& context) {
  return enter(memory, rdac_page, wire::inquiry_page(wire::vpd_rdac_access_control, wire::rdac_page_bytes, context.timeout));
}

CheckTurn judge_rdac_page(Bytes data) {
  auto page = wire::parse_rdac_page(data);
  if (!page) return decide(PathState::down, "its access control page is cut off");
  if (!page->is_connected) return decide(PathState::down, "no volume is connected to the port");
  if (page->has_port_group_state) {
    if (page->access_state == state_unavailable) return decide(PathState::down, "its controller is unavailable");
    if (page->access_state == state_transitioning && page->other_access_state != state_transitioning) {
      return decide(PathState::down, "its controller takes no I/O while the volume moves");
    }
  }
  if (page->is_owner) return decide(PathState::up, "its controller owns the volume");
  if (page->ships_io) return decide(PathState::up, "its controller ships I/O to the owner");
  return decide(PathState::ghost, "the other controller owns the volume");
}

}  // namespace

CheckTurn begin_rdac(CheckerMemory& memory, const CheckContext& context) {
  if (memory.is_prepared || !context.may_configure) return ask_rdac_page(memory, context);
  return enter(memory, rdac_changeable, wire::mode_sense_control(wire::ModeValues::changeable, context.timeout));
}

CheckTurn continue_rdac(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome) {
  wire::OutcomeClass kind = wire::classify(outcome);
  bool good = kind == wire::OutcomeClass::good;
  switch (memory.step) {
    case rdac_changeable:
      if (!good || !wire::task_aborted_status(outcome.data).value_or(false)) break;
      return enter(memory, rdac_current, wire::mode_sense_control(wire::ModeValues::current, context.timeout));
    case rdac_current:
      if (good && wire::task_aborted_status(outcome.data) == false) {
        if (auto select = wire::mode_select_task_aborted_status(outcome.data, context.timeout)) {
          return enter(memory, rdac_select, std::move(*select));
        }
      }
      break;
    case rdac_select: {
      memory.is_prepared = true;
      CheckTurn turn = ask_rdac_page(memory, context);
      if (!good) turn.remark = "cannot have aborted commands reported (MODE SELECT, Control page, TAS)";
      return turn;
    }
    case rdac_page:
      switch (kind) {
        case wire::OutcomeClass::good: return judge_rdac_page(outcome.data);
        case wire::OutcomeClass::unsupported:
        case wire::OutcomeClass::illegal_request: return decide(PathState::wild, "the device has no RDAC access control page");
        case wire::OutcomeClass::transport:
          if (try_again(memory, context, transport_attempts)) {
            return ask(wire::inquiry_page(wire::vpd_rdac_access_control, wire::rdac_page_bytes, context.timeout));
          }
          break;
        case wire::OutcomeClass::unit_attention:
        case wire::OutcomeClass::failed: break;
      }
      return decide(PathState::down, "does not tell its access control page");
    default: return {};
  }
  // Looked after as far as it can be. A path that did not answer is looked after the next time.
  memory.is_prepared = good || kind == wire::OutcomeClass::illegal_request || kind == wire::OutcomeClass::unsupported;
  return ask_rdac_page(memory, context);
}

// --- hp_sw ----------------------------------------------------------------------------------------------------------------
namespace {
enum HpStep : std::uint8_t { hp_serial, hp_ready };
constexpr std::uint16_t serial_bytes = 255;
}  // namespace

CheckTurn begin_hp_sw(CheckerMemory& memory, const CheckContext& context) {
  return enter(memory, hp_serial, wire::inquiry_page(wire::vpd_unit_serial_number, serial_bytes, context.timeout));
}

CheckTurn continue_hp_sw(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome) {
  wire::OutcomeClass kind = wire::classify(outcome);
  if (memory.step == hp_serial) {
    if (kind == wire::OutcomeClass::unsupported || kind == wire::OutcomeClass::illegal_request) {
      return decide(PathState::wild, "the device has no serial number page");
    }
    if (kind != wire::OutcomeClass::good) return decide(PathState::down, "does not answer INQUIRY");
    return enter(memory, hp_ready, wire::test_unit_ready(context.timeout));
  }
  CheckTurn turn = kind == wire::OutcomeClass::good ? decide(PathState::up, "ready") : decide(PathState::ghost, "its controller is passive");
  turn.needs_identity_check = kind == wire::OutcomeClass::unit_attention;
  return turn;
}

// --- emc_clariion -----------------------------------------------------------------------------------------------------------
namespace {

enum EmcStep : std::uint8_t { emc_page, emc_read };
constexpr std::uint8_t read_attempts = 3;
constexpr wire::Sense inactive_snapshot{0x5, 0x25, 0x01};

CheckTurn judge_emc_page(CheckerMemory& memory, VolumeMemory& volume, const CheckContext& context, Bytes data) {
  auto page = wire::parse_emc_page(data);
  if (!page || !page->is_unit_path_page) return decide(PathState::down, "its unit path page is not of the known kind");
  if (!page->is_failover_mode) return decide(PathState::down, "the array is not configured for failover to this host");
  if (page->is_upgrading) return decide(PathState::shaky, "the array's software is being upgraded");
  if (page->unit_state == wire::emc_unit_unbound) return decide(PathState::down, "no volume is bound to the unit");
  if (memory.knows_volume && memory.volume != page->volume) {
    CheckTurn turn = decide(PathState::down, "another volume answers behind this device");
    turn.needs_identity_check = true;
    return turn;
  }
  memory.knows_volume = true;
  memory.volume = page->volume;
  if (page->unit_state == wire::emc_unit_active) return enter(memory, emc_read, wire::read_first_block(context.timeout));
  if (volume.is_inactive_snapshot) return decide(PathState::down, "the volume is an inactive snapshot");
  return decide(PathState::up, "the passive controller answers");
}

}  // namespace

CheckTurn begin_emc(CheckerMemory& memory, const CheckContext& context) {
  return enter(memory, emc_page, wire::inquiry_page(wire::vpd_emc_unit_path, wire::emc_page_bytes, context.timeout));
}

CheckTurn continue_emc(CheckerMemory& memory, VolumeMemory& volume, const CheckContext& context, const CommandOutcome& outcome) {
  wire::OutcomeClass kind = wire::classify(outcome);
  if (memory.step == emc_page) {
    switch (kind) {
      case wire::OutcomeClass::good: return judge_emc_page(memory, volume, context, outcome.data);
      case wire::OutcomeClass::unsupported:
      case wire::OutcomeClass::illegal_request: return decide(PathState::wild, "the device has no EMC unit path page");
      case wire::OutcomeClass::transport:
        if (try_again(memory, context, transport_attempts)) {
          return ask(wire::inquiry_page(wire::vpd_emc_unit_path, wire::emc_page_bytes, context.timeout));
        }
        break;
      case wire::OutcomeClass::unit_attention:
      case wire::OutcomeClass::failed: break;
    }
    return decide(PathState::down, "does not tell its unit path page");
  }
  if (kind == wire::OutcomeClass::good) {
    volume.is_inactive_snapshot = false;
    return decide(PathState::up, "the active controller reads");
  }
  if (kind == wire::OutcomeClass::unit_attention && try_again(memory, context, read_attempts)) {
    CheckTurn turn = ask(wire::read_first_block(context.timeout));
    turn.needs_identity_check = true;
    return turn;
  }
  if (wire::decode_sense(outcome.sense_data()) == inactive_snapshot) {
    volume.is_inactive_snapshot = true;
    return decide(PathState::down, "the volume is an inactive snapshot");
  }
  return decide(PathState::down, "the active controller does not read");
}

}  // namespace mpath::policy
