// SPDX-License-Identifier: LGPL-2.1-or-later
// When checks are due beside their intervals: what happens at a port concerns all paths behind it.
#include "libmpath/engine/core.h"

namespace mpath::engine {

void Engine::Core::make_due(PathRecord& path) {
  if (path.removed || path.checks_disabled || options.mode != Mode::manage) return;
  if (path.check.step != CheckStep::idle) {
    path.check.again = true;
    return;
  }
  path.next_check = now;
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

/// Also after the facts changed.
void Engine::Core::enter_port(PathRecord& path) {
  const PathFacts& facts = *path.facts;
  if (!facts.address) return leave_port(path);
  const Hctl& address = *facts.address;
  std::string target =
      facts.target_port.empty() ? fmt::format("{}:{}", address.channel, address.target) : facts.target_port;
  if (path.port != nullptr && path.port->host == address.host && path.port->target == target) return;
  leave_port(path);
  PortRecord& port = ports.try_emplace({address.host, target}).first->second;
  port.host = address.host;
  port.target = std::move(target);
  port.paths.push_back(path.id);
  path.port = &port;
}

void Engine::Core::leave_port(PathRecord& path) {
  if (path.port == nullptr) return;
  PortRecord& port = *std::exchange(path.port, nullptr);
  std::erase(port.paths, path.id);
  if (port.paths.empty()) ports.erase({port.host, port.target});
}

}  // namespace mpath::engine
