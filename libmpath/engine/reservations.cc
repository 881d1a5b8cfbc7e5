// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps with a reservation key: while this host is registered for the volume, a path carries I/O only after its own registration, because
// the array answers I/O through any other one with RESERVATION CONFLICT, which is an error for whoever sent it. The registration is part of
// the path's check, before it counts as usable. A path that is in service when we start, or when the key becomes known, is verified and
// stays in service until the device itself says that it is not registered.
//
// The daemon never registers a host that is not registered already: whoever does that first is mpathpersist(8), and another host that
// preempts us must find no new registration.
#include "libmpath/engine/core.h"
#include "libmpath/wire/reservation.h"
#include "libmpath/wire/sense.h"

namespace mpath::engine {

namespace {

constexpr Duration longest_pause = seconds{60};
/// A path of the table whose registration failed so often is taken out of it with a load: it must not keep other loads waiting.
constexpr std::uint32_t hopeless_failures = 3;

using State = PathRegistration::State;
using Kind = policy::RegistrationTurn::Kind;

bool may_serve_with(const PathRegistration& registration) { return registration.state == State::registered || registration.state == State::serving; }

/// Unit attentions after which registrations may be others: reservations preempted or released, registrations preempted (2A/03 to 05),
/// and resets (29).
bool may_lose_registrations(const wire::Sense& sense) {
  return sense.key == 6 && (sense.asc == 0x29 || (sense.asc == 0x2a && sense.ascq >= 3 && sense.ascq <= 5));
}

}  // namespace

// --- the key -----------------------------------------------------------------------------------------------------

/// By the configuration and the prkeys file, whenever one of them was read.
void Engine::Core::choose_reservation_key(MapRecord& map) {
  if (options.mode != Mode::manage || options.known || !map.settings) return;
  const ReservationKey& configured = map.settings->reservation_key.value;
  switch (configured.kind) {
    case ReservationKey::Kind::unset: return use_reservation_key(map, 0, false);
    case ReservationKey::Kind::key: return use_reservation_key(map, configured.key, configured.aptpl);
    case ReservationKey::Kind::from_file: break;
  }
  auto at = reservation_keys.find(map.wwid);
  if (at == reservation_keys.end()) return use_reservation_key(map, 0, false);
  use_reservation_key(map, at->second.key, at->second.aptpl);
}

/// 0: none.
void Engine::Core::use_reservation_key(MapRecord& map, std::uint64_t key, bool aptpl) {
  if (!map.reservation && key == 0) return;
  if (!map.reservation) map.reservation = std::make_unique<MapReservation>();
  MapReservation& reservation = *map.reservation;
  reservation.aptpl = aptpl;
  if (key == 0 && reservation.key == 0 && reservation.last_key == 0) return drop_reservation(map);
  if (reservation.key == key) return;
  bool is_another = reservation.key != 0 && key != 0;
  if (is_another) reservation.is_over = false;
  if (key == 0 && reservation.registered == ReservationFlag::set) reservation.is_over = true;
  reservation.key = key;
  reservation.former_key = 0;
  reservation.held = reservation.registered = key == 0 || reservation.is_over ? ReservationFlag::unset : ReservationFlag::unknown;
  if (key == 0 && !reservation.is_over) return drop_reservation(map);
  expect_registrations(map);
}

/// Nothing is known of reservations any more, and nothing costs anything.
void Engine::Core::drop_reservation(MapRecord& map) {
  map.reservation.reset();
  for (PathRecord& path : members_of(map)) {
    path.registration.reset();
    review_registration(path);
  }
  touch(map);
}

/// Every path is asked for its registration, at once if it works.
void Engine::Core::expect_registrations(MapRecord& map) {
  for (PathRecord& path : paths_of(map)) {
    expect_registration(path);
    if (is_usable(path.health.state) && path.registration && path.registration->due) make_due(path);
  }
  touch(map);
}

void Engine::Core::expect_registration(PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || !map->reservation) return;
  if (path.facts->bus != Bus::scsi) {
    MapReservation& reservation = *map->reservation;
    if (reservation.registered == ReservationFlag::unknown) reservation.registered = reservation.held = ReservationFlag::unset;
    return;
  }
  bool in_service = path.in_table && path.kernel_state != KernelPathState::failed && (!path.answered || may_serve(path));
  path.registration = std::make_unique<PathRegistration>();
  path.registration->state = in_service ? State::serving : State::unverified;
  // What is left on paths in service from a time before is somebody else's wish by now.
  bool has_key = map->reservation->key != 0 || map->reservation->last_key != 0;
  path.registration->due = has_key && (!map->reservation->is_over || !in_service);
  review_registration(path);
}

// --- what keeps I/O off a path -----------------------------------------------------------------------------------

bool Engine::Core::awaits_registration(const PathRecord& path) {
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || !map->reservation || !path.registration) return false;
  const MapReservation& reservation = *map->reservation;
  return reservation.key != 0 && reservation.registered != ReservationFlag::unset && !may_serve_with(*path.registration);
}

void Engine::Core::review_registration(PathRecord& path) {
  if (options.known) return;
  // One in the table carries I/O even before its first check has ended.
  bool concerns = is_usable(path.health.state) || (path.in_table && path.registration && path.registration->state == State::missing);
  bool waits = concerns && awaits_registration(path);
  if (path.unregistered == waits) return;
  path.unregistered = waits;
  touch(path);
  if (MapRecord* map = find_map(path.map)) queue_map(*map);
}

void Engine::Core::review_registrations(MapRecord& map) {
  for (PathRecord& path : members_of(map)) review_registration(path);
  touch(map);
}

/// Called with each new state of a path. While it was away its registration may have gone.
void Engine::Core::registration_follows(PathRecord& path) {
  if (!path.registration) return;
  PathState state = path.health.state;
  if (!is_usable(state) && state != PathState::delayed) {
    PathRegistration& registration = *path.registration;
    registration.state = State::unverified;
    registration.due = true;
    registration.failures = 0;
    registration.retry_at = {};
  }
  review_registration(path);
}

/// A path that is not registered must not even for a moment be in a table that is loaded: each load makes all paths active.
void Engine::Core::leave_out_unregistered(MapRecord& map, std::vector<PathRecord*>& members) {
  if (!map.reservation) return;
  std::erase_if(members, [&](PathRecord* path) { return !path->in_table && awaits_registration(*path); });
  bool any_other = std::ranges::any_of(members, [](const PathRecord* path) { return !path->unregistered; });
  if (!any_other) return;
  bool helpless = !carries_io(map);
  std::erase_if(members, [&](const PathRecord* path) {
    return path->unregistered && (helpless || (path->registration && path->registration->failures >= hopeless_failures));
  });
}

/// Which path of the new table still waits for its registration, if any.
std::optional<std::string> Engine::Core::unregistered_in(const MapRecord& map, const MapSpec& spec) {
  if (!map.reservation) return std::nullopt;
  for (const KernelGroup& group : spec.table.groups) {
    for (const KernelPath& member : group.paths) {
      const PathRecord* path = find_path(member.devnum);
      if (path != nullptr && path->unregistered) return path->facts->kernel_name + " waits for the registration of the reservation key";
    }
  }
  return std::nullopt;
}

// --- the registration of a path, as a part of its check ----------------------------------------------------------

bool Engine::Core::needs_registration(const PathRecord& path) {
  const CheckMachine& check = path.check;
  if (!path.registration || check.registration_tried || !is_usable(check.verdict) || path.quarantined) return false;
  const MapRecord* map = find_map(path.map);
  if (map == nullptr || !map->reservation || !path.registration->due || path.registration->retry_at > now) return false;
  const MapReservation& reservation = *map->reservation;
  return reservation.key != 0 || (reservation.is_over && reservation.last_key != 0);
}

void Engine::Core::start_registration(PathRecord& path) {
  const MapRecord& map = *find_map(path.map);
  const MapReservation& reservation = *map.reservation;
  path.check.registration_tried = true;
  policy::RegistrationGoal goal{.key = reservation.key,
                                .former_key = reservation.former_key,
                                .aptpl = reservation.aptpl,
                                .all_target_ports = map.settings && map.settings->all_tg_pt.value,
                                .asks_holder = reservation.held == ReservationFlag::unknown};
  if (reservation.is_over) {
    goal.only_clears = true;
    if (reservation.last_key != 0) goal.key = reservation.last_key;
  }
  take_turn(path, policy::begin_registration(path.registration->memory, goal, check_timeout(path)));
}

void Engine::Core::judge_registration(PathRecord& path, const CommandOutcome& outcome) {
  const MapRecord* map = find_map(path.map);
  // What was asked for is not wanted any more.
  bool is_idle = !path.registration || path.registration->memory.step == policy::RegistrationStep::idle;
  if (is_idle || map == nullptr || !map->reservation) return continue_check(path);
  // Another key is wanted, or none: then nothing that this command did to the path may be left.
  const policy::RegistrationGoal& goal = path.registration->memory.goal;
  bool is_outdated = goal.only_clears ? !map->reservation->is_over : map->reservation->is_over || goal.key != map->reservation->key;
  if (is_outdated) return start_registration(path);
  take_turn(path, policy::continue_registration(path.registration->memory, check_timeout(path), outcome));
}

void Engine::Core::take_turn(PathRecord& path, policy::RegistrationTurn turn) {
  MapRecord& map = *find_map(path.map);
  PathRegistration& registration = *path.registration;
  switch (turn.kind) {
    case Kind::ask:
      if (turn.proves_missing) {
        registration.state = State::missing;
        review_registration(path);
      }
      return submit_step(path, CheckStep::registration, std::move(*turn.command));
    case Kind::registered: path_is_registered(path, map, turn.holds); break;
    case Kind::absent: registrations_are_gone(path, map, turn); break;
    case Kind::unsupported:
      // One path that refuses what another one has done says nothing of the volume.
      if (map.reservation->registered == ReservationFlag::set) {
        registration_failed(path, turn.reason);
      } else {
        registrations_are_gone(path, map, turn);
      }
      break;
    case Kind::cleared:
      registration.due = false;
      registration.failures = 0;
      if (turn.removed_stray) log(Severity::notice, path.facts->kernel_name, "a registration that was left behind is removed");
      break;
    case Kind::failed: registration_failed(path, turn.reason); break;
  }
  registration.awaited = false;
  answer_registrations(map);
  continue_check(path);
}

void Engine::Core::path_is_registered(PathRecord& path, MapRecord& map, std::optional<bool> holds) {
  MapReservation& reservation = *map.reservation;
  PathRegistration& registration = *path.registration;
  if (!may_serve_with(registration)) log(Severity::notice, path.facts->kernel_name, "is registered with the reservation key of its map");
  registration.state = State::registered;
  registration.due = false;
  registration.failures = 0;
  registration.reason = {};
  reservation.last_key = reservation.key;
  // What was said by command meanwhile is newer than the device's answer.
  if (holds && reservation.held == ReservationFlag::unknown) reservation.held = *holds ? ReservationFlag::set : ReservationFlag::unset;
  if (std::exchange(reservation.registered, ReservationFlag::set) == ReservationFlag::unset) {
    // Paths that were let through as those of a volume that is not registered.
    for (PathRecord& other : paths_of(map)) {
      if (&other == &path) continue;
      expect_registration(other);
      if (is_usable(other.health.state)) make_due(other);
    }
  }
  review_registrations(map);
}

/// The array does not know the key (any more): the volume is not registered by this host, and its paths have nothing to wait for. If it
/// was, it stays so until somebody says otherwise by command.
void Engine::Core::registrations_are_gone(PathRecord& path, MapRecord& map, const policy::RegistrationTurn& turn) {
  MapReservation& reservation = *map.reservation;
  path.registration->state = State::unverified;
  path.registration->due = turn.leaves_stray;
  path.registration->failures = 0;
  bool was_registered = reservation.registered == ReservationFlag::set || turn.was_preempted;
  if (was_registered) {
    reservation.is_over = true;
    log(Severity::error, map.name.text,
        fmt::format("this host is not registered for it any more: {} ({}). No path is registered again until mpathpersist does it", turn.reason,
                    path.facts->kernel_name));
  } else if (reservation.registered == ReservationFlag::unknown) {
    log(Severity::info, map.name.text, fmt::format("has a reservation key and is not registered: {} ({})", turn.reason, path.facts->kernel_name));
  }
  reservation.registered = reservation.held = ReservationFlag::unset;
  review_registrations(map);
}

void Engine::Core::registration_failed(PathRecord& path, StaticText reason) {
  PathRegistration& registration = *path.registration;
  Duration pause = std::min<Duration>(daemon().polling_interval.value, longest_pause);
  pause = std::min(pause * (std::int64_t{1} << std::min(registration.failures, 10U)), longest_pause);
  registration.retry_at = now + pause;
  bool is_news = registration.failures++ == 0 || registration.reason != reason;
  registration.reason = reason;
  touch(path);
  if (MapRecord* map = find_map(path.map)) queue_map(*map);
  if (!is_news) return;
  std::string_view effect = awaits_registration(path) ? "it stays out of service until it is registered with the reservation key" : "it stays in service";
  log(Severity::warning, path.facts->kernel_name,
      fmt::format("{}; {}; tried again in {}", reason, effect, span_text(pause)));
}

/// Another command of the check may be told that registrations have changed.
void Engine::Core::heed_attention(PathRecord& path, const CommandOutcome& outcome) {
  if (!path.registration || outcome.sense_bytes == 0 || path.check.step == CheckStep::registration) return;
  auto sense = wire::decode_sense(outcome.sense_data());
  if (!sense || !may_lose_registrations(*sense)) return;
  PathRegistration& registration = *path.registration;
  registration.due = true;
  registration.retry_at = {};
  if (registration.state == State::registered) registration.state = State::serving;
  MapRecord* map = find_map(path.map);
  if (map != nullptr && map->reservation && !map->reservation->is_over && sense->asc == 0x2a) map->reservation->held = ReservationFlag::unknown;
}

/// At the end of each check of the path.
void Engine::Core::end_of_registration(PathRecord& path) {
  if (!path.registration) return;
  PathRegistration& registration = *path.registration;
  if (registration.due && registration.retry_at > now && path.next_check != no_deadline) path.next_check = std::min(path.next_check, registration.retry_at);
  if (path.check.again || !std::exchange(registration.awaited, false)) return;
  if (MapRecord* map = find_map(path.map)) answer_registrations(*map);
}

}  // namespace mpath::engine
