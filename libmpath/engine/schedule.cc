// SPDX-License-Identifier: LGPL-2.1-or-later
// When checks are due: at their intervals, spread evenly, and at once when something happened. What happens at a port concerns all paths
// behind it.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {
constexpr std::uint32_t no_host = UINT32_MAX;
/// A full host is asked again several times in this time.
constexpr Duration host_busy_memory = seconds{2};
}  // namespace

void Engine::Core::make_due(PathRecord& path) {
  if (path.removed || path.checks_disabled || options.mode != Mode::manage) return;
  if (path.check.step != CheckStep::idle) {
    path.check.again = true;
    return;
  }
  path.check.wanted = true;
  path.next_check = now;
  path.asked_itself = true;
  set_path_timer(path);
}

void Engine::Core::make_port_due(const PortRecord& port) {
  for (PathId id : port.paths) {
    if (PathRecord* path = find_path(id)) make_due(*path);
  }
}

void Engine::Core::on(const LinkEvent& event) {
  std::size_t due = 0;
  for (auto at = ports.lower_bound({event.host, {}}); at != ports.end() && at->first.first == event.host; ++at) {
    if (!event.target_port.empty() && event.target_port != at->second.target) continue;
    make_port_due(at->second);
    due += at->second.paths.size();
  }
  if (due == 0) return;
  std::string_view what = event.kind == LinkEvent::Kind::up     ? "the link is up"
                          : event.kind == LinkEvent::Kind::down ? "the link is down"
                                                                : "the fabric has changed";
  std::string where = event.target_port.empty() ? std::string{} : " to " + event.target_port;
  log(Severity::notice, fmt::format("host {}", event.host), fmt::format("{}{}; its {} path(s) are checked at once", what, where, due));
}

void Engine::Core::on(const HostBusy& event) {
  for (auto at = ports.lower_bound({event.host, {}}); at != ports.end() && at->first.first == event.host; ++at) {
    at->second.works_until = now + host_busy_memory;
  }
}

/// Also after the facts changed.
void Engine::Core::enter_port(PathRecord& path) {
  const PathFacts& facts = *path.facts;
  std::pair<std::uint32_t, std::string> key{no_host, {}};
  if (facts.address) {
    const Hctl& address = *facts.address;
    key = {address.host, facts.target_port.empty() ? fmt::format("{}:{}", address.channel, address.target) : facts.target_port};
  }
  if (path.port != nullptr && path.port->host == key.first && path.port->target == key.second) return;
  leave_port(path);
  auto [at, is_new] = ports.try_emplace(key);
  PortRecord& port = at->second;
  if (is_new) {
    port.host = key.first;
    port.target = std::move(key.second);
    port.known = port.host != no_host;
    port.phases = policy::PhaseTable(ports_seen++);
  }
  port.paths.push_back(path.id);
  path.port = &port;
}

void Engine::Core::leave_port(PathRecord& path) {
  if (path.port == nullptr) return;
  release_phase(path);
  PortRecord& port = *std::exchange(path.port, nullptr);
  std::erase(port.paths, path.id);
  if (port.paths.empty()) ports.erase({port.host, port.target});
}

/// The first path of a map says when all of them are checked.
void Engine::Core::choose_phase(PathRecord& path) {
  if (path.port == nullptr) return;
  MapRecord* map = find_map(path.map);
  if (path.phase && (map == nullptr || path.phase == map->phase)) return;
  release_phase(path);
  if (map == nullptr) {
    path.phase = path.port->phases.emptiest(all_phases);
  } else {
    if (!map->phase) map->phase = path.port->phases.emptiest(all_phases);
    path.phase = map->phase;
  }
  path.port->phases.add(*path.phase);
  all_phases.add(*path.phase);
}

void Engine::Core::release_phase(PathRecord& path) {
  if (!path.phase) return;
  path.port->phases.remove(*path.phase);
  all_phases.remove(*path.phase);
  path.phase.reset();
}

policy::CheckIntervals Engine::Core::check_intervals() const {
  Duration shortest = daemon().polling_interval.value;
  return {shortest, std::max<Duration>(daemon().max_polling_interval.value, shortest)};
}

void Engine::Core::plan_next_check(PathRecord& path, bool changed) {
  policy::CheckIntervals intervals = check_intervals();
  path.interval = policy::next_interval(path.interval, changed || !is_usable(path.health.state), intervals);
  choose_phase(path);
  path.next_check = policy::next_check(now, path.interval, path.phase.value_or(0), intervals);
}

/// A new polling_interval counts at once: no check that was planned with the old one is waited for longer.
void Engine::Core::intervals_changed() {
  policy::CheckIntervals intervals = check_intervals();
  for (auto& record : paths) {
    PathRecord& path = *record;
    if (!path.live || path.removed) continue;
    path.interval = intervals.shortest;
    if (path.check.step != CheckStep::idle || path.next_check == no_deadline) continue;
    path.next_check = std::min(path.next_check, policy::next_check(now, path.interval, path.phase.value_or(0), intervals));
    set_path_timer(path);
    touch(path);
  }
}

}  // namespace mpath::engine
