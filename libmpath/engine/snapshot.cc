// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/engine/snapshot.h"

#include "libmpath/engine/core.h"

namespace mpath::engine {

std::string_view to_string(ReservationFlag flag) {
  switch (flag) {
    case ReservationFlag::unknown: return "unknown";
    case ReservationFlag::unset: return "unset";
    case ReservationFlag::set: return "set";
  }
  return "unknown";
}

std::string span_text(Duration span) {
  if (span < milliseconds{1}) return fmt::format("{} us", std::chrono::duration_cast<microseconds>(span).count());
  if (span < seconds{1}) return fmt::format("{} ms", std::chrono::duration_cast<milliseconds>(span).count());
  return fmt::format("{:.1f} s", std::chrono::duration<double>(span).count());
}

std::string to_text(const OutlierView& outlier) {
  std::string text = fmt::format("p99 {}, siblings {}", span_text(outlier.p99), span_text(outlier.siblings_p99));
  if (outlier.errors > 0) text += fmt::format(", {} of {} checks without an answer", outlier.errors, outlier.checks);
  return text + fmt::format(", for {} min", outlier.length.count());
}

std::shared_ptr<const PathView> Engine::Core::view_of(PathRecord& path) {
  if (path.view) return path.view;
  auto view = std::make_shared<PathView>();
  view->facts = path.facts;
  view->settings = path.settings;
  view->health = path.health;
  view->kernel_state = path.in_table ? path.kernel_state : KernelPathState::unknown;
  view->init_state = init_state_of(path);
  view->checker = policy::to_string(path.checker);
  view->priority = path.priority;
  view->prioritizer = policy::to_string(path.priority_method());
  view->priority_from_alua = policy::follows_port_group(path.priority_method());
  if (MapRecord* map = find_map(path.map); map != nullptr && map->kernel && path.in_table) {
    view->map_name = map->name.text;
  } else if (map != nullptr && map->kernel && !path.removed) {
    view->waiting_to_come_online = !is_usable(path.health.state);
  }
  view->marginal = is_marginal(path) || path.marginal_reasons.has(MarginalReason::command);
  view->next_check = path.next_check;
  view->check_interval = std::chrono::duration_cast<seconds>(path.interval);
  view->failures = path.failures;
  if (path.check.step != CheckStep::idle) view->check_outstanding_since = path.check.started;
  view->bar = bar(path);
  if (path.registration && path.registration->failures > 0) {
    view->registration_reason = path.registration->reason;
    view->registration_retry = path.registration->retry_at;
  }
  if (const Drain* drain = path.drained ? drain_of(path) : nullptr) {
    view->drain_asked_for = drain->asked_for;
    view->drain_undo_at = drain->undo_at;
    view->in_flight = path.in_flight;
  }
  view->checks = path.sketch.figures(now);
  if (path.suspicion.since != no_deadline || path.suspect) {
    // After a restart only the mark is known.
    MonoTime since = path.suspicion.since != no_deadline ? path.suspicion.since : path.check.started;
    MonoTime asked = path.suspicion.since != no_deadline ? path.suspicion.asked_at : path.check.started;
    view->suspect = {.since = since, .asked_at = asked, .siblings_p99 = path.suspicion.siblings_p99, .avoided = path.suspect};
    // Clients know a closed set of words; "i/o pending" is the one that fits.
    if (path.suspect && is_usable(path.health.state)) {
      view->health.state = PathState::pending;
      view->health.reason = "suspect: its check is outstanding far longer than those of its siblings";
    }
  }
  if (path.outlier.is_outlier()) view->outlier = outlier_evidence(path);
  path.view = std::move(view);
  return path.view;
}

namespace {
std::optional<FailedActionView> failed_action(const MapRecord& map) {
  if (map.failure.empty()) return std::nullopt;
  return FailedActionView{map.failed_kind, map.failure, map.retry_at};
}
}  // namespace

std::shared_ptr<const MapView> Engine::Core::view_of(MapRecord& map) {
  if (map.view) return map.view;
  auto view = std::make_shared<MapView>();
  const KernelMap& kernel = *map.kernel;
  view->settings = map.settings;
  view->name = map.name;
  view->wwid = map.wwid;
  view->devnum = kernel.devnum;
  view->size_sectors = kernel.table.size_sectors;
  view->features = kernel.table.features;
  view->hardware_handler = kernel.table.hardware_handler;
  view->read_only = kernel.read_only;
  view->suspended = kernel.suspended;
  std::vector<policy::Member> members;
  for (const KernelGroup& group : kernel.table.groups) {
    GroupView& out = view->groups.emplace_back();
    out.selector = group.selector;
    out.state = group.state;
    policy::Group sum;
    for (const KernelPath& member : group.paths) {
      PathRecord* path = find_path(member.devnum);
      if (path == nullptr) {
        // In the kernel's table, but no device of ours: shown with its number only.
        auto facts = std::make_shared<PathFacts>();
        facts->devnum = member.devnum;
        auto stranger = std::make_shared<PathView>();
        stranger->facts = std::move(facts);
        stranger->kernel_state = member.state;
        stranger->init_state = InitState::removed;
        stranger->map_name = map.name.text;
        out.paths.push_back(std::move(stranger));
        continue;
      }
      sum.members.push_back(members.size());
      members.push_back({.facts = path->facts, .state = path->health.state, .priority = path->priority});
      view->usable_paths += may_serve(*path) ? 1U : 0U;
      out.paths.push_back(view_of(*path));
    }
    out.marginal = !out.paths.empty() && std::ranges::all_of(out.paths, [](const auto& member) { return member->marginal; });
    out.priority = policy::group_priority(members, sum);
  }
  if (map.table_op != OpId::none) {
    switch (map.table_kind) {
      case TableActionKind::create: view->pending = PendingAction::create; break;
      case TableActionKind::reload: view->pending = PendingAction::reload; break;
      case TableActionKind::rename: view->pending = PendingAction::rename; break;
      case TableActionKind::resize:
      case TableActionKind::remove:
      case TableActionKind::suspend:
      case TableActionKind::resume:
      case TableActionKind::drop_table: break;
    }
  } else if (map.switch_op != OpId::none) {
    view->pending = PendingAction::switchpg;
  } else if (map.deferred_since != no_deadline) {
    view->pending = PendingAction::reload;
  }
  view->deferred = map.deferred;
  view->failed = failed_action(map);
  if (map.settings) {
    view->failback = map.settings->failback.value;
    view->no_path_retry = map.queueing_disabled ? NoPathRetry{NoPathRetry::Kind::fail, 0} : map.settings->no_path_retry.value;
    view->max_sectors_kib = map.settings->max_sectors_kb.value;
  }
  if (map.reservation) {
    view->reservation = {.has_key = map.reservation->key != 0, .registered = map.reservation->registered, .held = map.reservation->held};
  }
  view->failback_due = map.failback_due;
  view->retry_deadline = map.retry_deadline;
  view->path_faults = map.path_faults;
  view->group_switches = map.group_switches;
  view->map_loads = map.map_loads;
  view->total_queue_time = std::chrono::duration_cast<seconds>(map.total_queue_time);
  view->queue_timeouts = map.queue_timeouts;
  view->failures = map.failures;
  map.view = std::move(view);
  return map.view;
}

std::shared_ptr<Snapshot> Engine::Core::snapshot() {
  auto picture = std::make_shared<Snapshot>();
  picture->now = now;
  picture->maps.reserve(map_order.size());
  for (const auto& [order, id] : map_order) {
    MapRecord* map = find_map(id);
    if (map == nullptr) continue;
    if (!map->kernel) {
      if (map->forgotten || !map->failure.empty()) {
        picture->absent_maps.push_back({map->wwid, map->forgotten ? std::string_view(map->absence) : std::string_view(), failed_action(*map)});
      }
      continue;
    }
    if (map->deferred_since != no_deadline) {
      // The seconds go on.
      auto silence = map->uevent_deadline == no_deadline ? silence_in(*map) : std::nullopt;
      if (silence) map->deferred = "reload deferred: " + *silence;
      map->view.reset();
    }
    picture->maps.push_back(view_of(*map));
  }
  picture->paths.reserve(path_order.size());
  for (const auto& [order, id] : path_order) {
    if (PathRecord* path = find_path(id)) picture->paths.push_back(view_of(*path));
  }
  picture->config = config;
  picture->state = daemon_state;
  picture->reconfigure_pending = reconfigure_pending;
  picture->configuration_actions = configuration_actions;
  picture->events_waiting = configuring || is_taking_disks();
  picture->counters = counters;
  picture->counters.checks_outstanding = checks_outstanding;
  return picture;
}

}  // namespace mpath::engine
