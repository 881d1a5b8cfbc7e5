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
  for (PathRecord& path : members_of(map)) {
    if (!path.in_table || path.message_op != OpId::none || path.message_retry_at > now) continue;
    if (!path.silent || path.kernel_state != KernelPathState::failed) {
      path.silent_failed_at = {};
    } else if (path.silent_failed_at == MonoTime{}) {
      path.silent_failed_at = now;
    }
    // Nothing is decided about a path that has not answered yet, but that it must not carry I/O may be known from before a restart, or by
    // its silence.
    bool must_not = path.removed || path.unregistered || path.quarantined || path.suspect || (path.drained && has_other_hope(path));
    if (!path.answered && !must_not) continue;
    PathState state = path.health.state;
    if (state == PathState::unchecked || state == PathState::wild || state == PathState::pending) {
      if (bar(path) == Bar::none) continue;
    }
    KernelPathState wanted = may_serve(path) ? KernelPathState::active : KernelPathState::failed;
    if (path.kernel_state == wanted) continue;
    using Kind = MapMessage::Kind;
    Kind kind = wanted == KernelPathState::active ? Kind::reinstate_path : Kind::fail_path;
    path.message_op = send(map, {.kind = kind, .path = path.facts->devnum, .group = 0});
    path.message_sent = wanted;
    path.failed_by_us = wanted == KernelPathState::failed;
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
  } else if (map->enable_op == event.op) {
    map->enable_op = OpId::none;
    map->kernel_stale = true;
  } else if (map->switch_op == event.op) {
    map->switch_op = OpId::none;
    note_action(*map, worked ? FollowUp::switched : FollowUp::refused, "switch_group", map->switch_begun);
    map->kernel_stale = true;
    // The kernel goes over with the next I/O, and says nothing then.
    map->look_again = now + switch_settles;
    if (worked) ++map->group_switches;
  } else {
    for (PathRecord& path : members_of(*map)) {
      if (path.message_op != event.op) continue;
      path.message_op = OpId::none;
      note_message(path, worked);
      path.return_refused = !worked && path.message_sent == KernelPathState::active;
      if (worked) {
        path.kernel_state = path.message_sent;
        log(Severity::info, path.facts->kernel_name,
            path.message_sent == KernelPathState::active ? "reinstated in " + map->name.text : "failed in " + map->name.text);
      } else {
        path.kernel_state = KernelPathState::unknown;
        path.message_retry_at = now + message_backoff;
      }
      touch(path);
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

}  // namespace mpath::engine
