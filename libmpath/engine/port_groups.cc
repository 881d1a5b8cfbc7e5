// SPDX-License-Identifier: LGPL-2.1-or-later
// Target port groups of a map: one REPORT TARGET PORT GROUPS gives the priorities of all its paths, and with the checker `alua` the states
// of the paths of a group as well.
#include <utility>

#include "libmpath/base/limits.h"
#include "libmpath/engine/core.h"
#include "libmpath/wire/alua.h"
#include "libmpath/wire/sense.h"

namespace mpath::engine {

namespace {

/// Nothing about the path itself is in question: what another one of its port group is told holds for it too.
bool can_be_spoken_for(const PathRecord& path) {
  return path.checker == policy::Checker::alua && path.answered && is_usable(path.health.state) && !path.removed &&
         !path.checks_disabled && !path.check.identify_wanted && path.kernel_state != KernelPathState::failed &&
         path.facts->target_port_group && path.priority && !(path.registration && path.registration->due);
}

}  // namespace

/// For so long a report serves the checks that come after it.
Duration Engine::Core::report_freshness() const { return Duration{daemon().polling_interval.value} / 2; }

/// The path's turn has come by its interval. With the checker `alua` the path of its port group that was asked longest ago asks for all.
void Engine::Core::planned_check(PathRecord& path) {
  if (std::exchange(path.check.wanted, false) || !is_served(path)) start_check(path);
}

bool Engine::Core::is_served(PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (std::exchange(path.asked_itself, false) || map == nullptr || !can_be_spoken_for(path)) return false;
  PathRecord* oldest = &path;
  bool is_fresh = false;
  bool is_asked = false;
  for (PathRecord& member : members_of(*map)) {
    if (!can_be_spoken_for(member)) continue;
    if (member.facts->target_port_group != path.facts->target_port_group) continue;
    if (member.check.step != CheckStep::idle) {
      is_asked = is_asked || member.check.started + groups_answer_limit > now;
      continue;
    }
    is_fresh = is_fresh || member.last_answer + report_freshness() > now;
    if (member.last_answer < oldest->last_answer) oldest = &member;
  }
  if (is_fresh) {
    plan_next_check(path, false);
  } else if (is_asked || oldest != &path) {
    if (!is_asked) start_check(*oldest);
    path.next_check = now + groups_answer_limit;
  } else {
    return false;
  }
  set_path_timer(path);
  return true;
}

/// What the array says of the port group of `path` is true of the others in it.
void Engine::Core::share_verdict(const PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || path.check.verdict == PathState::pending) return;
  for (PathRecord& member : members_of(*map)) {
    if (&member == &path || !can_be_spoken_for(member) || member.check.step != CheckStep::idle) continue;
    if (member.facts->target_port_group != path.facts->target_port_group) continue;
    if (member.health.state != path.check.verdict) set_health(member, path.check.verdict, path.check.reason);
  }
}

/// One answer serves all paths of the map; it is asked for again with the next check of any of them.
bool Engine::Core::needs_target_groups(const PathRecord& path) {
  if (path.priority_method() != policy::PriorityMethod::alua || path.quarantined) return false;
  if (!is_usable(path.check.verdict) && path.check.verdict != PathState::pending) return false;
  const MapRecord* map = find_map(path.map);
  if (map == nullptr) return !path.priority;
  if (path.asks_for_itself) return true;
  if (PathRecord* reader = find_path(map->groups_reader)) {
    // Another path is asking already; one that hangs is not waited for.
    if (reader->check.step == CheckStep::target_groups && reader->check.command_started + groups_answer_limit > now) return false;
  }
  return !path.priority || map->groups_read_at == MonoTime{} ||
         map->groups_read_at + report_freshness() <= now;
}

void Engine::Core::judge_target_groups(PathRecord& path, const CommandOutcome& outcome) {
  take_target_groups(path, outcome);
  finish_check(path);
}

void Engine::Core::take_target_groups(PathRecord& path, const CommandOutcome& outcome) {
  MapRecord* map = find_map(path.map);
  if (map != nullptr && map->groups_reader == path.id) map->groups_reader = {};
  auto answer = wire::classify(outcome) == wire::OutcomeClass::good
                    ? wire::parse_target_port_groups(outcome.data)
                                   : Result<wire::TargetPortGroups>(std::unexpected(Error{}));
  if (!answer) {
    // The last priority stays; a path that never had one does without until the next answer.
    path.priority_refused = true;
    if (!path.priority && wire::classify(outcome) == wire::OutcomeClass::illegal_request) {
      // It says that it supports target port groups, and never reported any.
      path.probes.refuses_port_groups = true;
      choose_methods(path);
    }
    if (map != nullptr) queue_map(*map);
    return;
  }
  auto apply = [&](PathRecord& member) {
    if (member.priority_method() != policy::PriorityMethod::alua) return;
    const wire::TargetPortGroup* group =
        member.facts->target_port_group ? wire::find_group(*answer, *member.facts->target_port_group) : nullptr;
    member.priority_refused = group == nullptr;
    if (group == nullptr && !member.facts->target_port_group && member.facts->identity != 0 && !member.priority) {
      // Its identification page is known, and names no port group.
      member.probes.refuses_port_groups = true;
      choose_methods(member);
      touch(member);
      if (map != nullptr) queue_map(*map);
      return;
    }
    if (group == nullptr) {
      member.check.identify_wanted = member.facts->target_port_group.has_value();
      if (member.check.identify_wanted && member.id != path.id && !std::exchange(member.asks_for_itself, true)) check_now(member);
      if (map != nullptr && !member.priority) queue_map(*map);
      return;
    }
    if (group->state == wire::AccessState::transitioning && member.priority) return;
    int priority = wire::alua_priority(group->state, group->preferred, member.prioritizer->arguments.exclusive_pref_bit);
    set_priority(member, priority, wire::to_string(group->state));
  };
  if (map == nullptr) {
    apply(path);
  } else {
    map->groups_read_at = now;
    if (answer->is_truncated && map->groups_bytes < limits::target_port_groups_bytes) {
      // The whole of it comes with the next check.
      map->groups_bytes = static_cast<std::uint32_t>(std::min<std::size_t>(answer->bytes_needed, limits::target_port_groups_bytes));
      map->groups_read_at = {};
    }
    for (PathRecord& member : paths_of(*map)) apply(member);
  }
}

}  // namespace mpath::engine
