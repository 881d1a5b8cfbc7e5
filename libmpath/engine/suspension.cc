// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps that stand still. We suspend one only when we are asked to, and remember it in /run/multipath/state before we do, so that a daemon
// that comes after us lets it go. One that somebody else suspended is left alone, and said; messages and loads wait until it goes on.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {
/// A suspended map is read again after this: the kernel does not tell of everything.
constexpr Duration suspension_reread = seconds{1};
}  // namespace

RequestResult Engine::Core::request_suspend(MapRecord& map) {
  map.suspended_by_us = true;
  map.suspension_stale = false;
  map.resume_wanted = false;
  note_marks(map);
  return {};
}

RequestResult Engine::Core::request_resume(MapRecord& map) {
  map.resume_wanted = map.kernel->suspended || map.suspended_by_us;
  // The mark stays until it goes on, or whoever comes after us would not know that it is ours.
  map.suspension_stale = map.suspended_by_us;
  return {};
}

/// `suspend` and `resume` know a map by its name only, answer a bare "fail" for any other, and wait until the kernel has done it.
void Engine::Core::request_suspension(RequestId id, const Request& request) {
  auto at = map_by_name.find(MapName{request.map});
  MapRecord* map = at == map_by_name.end() ? nullptr : find_map(at->second);
  if (map == nullptr || !map->kernel) return reply(id, {Outcome::failed, {}});
  if (map->uevent_deadline != no_deadline) return reply(id, {Outcome::failed, map->name.text + ": the map waits for its udev event"});
  if (request.kind == RequestKind::suspend_map) {
    (void)request_suspend(*map);
  } else {
    (void)request_resume(*map);
  }
  map->waiting_requests.push_back(id);
  touch(*map);
  queue_map(*map);
}

/// Another volume is behind the device by now, as far as is known.
bool Engine::Core::leads_elsewhere(const MapRecord& map, DevNum devnum) {
  const PathRecord* path = find_path(devnum);
  return path != nullptr && (path->quarantined || path->map != map.id);
}

/// How a map that stands still goes on. No message reaches it before it does, and then its first I/O is faster than any: a path that leads to
/// another volume by now must not be in its table any more. Without any other path it goes on with none.
TableAction Engine::Core::resumption(MapRecord& map, std::string why) {
  const KernelMap& kernel = *map.kernel;
  std::string strangers;
  for (const KernelGroup& group : kernel.table.groups) {
    for (const KernelPath& member : group.paths) {
      if (leads_elsewhere(map, member.devnum)) strangers += " " + to_string(member.devnum);
    }
  }
  if (strangers.empty() || !map.settings) return plan::suspension(kernel, TableActionKind::resume, std::move(why));
  const plan::Options allowed{.force = true, .name_is_free = false};
  TableAction action;
  choose_table_members(map);
  if (!table_members.empty()) {
    action = *plan_map(map, allowed).table;
  } else {
    MapSpec spec{.wwid = map.wwid, .name = kernel.name, .table = kernel.table, .read_only = kernel.read_only, .mode = {}, .uid = {}, .gid = {}};
    spec.table.groups.clear();
    spec.table.next_group = 0;
    action = *plan::make_plan(spec, &kernel, allowed).table;
  }
  action.reason = {ReasonKind::paths_differ, fmt::format("to go on ({}) without{}, which leads to another volume by now", why, strangers)};
  return action;
}

/// Called while nothing is under way for the map. True if it stands still, is to, or is about to go on: nothing else is done to it.
bool Engine::Core::stands_still(MapRecord& map) {
  if (!map.kernel) return false;
  const KernelMap& kernel = *map.kernel;
  if (map.retry_at > now) return kernel.suspended;
  auto act = [&](TableAction action) {
    log(Severity::notice, map.name.text, fmt::format("{}: {}", to_string(action.kind), action.reason.text));
    begin_action(map, std::move(action));
  };
  // What the daemon before us suspended goes on, and so does a map whose `resume` was asked for.
  bool stale = map.suspended_by_us && map.suspension_stale;
  if (stale && !kernel.suspended) {
    map.suspended_by_us = map.suspension_stale = false;
    note_marks(map);
  } else if (kernel.suspended && (stale || map.resume_wanted)) {
    // Where its paths lead is known after the discovery.
    if (!configured_once || is_taking_disks()) return true;
    TableAction action = resumption(map, map.resume_wanted ? "asked for" : "it was suspended by the daemon before this one");
    if (action.kind != TableActionKind::resume) {
      run_table(map, std::move(action));
    } else {
      act(std::move(action));
    }
    return true;
  }
  map.resume_wanted = map.resume_wanted && kernel.suspended;
  if (map.suspended_by_us && !map.suspension_stale && !kernel.suspended) {
    // The mark first: a map must not stand still without anybody knowing why.
    if (marks_changed || run_state_op != OpId::none) {
      map.look_again = now + suspension_reread;
      set_map_timer(map);
      return true;
    }
    act(plan::suspension(kernel, TableActionKind::suspend, "asked for"));
    return true;
  }
  // What nobody has open has no I/O that waits.
  if (kernel.suspended && removal_wanted(map)) return true;
  if (!kernel.suspended) {
    map.suspension_said = false;
    return false;
  }
  if (!map.suspended_by_us && !std::exchange(map.suspension_said, true)) {
    log(Severity::warning, map.name.text, "is suspended, not by this daemon: its I/O waits. To let it go on: multipathd resume map " + map.name.text);
  }
  answer_waiting(map, {});
  map.look_again = now + suspension_reread;
  set_map_timer(map);
  return true;
}

void Engine::Core::refuse_suspensions(const Error& why) {
  for (auto& record : maps) {
    MapRecord& map = *record;
    bool waits = map.live && map.kernel && map.suspended_by_us && !map.suspension_stale && !map.kernel->suspended &&
                 map.table_op == OpId::none;
    if (!waits) continue;
    map.suspended_by_us = false;
    touch(map);
    answer_waiting(map, {Outcome::failed, map.name.text + ": not suspended, because that could not be written down: " + why.message()});
    queue_map(map);
  }
}

}  // namespace mpath::engine
