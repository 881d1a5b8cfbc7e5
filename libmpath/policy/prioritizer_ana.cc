// SPDX-License-Identifier: LGPL-2.1-or-later
// Prioritizer `ana`: how many groups the controller has, in which one the namespace is, and what state that has.
#include "libmpath/policy/prioritizer_steps.h"
#include "libmpath/wire/ana.h"

namespace mpath::policy {

namespace {

enum AnaStep : std::uint8_t { ana_controller, ana_namespace, ana_log };

PriorityTurn ask_log(PriorityMemory& memory, const PriorityContext& context) {
  memory.step = ana_log;
  return ask_for_priority(wire::ana_log_page(memory.ana_groups, context.timeout));
}

PriorityTurn ask_namespace(PriorityMemory& memory, const PriorityContext& context) {
  memory.step = ana_namespace;
  auto id = static_cast<std::uint32_t>(context.facts.address ? context.facts.address->lun : 0);
  return ask_for_priority(wire::identify_namespace(id, context.timeout));
}

PriorityTurn judge_state(wire::AnaState state) {
  switch (state) {
    case wire::AnaState::optimized: return known_priority(50);
    case wire::AnaState::non_optimized: return known_priority(10);
    case wire::AnaState::inaccessible: return known_priority(1);
    case wire::AnaState::change: return unchanged_priority(1);
    case wire::AnaState::persistent_loss: return known_priority(0);
    case wire::AnaState::reserved: return undefined_priority();
  }
  return undefined_priority();
}

}  // namespace

PriorityTurn begin_ana(PriorityMemory& memory, const PriorityContext& context) {
  if (memory.ana_groups == 0) {
    memory.step = ana_controller;
    return ask_for_priority(wire::identify_controller(context.timeout));
  }
  return memory.ana_group_is_fixed && memory.ana_group != 0 ? ask_log(memory, context) : ask_namespace(memory, context);
}

PriorityTurn continue_ana(PriorityMemory& memory, const PriorityContext& context, const CommandOutcome& outcome) {
  if (outcome.failure != CommandFailure::none && outcome.failure != CommandFailure::not_a_scsi_device) return unchanged_priority();
  if (!wire::nvme_succeeded(outcome)) return undefined_priority();
  switch (memory.step) {
    case ana_controller: {
      auto support = wire::parse_ana_support(outcome.data);
      if (!support || !support->is_reported || support->groups == 0) return undefined_priority();
      memory.ana_groups = support->groups;
      memory.ana_group_is_fixed = support->group_ids_are_fixed;
      return ask_namespace(memory, context);
    }
    case ana_namespace: {
      auto group = wire::parse_ana_group(outcome.data);
      if (!group) return undefined_priority();
      memory.ana_group = *group;
      return ask_log(memory, context);
    }
    case ana_log: {
      auto state = wire::find_ana_state(outcome.data, memory.ana_group);
      if (!state) {
        // Groups were added, or the namespace has moved: from the beginning the next time.
        memory.ana_groups = 0;
        return undefined_priority();
      }
      return judge_state(*state);
    }
    default: return undefined_priority();
  }
}

}  // namespace mpath::policy
