// SPDX-License-Identifier: LGPL-2.1-or-later
// What survives a restart and SIGKILL: marks of paths and maps go to /run/multipath/state whenever one of them changes, and come back at
// the start, each to the device that it belongs to.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {

/// Marks that change together are written together.
constexpr Duration pause_between_saves = milliseconds{50};
constexpr Duration pause_after_failure = seconds{10};

bool says_something(const wire::PathMarks& marks) {
  return marks.quarantined || marks.suspect || marks.unreliable || marks.disabled || marks.marginal_reasons.any();
}

}  // namespace

/// From a daemon that ran before. What it says of devices that are not there any more is forgotten with the first discovery.
void Engine::Core::take_run_state(std::string_view text) {
  if (configured_once || options.mode == Mode::list) return;
  Result<wire::RunState> state = wire::parse_run_state(text);
  saved_run_state = std::string(text);
  if (!state) {
    log(Severity::warning, {}, state.error().message());
    marks_changed = true;
    return;
  }
  for (wire::PathMarks& marks : state->paths) restored_paths.emplace(marks.devnum, std::move(marks));
  std::vector<Drain> drained;
  for (wire::DrainMarks& marks : state->drains) {
    MonoTime undo_at = marks.undo_at == no_deadline ? no_deadline : marks.undo_at - standstill;
    drained.push_back({std::move(marks.wwid), std::move(marks.place), std::move(marks.asked_for), undo_at});
  }
  restore_drains(std::move(drained));
  for (wire::MapMarks& marks : state->maps) restored_maps.emplace(marks.wwid, std::move(marks));
  // The kernel's maps may have been listed before.
  for (auto& map : maps) {
    if (map->live) restore_marks(*map);
  }
  // What is claimed by nobody must not stay in the file.
  marks_changed = marks_changed || !restored_paths.empty() || !restored_maps.empty();
}

/// Once its volume is known. It was the last daemon's judgement; the path is verified as any other.
void Engine::Core::restore_marks(PathRecord& path) {
  if (restored_paths.empty() || path.facts->wwid.empty()) return;
  auto at = restored_paths.find(path.facts->devnum);
  if (at == restored_paths.end()) return;
  const wire::PathMarks marks = std::move(at->second);
  restored_paths.erase(at);
  if (marks.disk_sequence != path.facts->disk_sequence || marks.wwid != path.facts->wwid) return;
  path.quarantined = marks.quarantined;
  if (marks.quarantined && marks.identity != 0 && marks.identity != path.facts->identity) {
    // The kernel has asked the device for its name anew, and now takes the stranger for granted. We do not.
    PathFacts facts = *path.facts;
    facts.identity = marks.identity;
    path.facts = std::make_shared<const PathFacts>(std::move(facts));
  }
  path.suspect = marks.suspect;
  path.unreliable = marks.unreliable;
  path.distrust_restored = marks.unreliable || marks.marginal_reasons.has(MarginalReason::sampled);
  path.marginal_reasons = marks.marginal_reasons;
  if (marks.disabled) disable(path);
  if (says_something(marks)) log(Severity::notice, path.facts->kernel_name, "keeps the marks that it had before the restart");
  touch(path);
}

void Engine::Core::restore_marks(MapRecord& map) {
  auto at = restored_maps.find(map.wwid);
  if (at == restored_maps.end()) return;
  map.queueing_disabled = at->second.queueing_disabled;
  if (at->second.reservation_over) {
    if (!map.reservation) map.reservation = std::make_unique<MapReservation>();
    map.reservation->is_over = true;
    map.reservation->registered = map.reservation->held = ReservationFlag::unset;
  }
  map.suspended_by_us = map.suspension_stale = at->second.suspended;
  map.retries_expired = at->second.retries_expired;
  if (at->second.no_path_since != no_deadline) map.without_path_before_restart = at->second.no_path_since - standstill;
  if (at->second.ready_at != no_deadline) map.ghost_deadline = at->second.ready_at - standstill;
  restored_maps.erase(at);
  note_marks(map);
}

/// Called whenever something of the path may have changed.
void Engine::Core::note_marks(PathRecord& path) {
  wire::PathMarks& saved = path.saved_marks;
  bool gone = !path.live || path.removed;
  bool same = gone ? !says_something(saved)
                   : saved.quarantined == path.quarantined && saved.suspect == path.suspect && saved.unreliable == path.unreliable &&
                         saved.disabled == path.checks_disabled && saved.marginal_reasons == path.marginal_reasons;
  if (same) return;
  saved = {};
  if (!gone) {
    saved = {.devnum = path.facts->devnum, .disk_sequence = path.facts->disk_sequence, .wwid = path.facts->wwid,
             .quarantined = path.quarantined, .suspect = path.suspect, .unreliable = path.unreliable,
             .disabled = path.checks_disabled, .marginal_reasons = path.marginal_reasons};
  }
  if (saved.quarantined) saved.identity = path.facts->identity;
  if (says_something(saved)) {
    marked_paths.insert(path.id);
  } else {
    marked_paths.erase(path.id);
  }
  marks_changed = true;
}

void Engine::Core::note_marks(MapRecord& map) {
  wire::MapMarks marks;
  if (map.live) {
    MonoTime since = std::min(map.no_path_since, map.without_path_before_restart);
    marks = {.wwid = {}, .queueing_disabled = map.queueing_disabled, .suspended = map.suspended_by_us, .no_path_since = since,
             .retries_expired = map.retries_expired, .reservation_over = map.reservation && map.reservation->is_over,
             .ready_at = map.ghost_deadline};
  }
  if (marks == map.saved_marks) return;
  bool says_nothing = marks == wire::MapMarks{};
  map.saved_marks = std::move(marks);
  if (says_nothing) {
    marked_maps.erase(map.id);
  } else {
    marked_maps.insert(map.id);
  }
  marks_changed = true;
}

/// At the end of a step.
void Engine::Core::save_run_state() {
  if (!marks_changed || run_state_op != OpId::none || options.mode != Mode::manage) return;
  // Before the first discovery the file knows more than we do.
  if (!configured_once) return;
  if (now < run_state_not_before) {
    timers.set(run_state_timer, run_state_not_before);
    return;
  }
  restored_paths.clear();
  restored_maps.clear();
  wire::RunState state;
  for (PathId id : marked_paths) {
    const PathRecord* path = find_path(id);
    if (path != nullptr) state.paths.push_back(path->saved_marks);
  }
  for (MapId id : marked_maps) {
    const MapRecord* map = find_map(id);
    if (map == nullptr) continue;
    wire::MapMarks& marks = state.maps.emplace_back(map->saved_marks);
    marks.wwid = map->wwid;
    if (marks.no_path_since != no_deadline) marks.no_path_since += standstill;
    if (marks.ready_at != no_deadline) marks.ready_at += standstill;
  }
  for (const auto& [key, drain] : drains) {
    // The file counts by the machine's clock.
    MonoTime undo_at = drain.undo_at == no_deadline ? no_deadline : drain.undo_at + standstill;
    state.drains.push_back({.wwid = drain.wwid, .place = drain.place, .asked_for = drain.asked_for, .undo_at = undo_at});
  }
  std::string text = state.empty() ? std::string() : wire::format_run_state(state);
  marks_changed = false;
  if (text == saved_run_state) return;
  saved_run_state = text;
  run_state_op = new_op();
  emit(SaveRunState{run_state_op, std::move(text)});
}

void Engine::Core::on(const RunStateSaved& event) {
  if (!completes(&run_state_op, event.op)) return;
  run_state_not_before = now + pause_between_saves;
  if (event.result) return;
  log(Severity::warning, {}, "what is known of the paths would not survive a restart: " + event.result.error().message());
  run_state_not_before = now + pause_after_failure;
  saved_run_state = std::nullopt;
  marks_changed = true;
  refuse_suspensions(event.result.error());
}

}  // namespace mpath::engine
