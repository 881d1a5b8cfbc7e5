// SPDX-License-Identifier: LGPL-2.1-or-later
// Other dm devices that use a path of a map directly are put onto the map itself: `reset map`, or by themselves with reassign_maps. Their
// table is swapped, which waits for their I/O, so not while a path of the map does not answer.
#include "libmpath/engine/core.h"

namespace mpath::engine {

void Engine::Core::request_reset_map(RequestId id, const Request& request) {
  MapRecord* map = requested_map(request);
  if (map == nullptr || !map->kernel) return reply(id, {Outcome::not_found, {}});
  map->reassign_requests.push_back(id);
  map->reassign_wanted = true;
  queue_map(*map);
}

/// With reassign_maps: after each load, and whenever udev tells of the map.
void Engine::Core::wish_reassignment(MapRecord& map) {
  map.reassign_wanted = map.reassign_wanted || daemon().reassign_maps.value;
}

/// Called while no table operation of the map is under way.
void Engine::Core::reassign_holders(MapRecord& map) {
  if (map.reassign_op != OpId::none) return;
  std::optional<std::string> silence = map.reassign_wanted ? silence_in(map) : std::nullopt;
  if (silence) answer_reassign(map, {Outcome::failed, map.name.text + ": not now: " + *silence});
  const bool applies = map.reassign_wanted && !silence;
  if (!applies && !map.holders_unknown) return;
  map.reassign_applies = applies;
  map.holders_unknown = false;
  if (applies) map.reassign_wanted = false;
  ReassignHolders effect{.map = map.id, .name = map.kernel->name, .devnum = map.kernel->devnum, .paths = {}, .apply = applies};
  for (const PathRecord& path : paths_of(map)) {
    if (path.in_table) effect.paths.push_back(path.facts->devnum);
  }
  effect.op = map.reassign_op = new_op();
  emit(std::move(effect));
}

void Engine::Core::on(const HoldersReassigned& event) {
  MapRecord* map = find_map(event.map);
  if (!completes(map == nullptr ? nullptr : &map->reassign_op, event.op)) return;
  // Whoever asked meanwhile wants it done again.
  if (map->reassign_wanted) queue_map(*map);
  if (!map->reassign_applies) return tell_holders(*map, event);
  RequestResult answer;
  std::string trouble;
  if (!event.result) {
    trouble = event.result.error().message();
  } else {
    for (const std::string& device : event.result->changed) log(Severity::notice, map->name.text, "used by " + device + " now, which had used a path of it");
    for (const Error& left : event.result->left) trouble += (trouble.empty() ? "" : "; ") + left.message();
  }
  if (!trouble.empty()) {
    answer = {Outcome::failed, trouble};
    // It is tried with every load; what stands against it is said once.
    if (trouble != map->reassign_trouble) log(Severity::warning, map->name.text, "a device that uses one of its paths directly could not be put onto it: " + trouble);
  }
  map->reassign_trouble = std::move(trouble);
  answer_reassign(*map, answer);
}

/// Devices that share a disk with the map that was made on it: their I/O goes past it.
void Engine::Core::tell_holders(MapRecord& map, const HoldersReassigned& event) {
  if (!event.result) return;
  for (const std::string& device : event.result->changed) {
    log(Severity::warning, map.name.text,
        device + " uses one of its paths directly, past the map; 'multipathd reset map " + map.name.text +
            "' puts it onto the map (reassign_maps does so by itself)");
  }
  for (const Error& left : event.result->left) log(Severity::warning, map.name.text, left.message());
}

void Engine::Core::answer_reassign(MapRecord& map, const RequestResult& result) {
  for (RequestId id : std::exchange(map.reassign_requests, {})) reply(id, result);
}

}  // namespace mpath::engine
