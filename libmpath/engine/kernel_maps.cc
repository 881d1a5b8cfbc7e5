// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel says of maps: reading them again, and taking over what was read.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {
/// Until a map that could not be read is read again.
constexpr Duration reread_after = seconds{1};

/// "dmsetup (1234) of user 0": what was seen, which proves nothing.
std::string actors_text(const std::vector<DmActor>& actors) {
  std::string text;
  for (const DmActor& actor : actors) {
    text += text.empty() ? "" : ", ";
    text += actor.process == 0 ? fmt::format("a program of user {}", actor.user)
                               : fmt::format("{} ({}) of user {}", actor.command, actor.process, actor.user);
  }
  return text.empty() ? "nobody was seen at work on device-mapper" : "at work on device-mapper then: " + text;
}

/// The same for the history, where process numbers would make every text another one.
std::string actors_in_short(std::string_view what, const std::vector<DmActor>& actors) {
  std::string text(what);
  for (const DmActor& actor : actors) {
    text += &actor == actors.data() ? "; at work then: " : ", ";
    text += actor.process == 0 ? fmt::format("a program of user {}", actor.user) : actor.command;
  }
  return text;
}
}  // namespace

void Engine::Core::read_map(MapRecord& map) {
  map.kernel_stale = false;
  map.read_op = new_op();
  map.read_name = map.kernel ? map.kernel->name : map.name;
  emit(ReadMap{map.read_op, map.id, map.read_name});
}

void Engine::Core::on(const MapRead& event) {
  MapRecord* map = find_map(event.map);
  if (!completes(map == nullptr ? nullptr : &map->read_op, event.op)) return;
  if (event.result) map->read_trouble.clear();
  if (event.result && event.result->wwid() == map->wwid) {
    take_kernel_map(*map, *event.result);
  } else if (map->kernel && map->kernel->name != map->read_name) {
    // It was renamed meanwhile: what it was called says nothing of it.
    map->kernel_stale = true;
    queue_map(*map);
  } else if (event.result || event.result.error().code == ErrorCode::not_found) {
    map_vanished(*map);
  } else if (!map->kernel && event.result.error().code == ErrorCode::unsupported) {
    // Somebody else's device has the name; that it cannot be made has been said.
    map_vanished(*map);
  } else {
    if (std::string trouble = event.result.error().message(); trouble != map->read_trouble) {
      log(Severity::warning, map->name.text, "cannot be read: " + trouble);
      map->read_trouble = std::move(trouble);
    }
    map->kernel_stale = true;
    map->retry_at = now + reread_after;
    set_map_timer(*map);
  }
}

/// The name it has been given holds, whatever we had in mind.
void Engine::Core::renamed_from_outside(MapRecord& map, const MapName& name, const std::vector<DmActor>& actors) {
  log(Severity::notice, name.text, fmt::format("was called {} and renamed from outside ({})", map.kernel->name.text, actors_text(actors)));
  constexpr std::string_view outside = "renamed from outside";
  note_action(map, FollowUp::renamed, keep_text(actors_in_short(outside, actors), outside), now);
  kernel_renamed(map, name);
  map.wanted_name = {};
}

/// Everything the kernel says of a map is taken over; a path that the kernel failed by itself is noticed here.
void Engine::Core::take_kernel_map(MapRecord& map, const KernelMap& kernel) {
  bool fresh = !map.kernel;
  if (!fresh && map.kernel->name != kernel.name) renamed_from_outside(map, kernel.name);
  // Whoever made it again, after it had been removed by command: it is one of ours.
  if (fresh) map.forgotten = false;
  take_name(map, kernel.name);
  map.kernel = std::make_shared<const KernelMap>(kernel);
  map.read_at = now;
  touch(map);
  queue_map(map);
  for (PathRecord& path : members_of(map)) path.in_table = false;
  std::vector<PathRecord*> newly_failed;
  for (const KernelGroup& group : kernel.table.groups) {
    for (const KernelPath& member : group.paths) {
      PathRecord* path = find_path(member.devnum);
      if (path == nullptr || path->map != map.id) continue;
      path->in_table = true;
      if (path->message_op != OpId::none) continue;
      bool was_active = path->kernel_state == KernelPathState::active;
      if (path->kernel_state != member.state) touch(*path);
      path->kernel_state = member.state;
      if (member.state == KernelPathState::failed && was_active && !path->failed_by_us && is_usable(path->health.state)) {
        newly_failed.push_back(path);
      }
      if (member.state == KernelPathState::active) path->failed_by_us = path->return_refused = false;
    }
  }
  for (PathRecord* path : newly_failed) kernel_failed_path(*path);
  std::vector<PathId> members = map.paths;
  for (PathId id : members) {
    PathRecord* path = find_path(id);
    if (path == nullptr || path->in_table) continue;
    path->kernel_state = KernelPathState::unknown;
    if (path->removed) erase_path(*path);
  }
  if (fresh) {
    refresh_settings(map);
    map.configuring = true;
  }
}

/// The kernel has no such map (any more).
void Engine::Core::map_vanished(MapRecord& map, const std::vector<DmActor>& actors) {
  bool expected = map.forgotten || !map.kernel;
  if (!expected) {
    std::string how = "with its last user, as a deferred removal had asked";
    map.absence = "removed with its last user, as a deferred removal had asked";
    if (!map.kernel->deferred_remove) {
      how = fmt::format("from outside, by none of this daemon's actions ({}); nobody had it open, or the kernel would have refused", actors_text(actors));
      constexpr std::string_view outside = "removed from outside";
      map.absence = keep_text(actors_in_short(outside, actors), outside);
    }
    log(Severity::warning, map.name.text, fmt::format("was removed {}; it is made again when one of its paths appears or on reconfigure", how));
    map.forgotten = true;
  }
  answer_reassign(map, {Outcome::failed, map.name.text + ": the map is gone"});
  map.reassign_wanted = false;
  if (map.suspended_by_us) {
    map.suspended_by_us = false;
    note_marks(map);
  }
  map.remove_wanted = map.resume_wanted = map.resize_wanted = false;
  map.wanted_name = {};
  answer_resize(map, {Outcome::failed, map.name.text + ": the map is gone"});
  // What failed may have been its making.
  if (map.kernel) map.failure.clear();
  map.kernel.reset();
  map.uevent_deadline = no_deadline;
  map.ghost_deadline = map.announce_at = no_deadline;
  map.unannounced = map.udev_told = false;
  clear_deferral(map);
  touch(map);
  std::vector<PathId> members = map.paths;
  for (PathId id : members) {
    PathRecord* path = find_path(id);
    if (path == nullptr) continue;
    path->in_table = false;
    path->kernel_state = KernelPathState::unknown;
    touch(*path);
    if (path->removed) erase_path(*path);
  }
  if (map.paths.empty()) {
    erase_map(map);
  } else {
    queue_map(map);
  }
}

/// Known by name, or, where the list carries uuids, by WWID: somebody may have renamed it.
MapRecord* Engine::Core::find_listed(const KernelMapListing& listing) {
  auto by_name = map_by_name.find(listing.name);
  MapRecord* named = by_name == map_by_name.end() ? nullptr : find_map(by_name->second);
  if (!is_map_uuid(listing.uuid)) return listing.uuid.empty() ? named : nullptr;
  auto by_wwid = map_by_wwid.find(wwid_in(listing.uuid));
  return by_wwid == map_by_wwid.end() ? nullptr : find_map(by_wwid->second);
}

void Engine::Core::on(const MapsChanged& event) {
  auto same_device = [](const KernelMapListing& listing, const MapRecord& map) {
    return map.kernel && map.kernel->devnum == listing.devnum;
  };
  for (const KernelMapListing& gone : event.gone) {
    foreign_names.erase(gone.name);
    auto at = map_by_name.find(gone.name);
    MapRecord* map = at == map_by_name.end() ? nullptr : find_map(at->second);
    bool is_renamed = std::ranges::any_of(event.changed, [&](const KernelMapListing& other) {
      return other.devnum == gone.devnum && other.name != gone.name;
    });
    if (map != nullptr && same_device(gone, *map) && map->table_op == OpId::none && !is_renamed) map_vanished(*map, event.actors);
  }
  for (const KernelMapListing& listing : event.changed) {
    MapRecord* map = find_listed(listing);
    if (map == nullptr) {
      if (!is_map_uuid(listing.uuid)) foreign_names.insert(listing.name);
      continue;
    }
    if (same_device(listing, *map) && map->table_op == OpId::none && map->kernel->name != listing.name) {
      // It is read by the name it has now; the rest follows from what is read.
      renamed_from_outside(*map, listing.name, event.actors);
      take_name(*map, listing.name);
    }
    map->kernel_stale = true;
    queue_map(*map);
  }
}

void Engine::Core::on(const MapUeventSeen& event) {
  if (!resolver) return;
  const Wwid wwid = wwid_in(event.uevent.uuid);
  auto at = map_by_wwid.find(wwid);
  MapRecord* map = at == map_by_wwid.end() ? nullptr : find_map(at->second);
  switch (event.uevent.action) {
    case MapUevent::Action::remove:
      if (map != nullptr && map->kernel && map->kernel->devnum == event.uevent.devnum && map->table_op == OpId::none) {
        map_vanished(*map);
      }
      return;
    case MapUevent::Action::change: break;
  }
  if (wwid.empty()) return;
  if (map == nullptr) {
    // Somebody else made it: read it, then it is managed like the others.
    map = &map_for(wwid);
  }
  if (!map->kernel && map->table_op == OpId::none) {
    map->name = event.uevent.name;
    map->forgotten = false;
  }
  // Whoever swapped a table in, perhaps the daemon that was killed before us: its paths are all active now.
  map->kernel_stale = true;
  map->uevent_deadline = no_deadline;
  map->uevent_seen = true;
  wish_reassignment(*map);
  if (event.uevent.ready) udev_says(*map, *event.uevent.ready, false);
  queue_map(*map);
  touch(*map);
}

}  // namespace mpath::engine
