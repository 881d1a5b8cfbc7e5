// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps: what one should be (reconcile). What became of the actions for it is in table_outcomes.cc, what the kernel says of them in
// kernel_maps.cc.
//
// A table load waits for all I/O in flight on the old table's paths, and the map stands still meanwhile. So a load is the last resort, and
// is put off while any path of the map has not answered a moment ago, unless no usable path is left.
#include "libmpath/engine/core.h"
#include "libmpath/policy/claim.h"
#include "libmpath/wire/dm_table.h"
#include "libmpath/wire/features.h"

namespace mpath::engine {

namespace {

/// For the kernel's error handling after a command's timeout.
constexpr Duration io_end_grace = seconds{2};

/// What a load asks the kernel for.
std::string loaded_text(const MapSpec& spec) { return wire::format_table(spec.table) + (spec.read_only ? " read-only" : ""); }

}  // namespace

/// Paths that belong into the table: those it has, unless they are gone or another volume, in its order, so that the first of several
/// equally good groups stays the first whatever the order of discovery; then new ones that have proved to work. A new map also takes
/// paths that are down now: they are failed right after.
void Engine::Core::choose_table_members(MapRecord& map) {
  std::vector<PathRecord*>& members = table_members;
  members.clear();
  for (std::size_t at = 0; map.kernel && at < map.kernel->table.groups.size(); ++at) {
    for (const KernelPath& member : map.kernel->table.groups[at].paths) {
      PathRecord* path = find_path(member.devnum);
      if (path == nullptr || path->map != map.id || !path->in_table || path->removed || path->quarantined) continue;
      if (std::ranges::find(members, path) == members.end()) members.push_back(path);
    }
  }
  std::uint64_t size = map.kernel && !may_resize(map) ? map.kernel->table.size_sectors : 0;
  // Of a volume that grew since, a map without a working path shows no more than before, but goes on.
  bool takes_larger = map.kernel && size != 0 && !carries_io(map);
  for (PathRecord& path : paths_of(map)) {
    if (path.in_table || path.quarantined) continue;
    bool works = path.answered && is_usable(path.health.state) && (!map.kernel || !awaits_priority(path));
    bool may_begin = !map.kernel && path.answered && path.facts->sysfs_state == SysfsState::up &&
                     path.health.state == PathState::down;
    if (!works && !may_begin) continue;
    if (size == 0) size = path.facts->size_sectors;
    bool fits = takes_larger ? path.facts->size_sectors >= size : path.facts->size_sectors == size;
    if (!fits || size == 0) {
      tell_misfit(map, path, size);
      continue;
    }
    if (map.kernel && !policy::fits_queue_mode(*path.facts, map.kernel->table.features)) continue;
    members.push_back(&path);
  }
  leave_out_unregistered(map, members);
}

/// A path that works and stays out because of its size: said once for each size that it has, and not while the map's is about to change.
void Engine::Core::tell_misfit(const MapRecord& map, PathRecord& path, std::uint64_t size) {
  const std::uint64_t own = path.facts->size_sectors;
  if (path.misfit_said == own || map.resize_wanted || map.rescans > 0 || options.mode != Mode::manage) return;
  path.misfit_said = own;
  const std::string& name = map.name.empty() ? map.wwid.text : map.name.text;
  const std::string& disk = path.facts->kernel_name;
  std::string text = own == 0 ? fmt::format("{} stays out: its size is not known (0 sectors)", disk)
                              : fmt::format("{} stays out: it has {} sectors, the map {}", disk, own, size);
  text += fmt::format(". Let the kernel look again (echo 1 > /sys/block/{}/device/rescan)", disk);
  if (own != 0) text += map.kernel ? ", or give the map the new size (multipathd resize map)" : ", or correct the size of the volume behind it";
  log(Severity::warning, name, std::move(text));
}

/// What a path counts as that does not tell its priority now: it has been down since we started, or what it said is of the time before it
/// went down. That not knowing must move no path between groups: it counts as its port group, as its companions in the kernel's table
/// that work, as what it said before, or comes after all others in the kernel's order.
std::optional<int> Engine::Core::assumed_priority(const MapRecord& map, const PathRecord& path) {
  bool asks = policy::asks_device(path.priority_method());
  bool is_old = (path.priority || path.priority_refused) && asks && path.in_table && !is_usable(path.health.state);
  if (!is_old && (path.priority || path.priority_refused || path.priority_method() == policy::PriorityMethod::missing)) return path.priority;
  auto speaks_for_it = [&](const PathRecord* other) {
    bool knows = other != nullptr && other != &path && other->map == map.id && (other->priority || other->priority_refused);
    return knows && (!is_old || is_usable(other->health.state));
  };
  for (const PathRecord& other : members_of(map)) {
    if (!speaks_for_it(&other) || !path.facts->target_port_group) continue;
    if (other.facts->target_port_group == path.facts->target_port_group) return other.priority;
  }
  if (!map.kernel || !path.in_table) return std::nullopt;
  for (std::size_t at = 0; at < map.kernel->table.groups.size(); ++at) {
    const KernelGroup& group = map.kernel->table.groups[at];
    auto is_this = [&](const KernelPath& member) { return member.devnum == path.facts->devnum; };
    if (std::ranges::none_of(group.paths, is_this)) continue;
    for (const KernelPath& member : group.paths) {
      const PathRecord* companion = find_path(member.devnum);
      if (speaks_for_it(companion)) return companion->priority;
    }
    if (is_old) break;
    return -2 - static_cast<int>(at);
  }
  return path.priority;
}

/// A suspect path counts as good for the groups of a map whose array would have to move the volume: no trespass for a stall. One that
/// the kernel does not take back is no reason to queue any longer.
PathState Engine::Core::state_for_groups(const MapRecord& map, const PathRecord& path) {
  PathState state = path.health.state;
  Bar why = bar(path);
  if (map.retries_expired && path.return_refused && path.in_table) return PathState::down;
  if (why == Bar::none || !is_usable(state)) return state;
  if (why == Bar::suspect && !policy::groups_change_freely(suspect_situation(path, map))) return state;
  return PathState::down;
}

/// What is to be done to the map if its table is to have these paths. It stays the map's until the next call.
const MapPlan& Engine::Core::plan_map(MapRecord& map, const plan::Options& allowed) {
  PlanInputs& inputs = plan_inputs;
  inputs.members.clear();
  for (const PathRecord* path : table_members) {
    inputs.members.push_back({.facts = path->facts,
                              .state = state_for_groups(map, *path),
                              .priority = assumed_priority(map, *path),
                              .marginal = is_marginal(*path),
                              .priority_from_alua = policy::follows_port_group(path->priority_method()),
                              .has_prioritizer = path->priority_method() != policy::PriorityMethod::missing});
  }
  inputs.settings = map.settings;
  inputs.kernel = map.kernel;
  inputs.wwid = map.wwid;
  inputs.name = allowed.name_is_free ? map.wanted_name : map.name;
  inputs.target_version = target_version;
  inputs.retries_expired = map.retries_expired;
  inputs.queueing_disabled = map.queueing_disabled;
  inputs.may_resize = map.kernel && may_resize(map);
  inputs.options = allowed;
  if (inputs == map.planned_from) return map.planned;
  MapPlan plan = make_map_plan(inputs);
  if (plan.remarks != map.planned.remarks) {
    for (const std::string& remark : plan.remarks) log(Severity::warning, map.name.text, remark);
  }
  map.planned = std::move(plan);
  map.planned_from = inputs;
  return map.planned;
}

/// A map is made when every known path has answered once, or those that have not have had their chance.
bool Engine::Core::ready_to_create(MapRecord& map) {
  std::uint32_t known = 0;
  bool any_usable = false;
  bool all_answered = true;
  for (const PathRecord& path : paths_of(map)) {
    ++known;
    any_usable = any_usable || may_serve(path);
    all_answered = all_answered && path.answered;
  }
  if (known == 0 || !any_usable) return false;
  policy::ClaimFacts claim{.map_exists = false, .in_wwids_file = wwids.contains(map.wwid), .known_paths = known};
  FindMultipaths mode = daemon().find_multipaths.value;
  if (!policy::may_create_map(mode, claim)) {
    if (!map.refused) {
      log(Severity::info, map.wwid.text,
          fmt::format("no map is made: find_multipaths is {}, {} path(s) known, not in the wwids file (multipath -a adds it)",
                      to_string(mode), known));
    }
    map.refused = true;
    return false;
  }
  if (map.retry_at > now) return false;
  bool has_time = map.first_seen + first_answer_limit > now;
  if (has_time && (ask_for_priorities(map) || !all_answered)) return false;
  // What is found at start is found at once; what comes later comes one after the other.
  return map.settle_until <= now || (configuring && all_answered);
}

/// Its place among the groups is not known yet, and can still be learnt.
bool Engine::Core::awaits_priority(const PathRecord& path) const {
  return policy::asks_device(path.priority_method()) && !path.priority && !path.priority_refused &&
         is_usable(path.health.state);
}

/// True while priorities are missing that can be had. One path asks for all; if it does not get an answer, another one does.
bool Engine::Core::ask_for_priorities(MapRecord& map) {
  const PathRecord* reader = find_path(map.groups_reader);
  bool reads = reader != nullptr && reader->check.step == CheckStep::target_groups &&
               reader->check.command_started + groups_answer_limit > now;
  PathRecord* idle = nullptr;
  for (PathRecord& path : paths_of(map)) {
    if (path.quarantined || !awaits_priority(path)) continue;
    if (reads || path.check.step != CheckStep::idle) return true;
    idle = idle == nullptr ? &path : idle;
  }
  if (idle == nullptr) return false;
  check_now(*idle);
  return true;
}

/// Whether the map can do without a load for now: a path of its table works, or has not answered yet and may well carry I/O.
bool Engine::Core::carries_io(const MapRecord& map) {
  return std::ranges::any_of(paths_of(map), [&](const PathRecord& path) {
    if (!path.in_table || bar(path) != Bar::none) return false;
    return is_usable(path.health.state) || (!path.answered && path.kernel_state != KernelPathState::failed);
  });
}

/// A new size needs a flush, and without a path that the kernel uses that would fail the I/O that waits for one. Where I/O has just failed on
/// a path, it may be about to fail on the others.
bool Engine::Core::may_resize(const MapRecord& map) {
  if (!map.resize_wanted) return false;
  if (!wire::features_has(map.kernel->table.features, wire::queue_if_no_path)) return true;
  if (flush_allowed_from(map) > now) return false;
  return std::ranges::any_of(paths_of(map), [](const PathRecord& path) {
    return path.in_table && may_serve(path) && path.kernel_state == KernelPathState::active;
  });
}

MonoTime Engine::Core::flush_allowed_from(const MapRecord& map) {
  MonoTime from{};
  for (const PathRecord& path : paths_of(map)) {
    if (path.in_table && path.kernel_failed_at != MonoTime{}) from = std::max(from, path.kernel_failed_at + pause_before_flush);
  }
  return from;
}

/// The table has a path that works and that the one in force lacks: worth a load whatever may hang.
bool Engine::Core::brings_hope(const MapSpec& spec) {
  return std::ranges::any_of(spec.table.groups, [&](const KernelGroup& group) {
    return std::ranges::any_of(group.paths, [&](const KernelPath& member) {
      const PathRecord* path = find_path(member.devnum);
      return path != nullptr && !path->in_table && may_serve(*path);
    });
  });
}

/// Why the table must not be loaded now, if it must not. Asks paths that have not answered lately.
std::optional<std::string> Engine::Core::load_blocked(MapRecord& map, const MapSpec& spec) {
  if (!carries_io(map) && brings_hope(spec)) return std::nullopt;
  for (PathRecord& path : paths_of(map)) {
    if (!path.in_table || path.checks_disabled) continue;
    // Of paths that take their time the first one's answer has aged when the last one has answered. One that was waited for in vain
    // says nothing of how long it usually takes.
    Duration slowness = is_usable(path.health.state) ? path.usual_check_length : Duration{0};
    Duration fresh = std::min<Duration>(fresh_answer + slowness, fresh_answer_most);
    if (path.check.step == CheckStep::idle && path.last_answer + fresh < now) check_now(path);
  }
  if (auto unregistered = unregistered_in(map, spec)) return unregistered;
  return silence_in(map);
}

/// Which path of the table has not answered its check yet, if any, and for how long.
std::optional<std::string> Engine::Core::silence_in(const MapRecord& map) {
  for (const PathRecord& path : paths_of(map)) {
    if (!path.in_table) continue;
    if (path.check.step != CheckStep::idle) {
      return fmt::format("{} has not answered for {} s", path.facts->kernel_name,
                         std::chrono::duration_cast<seconds>(now - path.check.started).count());
    }
    // The check has given up, but I/O that was sent before the path was failed has a timeout of its own.
    milliseconds io_timeout = std::max(check_timeout(path), milliseconds(path.facts->kernel_timeout.value_or(seconds{0})));
    bool holds_io = path.silent && (path.silent_failed_at == MonoTime{} || now < path.silent_failed_at + io_timeout + io_end_grace);
    if (holds_io) return path.facts->kernel_name + " may still hold I/O that it does not answer";
  }
  return std::nullopt;
}

void Engine::Core::defer(MapRecord& map, std::string why) {
  if (map.deferred_since == no_deadline) {
    map.deferred_since = now;
    ++counters.loads_deferred;
  }
  map.wishes_load = true;
  map.deferred = "reload deferred: " + std::move(why);
  touch(map);
}

void Engine::Core::clear_deferral(MapRecord& map) {
  map.wishes_load = false;
  if (map.deferred_since == no_deadline) return;
  map.deferred_since = no_deadline;
  map.deferred.clear();
  touch(map);
}

void Engine::Core::reconcile(MapRecord& map) {
  if (!map.live || exiting || options.mode != Mode::manage) return;
  if (map.table_op != OpId::none || map.read_op != OpId::none) return;
  if (map.kernel_stale) {
    read_map(map);
    return;
  }
  if (!map.kernel && map.paths.empty()) {
    erase_map(map);
    return;
  }
  review_suspects(map);
  hold_standby_paths(map);
  update_usable(map);
  if (stands_still(map)) {
    answer_reassign(map, {Outcome::failed, map.name.text + ": not now: it is suspended"});
    return;
  }
  if (map.kernel) sync_path_states(map);
  if (map.kernel) apply_transport_settings(map);
  if (removal_wanted(map)) return;
  if (map.kernel) sync_deferred_removal(map);
  enable_groups(map);
  if (map.forgotten || is_taking_disks() || !configured_once || !map.settings) return;
  watch_readiness(map);
  watch_ghost_delay(map);
  if (map.kernel) reassign_holders(map);
  choose_table_members(map);
  if (!table_members.empty()) map.last_path_step.reset();
  if (!map.kernel) {
    if (table_members.empty() || !ready_to_create(map)) {
      set_map_timer(map);
      return;
    }
    if (map.name.empty() || map.configuring) choose_name(map);
  } else if (table_members.empty()) {
    reconcile_without_paths(map);
    return;
  }
  if (map.kernel && map.configuring) {
    choose_new_name(map);
    compare_size(map);
  }
  bool answers_awaited = awaits_first_answers(map);
  plan::Options allowed;
  allowed.force = map.forced;
  // Whoever loaded it has been killed, or is at work on it: only a start or a configuration puts that right.
  allowed.clear_inactive = map.configuring;
  allowed.regroup = !answers_awaited &&
                    (map.configuring || map.regroup_wanted || map.settings->failback.value.kind == Failback::Kind::immediate);
  allowed.name_is_free = may_rename(map);
  const MapPlan& plan = plan_map(map, allowed);
  if (plan.table && may_act_now(map, *plan.table)) {
    run_table(map, *plan.table);
    return;
  }
  // What a message can do does not wait for a load.
  if (map.kernel) {
    sync_queueing(map, plan.queues);
    sync_group(map, plan.messages);
  }
  if (!plan.table) {
    clear_deferral(map);
    if (!map.failure.empty()) {
      map.failure.clear();
      touch(map);
    }
    if (allowed.regroup) map.regroup_wanted = false;
    if (map.queue_op == OpId::none && map.switch_op == OpId::none && !answers_awaited) map.configuring = false;
    answer_waiting(map, {});
  }
  set_map_timer(map);
}

/// Whether the action that the plan wants may run in this step; if not, the wish is kept, and something will ask again.
bool Engine::Core::may_act_now(MapRecord& map, const TableAction& action) {
  if (map.retry_at > now) return false;
  if (action.kind != TableActionKind::reload && action.kind != TableActionKind::resize) return true;
  // Without a path udev itself cannot look at the map: what it waits for may be the load.
  if (map.uevent_deadline != no_deadline && carries_io(map)) {
    defer(map, "the map waits for its udev event");
    return false;
  }
  if (auto stranger = awaited_stranger(map)) {
    defer(map, std::move(*stranger));
    return false;
  }
  if (map.settle_until > now && !map.forced) {
    map.wishes_load = true;
    return false;
  }
  bool only_moves = action.reason.kind == ReasonKind::group_order && !map.configuring;
  if (only_moves && map.regrouped_at + regroup_pause > now) {
    map.wishes_load = true;
    return false;
  }
  if (map.carries_until > now && carries_io(map)) {
    defer(map, "the map stood still for long a moment ago");
    return false;
  }
  if (!map.forced && map.kernel->table_fingerprint == map.loaded_answer &&
      loaded_text(action.spec) == map.loaded_table) {
    if (map.deferred_since == no_deadline) {
      log(Severity::error, map.name.text,
          "the kernel's table differs from the one that was loaded (" + action.reason.text + "); it is not loaded again");
    }
    defer(map, "the kernel made another table of the one that was loaded");
    return false;
  }
  if (auto why = load_blocked(map, action.spec)) {
    defer(map, std::move(*why));
    return false;
  }
  return true;
}

void Engine::Core::run_table(MapRecord& map, TableAction action) {
  bool any_usable = false;
  map.failed_after_load.clear();
  for (const KernelGroup& group : action.spec.table.groups) {
    for (const KernelPath& member : group.paths) {
      const PathRecord* path = find_path(member.devnum);
      if (path == nullptr) continue;
      any_usable = any_usable || may_serve(*path);
      // Without a verdict a path keeps the state that it has in the kernel.
      PathState state = path->health.state;
      bool undecided = !path->answered || state == PathState::unchecked || state == PathState::wild || state == PathState::pending;
      bool fails = undecided ? path->in_table && path->kernel_state == KernelPathState::failed : !is_usable(state);
      bool stays_in_use = undecided && path->in_table && path->kernel_state == KernelPathState::active && bar(*path) == Bar::none;
      any_usable = any_usable || stays_in_use;
      if (fails || bar(*path) != Bar::none) map.failed_after_load.push_back(member.devnum);
    }
  }
  action.fail_after_load = map.failed_after_load;
  action.queue_limits = queue_limits_before(map, action);
  action.partition_delimiter = daemon().partition_delimiter.value;
  action.udev.no_kpartx = map.settings->skip_kpartx.value;
  action.udev.no_paths = delays_readiness(map, action) || !any_usable;
  if (map.forced || action.kind == TableActionKind::resize) action.udev.reload = false;
  log(Severity::notice, map.name.text,
      fmt::format("{}: {} ({})", to_string(action.kind), to_string(action.reason.kind), action.reason.text));
  clear_deferral(map);
  if (action.reason.kind == ReasonKind::group_order) map.regrouped_at = now;
  if (action.kind == TableActionKind::rename) {
    // Nobody else may take it meanwhile.
    map_by_name[action.spec.name] = map.id;
  } else {
    map.loaded_table = loaded_text(action.spec);
  }
  map.uevent_seen = false;
  begin_action(map, std::move(action));
}

void Engine::Core::begin_action(MapRecord& map, TableAction action) {
  map.table_kind = action.kind;
  map.table_begun = now;
  map.table_reason = to_string(action.reason.kind);
  map.table_op = new_op();
  ++counters.actions;
  touch(map);
  emit(RunTableAction{map.table_op, map.id, std::move(action)});
}

}  // namespace mpath::engine
