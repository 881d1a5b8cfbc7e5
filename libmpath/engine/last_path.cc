// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps without a path: how long their I/O waits (no_path_retry), and what becomes of a map whose last path was removed (flush_on_last_del).
#include "libmpath/engine/core.h"
#include "libmpath/policy/failback.h"
#include "libmpath/wire/features.h"

namespace mpath::engine {

/// Paths that were made to wait because I/O failed on them are the last hope now; but not over and over within a second.
void Engine::Core::recall_held_paths(MapRecord& map) {
  for (PathRecord& path : paths_of(map)) {
    // It works, and was only not trusted.
    if (path.health.state == PathState::delayed && path.check.step == CheckStep::idle) check_now(path);
    if (path.hold_until <= now) continue;
    path.hold_until = held_until(path);
    if (path.hold_until <= now) {
      check_now(path);
    } else if (path.check.step == CheckStep::idle) {
      path.next_check = path.hold_until;
      set_path_timer(path);
    }
  }
}

/// no_path_retry: the countdown begins when the last usable path goes and ends when one returns. It goes on while no daemon runs.
void Engine::Core::update_usable(MapRecord& map) {
  if (!map.kernel || !map.settings) return;
  bool any_usable = false;
  bool all_answered = true;
  for (const PathRecord& path : paths_of(map)) {
    // One that is not in the table carries no I/O, whatever it answers.
    if (!path.in_table) continue;
    all_answered = all_answered && path.answered;
    // One that the kernel would not take back carries none either; a countdown that is under way ends when the kernel has taken it.
    bool is_taken = map.no_path_since == no_deadline ? !path.return_refused : path.kernel_state == KernelPathState::active;
    any_usable = any_usable || (may_serve(path) && is_taken);
  }
  // Before discovery is done the paths of an adopted map are not known, which is not the same as having none.
  bool all_known = all_answered && configured_once && !is_taking_disks();
  if (!any_usable) {
    recall_held_paths(map);
    if (all_known) give_up_drains(map);
  }
  if (any_usable) {
    if (map.no_path_since != no_deadline) {
      map.total_queue_time += now - map.no_path_since;
      log(Severity::notice, map.name.text, "has a usable path again");
    }
    bool was_without = map.no_path_since != no_deadline || map.retries_expired;
    map.no_path_since = no_deadline;
    map.retry_deadline = no_deadline;
    map.retries_expired = false;
    map.without_path_before_restart = no_deadline;
    map.counted_retries.reset();
    if (was_without) touch(map);
    return;
  }
  if (map.no_path_since != no_deadline) {
    // Another configuration is in force, or queueing is allowed again: it is counted anew.
    if (map.queueing_disabled) map.counted_retries.reset();
    bool other_length = map.retry_deadline != no_deadline && map.counted_interval != daemon().polling_interval.value;
    if (map.queueing_disabled || (map.counted_retries == map.settings->no_path_retry.value && !other_length)) return;
    map.retries_expired = false;
    map.retry_deadline = no_deadline;
    count_retries(map, now);
    touch(map);
    return;
  }
  if (all_known) begin_retries(map);
}

void Engine::Core::count_retries(MapRecord& map, MonoTime since) {
  const NoPathRetry& retry = map.settings->no_path_retry.value;
  map.counted_retries = retry;
  map.counted_interval = daemon().polling_interval.value;
  if (retry.kind != NoPathRetry::Kind::checks) return;
  map.retry_deadline = time_after(since, daemon().polling_interval.value * retry.checks);
  ++map.queue_timeouts;
  if (map.retry_deadline <= now) retries_are_over(map);
}

void Engine::Core::begin_retries(MapRecord& map) {
  map.no_path_since = std::min(std::exchange(map.without_path_before_restart, no_deadline), now);
  bool queues = wire::features_has(map.kernel->table.features, wire::queue_if_no_path);
  log(Severity::error, map.name.text, queues ? "no usable path left; I/O is queued" : "no usable path left; I/O fails");
  if (!queues) ++map.failures;
  if (!map.queueing_disabled) count_retries(map, map.no_path_since);
  touch(map);
}

void Engine::Core::retries_are_over(MapRecord& map) {
  map.retry_deadline = no_deadline;
  map.retries_expired = true;
  ++map.failures;
  log(Severity::error, map.name.text, "no path came back within no_path_retry: queued I/O fails now");
  touch(map);
}

/// The kernel has the map and we have no path for it. Whether it goes with its last path is for flush_on_last_del; while it stays, its
/// queued I/O follows no_path_retry.
void Engine::Core::reconcile_without_paths(MapRecord& map) {
  bool only_removed = !map.paths.empty() && std::ranges::all_of(map.paths, [&](PathId id) {
    const PathRecord* path = find_path(id);
    return path == nullptr || path->removed;
  });
  bool queues = wire::features_has(map.kernel->table.features, wire::queue_if_no_path);
  if (only_removed && !map.last_path_step) {
    map.last_path_step = policy::after_last_path(map.settings->flush_on_last_del.value, queues);
    if (*map.last_path_step == policy::LastPathStep::keep) {
      log(Severity::warning, map.name.text, "its last path is gone; its I/O waits for one (flush_on_last_del never)");
    }
    if (*map.last_path_step == policy::LastPathStep::fail_and_remove) ++map.failures;
  }
  bool gives_up = map.last_path_step == policy::LastPathStep::fail_and_remove;
  bool removes = only_removed && map.last_path_step != policy::LastPathStep::keep;
  // What waits for a path is failed before, or the users of the map would never let go of it.
  if (removes && !(gives_up && queues) && map.retry_at <= now) remove_map(map, ReasonKind::map_obsolete, "its last path is gone");
  if (map.table_op == OpId::none) {
    policy::LayoutContext context{.wwid = map.wwid, .name = map.name};
    context.kernel_queues = queues;
    context.retries_expired = map.retries_expired;
    bool waits = !map.queueing_disabled && !gives_up &&
                 policy::wants_queueing(map.settings->no_path_retry.value, false, context);
    sync_queueing(map, waits);
  }
  set_map_timer(map);
}

}  // namespace mpath::engine
