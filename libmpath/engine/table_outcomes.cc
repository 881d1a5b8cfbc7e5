// SPDX-License-Identifier: LGPL-2.1-or-later
// What became of an action on a map's table: the map goes on from there, and whoever waits for it is told.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {

constexpr Duration first_backoff = seconds{1};
constexpr Duration longest_backoff = seconds{60};

}  // namespace

void Engine::Core::on(const TableActionFinished& event) {
  MapRecord* map = find_map(event.map);
  if (!completes(map == nullptr ? nullptr : &map->table_op, event.op)) return;
  map->kernel_stale = true;
  note_table_action(*map, event.result.has_value());
  touch(*map);
  queue_map(*map);
  if (!event.result) {
    table_failed(*map, event.result.error());
    maybe_exit();
    return;
  }
  map->failed_actions = 0;
  map->failure.clear();
  map->retry_at = {};
  auto was_failed = [&](DevNum devnum) {
    return std::ranges::find(map->failed_after_load, devnum) != map->failed_after_load.end();
  };
  switch (map->table_kind) {
    case TableActionKind::create:
      loaded(*map);
      created(*map, *event.result);
      break;
    case TableActionKind::reload:
    case TableActionKind::resize:
      loaded(*map);
      if (Duration stood = now - map->table_begun; stood > long_standstill) {
        map->carries_until = now + std::min<Duration>(stood, pause_after_standstill_most);
      }
      // Whatever it was loaded for, the map goes on with it.
      if (std::exchange(map->resume_wanted, false) && (!map->suspended_by_us || map->suspension_stale)) answer_waiting(*map, {});
      if (map->table_kind == TableActionKind::resize) {
        map->resize_wanted = false;
        answer_resize(*map, {});
      }
      for (PathRecord& path : paths_of(*map)) {
        // The load made every path active; those that must not carry I/O were failed again with it.
        path.kernel_state = was_failed(path.facts->devnum) ? KernelPathState::failed : KernelPathState::active;
        path.failed_by_us = path.kernel_state == KernelPathState::failed;
        // While it was active it may have been given I/O that it does not answer.
        path.silent_failed_at = {};
      }
      break;
    case TableActionKind::rename: renamed(*map); break;
    case TableActionKind::drop_table: break;
    case TableActionKind::suspend:
      // Unless `resume` was asked for meanwhile: then whoever asked waits for that.
      if (!map->suspension_stale) answer_waiting(*map, {});
      break;
    case TableActionKind::resume:
      map->resume_wanted = false;
      if (!map->suspended_by_us || map->suspension_stale) answer_waiting(*map, {});
      break;
    case TableActionKind::remove: {
      // What was asked for is not deferred: it is gone, and whoever reads so may ask for it again at once.
      const bool is_gone = std::exchange(map->remove_wanted, false);
      map->forgotten = true;
      map->absence = map->remove_asked_by.empty() ? StaticText("removed by us")
                                                  : keep_text("removed by command of " + map->remove_asked_by, "removed by command");
      answer_waiting(*map, {});
      if (is_gone) {
        map->kernel_stale = false;
        map_vanished(*map);
      }
      break;
    }
  }
  maybe_exit();
}

void Engine::Core::loaded(MapRecord& map) {
  map.load_unread = true;
  map.forced = false;
  wish_reassignment(map);
  ++map.map_loads;
  ++counters.table_loads;
}

void Engine::Core::created(MapRecord& map, DevNum devnum) {
  log(Severity::notice, map.name.text, "created as " + to_string(devnum));
  // What udev says from now on is what we have said.
  map.udev_told = true;
  if (!map.uevent_seen) map.uevent_deadline = now + daemon().missing_uev_wait_timeout.value;
  if (wwids.insert(map.wwid).second) emit(RememberWwid{map.wwid});
  // The mark may be of an attempt before our time.
  map.marked_failed = false;
  emit(MarkFailedWwid{map.wwid, false});
  map.absence = {};
  map.holders_unknown = !map.reassign_wanted;
  for (PathRecord& path : paths_of(map)) {
    path.failed_by_us = std::ranges::find(map.failed_after_load, path.facts->devnum) != map.failed_after_load.end();
    if (path.member_mark) continue;
    path.member_mark = true;
    emit(TriggerUevent{path.facts->sysfs_path, "change"});
  }
}

/// Others must not wait for the map: the mark says so, and who was told that a disk belongs to it is told anew.
void Engine::Core::creation_failed(MapRecord& map, const Error& error) {
  // Somebody else was faster, or it was made and only udev is slow.
  if (error.code == ErrorCode::conflict || error.code == ErrorCode::exists || error.code == ErrorCode::timeout) return;
  if (!std::exchange(map.marked_failed, true)) emit(MarkFailedWwid{map.wwid, true});
  for (PathRecord& path : paths_of(map)) {
    if (!std::exchange(path.member_mark, false)) continue;
    emit(TriggerUevent{path.facts->sysfs_path, "add"});
  }
}

void Engine::Core::table_failed(MapRecord& map, const Error& error) {
  ++counters.table_failures;
  if (map.table_kind == TableActionKind::remove && removal_repeated(map, error)) return;
  ++map.failed_actions;
  map.loaded_table.clear();
  if (map.table_kind == TableActionKind::rename) {
    if (auto at = map_by_name.find(map.wanted_name); at != map_by_name.end() && at->second == map.id) map_by_name.erase(at);
  }
  if (map.table_kind == TableActionKind::suspend) {
    map.suspended_by_us = false;
    note_marks(map);
  }
  if (map.table_kind == TableActionKind::create) creation_failed(map, error);
  Duration backoff = std::min<Duration>(first_backoff * (std::int64_t{1} << std::min(map.failed_actions - 1, 6U)), longest_backoff);
  // Something else changed the map meanwhile: read it again and plan anew, at once the first time.
  if (error.code == ErrorCode::conflict && map.failed_actions == 1) backoff = Duration{0};
  map.retry_at = now + backoff;
  Outcome outcome = error.code == ErrorCode::busy ? Outcome::in_use : Outcome::failed;
  // What was asked for and has failed is the asker's business now.
  const bool asked_for = map.table_kind == TableActionKind::suspend || (map.table_kind == TableActionKind::remove && map.remove_wanted);
  map.failure = asked_for ? std::string() : error.message();
  map.failed_kind = map.table_kind;
  const std::string again = asked_for ? "" : fmt::format("; tried again in {} s", std::chrono::duration_cast<seconds>(backoff).count());
  log(Severity::warning, map.name.text, fmt::format("{} failed: {}{}", to_string(map.table_kind), error.message(), again));
  if (map.table_kind == TableActionKind::remove) map.remove_wanted = false;
  answer_waiting(map, {outcome, error.message()});
  if (map.table_kind == TableActionKind::resize) answer_resize(map, {outcome, error.message()});
}

}  // namespace mpath::engine
