// SPDX-License-Identifier: LGPL-2.1-or-later
// The immutable picture of everything that queries are rendered from. The engine rebuilds the view of a map or path only after it
// changed and hands out shared pointers, so a query costs the engine a few pointer copies and is rendered on another thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/config/effective.h"
#include "libmpath/engine/history.h"
#include "libmpath/model/action.h"
#include "libmpath/model/kernel_map.h"
#include "libmpath/model/path.h"
#include "libmpath/policy/check_sketch.h"

namespace mpath::engine {

/// How far the daemon is with a path (%I).
enum class InitState { fresh, failed, udev_missing, udev_requested, ok, removed, partial };

/// A path whose check is outstanding far longer than those of its siblings, while a sibling answers.
struct SuspectView {
  MonoTime since{};
  MonoTime asked_at{};         ///< when the check was sent
  Duration siblings_p99{};     ///< what is usual for its siblings; 0: unknown
  bool avoided = false;        ///< new I/O goes elsewhere; else it is reported only
};
/// A path that answers, but far worse than its siblings.
struct OutlierView {
  Duration p99{};              ///< of the last minutes, as the figures below
  Duration siblings_p99{};
  std::uint32_t errors = 0;
  std::uint32_t checks = 0;
  minutes length{};            ///< for how long
};
/// "p99 1.9 s, siblings 3 ms, for 5 min"
[[nodiscard]] std::string to_text(const OutlierView& outlier);
/// "3 ms", "1.9 s": for evidence, not for clocks.
[[nodiscard]] std::string span_text(Duration span);

/// What is known of the persistent reservation of a volume: the words of `getprstatus` and `getprhold`.
enum class ReservationFlag : std::uint8_t { unknown, unset, set };
[[nodiscard]] std::string_view to_string(ReservationFlag flag);
struct ReservationView {
  bool has_key = false;
  ReservationFlag registered = ReservationFlag::unknown;
  ReservationFlag held = ReservationFlag::unknown;
};

struct PathView {
  std::shared_ptr<const PathFacts> facts;
  std::shared_ptr<const config::PathSettings> settings;
  PathHealth health;
  KernelPathState kernel_state = KernelPathState::unknown;
  InitState init_state = InitState::ok;
  std::string checker;                ///< "tur"; empty if none
  std::string prioritizer;            ///< "alua"; empty if none
  bool priority_from_alua = false;    ///< it says what its target port group's state is
  std::optional<int> priority;        ///< nothing: undefined, shown as -1 in text
  std::string map_name;               ///< empty: orphan
  bool waiting_to_come_online = false;
  bool marginal = false;
  MonoTime next_check = no_deadline;  ///< no_deadline: none planned
  seconds check_interval{0};
  std::uint32_t failures = 0;         ///< good to bad transitions seen by us (%0)
  std::optional<MonoTime> check_outstanding_since;
  policy::CheckFigures checks;        ///< of the last minutes
  std::optional<SuspectView> suspect;
  std::optional<OutlierView> outlier;
  Bar bar = Bar::none;
  std::string registration_reason;    ///< why it is not registered for its map's reservation key, if that was tried
  MonoTime registration_retry = no_deadline;  ///< and when it is tried again
  std::string drain_asked_for;        ///< the words of the command that drained it; empty if none did
  MonoTime drain_undo_at = no_deadline;     ///< of a drain that is not confirmed
  std::optional<std::uint64_t> in_flight;   ///< of a drained path: I/O under way, as last read
};

struct GroupView {
  std::string selector;
  int priority = 0;
  KernelGroupState state = KernelGroupState::unknown;
  bool marginal = false;
  std::vector<std::shared_ptr<const PathView>> paths;
};

/// The word before a map's name (cli 2.2); only these five have a text.
enum class PendingAction { none, reject, rename, reload, create, switchpg };

/// The last action for a map failed, and is tried again.
struct FailedActionView {
  TableActionKind what = TableActionKind::create;
  std::string why;
  MonoTime retry_at{};
};

struct MapView {
  std::shared_ptr<const config::MapSettings> settings;  ///< null while they are not known
  MapName name;
  Wwid wwid;
  DevNum devnum;                  ///< not valid while the device does not exist
  std::uint64_t size_sectors = 0;
  std::string features = "0";
  std::string hardware_handler = "0";
  std::optional<bool> read_only;  ///< nothing: unknown ("undef")
  std::optional<bool> suspended;
  std::vector<GroupView> groups;
  PendingAction pending = PendingAction::none;
  std::string deferred;           ///< why a wish waits: "reload deferred: sdx has not answered for 7 s"; empty if none does
  std::optional<FailedActionView> failed;
  Failback failback;
  bool failback_configured = true;
  MonoTime failback_due = no_deadline;  ///< while the timer runs
  NoPathRetry no_path_retry;
  MonoTime retry_deadline = no_deadline;  ///< while the countdown to fail_if_no_path runs
  std::uint32_t usable_paths = 0;
  std::uint64_t path_faults = 0;    ///< %0
  std::uint64_t group_switches = 0; ///< %1
  std::uint64_t map_loads = 0;      ///< %2
  seconds total_queue_time{0};      ///< %3
  std::uint64_t queue_timeouts = 0; ///< %4
  std::uint64_t failures = 0;       ///< %x
  std::optional<std::uint32_t> max_sectors_kib;
  std::optional<ReservationView> reservation;  ///< nothing: it has no reservation key
};

/// A volume with paths that has no map though it may have one.
struct AbsentMapView {
  Wwid wwid;
  std::string_view removed;  ///< why its map is gone and is not made again by itself: "removed by command of ..."; empty: not that
  std::optional<FailedActionView> failed;  ///< its map could not be made
};

enum class DaemonState { init, startup, configure, idle, running, shutdown };
[[nodiscard]] std::string_view to_string(DaemonState state);

/// Counters of the engine and executor, for `mpathctl status` and tests.
struct Counters {
  std::uint64_t events = 0;
  std::uint64_t effects = 0;
  std::uint64_t turns = 0;
  std::uint64_t slow_turns = 0;          ///< longer than limits::turn_defect
  Duration longest_turn{};
  std::uint64_t checks_started = 0;
  std::uint64_t checks_finished = 0;
  std::uint64_t checks_outstanding = 0;
  std::uint64_t actions = 0;             ///< of tables, and messages that change groups or queueing
  std::uint64_t table_loads = 0;
  std::uint64_t table_failures = 0;
  std::uint64_t messages = 0;
  std::uint64_t message_failures = 0;
  std::uint64_t loads_deferred = 0;
  std::uint64_t suspicions = 0;          ///< paths that were avoided because their check was not answered
  std::uint64_t stale_completions = 0;
  std::uint64_t log_lines_dropped = 0;
};

/// A lane or host that does not move, with since when: a stuck lane is itself a fact that is shown.
struct StuckView {
  std::string what;   ///< "host 3", "lane table"
  MonoTime since{};
  std::uint64_t waiting = 0;
};

struct Snapshot {
  MonoTime now{};
  std::vector<std::shared_ptr<const MapView>> maps;    ///< in order of addition
  std::vector<std::shared_ptr<const PathView>> paths;  ///< all known paths, orphans too, in order of addition
  std::vector<AbsentMapView> absent_maps;              ///< those that were removed, or could not be made
  std::vector<HistoryView> history;                    ///< only for `mpathctl history`
  std::shared_ptr<const config::Config> config;
  DaemonState state = DaemonState::init;
  bool reconfigure_pending = false;
  std::optional<std::uint64_t> configuration_actions;  ///< how many the last configuration needed; nothing before the first is done
  bool events_waiting = false;       ///< uevents queued or in work: "busy: True"
  std::uint32_t process_id = 0;      ///< filled in by the daemon
  Counters counters;
  std::vector<StuckView> stuck;      ///< filled in by the daemon from its lanes
  std::vector<std::string> degraded; ///< what the platform lacks and what is done instead: "sg module: SG_IO in a lane"
};

}  // namespace mpath::engine
