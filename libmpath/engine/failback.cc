// SPDX-License-Identifier: LGPL-2.1-or-later
// Which group carries I/O: going over to a better one, taking up one that the kernel has given up, and groups that only stand by.
#include "libmpath/engine/core.h"
#include "libmpath/policy/failback.h"

namespace mpath::engine {

namespace {
/// A group that the kernel gives up again is taken up again after this.
constexpr Duration between_enablings = seconds{5};
}  // namespace

/// Which group is best is known when every path of the table has answered once; until then the kernel's choice stands.
bool Engine::Core::awaits_first_answers(const MapRecord& map) {
  return std::ranges::any_of(paths_of(map), [&](const PathRecord& path) {
    return path.in_table && !path.checks_disabled && !path.answered;
  });
}

/// The group the kernel begins with and the one that is best are not the same: what failback says of it.
void Engine::Core::sync_group(MapRecord& map, std::span<const plan::PlannedMessage> messages) {
  if (map.switch_op != OpId::none || map.message_retry_at > now || awaits_first_answers(map)) return;
  const plan::PlannedMessage* wish = nullptr;
  for (const plan::PlannedMessage& planned : messages) {
    if (planned.message.kind == MapMessage::Kind::switch_group) wish = &planned;
  }
  // What has come back or failed counts for one comparison, however long it had to wait for it.
  policy::FailbackFacts facts{.better_group = wish != nullptr,
                              .asked_for = map.configuring,
                              .path_failed = std::exchange(map.path_failed, false),
                              .timer_runs = map.failback_due != no_deadline,
                              .timer_expired = std::exchange(map.failback_now, false)};
  std::uint32_t usable_in_best = 0;
  for (PathRecord& path : members_of(map)) {
    bool came_back = std::exchange(path.returned, false) && may_serve(path);
    facts.path_came_up = facts.path_came_up || came_back;
    if (wish == nullptr || !may_serve(path)) continue;
    const KernelGroup& best = map.kernel->table.groups[wish->message.group - 1];
    if (std::ranges::find(best.paths, path.facts->devnum, &KernelPath::devnum) == best.paths.end()) continue;
    ++usable_in_best;
    facts.best_came_back = facts.best_came_back || came_back;
  }
  facts.best_came_back = facts.best_came_back && usable_in_best == 1;
  switch (policy::decide_failback(map.settings->failback.value, facts)) {
    case policy::FailbackStep::stay: break;
    case policy::FailbackStep::start_timer: map.failback_due = now + map.settings->failback.value.delay; break;
    case policy::FailbackStep::stop_timer: map.failback_due = no_deadline; break;
    case policy::FailbackStep::switch_now:
      map.failback_due = no_deadline;
      log(Severity::notice, map.name.text, fmt::format("switch to path group {} ({})", wish->message.group, wish->reason.text));
      ++counters.actions;
      map.switch_op = send(map, wish->message);
      break;
  }
}

/// The kernel has given a group up, and a path of it works: it may be used again.
void Engine::Core::enable_groups(MapRecord& map) {
  if (!map.kernel || map.enable_op != OpId::none || map.message_retry_at > now || map.enabled_at + between_enablings > now) return;
  const std::vector<KernelGroup>& groups = map.kernel->table.groups;
  for (std::size_t at = 0; at < groups.size(); ++at) {
    if (groups[at].state != KernelGroupState::disabled) continue;
    bool works = std::ranges::any_of(groups[at].paths, [&](const KernelPath& member) {
      const PathRecord* path = find_path(member.devnum);
      return path != nullptr && path->map == map.id && path->health.state == PathState::up && may_serve(*path);
    });
    if (!works) continue;
    log(Severity::notice, map.name.text, fmt::format("path group {} works again", at + 1));
    map.enabled_at = now;
    map.enable_op = send(map, {.kind = MapMessage::Kind::enable_group, .path = {}, .group = static_cast<std::uint32_t>(at + 1)});
    return;
  }
}

/// A path in standby that only the array can activate is not given I/O as the only one of its map: it would fail it.
void Engine::Core::hold_standby_paths(MapRecord& map) {
  for (PathRecord& path : paths_of(map)) {
    bool inert = path.health.state == PathState::ghost && path.facts->tpg_support == TpgSupport::implicit_only &&
                 path.in_table && path.kernel_state == KernelPathState::failed;
    bool held = inert && !one_is_up(map, &path) && !has_other_usable(path);
    if (path.standby == held) continue;
    path.standby = held;
    touch(path);
  }
}

bool Engine::Core::one_is_up(const MapRecord& map, const PathRecord* except) {
  return std::ranges::any_of(members_of(map), [&](const PathRecord& other) {
    return &other != except && other.in_table && other.health.state == PathState::up && may_serve(other);
  });
}

}  // namespace mpath::engine
