// SPDX-License-Identifier: LGPL-2.1-or-later
// Health of a path: what the verdict of a check, or its absence, makes of its state, and when it is checked next.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {

constexpr Duration pending_retry = seconds{1};
/// What the kernel tells of by events needs no reading; this is for what it does not tell.
constexpr int rounds_between_reads = 10;
constexpr seconds least_between_reads = seconds{60};
/// Between the deadline of a command and the verdict.
constexpr Duration last_look = milliseconds{500};
constexpr Duration kernel_failure_memory = seconds{60};

/// What is asked when the checker has said that the path works.
bool comes_after_verdict(CheckStep step) {
  return step == CheckStep::target_groups || step == CheckStep::prioritize || step == CheckStep::registration;
}

}  // namespace

Bar Engine::Core::bar(const PathRecord& path) {
  if (path.quarantined) return Bar::quarantined;
  if (path.checks_disabled) return Bar::disabled;
  if (path.unregistered) return Bar::unregistered;
  if (path.drained) return Bar::drained;
  if (path.suspect) return Bar::suspect;
  if (path.unreliable) return Bar::unreliable;
  if (path.standby) return Bar::standby;
  return Bar::none;
}

bool Engine::Core::has_other_usable(const PathRecord& path) {
  MapRecord* map = find_map(path.map);
  if (map == nullptr) return false;
  return std::ranges::any_of(paths_of(*map), [&](PathRecord& other) {
    return &other != &path && other.in_table && may_serve(other) &&
           other.kernel_state != KernelPathState::failed;
  });
}

bool Engine::Core::is_marginal(const PathRecord& path) const {
  switch (daemon().marginal_pathgroups.value) {
    case MarginalPathgroups::off: return false;
    case MarginalPathgroups::on: return path.marginal_reasons.any();
    case MarginalPathgroups::fpin:
      return path.marginal_reasons.has(MarginalReason::fpin) || path.marginal_reasons.has(MarginalReason::command);
  }
  return false;
}

void Engine::Core::set_marginal(PathRecord& path, MarginalReason reason, bool holds) {
  if (path.marginal_reasons.has(reason) == holds) return;
  bool before = is_marginal(path);
  path.marginal_reasons.set(reason, holds);
  touch(path);
  MapRecord* map = find_map(path.map);
  if (map == nullptr || is_marginal(path) == before) return;
  map->regroup_wanted = true;
  queue_map(*map);
}

/// A path that I/O failed though its checks are good returns later each time. The last one of a map returns at once, but not over and
/// over within a second: the kernel may be unable to activate it.
MonoTime Engine::Core::held_until(const PathRecord& path) {
  if (has_other_usable(path)) return path.hold_until;
  return path.kernel_failures > 1 ? std::min(path.hold_until, path.kernel_failed_at + last_path_hold) : MonoTime{};
}

void Engine::Core::finish_check(PathRecord& path) {
  CheckMachine& check = path.check;
  if (check.queried_in_vain && comes_after_verdict(check.step)) {
    check.started = now;
    return begin_asking(path);
  }
  check.step = CheckStep::idle;
  check.op = OpId::none;
  --checks_outstanding;
  ++counters.checks_finished;
  path.last_answer = now;
  path.usual_check_length = std::min(path.last_check_length, now - check.started);
  path.last_check_length = now - check.started;
  if (is_usable(check.verdict)) path.good_check_started = check.started;
  bool first = !path.answered;
  path.answered = true;
  PathState before = path.health.state;
  PathState verdict = check.verdict;
  bool undecided = verdict == PathState::wild || verdict == PathState::unchecked || verdict == PathState::pending ||
                   path.checks_disabled;
  bool held = is_usable(verdict) && before == PathState::down && held_until(path) > now;
  bool unnoted = !undecided && end_suspicion(path, verdict);
  if (verdict == PathState::disconnected) {
    purge(path);
    verdict = PathState::down;
  }
  if (!undecided && !held) {
    if (is_usable(verdict)) {
      verdict = weigh_answer(path, verdict);
    } else {
      path.failure_count.bad_check(now);
    }
    set_health(path, verdict, check.reason);
  }
  bool changed = before != path.health.state;
  if (!changed && !first && path.health.state == PathState::down && !undecided && !path.quarantined) {
    bool always = daemon().log_checker_err.value == LogCheckerErr::always;
    std::string why(path.health.reason);
    if (held) why += fmt::format("; its check says: {}", check.reason);
    log(always && !held ? Severity::notice : Severity::info, path.facts->kernel_name, "path is still down: " + why);
  }
  if (changed && !is_usable(path.health.state)) emit(GatherPath{path.facts->kernel_name, path.facts->devnum});
  if (path.checks_disabled) {
    path.next_check = no_deadline;
  } else if (verdict == PathState::pending) {
    path.next_check = now + pending_retry;
  } else if (held) {
    path.next_check = held_until(path);
  } else {
    plan_next_check(path, changed);
    if (path.failure_count.kept_out) path.next_check = std::min(path.next_check, trusted_from(path));
  }
  end_of_registration(path);
  set_path_timer(path);
  note_marks(path);
  if (unnoted) note_standing(path);
  retrigger(path);
  if (path.next_check != no_deadline) path.view.reset();
  if (MapRecord* map = find_map(path.map)) {
    refresh_now_and_then(*map);
    if (map->has_late_checks && is_usable(verdict)) judge_late_checks(*map);
    compare_siblings(*map);
    // Those that came with it answer about now as well. One that is alone and serves again is not kept waiting for company.
    if (first && !path.in_table && map->kernel && carries_io(*map)) expect_more(*map);
    bool differs = path.in_table && (path.kernel_state == KernelPathState::failed) == may_serve(path);
    if (first || changed || differs || map->wishes_load || !map->kernel || map->configuring) queue_map(*map);
  }
  if (check.again) start_check(path);
}

/// purge_disconnected: the logical unit behind the device is not there any more, so the device goes too. Once in a path's life.
void Engine::Core::purge(PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  bool wanted = map != nullptr && map->settings && map->settings->purge_disconnected.value;
  if (!wanted || path.facts->bus != Bus::scsi || options.mode != Mode::manage || std::exchange(path.purge_tried, true)) return;
  log(Severity::notice, path.facts->kernel_name, "the logical unit is not there any more; the device is removed (purge_disconnected)");
  emit(DeletePath{path.facts});
}

/// The kernel tells of failed paths by itself, but not of a group that became active: the map is read again with the checks of its paths,
/// every now and then, and at each check until some group is active. What it should be is compared with what is known of it more often.
void Engine::Core::refresh_now_and_then(MapRecord& map) {
  if (!map.kernel || map.kernel_stale || options.mode != Mode::manage) return;
  bool settled = std::ranges::any_of(map.kernel->table.groups, [](const KernelGroup& group) {
    return group.state == KernelGroupState::active;
  });
  const seconds round = daemon().max_polling_interval.value;
  if (settled && time_after(std::max(map.read_at, map.looked_at), round) > now) return;
  if (map.read_at == now) return;
  map.looked_at = now;
  bool leaves = std::ranges::any_of(members_of(map), [&](const PathRecord& path) {
    return path.removed;
  });
  bool is_old = time_after(map.read_at, std::max(rounds_between_reads * round, least_between_reads)) <= now;
  map.kernel_stale = !settled || leaves || map.wishes_load || is_old;
  queue_map(map);
}

/// The command has not come back after its timeout and the kernel's error handling: the path is out of service, the command stays
/// outstanding, and its end, whenever it comes, ends the check. If it is a query that follows the checker's verdict, that verdict is out of
/// date then: the checker asks once more.
void Engine::Core::command_overdue(PathRecord& path) {
  if (path.check.op == OpId::none || path.checks_disabled) return;
  if (!std::exchange(path.check.late, true)) {
    // The machine may have stood still until now, and the answer be there already.
    timers.set(path.timer, now + last_look);
    return;
  }
  // A checker's own command counts as its checker says; a query for an identity or a priority is late like any other.
  bool asks = path.check.step == CheckStep::ask;
  set_health(path, asks ? policy::state_when_late(path.checker) : PathState::timeout, "the check was not answered within its timeout");
  path.answered = true;
  path.silent = true;
  path.check.identify_wanted = true;
  path.check.queried_in_vain = comes_after_verdict(path.check.step);
  timers.cancel(path.timer);
  if (MapRecord* map = find_map(path.map)) queue_map(*map);
}

void Engine::Core::set_health(PathRecord& path, PathState state, StaticText reason) {
  PathState before = path.health.state;
  path.health.reason = reason;
  if (before == state) return;
  path.health.state = state;
  path.health.since = now;
  bool worse = is_usable(before) && !is_usable(state);
  if (worse) ++path.failures;
  MapRecord* map = find_map(path.map);
  if (map != nullptr && (worse || (state == PathState::shaky && before != state))) ++map->path_faults;
  if (map != nullptr && worse) map->path_failed = true;
  if (is_usable(state) && !is_usable(before)) {
    path.returned = true;
    path.kernel_failures = path.kernel_failed_at + kernel_failure_memory < now ? 0 : path.kernel_failures;
    if (map != nullptr) map->groups_read_at = {};
  }
  registration_follows(path);
  touch(path);
  if (map != nullptr) queue_map(*map);
}

/// The kernel failed the path because I/O did. It is checked at once, but a good answer brings it back only after a while that doubles
/// with each such failure: a path that answers checks and fails I/O must not swing.
void Engine::Core::kernel_failed_path(PathRecord& path) {
  if (path.kernel_failed_at + kernel_failure_memory < now) path.kernel_failures = 0;
  path.kernel_failed_at = now;
  Duration hold = seconds{1} * (std::int64_t{1} << std::min(path.kernel_failures, 10U));
  path.hold_until = now + std::min<Duration>(hold, daemon().polling_interval.value);
  ++path.kernel_failures;
  count_kernel_failure(path);
  set_health(path, PathState::down, "I/O failed on it");
  check_now(path);
}

}  // namespace mpath::engine
