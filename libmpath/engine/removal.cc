// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps that go: by command, with their last path, or because somebody else removed them. A removal never suspends a map: what nobody has
// open has no I/O under way, and a map that is never suspended cannot be left so. One that is in use stays as it is, and who uses it is said.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {
/// Between two attempts of a removal that was asked for (remove_retries).
constexpr Duration removal_pause = seconds{1};
}  // namespace

void Engine::Core::remove_map(MapRecord& map, ReasonKind why, std::string text) {
  if (!map.kernel || map.table_op != OpId::none) return;
  TableAction action = plan::removal(*map.kernel, why, std::move(text));
  // Who asks for a removal wants to know whether the map is gone.
  action.deferred_remove = why != ReasonKind::requested && map.settings && map.settings->deferred_remove.value;
  log(Severity::notice, map.name.text, (action.deferred_remove ? "remove when nobody uses it any more: " : "remove: ") + action.reason.text);
  begin_action(map, std::move(action));
}

/// Called while nothing is under way for the map: the removal that was asked for, if one was. True if there is nothing else to do.
bool Engine::Core::removal_wanted(MapRecord& map) {
  if (!map.remove_wanted || !map.kernel) return false;
  std::string who = map.remove_asked_by.empty() ? "asked for" : "asked for by " + map.remove_asked_by;
  if (map.retry_at <= now) remove_map(map, ReasonKind::requested, std::move(who));
  set_map_timer(map);
  return true;
}

/// True if it is tried once more.
bool Engine::Core::removal_repeated(MapRecord& map, const Error& error) {
  if (!map.remove_wanted || error.code != ErrorCode::busy || map.removals_left == 0) return false;
  --map.removals_left;
  map.retry_at = now + removal_pause;
  log(Severity::info, map.name.text, "not removed yet: " + error.message());
  set_map_timer(map);
  return true;
}

void Engine::Core::begin_removal(MapRecord& map, RequestId id, const Request& request) {
  map.remove_asked_by = request.asked_by;
  map.waiting_requests.push_back(id);
  map.removals_left = daemon().remove_retries.value;
  map.remove_wanted = true;
  map.retry_at = {};
  queue_map(map);
}

void Engine::Core::request_remove_map(RequestId id, const Request& request) {
  MapRecord* map = requested_map(request);
  if (map == nullptr || !map->kernel) return reply(id, {Outcome::not_found, {}});
  begin_removal(*map, id, request);
}

/// One answer for all: whichever map cannot be removed makes it a failure, and any other reason weighs more than use.
void Engine::Core::request_remove_all_maps(RequestId id, const Request& request) {
  RequestRound round;
  for (auto& [order, map_id] : map_order) {
    MapRecord* map = find_map(map_id);
    if (map == nullptr || !map->kernel) continue;
    ++round.open;
    begin_removal(*map, id, request);
  }
  if (round.open == 0) return reply(id, {});
  rounds.emplace(id, std::move(round));
}

/// The answer for one of the maps that a request waits for.
void Engine::Core::settle(RequestId id, const RequestResult& result) {
  auto at = rounds.find(id);
  if (at == rounds.end()) return reply(id, result);
  RequestRound& round = at->second;
  if (result.outcome != Outcome::ok) {
    bool worse = round.worst.outcome == Outcome::ok || (round.worst.outcome == Outcome::in_use && result.outcome != Outcome::in_use);
    if (worse) round.worst.outcome = result.outcome;
    if (!result.detail.empty()) round.worst.detail += (round.worst.detail.empty() ? "" : "\n") + result.detail;
  }
  if (--round.open > 0) return;
  RequestResult worst = std::move(round.worst);
  rounds.erase(at);
  reply(id, std::move(worst));
}

void Engine::Core::answer_waiting(MapRecord& map, const RequestResult& result) {
  for (RequestId id : std::exchange(map.waiting_requests, {})) settle(id, result);
}

/// A map that was to go with its last opener is wanted again: a path of it has come.
void Engine::Core::sync_deferred_removal(MapRecord& map) {
  if (!map.kernel->deferred_remove || map.keep_op != OpId::none || map.message_retry_at > now) return;
  bool has_path = std::ranges::any_of(paths_of(map), [&](const PathRecord& path) {
    return !path.quarantined;
  });
  if (!has_path) return;
  log(Severity::notice, map.name.text, "its removal is called off: it has a path again");
  map.keep_op = send(map, {.kind = MapMessage::Kind::cancel_deferred_remove, .path = {}, .group = 0});
}

}  // namespace mpath::engine
