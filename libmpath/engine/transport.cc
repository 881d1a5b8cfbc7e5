// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel is told of the paths of a map besides the map itself: the timeouts of their transports, and the largest request to their
// queues. Once for each set of values, and again when a path returns: its port may be a new one to the kernel.
#include <set>

#include "libmpath/engine/core.h"

namespace mpath::engine {

void Engine::Core::apply_transport_settings(MapRecord& map) {
  std::vector<policy::TransportRemark> remarks;
  for (PathRecord& path : paths_of(map)) {
    // A port that is gone takes no settings; it gets them when it returns.
    if (!path.settings || !map.settings || !is_usable(path.health.state)) continue;
    bool same = path.told_path_settings == path.settings && path.told_map_settings == map.settings;
    bool returned = path.told_transport_at < path.health.since;
    if (same && !returned) continue;
    path.told_path_settings = path.settings;
    path.told_map_settings = map.settings;
    std::vector<policy::TransportRemark> said;
    policy::TransportWishes wishes =
        policy::transport_wishes(*path.settings, map.settings->no_path_retry.value, daemon().polling_interval.value, said);
    if (wishes.empty) continue;
    Protocol protocol = path.facts->protocol;
    if (!policy::has_transport_timeouts(protocol) && refused_protocols.insert(protocol).second) {
      log(Severity::info, path.facts->kernel_name,
          fmt::format("fast_io_fail_tmo and dev_loss_tmo cannot be set for protocol {}", to_string(protocol)));
    }
    if (path.facts->bus != Bus::scsi) continue;
    bool already = !path.told_transport.empty && wishes == path.told_transport;
    path.told_transport_at = now;
    if (already && !returned) continue;
    path.told_transport = wishes;
    for (policy::TransportRemark& remark : said) {
      bool known = std::ranges::any_of(remarks, [&](const auto& other) { return other.text == remark.text; });
      if (!known && !already && policy::has_transport_timeouts(protocol)) remarks.push_back(std::move(remark));
    }
    emit(ApplyTransportSettings{path.facts, wishes});
  }
  for (policy::TransportRemark& remark : remarks) {
    log(remark.is_notice ? Severity::notice : Severity::info, map.name.text, std::move(remark.text));
  }
}

/// Of the paths that the action brings into the map: one that is in the live table already keeps its limit.
std::vector<QueueLimit> Engine::Core::queue_limits_before(const MapRecord& map, const TableAction& action) {
  std::vector<QueueLimit> limits;
  std::optional<std::uint32_t> wanted = map.settings->max_sectors_kb.value;
  bool loads = action.kind == TableActionKind::create || action.kind == TableActionKind::reload || action.kind == TableActionKind::resize;
  if (!wanted || !loads) return limits;
  for (const KernelGroup& group : action.spec.table.groups) {
    for (const KernelPath& member : group.paths) {
      const PathRecord* path = find_path(member.devnum);
      if (path == nullptr || (map.kernel && path->in_table)) continue;
      limits.push_back({.sysfs_path = path->facts->sysfs_path, .max_sectors_kib = *wanted});
    }
  }
  return limits;
}

/// Heeded only where marginal_pathgroups says fpin.
void Engine::Core::on(const FabricNotice& event) {
  if (!resolver || options.mode != Mode::manage) return;
  if (event.holds && daemon().marginal_pathgroups.value != MarginalPathgroups::fpin) return;
  std::size_t concerned = 0;
  std::set<std::string> remote_ports;
  auto is_of_host = [&](const PathRecord& path) {
    const PathFacts& facts = *path.facts;
    if (facts.protocol == Protocol::scsi_fcp) return facts.address && facts.address->host == event.host;
    return facts.protocol == Protocol::nvme_fc && facts.fc_host == event.host;
  };
  for (const auto& [key, port] : ports) {
    if (event.holds && std::ranges::find(event.target_ports, port.target) == event.target_ports.end()) continue;
    for (PathId id : port.paths) {
      PathRecord* path = find_path(id);
      if (path == nullptr || path->removed || !is_of_host(*path)) continue;
      if (path->marginal_reasons.has(MarginalReason::fpin) == event.holds) continue;
      set_marginal(*path, MarginalReason::fpin, event.holds);
      ++concerned;
      if (event.holds && !path->facts->transport_device.empty()) remote_ports.insert(path->facts->transport_device);
    }
  }
  for (const std::string& port : remote_ports) emit(MarkRemotePort{port});
  if (concerned == 0) return;
  log(event.holds ? Severity::warning : Severity::notice, fmt::format("host {}", event.host),
      event.holds ? fmt::format("the fabric tells of damaged frames: {} path(s) are marginal", concerned)
                  : fmt::format("the link or the fabric has changed: {} path(s) are no longer marginal", concerned));
}

}  // namespace mpath::engine
