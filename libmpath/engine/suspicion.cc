// SPDX-License-Identifier: LGPL-2.1-or-later
// Early suspicion: a check that is outstanding far longer than those of its siblings, while a sibling answers, makes its path suspect. New
// I/O avoids it at once; the check stays outstanding, nothing more is sent to it, and the first good answer brings it back.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {

/// The rim may gather replies for so long before it hands them over: an age is judged only beyond it.
constexpr Duration reply_grace = milliseconds{50};
/// The paths of a port are asked together at most so often.
constexpr Duration sweep_pause = seconds{1};

}  // namespace

/// Called with each command that is sent.
void Engine::Core::watch_command(PathRecord& path) {
  path.watch = {};
  const std::optional<seconds>& after = path.settings->suspect_after.value;
  if (!after || options.mode != Mode::manage) return;
  path.watch.at = now + policy::late_age(*after, Duration{0});
}

/// The command has ended.
void Engine::Core::end_watch(PathRecord& path, const CommandOutcome& outcome) {
  bool too_old = std::exchange(path.watch, {}).too_old;
  if (!is_own_command(path.check.step)) return;
  bool answered = outcome.failure == CommandFailure::none && outcome.host_status == HostStatus::ok;
  Duration measured = outcome.round_trip.count() > 0 ? outcome.round_trip : now - path.check.command_started;
  if (!answered) {
    path.sketch.add_error(now);
  } else if (too_old) {
    path.sketch.add_late(now, measured);
  } else {
    path.sketch.add(now, measured);
  }
}

/// Its paths that are outliers themselves say nothing of what is usual.
Duration Engine::Core::usual_for_siblings(const PathRecord& path) {
  policy::UsualRoundTrip usual;
  const MapRecord* map = find_map(path.map);
  if (map == nullptr) return {};
  for (const PathRecord& sibling : paths_of(*map)) {
    if (&sibling != &path && !sibling.outlier.is_outlier()) usual.add(sibling.sketch, now);
  }
  return usual.p99();
}

/// The timer of a path whose command is outstanding.
void Engine::Core::outstanding_due(PathRecord& path) {
  if (path.watch.at > now) {
    command_overdue(path);
    return;
  }
  watch_due(path);
  set_path_timer(path);
}

void Engine::Core::watch_due(PathRecord& path) {
  CheckWatch& watch = path.watch;
  watch.at = no_deadline;
  MapRecord* map = find_map(path.map);
  const std::optional<seconds>& after = path.settings->suspect_after.value;
  if (!after || path.removed || path.checks_disabled) return;
  if (path.port != nullptr && path.port->works_until > now) {
    // Its host is full of work, so the command may not even have been sent.
    watch.at = path.port->works_until;
    return;
  }
  watch.siblings_p99 = usual_for_siblings(path);
  MonoTime sent = path.check.command_started;
  MonoTime late_at = sent + policy::late_age(*after, watch.siblings_p99);
  MonoTime old_at = sent + policy::suspect_age(*after, watch.siblings_p99) + reply_grace;
  if (now < late_at) {
    watch.at = late_at;
    return;
  }
  if (!std::exchange(watch.late, true)) look_around(path);
  if (now < old_at) {
    watch.at = old_at;
    return;
  }
  watch.too_old = true;
  if (map != nullptr) judge_suspicion(path, *map);
}

/// A check is late: does the array answer at all, and is it the port?
void Engine::Core::look_around(PathRecord& path) {
  if (MapRecord* map = find_map(path.map)) {
    map->has_late_checks = true;
    for (PathRecord& sibling : members_of(*map)) {
      if (&sibling != &path) make_due(sibling);
    }
  }
  PortRecord* port = path.port;
  if (port == nullptr || !port->known || port->swept_at + sweep_pause > now) return;
  port->swept_at = now;
  for (PathId id : port->paths) {
    PathRecord* other = find_path(id);
    if (other != nullptr && other->check.step == CheckStep::idle) make_due(*other);
  }
}

/// Only a command of the checker itself is comparable with those of the siblings. A query for an identity or a priority may take its time; it
/// counts only while another path of the port is suspect.
bool Engine::Core::is_comparable(const PathRecord& path) {
  // What is asked first is asked of every path, and the kernel may use one that nothing is known of.
  if (is_own_command(path.check.step) || !path.answered) return true;
  if (path.port == nullptr || !path.port->known) return false;
  return std::ranges::any_of(path.port->paths, [&](PathId id) {
    const PathRecord* other = find_path(id);
    return other != nullptr && other != &path && other->suspicion.since != no_deadline;
  });
}

/// What is left of the map without this path.
policy::SuspectSituation Engine::Core::suspect_situation(const PathRecord& path, const MapRecord& map) {
  policy::SuspectSituation situation;
  if (!map.kernel) return situation;
  const std::vector<KernelGroup>& groups = map.kernel->table.groups;
  auto in_use = std::ranges::find(groups, KernelGroupState::active, &KernelGroup::state);
  if (in_use == groups.end() && map.kernel->table.next_group - 1 < groups.size()) {
    in_use = groups.begin() + static_cast<std::ptrdiff_t>(map.kernel->table.next_group - 1);
  }
  situation.has_hardware_handler = map.kernel->table.hardware_handler != "0";
  situation.implicit_only = true;
  for (const PathRecord& other : paths_of(map)) {
    situation.implicit_only = situation.implicit_only && other.facts->tpg_support == TpgSupport::implicit_only;
    if (&other == &path || !other.in_table || !may_serve(other)) continue;
    situation.other_usable = true;
    if (in_use == groups.end()) continue;
    bool there = std::ranges::find(in_use->paths, other.facts->devnum, &KernelPath::devnum) != in_use->paths.end();
    situation.usable_in_active_group = situation.usable_in_active_group || there;
  }
  return situation;
}

/// Its check is too old. Suspect only while a sibling that may serve has answered what it was asked after this check became late: if none
/// does, it is the array.
void Engine::Core::judge_suspicion(PathRecord& path, MapRecord& map) {
  // A configuration may have switched it off since the check was sent.
  if (!path.watch.too_old || path.suspect || !map.kernel || !path.settings->suspect_after.value) return;
  bool carries = path.in_table && (is_usable(path.health.state) || !path.answered) && bar(path) == Bar::none;
  if (!carries || path.kernel_state == KernelPathState::failed || !is_comparable(path)) return;
  MonoTime late_at = path.check.command_started + policy::late_age(*path.settings->suspect_after.value, path.watch.siblings_p99);
  const PathRecord* witness = nullptr;
  for (const PathRecord& sibling : paths_of(map)) {
    if (&sibling == &path || !sibling.in_table || !may_serve(sibling)) continue;
    if (sibling.kernel_state == KernelPathState::failed || sibling.good_check_started < late_at) continue;
    witness = &sibling;
    break;
  }
  if (witness == nullptr) return;
  Suspicion& suspicion = path.suspicion;
  bool reported = suspicion.since != no_deadline;
  policy::SuspectAction action = policy::action_for_suspect(suspect_situation(path, map));
  if (action == policy::SuspectAction::report && map.read_at < path.check.command_started) {
    // The kernel does not tell when it turns to another group: what was read before may be out of date, and with it this judgement.
    map.kernel_stale = true;
    queue_map(map);
  }
  if (action == policy::SuspectAction::report && reported) return;
  if (!reported) suspicion.since = now;
  suspicion.asked_at = path.check.command_started;
  suspicion.siblings_p99 = path.watch.siblings_p99;
  std::string text = fmt::format("suspect: its check has not been answered for {}, {} answers, usual for its siblings are {}",
                                 span_text(now - suspicion.asked_at), witness->facts->kernel_name, span_text(suspicion.siblings_p99));
  switch (action) {
    case policy::SuspectAction::avoid:
      path.suspect = true;
      ++counters.suspicions;
      text += "; new I/O avoids it until it answers";
      break;
    case policy::SuspectAction::report:
      text += "; it stays in use, because without it the array would have to move the volume to another controller";
      break;
  }
  touch_because(path, Severity::warning, std::move(text));
  queue_map(map);
  if (path.port == nullptr || !path.port->known) return;
  for (PathId id : path.port->paths) {
    PathRecord* other = find_path(id);
    if (other == nullptr || !other->watch.too_old || is_own_command(other->check.step)) continue;
    other->watch.at = now;  // it is comparable from now on
    set_path_timer(*other);
  }
}

/// A path of the map has given a good answer.
void Engine::Core::judge_late_checks(MapRecord& map) {
  bool any_late = false;
  for (PathRecord& path : members_of(map)) {
    if (!path.watch.late) continue;
    any_late = true;
    judge_suspicion(path, map);
  }
  map.has_late_checks = any_late;
}

/// What was true when a path became suspect may not be any more: it is not avoided if that leaves nothing, or makes the kernel turn to
/// another controller, or if a configuration has switched it off.
void Engine::Core::review_suspects(MapRecord& map) {
  for (PathRecord& path : paths_of(map)) {
    if (!path.settings->suspect_after.value && (path.suspect || path.suspicion.since != no_deadline)) {
      path.suspect = false;
      path.suspicion = {};
      touch_because(path, Severity::notice, "not suspect any more: suspect_after is off");
      continue;
    }
    if (!path.suspect || !path.in_table) continue;
    if (policy::action_for_suspect(suspect_situation(path, map)) == policy::SuspectAction::avoid) continue;
    // After a restart nothing is known of the others yet.
    bool others_unknown = std::ranges::any_of(paths_of(map), [&](const PathRecord& other) {
      return &other != &path && other.in_table && !other.checks_disabled && !other.answered;
    });
    if (others_unknown) continue;
    path.suspect = false;
    if (path.suspicion.since == no_deadline) path.suspicion.since = now;
    touch_because(path, Severity::warning, "used again though its check is not answered: nothing better is left");
  }
}

/// The check has ended with a verdict, so there is nothing to suspect any more. True if that is still to be noted in the path's history.
bool Engine::Core::end_suspicion(PathRecord& path, PathState verdict) {
  bool was_avoided = std::exchange(path.suspect, false);
  Suspicion before = std::exchange(path.suspicion, {});
  if (!was_avoided && before.since == no_deadline) return false;
  if (MapRecord* map = find_map(path.map)) {
    queue_map(*map);
    touch(*map);
  }
  if (!is_usable(verdict)) {
    // What it is instead follows, and is told then.
    path.view.reset();
    return true;
  }
  path.returned = path.returned || was_avoided;
  std::string text = fmt::format("answers its checks again, after {}", span_text(now - path.check.started));
  if (is_usable(path.health.state)) {
    touch_because(path, Severity::notice, std::move(text));
    return false;
  }
  // It was given up meanwhile. That it works again follows as well: one transition, not two.
  path.view.reset();
  log(Severity::notice, path.facts->kernel_name, std::move(text));
  return true;
}

}  // namespace mpath::engine
