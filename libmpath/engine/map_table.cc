// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine's table of maps: finding, making and dropping records, their names, settings and timers.
#include "libmpath/engine/core.h"
#include "libmpath/policy/identify.h"

namespace mpath::engine {

MapRecord* Engine::Core::find_map(MapId id) {
  if (!id.valid() || id.slot >= maps.size()) return nullptr;
  MapRecord& map = *maps[id.slot];
  return map.live && map.id == id ? &map : nullptr;
}

MapRecord* Engine::Core::find_map_by_name(std::string_view name) {
  auto by_name = map_by_name.find(MapName{std::string(name)});
  if (by_name != map_by_name.end()) return find_map(by_name->second);
  auto by_wwid = map_by_wwid.find(Wwid{std::string(name)});
  return by_wwid == map_by_wwid.end() ? nullptr : find_map(by_wwid->second);
}

void Engine::Core::touch(MapRecord& map) {
  map.view.reset();
  note_marks(map);
  note_standing(map);
}

MapRecord& Engine::Core::map_for(const Wwid& wwid) {
  if (auto at = map_by_wwid.find(wwid); at != map_by_wwid.end()) return *find_map(at->second);
  std::uint32_t slot;
  if (free_maps.empty()) {
    slot = static_cast<std::uint32_t>(maps.size());
    maps.push_back(std::make_unique<MapRecord>());
  } else {
    slot = free_maps.back();
    free_maps.pop_back();
  }
  MapRecord& map = *maps[slot];
  std::uint32_t generation = map.id.generation + 1;
  map = MapRecord{};
  map.id = {slot, generation};
  map.order = ++last_order;
  map.live = true;
  map.wwid = wwid;
  map.saved_marks.wwid = wwid;
  map.first_seen = now;
  map.timer.owner = TimerOwner::map;
  map.timer.slot = slot;
  map_by_wwid.emplace(wwid, map.id);
  map_order.emplace(map.order, map.id);
  restore_marks(map);
  return map;
}

void Engine::Core::erase_map(MapRecord& map) {
  answer_waiting(map, {});
  answer_resize(map, {Outcome::failed, map.name.text + ": the map is gone"});
  answer_reassign(map, {Outcome::failed, map.name.text + ": the map is gone"});
  timers.cancel(map.timer);
  map_by_wwid.erase(map.wwid);
  if (auto at = map_by_name.find(map.name); at != map_by_name.end() && at->second == map.id) map_by_name.erase(at);
  map_order.erase(map.order);
  map.live = false;
  map.planned_from = {};
  map.planned = {};
  answer_registrations(map);
  touch(map);
  free_maps.push_back(map.id.slot);
}

/// The settings follow from the WWID and from one path of the map: one that is up, else any, else one that is gone.
void Engine::Core::refresh_settings(MapRecord& map) {
  if (!resolver) return;
  const PathRecord* representative = nullptr;
  for (const PathRecord& path : members_of(map)) {
    if (representative == nullptr || representative->removed) representative = &path;
    if (path.health.state == PathState::up) {
      representative = &path;
      break;
    }
  }
  config::PathIdentity identity;
  if (representative != nullptr) identity = policy::identity_for_lookup(*representative->facts);
  map.settings = resolver->map(map.wwid.text, identity);
  choose_reservation_key(map);
  touch(map);
}

void Engine::Core::set_map_timer(MapRecord& map) {
  // What happens when its deadline has come is done by map_timer() alone: one that passed in this very step is still due.
  MonoTime due = std::min({map.uevent_deadline, map.failback_due, map.look_again, map.retry_deadline, map.resize_deadline,
                           map.registration_deadline});
  auto consider = [&](MonoTime deadline) {
    if (deadline > now) due = std::min(due, deadline);
  };
  consider(map.retry_at);
  consider(map.message_retry_at);
  consider(map.settle_until);
  if (map.wishes_load) consider(map.regrouped_at + regroup_pause);
  if (map.wishes_load) consider(map.carries_until);
  if (map.resize_wanted) consider(flush_allowed_from(map));
  // Its end is seen by whatever looks at the map next; a map that stands still or is gone must not be woken for it over and over.
  consider(map.ghost_deadline);
  consider(map.announce_at);
  for (const Stranger& stranger : map.strangers) {
    if (!stranger.answered) consider(stranger.asked + stranger_patience);
  }
  if (!map.kernel && !map.forgotten && !map.refused) {
    consider(map.first_seen + first_answer_limit);
    if (const PathRecord* reader = find_path(map.groups_reader); reader != nullptr && reader->check.step != CheckStep::idle) {
      consider(reader->check.command_started + groups_answer_limit);
    }
  }
  if (due == no_deadline) {
    timers.cancel(map.timer);
  } else {
    timers.set(map.timer, due);
  }
}

void Engine::Core::map_timer(MapRecord& map) {
  if (map.uevent_deadline != no_deadline && map.uevent_deadline <= now) {
    map.uevent_deadline = no_deadline;
    log(Severity::error, map.name.text, "udev has not told of the map; is udevd running? Going on without");
  }
  if (map.failback_due != no_deadline && map.failback_due <= now) {
    map.failback_due = no_deadline;
    map.failback_now = true;
  }
  if (map.resize_deadline <= now) resize_overdue(map);
  if (map.registration_deadline <= now) answer_registrations(map);
  if (map.look_again <= now) {
    map.look_again = no_deadline;
    map.kernel_stale = map.kernel_stale || map.kernel;
  }
  if (map.retry_deadline != no_deadline && map.retry_deadline <= now) retries_are_over(map);
  set_map_timer(map);
  queue_map(map);
}

}  // namespace mpath::engine
