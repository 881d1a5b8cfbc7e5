// SPDX-License-Identifier: LGPL-2.1-or-later
// What mpathpersist(8) tells and asks the daemon about the reservation of a map: whether it is registered, whether it is held, its key.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {

/// How long a client waits for the registration of paths.
constexpr Duration registration_patience = seconds{2};

std::string flag_text(ReservationFlag flag) { return fmt::format("{}\n", to_string(flag)); }

std::string key_text(const MapReservation& reservation) {
  if (reservation.key == 0) return "none\n";
  return fmt::format("0x{:x}{}\n", reservation.key, reservation.aptpl ? ":aptpl" : "");
}

}  // namespace

void Engine::Core::request_reservation(RequestId id, const Request& request) {
  MapRecord* map = requested_map(request);
  if (map == nullptr || !map->kernel) return reply(id, {Outcome::not_found, {}});
  const MapReservation nothing{.registered = ReservationFlag::unset, .held = ReservationFlag::unset};
  const MapReservation& reservation = map->reservation ? *map->reservation : nothing;
  using enum RequestKind;
  const RequestKind kind = request.kind;
  if (kind == get_pr_status) return reply(id, {Outcome::ok, {}, flag_text(reservation.registered)});
  if (kind == get_pr_hold) return reply(id, {Outcome::ok, {}, flag_text(reservation.held)});
  if (kind == get_pr_key) return reply(id, {Outcome::ok, {}, key_text(reservation)});
  if (kind == set_pr_status) return request_set_registered(id, *map, request);
  if (kind == set_pr_key || kind == unset_pr_key) return request_key(id, *map, request);
  if (kind == unset_pr_status) unset_registered(*map);
  if (map->reservation && kind == set_pr_hold) map->reservation->held = ReservationFlag::set;
  if (map->reservation && kind == unset_pr_hold) map->reservation->held = ReservationFlag::unset;
  touch(*map);
  reply(id, {});
}

/// The volume is registered from now on. Paths that the client names it has registered itself; the others are registered before they carry
/// I/O. The client waits for them for a while: what it does next may need them.
void Engine::Core::request_set_registered(RequestId id, MapRecord& map, const Request& request) {
  if (!map.reservation || map.reservation->key == 0) {
    log(Severity::warning, map.name.text, "has no reservation_key: none of its paths is registered");
    return reply(id, {});
  }
  MapReservation& reservation = *map.reservation;
  reservation.registered = ReservationFlag::set;
  reservation.is_over = false;
  reservation.former_key = 0;
  reservation.last_key = reservation.key;
  for (PathRecord& path : paths_of(map)) {
    expect_registration(path);
    if (!path.registration || !is_usable(path.health.state)) continue;
    if (std::ranges::find(request.path_list, path.facts->devnum) != request.path_list.end()) {
      path.registration->state = PathRegistration::State::registered;
      path.registration->due = false;
      review_registration(path);
      continue;
    }
    path.registration->awaited = !path.checks_disabled;
    check_now(path);
  }
  map.registration_requests.push_back(id);
  map.registration_deadline = now + registration_patience;
  touch(map);
  queue_map(map);
  answer_registrations(map);
}

/// It is not registered any more, by command, and stays so until it is set by command.
void Engine::Core::unset_registered(MapRecord& map) {
  if (!map.reservation) return;
  MapReservation& reservation = *map.reservation;
  reservation.registered = reservation.held = ReservationFlag::unset;
  reservation.former_key = 0;
  reservation.is_over = true;
  for (PathRecord& path : members_of(map)) {
    if (!path.registration) continue;
    // Paths that do not work now could not be told; a registration on them is removed when they return.
    path.registration->due = !is_usable(path.health.state);
    path.registration->failures = 0;
    path.registration->retry_at = {};
    review_registration(path);
  }
  touch(map);
}

void Engine::Core::answer_registrations(MapRecord& map) {
  if (map.registration_requests.empty()) return;
  bool any_awaited = std::ranges::any_of(paths_of(map), [](const PathRecord& path) { return path.registration && path.registration->awaited; });
  if (any_awaited && map.live && map.registration_deadline > now) return;
  map.registration_deadline = no_deadline;
  for (RequestId id : std::exchange(map.registration_requests, {})) reply(id, {});
}

/// The file first: what the client is told to be the key must be it after a restart, too.
void Engine::Core::request_key(RequestId id, MapRecord& map, const Request& request) {
  if (!map.settings || map.settings->reservation_key.value.kind != ReservationKey::Kind::from_file) {
    return reply(id, {Outcome::failed, map.name.text + ": its key is not kept in the prkeys file (reservation_key file)"});
  }
  std::optional<std::uint64_t> key;
  if (request.kind == RequestKind::set_pr_key) key = request.key;
  OpId op = new_op();
  key_changes.emplace(op, KeyChange{.request = id, .wwid = map.wwid, .key = key, .aptpl = request.aptpl});
  emit(SaveReservationKey{op, map.wwid, key, request.aptpl});
}

void Engine::Core::on(const ReservationKeySaved& event) {
  auto at = key_changes.find(event.op);
  if (at == key_changes.end()) {
    ++counters.stale_completions;
    return;
  }
  const KeyChange change = std::move(at->second);
  key_changes.erase(at);
  if (!event.result) return reply(change.request, {Outcome::failed, event.result.error().message()});
  if (change.key) {
    reservation_keys[change.wwid] = {.wwid = change.wwid, .key = *change.key, .aptpl = change.aptpl};
  } else {
    reservation_keys.erase(change.wwid);
  }
  auto known = map_by_wwid.find(change.wwid);
  MapRecord* map = known == map_by_wwid.end() ? nullptr : find_map(known->second);
  bool is_used = map != nullptr && map->settings && map->settings->reservation_key.value.kind == ReservationKey::Kind::from_file;
  if (is_used && change.key && map->reservation && map->reservation->key != 0) {
    // The paths are registered with the new one by whoever sent this; until then some may have either.
    MapReservation& reservation = *map->reservation;
    if (reservation.key != *change.key) reservation.former_key = std::exchange(reservation.key, *change.key);
    reservation.aptpl = change.aptpl;
    touch(*map);
  } else if (is_used) {
    use_reservation_key(*map, change.key.value_or(0), change.aptpl);
  }
  reply(change.request, {});
}

}  // namespace mpath::engine
