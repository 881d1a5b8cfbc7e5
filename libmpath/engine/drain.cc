// SPDX-License-Identifier: LGPL-2.1-or-later
// Drain: paths that an administrator takes out of service before work on a host, a cable or an array. New I/O goes elsewhere at once; what
// the path has already is watched until it has ended. A drain that nobody confirms in time is undone.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"
#include "libmpath/policy/selection.h"

namespace mpath::engine {

namespace {

std::string quoted(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + escape(word);
  return text;
}

RequestResult refused(std::string why) { return {.outcome = Outcome::failed, .detail = std::move(why), .output = {}, .for_mpathctl = true}; }
RequestResult said(std::string text) { return {.outcome = Outcome::ok, .detail = {}, .output = std::move(text), .for_mpathctl = true}; }

}  // namespace

Result<std::vector<PathRecord*>> Engine::Core::selected_paths(const std::vector<std::string>& words) {
  std::vector<PathRecord*> chosen;
  std::vector<bool> found(words.size(), false);
  for (const auto& [order, id] : path_order) {
    PathRecord* path = find_path(id);
    if (path == nullptr || path->removed) continue;
    bool selected = false;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!policy::selects(words[i], *path->facts)) continue;
      found[i] = true;
      selected = true;
    }
    if (selected) chosen.push_back(path);
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!found[i]) return fail(ErrorCode::not_found, words[i], std::string(policy::selects_nothing));
  }
  return chosen;
}

/// Which maps would keep fewer than `keep` good paths, each with how many; empty if none would.
std::string Engine::Core::too_few_paths(const std::vector<PathRecord*>& leaving_paths, std::uint32_t keep) {
  const std::unordered_set<const PathRecord*> leaving(leaving_paths.begin(), leaving_paths.end());
  std::string text;
  for (const auto& [order, map_id] : map_order) {
    const MapRecord* map = find_map(map_id);
    if (map == nullptr || !map->kernel) continue;
    bool concerned = false;
    std::uint32_t left = 0;
    for (PathRecord& path : paths_of(*map)) {
      bool leaves = leaving.contains(&path);
      concerned = concerned || leaves;
      bool good = path.in_table && may_serve(path) && path.kernel_state != KernelPathState::failed;
      left += good && !leaves ? 1U : 0U;
    }
    if (!concerned || left >= keep) continue;
    text += fmt::format("{}{} ({} of {} left)", text.empty() ? "" : ", ", escape(map->name.text), left, keep);
  }
  return text;
}

std::string Engine::Core::drain_key(const Wwid& wwid, std::string_view place) { return fmt::format("{} {}", wwid.text, place); }

Drain* Engine::Core::drain_of(const PathRecord& path) {
  auto at = drains.find(drain_key(path.facts->wwid, policy::place_of(*path.facts)));
  return at == drains.end() ? nullptr : &at->second;
}

void Engine::Core::request_drain(RequestId id, const Request& request) {
  auto chosen = selected_paths(request.subjects);
  if (!chosen) return reply(id, refused(chosen.error().message()));
  std::vector<PathRecord*> leaving;
  for (PathRecord* path : *chosen) {
    if (path->map.valid()) leaving.push_back(path);
  }
  if (leaving.empty()) return reply(id, refused("none of the selected paths belongs to a map: there is nothing to drain"));
  if (std::string poor = too_few_paths(leaving, request.keep); !poor.empty()) {
    return reply(id, refused("not drained: good paths would be missing in " + poor));
  }
  MonoTime undo_at = request.confirm_within ? now + *request.confirm_within : no_deadline;
  std::string text;
  for (PathRecord* path : leaving) {
    Drain drain{path->facts->wwid, policy::place_of(*path->facts), quoted(request.subjects), undo_at};
    drains.insert_or_assign(drain_key(drain.wwid, drain.place), std::move(drain));
    marks_changed = true;
    begin_drain(*path);
    const MapRecord* map = find_map(path->map);
    text += fmt::format("{} {}\n", path->facts->kernel_name, map != nullptr ? escape(map->name.text) : std::string());
  }
  log(Severity::notice, "drain",
      fmt::format("{} path(s) of {} are drained{}", leaving.size(), quoted(request.subjects),
                  request.confirm_within ? fmt::format("; undone in {} s unless it is confirmed", request.confirm_within->count()) : ""));
  set_drain_timer();
  reply(id, said(std::move(text)));
}

void Engine::Core::request_confirm_drain(RequestId id, const Request& request) {
  auto chosen = selected_paths(request.subjects);
  if (!chosen) return reply(id, refused(chosen.error().message()));
  std::size_t confirmed = 0;
  for (PathRecord* path : *chosen) {
    Drain* drain = path->drained ? drain_of(*path) : nullptr;
    if (drain == nullptr) continue;
    drain->undo_at = no_deadline;
    marks_changed = true;
    ++confirmed;
    touch(*path);
  }
  if (confirmed == 0) return reply(id, refused("none of the selected paths is drained: it may have been undone already"));
  log(Severity::notice, "drain", fmt::format("confirmed for {} path(s) of {}", confirmed, quoted(request.subjects)));
  set_drain_timer();
  reply(id, said(fmt::format("{} path(s) stay drained until they are undrained\n", confirmed)));
}

void Engine::Core::request_undrain(RequestId id, const Request& request) {
  auto chosen = selected_paths(request.subjects);
  if (!chosen) return reply(id, refused(chosen.error().message()));
  std::size_t undone = 0;
  for (PathRecord* path : *chosen) {
    if (!path->drained) continue;
    end_drain(*path, "by command");
    ++undone;
  }
  if (undone == 0) return reply(id, refused("none of the selected paths is drained"));
  set_drain_timer();
  reply(id, said(fmt::format("{} path(s) are in service again as soon as they answer\n", undone)));
}

void Engine::Core::begin_drain(PathRecord& path) {
  if (!std::exchange(path.drained, true)) draining.push_back(path.id);
  path.drained_at = now;
  path.in_flight.reset();
  touch(path);
  if (MapRecord* map = find_map(path.map)) queue_map(*map);
}

/// What was known of it while somebody worked on it may not be true any more: it carries I/O again as soon as it has answered.
void Engine::Core::end_drain(PathRecord& path, std::string_view why) {
  forget_drain(path, why);
  if (!is_usable(path.health.state)) return check_now(path);
  // No failure of it, so it is counted as none.
  path.health = {.state = PathState::unchecked, .since = now, .reason = "was drained and has not answered since"};
  touch(path);
  check_now(path);
}

void Engine::Core::forget_drain(PathRecord& path, std::string_view why) {
  drains.erase(drain_key(path.facts->wwid, policy::place_of(*path.facts)));
  marks_changed = true;
  std::erase(draining, path.id);
  path.drained = false;
  path.in_flight.reset();
  path.counters_op = OpId::none;
  log(Severity::notice, path.facts->kernel_name, fmt::format("is not drained any more: {}", why));
  touch(path);
  if (MapRecord* map = find_map(path.map)) queue_map(*map);
}

void Engine::Core::move_drain(const PathRecord& path, const PathFacts& facts) {
  if (!path.drained) return;
  std::string place = policy::place_of(facts);
  std::string key = drain_key(facts.wwid, place);
  auto known = drains.extract(drain_key(path.facts->wwid, policy::place_of(*path.facts)));
  if (known.empty()) return;
  marks_changed = marks_changed || known.key() != key;
  known.key() = std::move(key);
  known.mapped().wwid = facts.wwid;
  known.mapped().place = std::move(place);
  drains.insert(std::move(known));
}

void Engine::Core::resume_drain(PathRecord& path) {
  if (drains.empty() || path.drained || drain_of(path) == nullptr) return;
  log(Severity::notice, path.facts->kernel_name, "was drained before and stays so");
  begin_drain(path);
  set_drain_timer();
}

void Engine::Core::restore_drains(std::vector<Drain> known) {
  for (Drain& drain : known) {
    bool passed = drain.undo_at <= now;
    if (passed) {
      log(Severity::notice, "drain",
          fmt::format("the time to confirm the drain of {} has passed: it is undone", escape(drain.asked_for)));
      marks_changed = true;
      continue;
    }
    drains.insert_or_assign(drain_key(drain.wwid, drain.place), std::move(drain));
  }
  for (auto& path : paths) {
    if (path->live && !path->removed && path->map.valid()) resume_drain(*path);
  }
  set_drain_timer();
}

/// The map has no usable path. While a drain is not confirmed nobody works on the path yet: it serves its map rather than nothing, and at
/// once.
void Engine::Core::give_up_drains(MapRecord& map) {
  for (PathRecord& path : paths_of(map)) {
    if (!path.drained || !is_usable(path.health.state)) continue;
    const Drain* drain = drain_of(path);
    if (drain == nullptr || drain->undo_at == no_deadline) continue;
    forget_drain(path, "its map has no other usable path, and it is not confirmed");
    check_now(path);
  }
}

/// Whether it is still worth while to ask for its I/O: some may be under way, or still come until the kernel has failed it.
bool Engine::Core::is_emptying(const PathRecord& path) {
  if (!path.live || path.removed || !path.drained) return false;
  return path.in_flight != 0 || (path.in_table && path.kernel_state != KernelPathState::failed);
}

void Engine::Core::on(const IoCountersRead& event) {
  PathRecord* path = find_path(event.path);
  if (!completes(path == nullptr ? nullptr : &path->counters_op, event.op)) return;
  std::optional<std::uint64_t> before = path->in_flight;
  path->in_flight = event.result ? std::optional(event.result->in_flight()) : std::nullopt;
  bool failed = !path->in_table || path->kernel_state == KernelPathState::failed;
  if (path->in_flight == 0 && before != 0 && failed) {
    log(Severity::notice, path->facts->kernel_name,
        fmt::format("is drained: no I/O is under way, after {} ms",
                    std::chrono::duration_cast<milliseconds>(now - path->drained_at).count()));
  }
  if (path->in_flight != before) touch(*path);
}

void Engine::Core::drain_timer_due() {
  const std::vector<PathId> present = draining;
  for (PathId id : present) {
    PathRecord* path = find_path(id);
    if (path == nullptr || path->removed) {
      std::erase(draining, id);
      continue;
    }
    if (const Drain* drain = drain_of(*path); drain != nullptr && drain->undo_at <= now) {
      end_drain(*path, "nobody confirmed it in time");
      continue;
    }
    if (!is_emptying(*path) || path->counters_op != OpId::none) continue;
    path->counters_op = new_op();
    emit(ReadIoCounters{path->counters_op, path->id, path->facts->sysfs_path});
  }
  // Those of paths that are away now.
  if (std::erase_if(drains, [this](const auto& entry) { return entry.second.undo_at <= now; }) > 0) marks_changed = true;
  set_drain_timer();
}

void Engine::Core::set_drain_timer() {
  MonoTime due = no_deadline;
  for (const auto& [key, drain] : drains) due = std::min(due, drain.undo_at);
  for (PathId id : draining) {
    const PathRecord* path = find_path(id);
    if (path == nullptr || !is_emptying(*path)) continue;
    due = std::min(due, now + (path->drained_at + drain_patience > now ? drain_poll : drain_slow_poll));
  }
  if (due == no_deadline) {
    timers.cancel(drain_timer);
  } else {
    timers.set(drain_timer, due);
  }
}

}  // namespace mpath::engine
