// SPDX-License-Identifier: LGPL-2.1-or-later
// Paths come, change and go.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"
#include "libmpath/policy/admission.h"
#include "libmpath/policy/identify.h"

namespace mpath::engine {

PathRecord* Engine::Core::find_path(DevNum devnum) {
  auto at = path_by_devnum.find(devnum);
  return at == path_by_devnum.end() ? nullptr : find_path(at->second);
}

PathRecord* Engine::Core::find_path_by_name(std::string_view name) {
  if (auto devnum = parse_devnum(name)) {
    if (PathRecord* path = find_path(*devnum)) return path;
  }
  auto at = path_by_kernel_name.find(std::string(name));
  return at == path_by_kernel_name.end() ? nullptr : find_path(at->second);
}

void Engine::Core::touch(PathRecord& path) {
  path.view.reset();
  note_marks(path);
  note_standing(path);
  if (MapRecord* map = find_map(path.map)) touch(*map);
}

void Engine::Core::on(const PathAppeared& event) {
  if (!resolver) return;
  const PathFacts& facts = event.path->facts;
  // A device that somebody removed by command stays away until it is asked for, or another has its number.
  if (auto left = removed_by_command.find(facts.devnum); left != removed_by_command.end()) {
    if (left->second.first == facts.disk_sequence) return;
    removed_by_command.erase(left);
  }
  stranger_answered(facts.devnum);
  take_path(*event.path);
  // Whatever udev tells of a path may be about its health; an answer of a moment ago, or the check that is under way, will do.
  PathRecord* path = find_path(event.path->facts.devnum);
  if (path != nullptr && path->check.step == CheckStep::idle && path->last_answer + fresh_answer < now) make_due(*path);
}

void Engine::Core::on(const PathDisappeared& event) {
  removed_by_command.erase(event.devnum);
  stranger_answered(event.devnum);
  PathRecord* path = find_path(event.devnum);
  if (path == nullptr) path = find_path_by_name(event.kernel_name);
  if (path != nullptr && !path->removed) remove_path(*path);
}

void Engine::Core::take_path(const DiscoveredPath& found) {
  PathRecord* known = find_path(found.facts.devnum);
  auto [settings, facts, admission] = policy::judge(found, *resolver, *blacklist);
  if (!admission.is_admitted) {
    if (known != nullptr && !known->removed) {
      known->quarantined = known->quarantined || (facts && facts->wwid != known->facts->wwid);
      remove_path(*known, "the configuration leaves it alone");
    }
    log(Severity::debug, found.facts.kernel_name, "not used: " + admission.reason);
    return;
  }
  bool same_device = known != nullptr && !known->removed && known->facts->disk_sequence == facts->disk_sequence &&
                     known->facts->sysfs_path == facts->sysfs_path;
  bool same_volume = same_device && (facts->wwid.empty() || known->facts->wwid.empty() || known->facts->wwid == facts->wwid);
  if (same_volume) {
    refresh_path(*known, found, *facts, std::move(settings));
    return;
  }
  if (known != nullptr) {
    if (same_device) {
      log(Severity::warning, facts->kernel_name,
          "its WWID changed from " + known->facts->wwid.text + " to " + facts->wwid.text + "; it leaves its map");
    }
    if (!known->removed) remove_path(*known);
  }
  add_path(found, std::move(facts), std::move(settings));
}

/// Same device, same volume: newer facts, and judged by the configuration in force.
void Engine::Core::refresh_path(PathRecord& path, const DiscoveredPath& found, const PathFacts& facts,
                                std::shared_ptr<const config::PathSettings> settings) {
  auto merged = std::make_shared<PathFacts>(facts);
  // What the device itself said by command is newer than what sysfs cached when it was scanned.
  if (path.facts->identity != 0) merged->identity = path.facts->identity;
  if (merged->wwid.empty()) {
    merged->wwid = path.facts->wwid;
    merged->wwid_source = path.facts->wwid_source;
  }
  if (path.facts->target_port_group && merged->target_port_group != path.facts->target_port_group) {
    // Only the device can say which is true now.
    if (merged->target_port_group) path.check.identify_wanted = true;
    merged->target_port_group = path.facts->target_port_group;
    merged->relative_target_port = path.facts->relative_target_port;
  }
  bool wwid_found = path.facts->wwid.empty() && !merged->wwid.empty();
  bool size_changed = merged->size_sectors != path.facts->size_sectors;
  bool identity_moved = facts.identity != 0 && path.facts->identity != 0 && facts.identity != path.facts->identity;
  move_drain(path, *merged);
  path.facts = std::move(merged);
  path.settings = std::move(settings);
  path.member_mark = found.is_multipath_member;
  enter_port(path);
  choose_methods(path);
  if (wwid_found) join_map(path);
  if (options.mode != Mode::manage) return;
  if (identity_moved) path.check.identify_wanted = true;
  if (identity_moved || path.health.state == PathState::unchecked) check_now(path);
  if (MapRecord* map = find_map(path.map)) {
    if (size_changed) {
      log(Severity::notice, path.facts->kernel_name, fmt::format("its size is {} sectors now", path.facts->size_sectors));
      path_size_changed(*map);
    }
    queue_map(*map);
  }
  touch(path);
}

void Engine::Core::add_path(const DiscoveredPath& found, std::shared_ptr<const PathFacts> facts,
                            std::shared_ptr<const config::PathSettings> settings) {
  std::uint32_t slot;
  if (free_paths.empty()) {
    slot = static_cast<std::uint32_t>(paths.size());
    paths.push_back(std::make_unique<PathRecord>());
  } else {
    slot = free_paths.back();
    free_paths.pop_back();
  }
  PathRecord& path = *paths[slot];
  std::uint32_t generation = path.id.generation + 1;
  path = PathRecord{};
  path.id = {slot, generation};
  path.order = ++last_order;
  path.live = true;
  path.facts = std::move(facts);
  path.settings = std::move(settings);
  path.member_mark = found.is_multipath_member;
  path.health.since = now;
  path.triggered_at = now;
  path.interval = daemon().polling_interval.value;
  path.timer.owner = TimerOwner::path;
  path.timer.slot = slot;
  path_by_devnum[path.facts->devnum] = path.id;
  path_by_kernel_name[path.facts->kernel_name] = path.id;
  path_order.emplace(path.order, path.id);
  enter_port(path);
  choose_methods(path);
  emit(AttachPath{path.id, path.facts});
  path.attached = true;
  restore_marks(path);
  log(Severity::info, path.facts->kernel_name,
      path.facts->wwid.empty() ? "found, WWID not known yet" : "found, WWID " + path.facts->wwid.text);
  if (!path.facts->wwid.empty()) join_map(path);
  if (options.known) return assume(path);
  bool asks = options.mode == Mode::manage || options.mode == Mode::survey || (options.mode == Mode::observe && path.in_table);
  if (asks) start_check(path);
}

/// In a rehearsal a path is not asked: it is as it was when it was asked last.
void Engine::Core::assume(PathRecord& path) {
  auto at = options.known->find(path.facts->devnum);
  bool is_known = at != options.known->end() && at->second.disk_sequence == path.facts->disk_sequence;
  PathState state = is_known ? at->second.state : PathState::unchecked;
  bool undecided = state == PathState::unchecked || state == PathState::wild || state == PathState::pending;
  if (undecided && !(is_known && at->second.disabled)) {
    bool works = path.in_table ? path.kernel_state != KernelPathState::failed : path.facts->sysfs_state == SysfsState::up;
    state = works ? PathState::up : PathState::down;
  }
  path.health = {state, now, "as it is known"};
  path.checks_disabled = is_known && at->second.disabled;
  path.unregistered = is_known && at->second.unregistered;
  path.answered = true;
  path.last_answer = now;
  if (is_known && !path.priority) path.priority = at->second.priority;
  path.priority_refused = !path.priority;
  touch(path);
}

/// How it is checked and where its priority comes from, by the configuration and what is known of the device.
void Engine::Core::choose_methods(PathRecord& path) {
  policy::Checker checker = policy::choose_checker(*path.facts, *path.settings, path.probes);
  if (checker != path.checker) {
    path.checker_memory = {};
    path.check.outdated = path.check.step == CheckStep::ask;
  }
  path.checker = checker;
  policy::PriorityChoice choice = policy::choose_priority(*path.facts, *path.settings, path.probes);
  auto prioritizer = prioritizer_for(choice.method, choice.is_detected ? std::string{} : path.settings->prio_args.value);
  if (path.prioritizer == prioritizer) return;
  if (path.prioritizer && path.priority_method() != choice.method) path.priority.reset();
  path.prioritizer = std::move(prioritizer);
  path.priority_memory = {};
  path.priority_refused = false;
  if (path.check.step == CheckStep::prioritize) path.check.outdated = true;
  if (choice.method == policy::PriorityMethod::constant) path.priority = 1;
  if (options.known) path.priority_refused = !path.priority;
}

/// One for all paths that have method and arguments in common.
std::shared_ptr<const policy::Prioritizer> Engine::Core::prioritizer_for(policy::PriorityMethod method, const std::string& arguments) {
  std::shared_ptr<const policy::Prioritizer>& known = prioritizers[{method, arguments}];
  if (known) return known;
  known = policy::make_prioritizer(method, arguments);
  if (method == policy::PriorityMethod::missing) {
    log(Severity::warning, "prio", "there is no prioritizer of the configured name; priorities stay undefined");
  }
  for (const std::string& remark : known->arguments.remarks) log(Severity::warning, "prio_args", remark);
  return known;
}

void Engine::Core::join_map(PathRecord& path) {
  MapRecord& map = map_for(path.facts->wwid);
  path.map = map.id;
  choose_phase(path);
  bool was_empty = paths_of(map).empty();
  map.paths.push_back(path.id);
  if (map.table_kind == TableActionKind::remove) {
    // The map could not be removed for want of paths; what it wants now does not wait for the next attempt.
    map.retry_at = {};
    map.failed_actions = 0;
    map.failure.clear();
  }
  if (map.forgotten) {
    // A path that comes is the sign that the volume is wanted again.
    map.forgotten = false;
    map.first_seen = now;
  }
  if (was_empty || !map.settings) refresh_settings(map);
  if (map.kernel) {
    for (const KernelGroup& group : map.kernel->table.groups) {
      for (const KernelPath& member : group.paths) {
        if (member.devnum != path.facts->devnum) continue;
        path.in_table = true;
        path.kernel_state = member.state;
      }
    }
  }
  expect_registration(path);
  resume_drain(path);
  expect_more(map);
  if (!map.kernel) map.refused = false;
  queue_map(map);
  touch(path);
}

/// Paths come and go many at once, and one load is for all of them.
void Engine::Core::expect_more(MapRecord& map) {
  if (map.settle_until <= now) map.settle_limit = now + settle_time_most;
  map.settle_until = std::min(now + settle_time, map.settle_limit);
}

void Engine::Core::leave_map(PathRecord& path) {
  MapRecord* map = find_map(path.map);
  if (map == nullptr) return;
  std::erase(map->paths, path.id);
  if (map->groups_reader == path.id) map->groups_reader = {};
  path.registration.reset();
  path.unregistered = false;
  path.map = {};
  touch(*map);
  queue_map(*map);
}

/// The device is gone, or not ours any more. The record stays while the kernel's table holds the device.
void Engine::Core::remove_path(PathRecord& path, StaticText why) {
  log(Severity::notice, path.facts->kernel_name, "removed");
  path.removed = true;
  end_sampling(path);
  if (path.attached) emit(DetachPath{path.id});
  if (path.rescan_op != OpId::none) {
    path.rescan_op = OpId::none;
    if (MapRecord* waiting = find_map(path.map)) rescanned(*waiting);
  }
  path.attached = false;
  if (path.check.step != CheckStep::idle) --checks_outstanding;
  path.check = {};
  path.watch = {};
  (void)end_suspicion(path, PathState::removed);
  timers.cancel(path.timer);
  path.next_check = no_deadline;
  set_health(path, PathState::removed, why);
  MapRecord* map = find_map(path.map);
  if (map != nullptr) answer_registrations(*map);
  if (map == nullptr || !path.in_table) {
    erase_path(path);
    return;
  }
  if (map->groups_reader == path.id) map->groups_reader = {};
  expect_more(*map);
  queue_map(*map);
}

void Engine::Core::erase_path(PathRecord& path) {
  leave_map(path);
  timers.cancel(path.timer);
  auto drop = [&](auto& index, const auto& key) {
    auto at = index.find(key);
    if (at != index.end() && at->second == path.id) index.erase(at);
  };
  drop(path_by_devnum, path.facts->devnum);
  drop(path_by_kernel_name, path.facts->kernel_name);
  path_order.erase(path.order);
  leave_port(path);
  path.live = false;
  note_marks(path);
  path.view.reset();
  free_paths.push_back(path.id.slot);
}

}  // namespace mpath::engine
