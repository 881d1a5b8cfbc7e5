// SPDX-License-Identifier: LGPL-2.1-or-later
// The choice among the checkers, and those that need one kind of command.
#include "libmpath/policy/checker.h"

#include <utility>

#include "libmpath/base/text.h"
#include "libmpath/base/words.h"
#include "libmpath/policy/checker_steps.h"
#include "libmpath/wire/scsi_command.h"

namespace mpath::policy {

namespace {

constexpr std::pair<Checker, std::string_view> names[] = {
    {Checker::none, "none"},     {Checker::tur, "tur"},     {Checker::directio, "directio"}, {Checker::readsector0, "readsector0"},
    {Checker::rdac, "rdac"},     {Checker::hp_sw, "hp_sw"}, {Checker::emc_clariion, "emc_clariion"},
    {Checker::cciss_tur, "cciss_tur"}, {Checker::alua, "alua"},
};

CheckTurn continue_none(const CheckContext& context, const CommandOutcome& outcome) {
  SysfsState state = context.facts.sysfs_state;
  if (outcome.failure == CommandFailure::none) {
    state = parse_sysfs_state(context.facts.bus, trim(outcome.text()));
  } else if (outcome.failure == CommandFailure::gone) {
    state = SysfsState::removed;
  }
  switch (state) {
    case SysfsState::up: return decide(PathState::up, "the kernel says that it works");
    case SysfsState::pending: return decide(PathState::pending, "the kernel has stopped it for a while");
    case SysfsState::down: return decide(PathState::down, "the kernel says that it is offline");
    case SysfsState::removed: return decide(PathState::down, "the device is gone");
  }
  return decide(PathState::down, "the device is gone");
}

CheckTurn continue_tur(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome) {
  wire::Verdict verdict = wire::tur_verdict(outcome);
  CheckTurn turn = decide(verdict.state, verdict.reason);
  turn.needs_identity_check = verdict.needs_identity_check || verdict.unit_attention;
  turn.access_state_changed = verdict.access_state_changed;
  if (verdict.retry && try_again(memory, context, wire::tur_attempts)) turn.command = wire::test_unit_ready(context.timeout);
  return turn;
}

CheckTurn continue_directio(const CommandOutcome& outcome) {
  switch (outcome.failure) {
    case CommandFailure::none: return decide(PathState::up, "a block was read");
    case CommandFailure::io_error: return decide(PathState::down, "a block cannot be read");
    case CommandFailure::submit_failed: return decide(PathState::unchecked, "the kernel took no read");
    case CommandFailure::open_failed: return decide(PathState::down, "the device cannot be opened");
    case CommandFailure::not_a_scsi_device: return decide(PathState::wild, "the device cannot be read directly");
    case CommandFailure::gone: return decide(PathState::down, "the device is gone");
  }
  return decide(PathState::down, "a block cannot be read");
}

constexpr std::uint8_t read_attempts = 3;

CheckTurn continue_readsector0(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome) {
  if (outcome.failure == CommandFailure::submit_failed) return decide(PathState::unchecked, "the kernel took no command");
  wire::OutcomeClass kind = wire::classify(outcome);
  CheckTurn turn = kind == wire::OutcomeClass::good ? decide(PathState::up, "the first block was read")
                   : kind == wire::OutcomeClass::unsupported
                       ? decide(PathState::wild, "the device takes no SCSI commands")
                       : decide(PathState::down, "the first block cannot be read");
  if (kind == wire::OutcomeClass::unit_attention) {
    turn.needs_identity_check = true;
    if (try_again(memory, context, read_attempts)) turn.command = wire::read_first_block(context.timeout);
  }
  return turn;
}

}  // namespace

std::string_view to_string(Checker checker) { return word_of(names, checker); }

Checker parse_checker(std::string_view name) { return value_of_word(names, name).value_or(Checker::missing); }

CheckTurn begin_check(Checker checker, CheckerMemory& memory, const CheckContext& context) {
  switch (checker) {
    case Checker::missing: return decide(PathState::unchecked, "there is no checker of the configured name");
    case Checker::none:
      if (context.facts.bus != Bus::scsi && context.facts.bus != Bus::nvme) return decide(PathState::up, "not checked");
      return enter(memory, 0, SystemRead{SystemRead::What::device_state});
    case Checker::tur: return enter(memory, 0, wire::test_unit_ready(context.timeout));
    case Checker::directio: return enter(memory, 0, BlockRead{.timeout = context.timeout});
    case Checker::readsector0: return enter(memory, 0, wire::read_first_block(context.timeout));
    case Checker::rdac: return begin_rdac(memory, context);
    case Checker::hp_sw: return begin_hp_sw(memory, context);
    case Checker::emc_clariion: return begin_emc(memory, context);
    case Checker::cciss_tur: return enter(memory, 0, CcissTest{context.timeout});
    case Checker::alua: return begin_alua(memory, context);
  }
  return {};
}

CheckTurn continue_check(Checker checker, CheckerMemory& memory, VolumeMemory& volume, const CheckContext& context,
                         const CommandOutcome& outcome) {
  switch (checker) {
    case Checker::missing: return decide(PathState::unchecked, "there is no checker of the configured name");
    case Checker::none: return continue_none(context, outcome);
    case Checker::tur: return continue_tur(memory, context, outcome);
    case Checker::directio: return continue_directio(outcome);
    case Checker::readsector0: return continue_readsector0(memory, context, outcome);
    case Checker::rdac: return continue_rdac(memory, context, outcome);
    case Checker::hp_sw: return continue_hp_sw(memory, context, outcome);
    case Checker::emc_clariion: return continue_emc(memory, volume, context, outcome);
    case Checker::cciss_tur:
      return outcome.failure == CommandFailure::none ? decide(PathState::up, "ready") : decide(PathState::down, "not ready");
    case Checker::alua: return continue_alua(memory, context, outcome);
  }
  return {};
}

}  // namespace mpath::policy
