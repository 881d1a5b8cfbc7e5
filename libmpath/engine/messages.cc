// SPDX-License-Identifier: LGPL-2.1-or-later
// What a message can change never loads a table: path states, queueing, the active group. For each there is one wish and at most one
// message under way; a newer wish waits for the answer and is then compared again (contract, rule 6).
#include "libmpath/engine/core.h"
#include "libmpath/wire/features.h"

namespace mpath::engine {

namespace {
/// How long after switch_group the map is read once more.
constexpr Duration switch_settles = seconds{1};
/// After a message that the kernel refused; a suspended map refuses all.
constexpr Duration message_backoff = seconds{1};
}  // namespace

OpId Engine::Core::send(MapRecord& map, MapMessage message) {
  OpId op = new_op();
  if (message.kind == MapMessage::Kind::switch_group) map.switch_begun = now;
  ++counters.messages;
  emit(SendMessage{op, map.id, map.kernel->name, map.kernel->uuid, message});
  return op;
}

void Engine::Core::sync_path_states(MapRecord& map) {
  for (PathId id : map.paths) {
    PathRecord* path = find_path(id);
    if (path == nullptr || !path->in_table || path->message_op != OpId::none || path->message_retry_at > now) continue;
    if (!path->silent || path->kernel_state != KernelPathState::failed) {
      path->silent_failed_at = {};
    } else if (path->silent_failed_at == MonoTime{}) {
      path->silent_failed_at = now;
    }
    // Nothing is decided about a path that has not answered yet.
    if (!path->answered && !path->removed) continue;
    PathState state = path->health.state;
    if (state == PathState::unchecked || state == PathState::wild || state == PathState::pending) {
      if (bar(*path) == Bar::none) continue;
    }
    KernelPathState wanted = may_serve(*path) ? KernelPathState::active : KernelPathState::failed;
    if (path->kernel_state == wanted) continue;
    using Kind = MapMessage::Kind;
    Kind kind = wanted == KernelPathState::active ? Kind::reinstate_path : Kind::fail_path;
    path->message_op = send(map, {.kind = kind, .path = path->facts->devnum, .group = 0});
    path->message_sent = wanted;
    path->failed_by_us = wanted == KernelPathState::failed;
  }
}

void Engine::Core::on(const MessageFinished& event) {
  MapRecord* map = find_map(event.map);
  if (map == nullptr) {
    ++counters.stale_completions;
    return;
  }
  queue_map(*map);
  bool worked = event.result.has_value();
  if (!worked) {
    ++counters.message_failures;
    log(Severity::warning, map->name.text, to_string(event.message) + " failed: " + event.result.error().message());
    map->kernel_stale = true;
  }
  if (map->keep_op == event.op) {
    map->keep_op = OpId::none;
    map->kernel_stale = true;
  } else if (map->queue_op == event.op) {
    map->queue_op = OpId::none;
    map->kernel_stale = true;
  } else if (map->switch_op == event.op) {
    map->switch_op = OpId::none;
    note_action(*map, worked ? FollowUp::switched : FollowUp::refused, "switch_group", map->switch_begun);
    map->kernel_stale = true;
    // The kernel goes over with the next I/O, and says nothing then.
    map->look_again = now + switch_settles;
    if (worked) ++map->group_switches;
  } else {
    for (PathId id : map->paths) {
      PathRecord* path = find_path(id);
      if (path == nullptr || path->message_op != event.op) continue;
      path->message_op = OpId::none;
      note_message(*path, worked);
      if (worked) {
        path->kernel_state = path->message_sent;
        log(Severity::info, path->facts->kernel_name,
            path->message_sent == KernelPathState::active ? "reinstated in " + map->name.text : "failed in " + map->name.text);
      } else {
        path->kernel_state = KernelPathState::unknown;
        path->message_retry_at = now + message_backoff;
      }
      touch(*path);
      break;
    }
  }
  if (!worked) {
    map->message_retry_at = now + message_backoff;
    set_map_timer(*map);
  }
  maybe_exit();
}

/// Whether the map queues is never left to a load that has to wait.
void Engine::Core::sync_queueing(MapRecord& map, bool wanted) {
  if (map.queue_op != OpId::none || map.message_retry_at > now) return;
  if (wire::features_has(map.kernel->table.features, wire::queue_if_no_path) == wanted) return;
  auto kind = wanted ? MapMessage::Kind::queue_if_no_path : MapMessage::Kind::fail_if_no_path;
  ++counters.actions;
  map.queue_op = send(map, {.kind = kind, .path = {}, .group = 0});
}

/// Which group is best is known when every path of the table has answered once; until then the kernel's choice stands.
bool Engine::Core::awaits_first_answers(const MapRecord& map) {
  return std::ranges::any_of(map.paths, [&](PathId id) {
    const PathRecord* path = find_path(id);
    return path != nullptr && path->in_table && !path->removed && !path->checks_disabled && !path->answered;
  });
}

/// The group the kernel begins with and the one that is best are not the same: what failback says of it.
void Engine::Core::sync_group(MapRecord& map, const plan::Plan& plan, const policy::Layout&) {
  if (map.switch_op != OpId::none || map.message_retry_at > now || awaits_first_answers(map)) return;
  // What has come back counts for one comparison, however long it had to wait for it.
  bool returned = false;
  const plan::PlannedMessage* wish = nullptr;
  for (const plan::PlannedMessage& planned : plan.messages) {
    if (planned.message.kind == MapMessage::Kind::switch_group) wish = &planned;
  }
  std::uint32_t usable_in_best = 0;
  for (PathId id : map.paths) {
    PathRecord* path = find_path(id);
    if (path == nullptr) continue;
    bool came_back = std::exchange(path->returned, false);
    if (wish == nullptr || !may_serve(*path)) continue;
    const KernelGroup& best = map.kernel->table.groups[wish->message.group - 1];
    if (std::ranges::find(best.paths, path->facts->devnum, &KernelPath::devnum) == best.paths.end()) continue;
    ++usable_in_best;
    returned = returned || came_back;
  }
  if (wish == nullptr) {
    map.failback_due = no_deadline;
    map.failback_now = false;
    return;
  }
  const Failback& failback = map.settings->failback.value;
  bool at_once = map.configuring || map.failback_now;
  switch (failback.kind) {
    case Failback::Kind::manual: break;
    case Failback::Kind::immediate: at_once = true; break;
    case Failback::Kind::after:
      if (map.failback_due == no_deadline && !at_once) map.failback_due = now + failback.delay;
      break;
    case Failback::Kind::followover:
      // Only one path of the best group works, and it has just come back: its group was left for want of paths, not by decision.
      at_once = at_once || (usable_in_best == 1 && returned);
      break;
  }
  if (!at_once) return;
  map.failback_now = false;
  map.failback_due = no_deadline;
  log(Severity::notice, map.name.text, fmt::format("switch to path group {} ({})", wish->message.group, wish->reason.text));
  ++counters.actions;
  map.switch_op = send(map, wish->message);
}

/// Paths that were made to wait because I/O failed on them are the last hope now; but not over and over within a second.
void Engine::Core::recall_held_paths(MapRecord& map) {
  for (PathId id : map.paths) {
    PathRecord* path = find_path(id);
    if (path == nullptr || path->removed || path->hold_until <= now) continue;
    path->hold_until = held_until(*path);
    if (path->hold_until <= now) {
      check_now(*path);
    } else if (path->check.step == CheckStep::idle) {
      path->next_check = path->hold_until;
      set_path_timer(*path);
    }
  }
}

/// no_path_retry: the countdown begins when the last usable path goes and ends when one returns.
void Engine::Core::update_usable(MapRecord& map) {
  if (!map.kernel || !map.settings) return;
  bool any_usable = false;
  bool all_answered = true;
  for (PathId id : map.paths) {
    const PathRecord* path = find_path(id);
    // One that is not in the table carries no I/O, whatever it answers.
    if (path == nullptr || path->removed || !path->in_table) continue;
    all_answered = all_answered && path->answered;
    any_usable = any_usable || may_serve(*path);
  }
  if (!any_usable) {
    recall_held_paths(map);
    give_up_drains(map);
  }
  const NoPathRetry& retry = map.settings->no_path_retry.value;
  if (any_usable) {
    if (map.no_path_since != no_deadline) {
      map.total_queue_time += now - map.no_path_since;
      log(Severity::notice, map.name.text, "has a usable path again");
      touch(map);
    }
    map.no_path_since = no_deadline;
    map.retry_deadline = no_deadline;
    map.retries_expired = false;
    return;
  }
  // Before discovery is done the paths of an adopted map are not known, which is not the same as having none.
  bool discovered = configured_once && found_paths.empty();
  if (map.no_path_since != no_deadline || !all_answered || !discovered) return;
  map.no_path_since = now;
  touch(map);
  bool queues = wire::features_has(map.kernel->table.features, wire::queue_if_no_path);
  log(Severity::error, map.name.text, queues ? "no usable path left; I/O is queued" : "no usable path left; I/O fails");
  if (!queues) ++map.failures;
  if (retry.kind == NoPathRetry::Kind::checks && !map.queueing_disabled) {
    map.retry_deadline = now + daemon().polling_interval.value * retry.checks;
    ++map.queue_timeouts;
  }
}

}  // namespace mpath::engine
