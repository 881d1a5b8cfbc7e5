// SPDX-License-Identifier: LGPL-2.1-or-later
// Start and reconfiguration: the configuration is read, then the state files, the kernel's maps and the disks; then everything is compared.
// A reconfiguration takes nothing down: paths and maps stay and are judged anew.
#include "libmpath/engine/core.h"

#include <algorithm>
#include <limits>

#include "libmpath/wire/state_files.h"

namespace mpath::engine {

void Engine::Core::begin_configuration() {
  configuring = true;
  actions_before = counters.actions;
  configuration_op = new_op();
  emit(LoadConfiguration{configuration_op});
}

void Engine::Core::request_reconfigure(bool all) {
  reconfigure_all = reconfigure_all || all;
  if (configuring) {
    reconfigure_pending = true;
    return;
  }
  enter_state(DaemonState::configure);
  begin_configuration();
}

void Engine::Core::on(const ConfigurationLoaded& event) {
  if (!completes(&configuration_op, event.op)) return;
  for (const std::string& message : event.messages) log(Severity::warning, {}, message);
  if (!event.config) {
    if (!resolver) {
      log(Severity::error, {}, "the configuration cannot be used; correct it and start again. Existing maps are left as they are");
      emit(Exit{.failed = true});
      return;
    }
    log(Severity::error, {}, "the new configuration cannot be used; the running one stays in force");
    configuring = false;
    enter_state(DaemonState::idle);
    if (std::exchange(reconfigure_pending, false)) return request_reconfigure(false);
    reconfigure_all = false;
    return;
  }
  config = event.config;
  std::optional<policy::CheckIntervals> before;
  if (resolver) before = check_intervals();
  resolver = std::make_unique<config::Resolver>(config);
  blacklist = std::make_unique<policy::Blacklist>(config);
  prioritizers.clear();
  if (before && *before != check_intervals()) intervals_changed();
  enter_state(DaemonState::configure);
  begin_discovery();
}

void Engine::Core::begin_discovery() {
  discovery_failed = false;
  removed_by_command.clear();
  listed_disks.clear();
  idle_deadline = now + configuration_limit;
  timers.set(engine_timer, idle_deadline);
  emit(LoadState{state_op = new_op()});
  emit(ListMaps{maps_op = new_op()});
  emit(ListDisks{list_op = new_op()});
}

void Engine::Core::on(const StateLoaded& event) {
  if (!completes(&state_op, event.op)) return;
  for (const std::string& message : event.messages) log(Severity::warning, {}, message);
  take_run_state(event.run_state);
  wwids.clear();
  for (const Wwid& wwid : wire::parse_wwids(event.wwids)) wwids.insert(wwid);
  reservation_keys.clear();
  wire::Prkeys keys = wire::parse_prkeys(event.prkeys);
  for (wire::ReservationKeyEntry& entry : keys.entries) reservation_keys.emplace(entry.wwid, std::move(entry));
  for (const wire::PrkeyDiagnostic& diagnostic : keys.diagnostics) {
    log(Severity::warning, fmt::format("prkeys line {}", diagnostic.line), diagnostic.text);
  }
  bindings.clear();
  wire::Bindings file = wire::parse_bindings(event.bindings);
  for (const wire::Binding& binding : file.entries) bindings.add(binding.alias, binding.wwid);
  for (const wire::BindingDiagnostic& diagnostic : file.diagnostics) {
    log(Severity::warning, fmt::format("bindings line {}", diagnostic.line), diagnostic.text);
  }
  discovery_arrived();
}

void Engine::Core::on(const MapsListed& event) {
  if (!completes(&maps_op, event.op)) return;
  target_version = event.target_version;
  if (!event.maps) {
    log(Severity::error, "device-mapper", event.maps.error().message());
    discovery_failed = true;
  } else {
    // Names first: a new map must not take one that is in use.
    foreign_names.clear();
    std::unordered_set<MapId, decltype([](MapId id) { return std::size_t{id.slot}; })> present;
    for (const KernelMap& kernel : *event.maps) {
      if (!kernel.is_multipath()) {
        foreign_names.insert(kernel.name);
        continue;
      }
      adopt_kernel_map(kernel);
      present.insert(map_by_wwid.at(kernel.wwid()));
    }
    for (auto& map : maps) {
      if (map->live && map->kernel && !present.contains(map->id) && map->table_op == OpId::none) map_vanished(*map);
    }
  }
  discovery_arrived();
}

void Engine::Core::adopt_kernel_map(const KernelMap& kernel) {
  MapRecord& map = map_for(kernel.wwid());
  if (map.table_op != OpId::none) {
    map.kernel_stale = true;
    return;
  }
  map.forgotten = false;
  take_kernel_map(map, kernel);
}

void Engine::Core::on(const DisksListed& event) {
  if (!completes(&list_op, event.op)) return;
  if (!event.disks) {
    log(Severity::error, "udev", event.disks.error().message());
    discovery_failed = true;
  } else {
    listed_disks = *event.disks;
    maps_not_ready = event.maps_not_ready;
  }
  discovery_arrived();
}

/// Paths are taken only after the maps and the state files are known, so that nothing is decided on half the facts.
void Engine::Core::discovery_arrived() {
  if (state_op != OpId::none || maps_op != OpId::none || list_op != OpId::none) return;
  for (auto& map : maps) {
    if (!map->live) continue;
    refresh_settings(*map);
    map->configuring = true;
    map->reassign_wanted = map->kernel && daemon().reassign_maps.value;
    map->forced = map->forced || reconfigure_all;
    map->refused = false;
    map->forgotten = false;
    map->retry_at = {};
    if (map->kernel && std::ranges::find(maps_not_ready, map->kernel->devnum) != maps_not_ready.end()) udev_says(*map, false, true);
  }
  maps_not_ready.clear();
  reconfigure_all = false;
  if (!discovery_failed && configured_once) {
    std::unordered_set<DevNum> present;
    for (const ListedDisk& disk : listed_disks) present.insert(disk.devnum);
    for (auto& path : paths) {
      if (path->live && !path->removed && !present.contains(path->facts->devnum)) remove_path(*path);
    }
  }
  disks_asked_for = 0;
  ask_for_disks();
}

/// The next portion of the listed disks; after the last one, discovery is done.
void Engine::Core::ask_for_disks() {
  if (disks_asked_for == listed_disks.size()) return finish_discovery();
  ReadDisks portion{disks_op = new_op(), {}};
  for (std::size_t end = std::min(listed_disks.size(), disks_asked_for + disks_per_portion); disks_asked_for < end; ++disks_asked_for) {
    portion.kernel_names.push_back(std::move(listed_disks[disks_asked_for].kernel_name));
  }
  emit(std::move(portion));
}

void Engine::Core::on(const DisksRead& event) {
  if (!completes(&disks_op, event.op)) return;
  if (!event.paths) {
    log(Severity::error, "udev", event.paths.error().message());
  } else {
    for (const DiscoveredPath& found : *event.paths) take_path(found);
  }
  ask_for_disks();
}

/// Maps are shown in the order of their first paths, as they are when a daemon makes them; the kernel lists those of the daemon before in an
/// order of its own. Maps without a path come last.
void Engine::Core::order_maps_by_paths() {
  std::vector<std::pair<std::uint64_t, MapRecord*>> order;
  for (const auto& [number, id] : map_order) {
    MapRecord& map = *find_map(id);
    const PathRecord* first = map.paths.empty() ? nullptr : find_path(map.paths.front());
    order.emplace_back(first != nullptr ? first->order : std::numeric_limits<std::uint64_t>::max(), &map);
  }
  std::ranges::stable_sort(order, {}, &std::pair<std::uint64_t, MapRecord*>::first);
  map_order.clear();
  for (auto& [first, map] : order) map_order.emplace(map->order = ++last_order, map->id);
}

void Engine::Core::finish_discovery() {
  listed_disks.clear();
  listed_disks.shrink_to_fit();
  if (!configured_once && options.mode == Mode::manage) order_maps_by_paths();
  for (auto& map : maps) {
    if (map->live) queue_map(*map);
  }
  configured_once = true;
  if (options.mode == Mode::manage) return;
  // The commands have just been sent: an observer waits for their answers from here on.
  idle_deadline = now + observer_limit;
  timers.set(engine_timer, idle_deadline);
}

namespace {

/// Asked with every event of the configuration, so it begins with the record that was not settled the last time.
template <typename Records, typename Predicate>
bool all_settled_from(std::size_t& unsettled, const Records& records, Predicate is_settled) {
  for (std::size_t i = 0; i < records.size(); ++i) {
    std::size_t at = (unsettled + i) % records.size();
    if (is_settled(*records[at])) continue;
    unsettled = at;
    return false;
  }
  return true;
}

}  // namespace

/// An observer is not done without the path's answer.
bool Engine::Core::awaits_survey(const PathRecord& path) const {
  return path.live && !path.answered && (path.in_table || options.mode == Mode::survey);
}

/// Nothing of the configuration is under way any more.
bool Engine::Core::all_settled() {
  switch (options.mode) {
    case Mode::list: return true;
    case Mode::observe:
    case Mode::survey:
      return all_settled_from(unsettled, paths, [this](const PathRecord& path) { return !awaits_survey(path); });
    case Mode::manage: break;
  }
  return all_settled_from(unsettled, maps, [this](const MapRecord& map) {
    if (!map.live) return true;
    bool at_work = map.table_op != OpId::none || map.read_op != OpId::none || map.kernel_stale;
    bool unanswered = !map.kernel && !map.forgotten && !map.refused && map.first_seen + first_answer_limit > now;
    return !at_work && !unanswered;
  });
}

/// The first configuration is done when no map waits for its first answers or its first action any more, or after a limit: a sick array
/// must not keep the others' users from being served.
void Engine::Core::maybe_become_idle() {
  if (!configuring || exiting || !resolver || is_taking_disks()) return;
  if (configuration_op != OpId::none || state_op != OpId::none || maps_op != OpId::none || list_op != OpId::none) return;
  if (!configured_once) return;
  if (idle_deadline != no_deadline && !all_settled()) return;
  if (options.mode == Mode::observe || options.mode == Mode::survey) {
    for (auto& path : paths) {
      if (awaits_survey(*path)) set_health(*path, PathState::pending, "has not answered yet");
    }
  }
  configuring = false;
  idle_deadline = no_deadline;
  timers.cancel(engine_timer);
  configuration_actions = counters.actions - actions_before;
  log(Severity::notice, {}, fmt::format("configured: {} maps, {} paths; {} actions", map_order.size(), path_order.size(), *configuration_actions));
  enter_state(DaemonState::idle);
  for (auto& [id, request] : std::exchange(held_requests, {})) carry_out(id, request);
  if (std::exchange(reconfigure_pending, false)) request_reconfigure(false);
}

}  // namespace mpath::engine
