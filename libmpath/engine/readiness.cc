// SPDX-License-Identifier: LGPL-2.1-or-later
// Whether the users of a map know that it can be used: udev holds it for ready or not (MPATH_DEVICE_READY) by what our loads and the kernel's
// path events say. Events of ours that went to nobody, or that a daemon before us owed, are made up for.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {
/// The event of a path that the kernel has taken back may still be on its way through udev.
constexpr Duration event_patience = seconds{3};
}  // namespace

/// Its users are told by the event of a load, which says that everything is new.
void Engine::Core::announce(MapRecord& map) {
  map.unannounced = false;
  map.announce_at = no_deadline;
  map.forced = true;
}

/// At a start or a configuration, or by the first event of a map that somebody else made.
void Engine::Core::udev_says(MapRecord& map, bool ready, bool asked) {
  bool is_first = !std::exchange(map.udev_told, true);
  if (ready) map.announce_at = no_deadline;
  map.unannounced = !ready && (asked || is_first || map.unannounced);
}

/// udev holds the map for unusable. Once a path of it carries I/O there is nobody but us to tell that, at once or after ghost_delay, of
/// which the beginning is not known.
void Engine::Core::watch_readiness(MapRecord& map) {
  if (!map.unannounced || !map.kernel || map.ghost_deadline != no_deadline || awaits_first_answers(map)) return;
  bool serves = std::ranges::any_of(paths_of(map), [](const PathRecord& path) {
    return path.in_table && may_serve(path) && path.kernel_state == KernelPathState::active;
  });
  if (!serves) {
    map.announce_at = no_deadline;
    return;
  }
  if (!one_is_up(map, nullptr) && map.settings->ghost_delay.value > seconds{0}) {
    map.unannounced = false;
    map.ghost_deadline = time_after(now, map.settings->ghost_delay.value);
    note_marks(map);
    return;
  }
  if (map.announce_at == no_deadline) map.announce_at = now + event_patience;
  if (map.announce_at > now) return;
  log(Severity::notice, map.name.text, "works, and udev holds it for unusable: its users are told by a load");
  announce(map);
}

/// A map of standby paths only is not ready for its users before one of them is up, or ghost_delay is over.
void Engine::Core::watch_ghost_delay(MapRecord& map) {
  if (map.ghost_deadline == no_deadline) return;
  bool up = one_is_up(map, nullptr);
  if (!up && map.ghost_deadline > now) return;
  log(Severity::notice, map.name.text, up ? "a path is up; the map is ready" : "no path is up after ghost_delay; the map is ready all the same");
  map.ghost_deadline = no_deadline;
  note_marks(map);
  announce(map);
}

/// Before a table action. True while the map must not look ready because of ghost_delay.
bool Engine::Core::delays_readiness(MapRecord& map, const TableAction& action) {
  bool usable = false;
  bool up = false;
  for (const KernelGroup& group : action.spec.table.groups) {
    for (const KernelPath& member : group.paths) {
      const PathRecord* path = find_path(member.devnum);
      if (path == nullptr || !may_serve(*path)) continue;
      usable = true;
      up = up || path->health.state == PathState::up;
    }
  }
  if (action.kind == TableActionKind::create && usable && map.settings->ghost_delay.value > seconds{0}) {
    map.ghost_deadline = time_after(now, map.settings->ghost_delay.value);
  }
  if (up || !usable) map.ghost_deadline = no_deadline;
  note_marks(map);
  return map.ghost_deadline != no_deadline;
}

}  // namespace mpath::engine
