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

/// Called while no table operation of the map is under way.
void Engine::Core::reassign_holders(MapRecord& map) {
  if (!map.reassign_wanted || map.reassign_op != OpId::none) return;
  if (auto silence = silence_in(map)) return answer_reassign(map, {Outcome::failed, map.name.text + ": not now: " + *silence});
  map.reassign_wanted = false;
  ReassignHolders effect{.map = map.id, .name = map.kernel->name, .devnum = map.kernel->devnum, .paths = {}};
  for (const PathRecord& path : paths_of(map)) {
    if (path.in_table) effect.paths.push_back(path.facts->devnum);
  }
  effect.op = map.reassign_op = new_op();
  emit(std::move(effect));
}

void Engine::Core::on(const HoldersReassigned& event) {
  MapRecord* map = find_map(event.map);
  if (map == nullptr || map->reassign_op != event.op) {
    ++counters.stale_completions;
    return;
  }
  map->reassign_op = OpId::none;
  if (!event.result) {
    log(Severity::warning, map->name.text, "a device that uses one of its paths directly could not be put onto it: " + event.result.error().message());
    return answer_reassign(*map, {Outcome::failed, event.result.error().message()});
  }
  for (const std::string& device : *event.result) log(Severity::notice, map->name.text, "used by " + device + " now, which had used a path of it");
  answer_reassign(*map, {});
  // Whoever asked meanwhile wants it done again.
  if (map->reassign_wanted) queue_map(*map);
}

void Engine::Core::answer_reassign(MapRecord& map, const RequestResult& result) {
  for (RequestId id : std::exchange(map.reassign_requests, {})) reply(id, result);
}

}  // namespace mpath::engine
