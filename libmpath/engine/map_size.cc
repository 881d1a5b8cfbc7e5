// SPDX-License-Identifier: LGPL-2.1-or-later
// The size of maps. A map in use changes its size when it is asked to, at a reconfiguration, or by itself where auto_resize allows it; in
// each case all its paths have to show the new size first. Paths are rescanned by us, so that nobody has to do it for each of them.
#include "libmpath/engine/core.h"
#include "libmpath/wire/features.h"

namespace mpath::engine {

namespace {
/// How long a client waits for a resize that cannot happen at once.
constexpr Duration resize_patience = seconds{3};
}  // namespace

/// The size that all paths show, in sectors, or which path stands against it.
Result<std::uint64_t> Engine::Core::agreed_size(const MapRecord& map) {
  std::map<std::uint64_t, std::size_t> sizes;
  for (const PathRecord& path : paths_of(map)) {
    if (!path.quarantined) ++sizes[path.facts->size_sectors];
  }
  if (sizes.empty()) return fail(ErrorCode::not_found, map.name.text, "has no path");
  if (sizes.size() == 1 && sizes.begin()->first != 0) return sizes.begin()->first;
  // What most paths show is the new size; where there are as many, what differs from the map's.
  std::uint64_t present = map.kernel ? map.kernel->table.size_sectors : 0;
  auto weight = [&](const auto& entry) { return std::tuple(entry.first != 0, entry.second, entry.first != present); };
  auto most = std::ranges::max_element(sizes, {}, weight);
  for (const PathRecord& path : paths_of(map)) {
    if (path.quarantined || path.facts->size_sectors == most->first) continue;
    if (path.facts->size_sectors == 0) break;
    return fail(ErrorCode::conflict, map.name.text,
                fmt::format("{} still has {} sectors, the others have {}; rescan it or remove it", path.facts->kernel_name,
                            path.facts->size_sectors, most->first));
  }
  return fail(ErrorCode::conflict, map.name.text, "the size of a path is not known: it has 0 sectors");
}

/// Ask the kernel to look at every path that answers. One that does not would hold the lane.
void Engine::Core::rescan_paths(MapRecord& map) {
  for (PathRecord& path : paths_of(map)) {
    bool answers = is_usable(path.health.state) && path.check.step == CheckStep::idle;
    if (!answers || path.rescan_op != OpId::none || path.facts->bus != Bus::scsi) continue;
    path.rescan_op = new_op();
    ++map.rescans;
    emit(RescanPath{path.rescan_op, path.id, path.facts});
  }
}

void Engine::Core::on(const PathRescanned& event) {
  PathRecord* path = find_path(event.path);
  if (!completes(path == nullptr ? nullptr : &path->rescan_op, event.op)) return;
  if (!event.size_sectors) {
    log(Severity::warning, path->facts->kernel_name, event.size_sectors.error().message());
  } else if (*event.size_sectors != path->facts->size_sectors) {
    auto facts = std::make_shared<PathFacts>(*path->facts);
    facts->size_sectors = *event.size_sectors;
    path->facts = std::move(facts);
    log(Severity::notice, path->facts->kernel_name, fmt::format("its size is {} sectors now", path->facts->size_sectors));
    touch(*path);
  }
  MapRecord* map = find_map(path->map);
  if (map != nullptr) rescanned(*map);
}

/// One path less to wait for.
void Engine::Core::rescanned(MapRecord& map) {
  if (map.rescans > 0) --map.rescans;
  if (map.rescans > 0) return;
  if (!map.resize_requests.empty()) {
    judge_resize(map);
  } else {
    size_seen(map);
  }
}

/// A path of the map shows another size than before, without anybody having asked.
void Engine::Core::size_seen(MapRecord& map) {
  if (!map.kernel || map.rescans > 0) return;
  Result<std::uint64_t> size = agreed_size(map);
  std::uint64_t present = map.kernel->table.size_sectors;
  if (!size) {
    if (map.size_remark != size.error().what) log(Severity::warning, map.name.text, size.error().what);
    map.size_remark = size.error().what;
    return;
  }
  map.size_remark.clear();
  if (*size == present) return;
  AutoResize mode = daemon().auto_resize.value;
  bool allowed = mode == AutoResize::grow_shrink || (mode == AutoResize::grow_only && *size > present);
  if (!allowed) {
    log(Severity::notice, map.name.text,
        fmt::format("its paths have {} sectors now, it has {}; to take the new size: multipathd resize map {}", *size, present, map.name.text));
    return;
  }
  map.resize_wanted = true;
  queue_map(map);
}

/// The paths' sizes have changed by a uevent. The first one that tells makes us look at the others.
void Engine::Core::path_size_changed(MapRecord& map) {
  if (!map.kernel || map.rescans > 0) return;
  if (daemon().auto_resize.value != AutoResize::never && !agreed_size(map)) {
    rescan_paths(map);
    if (map.rescans > 0) return;
  }
  size_seen(map);
}

/// A (re)configuration compares the map with its paths.
void Engine::Core::compare_size(MapRecord& map) {
  Result<std::uint64_t> size = agreed_size(map);
  if (size && *size != map.kernel->table.size_sectors) {
    map.resize_wanted = true;
  } else if (!size && size.error().code == ErrorCode::conflict && map.size_remark != size.error().what) {
    map.size_remark = size.error().what;
    log(Severity::warning, map.name.text, map.size_remark);
  }
}

void Engine::Core::request_resize(RequestId id, const Request& request) {
  MapRecord* map = requested_map(request);
  if (map == nullptr || !map->kernel) return reply(id, {Outcome::not_found, {}});
  if (map->uevent_deadline != no_deadline) return reply(id, {Outcome::failed, map->name.text + ": the map waits for its udev event"});
  if (!carries_io(*map) && wire::features_has(map->kernel->table.features, wire::queue_if_no_path)) {
    return reply(id, {Outcome::failed, map->name.text + ": no path works: the flush that a new size needs would fail the I/O that waits for "
                                       "one. Where it may fail: multipathd disablequeueing map " + map->name.text});
  }
  map->resize_requests.push_back(id);
  map->resize_deadline = now + resize_patience;
  rescan_paths(*map);
  if (map->rescans == 0) judge_resize(*map);
  set_map_timer(*map);
}

/// All paths have been looked at.
void Engine::Core::judge_resize(MapRecord& map) {
  Result<std::uint64_t> size = agreed_size(map);
  if (!size) return answer_resize(map, {Outcome::failed, size.error().message()});
  if (!map.kernel) return answer_resize(map, {Outcome::failed, map.name.text + ": the map is gone"});
  if (*size == map.kernel->table.size_sectors) return answer_resize(map, {});
  map.resize_wanted = true;
  // What failed before may have failed for its size.
  map.retry_at = {};
  queue_map(map);
}

void Engine::Core::answer_resize(MapRecord& map, const RequestResult& result) {
  map.resize_deadline = no_deadline;
  for (RequestId id : std::exchange(map.resize_requests, {})) reply(id, result);
}

/// The client waits no longer. What it asked for is still done as soon as it can be.
void Engine::Core::resize_overdue(MapRecord& map) {
  for (const PathRecord& path : members_of(map)) {
    if (path.rescan_op == OpId::none) continue;
    return answer_resize(map, {Outcome::failed, map.name.text + ": " + path.facts->kernel_name + " does not answer the rescan"});
  }
  std::string why = map.deferred.empty() ? "the new size cannot be taken yet" : map.deferred;
  answer_resize(map, {Outcome::failed, map.name.text + ": " + why + "; the map is resized as soon as it can be"});
}

}  // namespace mpath::engine
