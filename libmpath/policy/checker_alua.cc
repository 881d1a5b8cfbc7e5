// SPDX-License-Identifier: LGPL-2.1-or-later
// The checker `alua`: what the array says of the path's target port group is the state of the path.
#include "libmpath/policy/checker_steps.h"
#include "libmpath/wire/alua.h"
#include "libmpath/wire/scsi_command.h"

namespace mpath::policy {

namespace {

CheckTurn judge_group(const wire::TargetPortGroup& group) {
  switch (group.state) {
    case wire::AccessState::active_optimized:
    case wire::AccessState::active_non_optimized:
    case wire::AccessState::lba_dependent: return decide(PathState::up, "its port group is active");
    case wire::AccessState::standby: return decide(PathState::ghost, "its port group is in standby state");
    case wire::AccessState::transitioning:
      return decide(PathState::pending, "its port group is in transition between access states");
    case wire::AccessState::unavailable: return decide(PathState::down, "its port group is unavailable");
    case wire::AccessState::offline: return decide(PathState::down, "its port group is offline");
    case wire::AccessState::reserved: return decide(PathState::down, "its port group is in an unknown state");
  }
  return decide(PathState::down, "its port group is in an unknown state");
}

}  // namespace

CheckTurn begin_alua(CheckerMemory& memory, const CheckContext& context) {
  return enter(memory, 0, wire::report_target_port_groups(wire::target_port_groups_bytes, context.timeout));
}

CheckTurn continue_alua(CheckerMemory& memory, const CheckContext& context, const CommandOutcome& outcome) {
  wire::Verdict verdict = wire::tur_verdict(outcome);
  CheckTurn turn = decide(verdict.state, verdict.reason);
  turn.needs_identity_check = verdict.needs_identity_check || verdict.unit_attention;
  turn.access_state_changed = verdict.access_state_changed;
  if (verdict.retry && try_again(memory, context, wire::tur_attempts)) {
    turn.command = wire::report_target_port_groups(wire::target_port_groups_bytes, context.timeout);
    return turn;
  }
  if (wire::classify(outcome) != wire::OutcomeClass::good) return turn;
  auto answer = wire::parse_target_port_groups(outcome.data);
  if (!answer) return decide(PathState::down, "its report of target port groups makes no sense");
  const wire::TargetPortGroup* group =
      context.facts.target_port_group ? wire::find_group(*answer, *context.facts.target_port_group) : nullptr;
  if (group != nullptr) return judge_group(*group);
  // It answers for other groups than the one it was found in: the port may have moved.
  turn = decide(PathState::up, "ready");
  turn.needs_identity_check = true;
  return turn;
}

}  // namespace mpath::policy
