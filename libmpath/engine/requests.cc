// SPDX-License-Identifier: LGPL-2.1-or-later
// Requests of clients. Queries get a snapshot and never wait for a device; changes are carried out here.
#include "libmpath/engine/core.h"
#include "libmpath/wire/features.h"

namespace mpath::engine {

namespace {
/// How long a shutdown waits for the kernel to take the last messages.
constexpr Duration shutdown_limit = seconds{3};
}  // namespace

void Engine::Core::reply(RequestId id, RequestResult result) { emit(Reply{id, std::move(result)}); }

void Engine::Core::on(const RequestArrived& event) {
  RequestKind kind = event.request.kind;
  bool any_time = kind == RequestKind::show_daemon || kind == RequestKind::shutdown || kind == RequestKind::quit ||
                  kind == RequestKind::reconfigure || kind == RequestKind::reconfigure_all ||
                  kind == RequestKind::mpathctl_status;
  // Nothing is done any more; to say "ok" would be a lie.
  if (exiting && !is_query(kind) && kind != RequestKind::shutdown && kind != RequestKind::quit) {
    return reply(event.id, {Outcome::failed, "the daemon is about to end"});
  }
  if (!any_time && (!configured_once || (configuring && daemon_state != DaemonState::idle && !held_requests.empty()))) {
    held_requests.emplace_back(event.id, event.request);
    return;
  }
  carry_out(event.id, event.request);
}

void Engine::Core::carry_out(RequestId id, const Request& request) {
  if (is_query(request.kind)) {
    auto picture = snapshot();
    if (request.kind == RequestKind::mpathctl_history) picture->history = history_of(request.subjects);
    emit(RenderReply{id, request, std::move(picture), nullptr});
    return;
  }
  bool changes_nothing = request.kind == RequestKind::shutdown || request.kind == RequestKind::quit;
  if (options.mode != Mode::manage && !changes_nothing) return reply(id, {Outcome::failed, "this program only looks"});
  switch (request.kind) {
    case RequestKind::reconfigure:
    case RequestKind::reconfigure_all:
      reply(id, {});
      return request_reconfigure(request.kind == RequestKind::reconfigure_all);
    case RequestKind::shutdown: reply(id, {}); return begin_shutdown();
    case RequestKind::quit: return reply(id, {});
    case RequestKind::add_path: return request_add_path(id, request);
    case RequestKind::fail_path: return with_path(id, request, &Core::request_fail_path);
    case RequestKind::reinstate_path: return with_path(id, request, &Core::request_reinstate_path);
    case RequestKind::remove_path: return with_path(id, request, &Core::request_remove_path);
    case RequestKind::set_marginal: return with_path(id, request, &Core::request_set_marginal);
    case RequestKind::unset_marginal: return with_path(id, request, &Core::request_unset_marginal);
    case RequestKind::unset_marginal_map: return with_map(id, request, &Core::request_unset_marginal_map);
    case RequestKind::add_map: return request_add_map(id, request);
    case RequestKind::remove_map: return request_remove_map(id, request);
    case RequestKind::switch_group: return with_map(id, request, &Core::request_switch_group);
    case RequestKind::disable_queueing: return with_map(id, request, &Core::request_disable_queueing);
    case RequestKind::restore_queueing: return with_map(id, request, &Core::request_restore_queueing);
    case RequestKind::reset_stats: return with_map(id, request, &Core::request_reset_stats);
    case RequestKind::reload_map: return with_map(id, request, &Core::request_reload);
    case RequestKind::reset_map: return request_reset_map(id, request);
    case RequestKind::resize_map: return request_resize(id, request);
    case RequestKind::remove_all_maps: return request_remove_all_maps(id, request);
    case RequestKind::suspend_map:
    case RequestKind::resume_map: return request_suspension(id, request);
    case RequestKind::force_queueing:
    case RequestKind::unforce_queueing:
      queueing_forced = request.kind == RequestKind::force_queueing;
      return reply(id, {});
    case RequestKind::disable_queueing_all: return with_all_maps(id, request, &Core::request_disable_queueing);
    case RequestKind::restore_queueing_all: return with_all_maps(id, request, &Core::request_restore_queueing);
    case RequestKind::reset_all_stats: return with_all_maps(id, request, &Core::request_reset_stats);
    case RequestKind::get_pr_status: case RequestKind::set_pr_status: case RequestKind::unset_pr_status:
    case RequestKind::get_pr_hold: case RequestKind::set_pr_hold: case RequestKind::unset_pr_hold:
    case RequestKind::get_pr_key: case RequestKind::set_pr_key: case RequestKind::unset_pr_key: return request_reservation(id, request);
    case RequestKind::mpathctl_drain: return request_drain(id, request);
    case RequestKind::mpathctl_drain_confirm: return request_confirm_drain(id, request);
    case RequestKind::mpathctl_undrain: return request_undrain(id, request);
    case RequestKind::show_paths: case RequestKind::show_paths_format: case RequestKind::show_path:
    case RequestKind::show_maps: case RequestKind::show_maps_status: case RequestKind::show_maps_stats:
    case RequestKind::show_maps_format: case RequestKind::show_topology: case RequestKind::show_maps_json:
    case RequestKind::show_map_topology: case RequestKind::show_map_format: case RequestKind::show_map_json:
    case RequestKind::show_status: case RequestKind::show_daemon: case RequestKind::show_config:
    case RequestKind::show_config_local: case RequestKind::show_blacklist: case RequestKind::show_devices:
    case RequestKind::show_wildcards: case RequestKind::mpathctl_status: case RequestKind::mpathctl_drains:
    case RequestKind::mpathctl_what_if: case RequestKind::mpathctl_history: case RequestKind::mpathctl_plan: case RequestKind::mpathctl_plan_with:
    case RequestKind::mpathctl_explain: return;
  }
}

void Engine::Core::with_path(RequestId id, const Request& request, PathCommand command) {
  PathRecord* path = find_path_by_name(request.path);
  if (path == nullptr || path->removed) return reply(id, {Outcome::not_found, {}});
  reply(id, (this->*command)(*path, request));
  if (MapRecord* map = find_map(path->map)) queue_map(*map);
}

void Engine::Core::with_map(RequestId id, const Request& request, MapCommand command) {
  MapRecord* map = requested_map(request);
  if (map == nullptr || !map->kernel) return reply(id, {Outcome::not_found, {}});
  reply(id, (this->*command)(*map, request));
  touch(*map);
  queue_map(*map);
}

void Engine::Core::with_all_maps(RequestId id, const Request& request, MapCommand command) {
  for (auto& map : maps) {
    if (!map->live || !map->kernel) continue;
    (this->*command)(*map, request);
    touch(*map);
    queue_map(*map);
  }
  reply(id, {});
}

/// By dm name, alias, WWID or "dm-N".
MapRecord* Engine::Core::requested_map(const Request& request) {
  if (MapRecord* map = find_map_by_name(request.map)) return map;
  for (auto& map : maps) {
    if (map->live && map->kernel && request.map == fmt::format("dm-{}", map->kernel->devnum.minor)) return map.get();
  }
  return nullptr;
}

// --- paths ---------------------------------------------------------------------------------------------------

/// The device is read in a lane; what follows from it is seen in `show paths`.
void Engine::Core::request_add_path(RequestId id, const Request& request) {
  if (auto devnum = parse_devnum(request.path)) removed_by_command.erase(*devnum);
  std::erase_if(removed_by_command, [&](const auto& left) { return left.second.second == request.path; });
  PathRecord* path = find_path_by_name(request.path);
  if (path == nullptr || path->removed) emit(GatherPath{request.path, {}});
  reply(id, {});
}

RequestResult Engine::Core::request_fail_path(PathRecord& path, const Request&) {
  if (!path.in_table) return {Outcome::failed, "the path belongs to no map"};
  disable(path);
  return {};
}

/// Its checks come to an end, and no I/O goes there, until somebody reinstates it. It is asked one last time, because it may hold I/O of before
/// that a table load would wait for.
void Engine::Core::disable(PathRecord& path) {
  if (options.mode == Mode::manage && path.check.step == CheckStep::idle) check_now(path);
  path.check.again = false;
  path.checks_disabled = true;
  timers.cancel(path.timer);
  path.next_check = no_deadline;
  path.answered = true;
  set_health(path, PathState::unchecked, "failed by command; reinstate path takes it back");
  touch(path);
}

RequestResult Engine::Core::request_reinstate_path(PathRecord& path, const Request&) {
  // One that was failed by command may have lost its place in the table since.
  if (!path.in_table && !path.checks_disabled) return {Outcome::failed, "the path belongs to no map"};
  path.checks_disabled = false;
  path.hold_until = {};
  touch(path);
  if (path.drained) end_drain(path, "reinstated by command");
  check_now(path);
  set_path_timer(path);
  return {};
}

RequestResult Engine::Core::request_remove_path(PathRecord& path, const Request&) {
  bool stays = path.in_table;
  removed_by_command[path.facts->devnum] = {path.facts->disk_sequence, path.facts->kernel_name};
  remove_path(path, "removed by command");
  return {stays ? Outcome::delayed : Outcome::ok, {}};
}

// --- maps ----------------------------------------------------------------------------------------------------

void Engine::Core::request_add_map(RequestId id, const Request& request) {
  MapRecord* map = requested_map(request);
  if (map == nullptr) return reply(id, {Outcome::not_found, {}});
  if (map->kernel) return reply(id, {});
  map->forgotten = false;
  map->refused = false;
  map->configuring = true;
  map->retry_at = {};
  wwids.insert(map->wwid);  // asked for by name: one path is enough
  map->waiting_requests.push_back(id);
  queue_map(*map);
}

RequestResult Engine::Core::request_switch_group(MapRecord& map, const Request& request) {
  if (request.group == 0 || request.group > map.kernel->table.groups.size() || map.switch_op != OpId::none) {
    return {Outcome::failed, "there is no such group"};
  }
  map.switch_op = send(map, {.kind = MapMessage::Kind::switch_group, .path = {}, .group = request.group});
  return {};
}

RequestResult Engine::Core::request_disable_queueing(MapRecord& map, const Request&) {
  map.queueing_disabled = true;
  map.retry_deadline = no_deadline;
  if (map.no_path_since != no_deadline) ++map.failures;
  return {};
}

RequestResult Engine::Core::request_restore_queueing(MapRecord& map, const Request&) {
  map.queueing_disabled = false;
  return {};
}

RequestResult Engine::Core::request_reset_stats(MapRecord& map, const Request&) {
  map.path_faults = map.group_switches = map.map_loads = map.queue_timeouts = map.failures = 0;
  map.total_queue_time = {};
  return {};
}

RequestResult Engine::Core::request_reload(MapRecord& map, const Request&) {
  map.forced = true;
  map.configuring = true;
  return {};
}

/// queue_without_daemon no: I/O that waits for a path that nobody watches any more would wait for ever.
void Engine::Core::begin_shutdown() {
  if (exiting) return;
  enter_state(DaemonState::shutdown);
  if (options.mode == Mode::manage && resolver && !daemon().queue_without_daemon.value && !queueing_forced) {
    for (auto& map : maps) {
      if (!map->live || !map->kernel || !wire::features_has(map->kernel->table.features, wire::queue_if_no_path)) continue;
      map->queue_op = send(*map, {.kind = MapMessage::Kind::fail_if_no_path, .path = {}, .group = 0});
    }
  }
  exiting = true;
  timers.set(engine_timer, now + shutdown_limit);
  maybe_exit();
}

void Engine::Core::maybe_exit() {
  if (!exiting) return;
  for (const auto& map : maps) {
    if (map->live && (map->queue_op != OpId::none || map->table_op != OpId::none)) return;
  }
  timers.cancel(engine_timer);
  emit(Exit{});
}

}  // namespace mpath::engine
