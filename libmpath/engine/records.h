// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine's own records of paths and maps. Internal to engine/.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/config/effective.h"
#include "libmpath/engine/history.h"
#include "libmpath/engine/map_plan.h"
#include "libmpath/engine/snapshot.h"
#include "libmpath/engine/timer_queue.h"
#include "libmpath/model/action.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/request.h"
#include "libmpath/policy/check_sketch.h"
#include "libmpath/policy/checker.h"
#include "libmpath/policy/detection.h"
#include "libmpath/policy/failback.h"
#include "libmpath/policy/flapping.h"
#include "libmpath/policy/outlier.h"
#include "libmpath/policy/prioritizer.h"
#include "libmpath/policy/registration.h"
#include "libmpath/policy/schedule.h"
#include "libmpath/policy/transport_settings.h"
#include "libmpath/wire/run_state.h"
#include "libmpath/wire/scsi_command.h"

namespace mpath::engine {

/// What the outstanding command of a path is for. One command at a time for each path.
enum class CheckStep : std::uint8_t {
  idle,
  probe,          ///< what the device supports, before its checker can be chosen
  ask,            ///< a command of the path's checker
  identify,       ///< INQUIRY, VPD page 0x83: is it still the same logical unit?
  target_groups,  ///< REPORT TARGET PORT GROUPS
  prioritize,     ///< a command of the path's prioritizer
  registration,   ///< for the reservation key of its map
};

struct CheckMachine {
  CheckStep step = CheckStep::idle;
  OpId op = OpId::none;
  MonoTime started{};           ///< of the whole check
  MonoTime command_started{};   ///< of the outstanding command
  policy::Probe probe = policy::Probe::inquiry;  ///< which one is under way
  PathState verdict = PathState::unchecked;
  StaticText reason;
  bool identify_wanted = false;
  bool again = false;           ///< asked for while one was running
  bool wanted = false;          ///< due for a reason of its own: no other path's answer will do
  bool late = false;            ///< the deadline of the outstanding command has passed
  bool registration_tried = false;  ///< in this check
  bool reaches_device = true;   ///< the outstanding command: what the system says of the device proves no answer of it
  bool queried_in_vain = false;     ///< it did not answer what it was asked after the checker: in this check nothing more of that
  bool outdated = false;        ///< another checker or prioritizer was chosen while the command was outstanding
};

/// A path that an administrator took out of service. It is known by what stays the same when its device goes and comes back, so it
/// outlives the path's record, and in the state file the daemon.
struct Drain {
  Wwid wwid;
  std::string place;         ///< policy::place_of()
  std::string asked_for;     ///< the words of the command: "host3"
  MonoTime undo_at = no_deadline;  ///< engine time; no_deadline: confirmed, it stays until `undrain`
};

/// Test reads of a path whose I/O failed twice in a short time (marginal_path_*).
struct Sampling {
  enum class Phase : std::uint8_t {
    waiting,  ///< for a good check, or for a place among those that are sampled
    reading,
    resting,  ///< too many errors; again from `resumes` on
  };
  struct Read {
    OpId op = OpId::none;
    MonoTime sent{};
    bool late = false;  ///< counted as failed, whatever becomes of it
  };
  Phase phase = Phase::waiting;
  MonoTime begun{};
  MonoTime resumes{};
  std::uint64_t reads = 0;
  std::uint64_t errors = 0;
  std::vector<Read> under_way;
  TimerNode timer;
};

/// Whether a path of a map with a reservation key is registered; see reservations.cc.
struct PathRegistration {
  enum class State : std::uint8_t {
    unverified,  ///< nothing is known: it carries no I/O
    serving,     ///< nothing is known, but it was in service before we asked, and stays so until the device says no
    registered,
    missing,     ///< the device says that it is not
  };
  State state = State::unverified;
  bool due = true;             ///< it is asked with the next check, not before retry_at
  bool awaited = false;        ///< by a client
  std::uint32_t failures = 0;  ///< in a row
  MonoTime retry_at{};
  StaticText reason;           ///< of the last failure
  policy::RegistrationMemory memory;
};

/// The persistent reservation of a map's volume, as far as this host has to do with it.
struct MapReservation {
  std::uint64_t key = 0;        ///< 0: none (any more)
  std::uint64_t former_key = 0; ///< the one before `setprkey`: some paths may still be registered with it
  std::uint64_t last_key = 0;   ///< the last one that a path was registered with in this run
  bool aptpl = false;           ///< activate persist through power loss
  ReservationFlag registered = ReservationFlag::unknown;
  ReservationFlag held = ReservationFlag::unknown;
  bool is_over = false;         ///< it was registered, and is not any more until somebody says so by command
};

/// A change of the prkeys file that is under way.
struct KeyChange {
  RequestId request = RequestId::none;
  Wwid wwid;
  std::optional<std::uint64_t> key;  ///< nothing: it is removed
  bool aptpl = false;
};

/// Paths that share a host port and a target port: what happens to one of them probably happens to all.
struct PortRecord {
  std::uint32_t host = 0;
  std::string target;           ///< PathFacts::target_port, or "channel:target" where the transport has no name for it
  bool known = true;            ///< false: for paths without an address, which have nothing in common
  std::vector<PathId> paths;
  policy::PhaseTable phases;
  MonoTime swept_at{};          ///< when a late check made all of its paths due
  MonoTime works_until{};       ///< the host is full, but works on: what waits for it says nothing of its paths
};

/// How the outstanding command of a path's checker is watched; see suspicion.cc.
struct CheckWatch {
  MonoTime at = no_deadline;     ///< when its age is judged next
  bool late = false;             ///< siblings and port have been asked
  bool too_old = false;          ///< suspect, as soon as a sibling proves that the array answers
  Duration siblings_p99{};
};

/// That a path is suspect, avoided (PathRecord::suspect) or only reported.
struct Suspicion {
  MonoTime since = no_deadline;  ///< no_deadline: it is not
  MonoTime asked_at{};           ///< when the check was sent that is not answered
  Duration siblings_p99{};
};

struct PathRecord {
  PathId id;
  std::uint64_t order = 0;      ///< of addition
  bool live = false;
  bool removed = false;         ///< the device is gone; kept while the kernel's table still holds it
  bool attached = false;
  bool answered = false;        ///< has given a verdict since it appeared
  // Each of these is a Bar; see Core::bar().
  bool quarantined = false;
  bool checks_disabled = false;
  bool suspect = false;
  bool unreliable = false;
  bool drained = false;
  bool unregistered = false;
  bool standby = false;
  bool distrust_restored = false;  ///< was not trusted by the daemon before us; see Core::weigh_answer()
  std::optional<std::uint64_t> misfit_said;  ///< its size, when it was said that it stays out because of that
  bool purge_tried = false;        ///< its removal from the system has been asked for
  policy::FailureCount failure_count;
  policy::FailurePair failure_pair;
  std::uint32_t triggers = 0;      ///< uevents that were asked for, for want of a WWID
  MonoTime triggered_at{};         ///< the last of them, or when it was found
  std::unique_ptr<PathRegistration> registration;  ///< if its map has a reservation
  std::unique_ptr<Sampling> sampling;  ///< while test reads decide about it
  wire::PathMarks saved_marks;  ///< what /run/multipath/state says of it
  std::uint8_t noted_standing = PathStanding{}.packed();  ///< the newest in its history
  History history;
  bool member_mark = false;     ///< udev knows that it belongs to a map
  std::shared_ptr<const PathFacts> facts;
  std::shared_ptr<const config::PathSettings> settings;
  MapId map;
  PortRecord* port = nullptr;
  std::optional<std::uint32_t> phase;  ///< when it is checked, its map's if it has one; counted in its port's table
  PathHealth health;
  MarginalReasons marginal_reasons;  ///< see Core::set_marginal() and Core::is_marginal()
  policy::Checker checker = policy::Checker::missing;
  policy::CheckerMemory checker_memory;
  policy::ProbeAnswers probes;
  std::shared_ptr<const policy::Prioritizer> prioritizer;
  policy::PriorityMemory priority_memory;
  std::optional<int> priority;
  bool asked_itself = false;     ///< its next check is for what happened to it: no other path can speak for it
  bool asks_for_itself = false;  ///< another path's REPORT TARGET PORT GROUPS did not name its group
  bool priority_refused = false;  ///< the device does not say it
  bool returned = false;          ///< has become usable since groups were compared last
  CheckMachine check;
  MonoTime last_answer{};
  bool silent = false;          ///< its last command says that I/O may still be held on its way; see Core::may_hold_io()
  MonoTime silent_failed_at{};  ///< since when a silent path gets no new I/O; what it got before may still be with it
  Duration last_check_length{0};
  Duration usual_check_length{0};  ///< the shorter of the last two, so that one hang is not taken for slowness
  MonoTime good_check_started{};  ///< of the last check that was answered well
  CheckWatch watch;
  Suspicion suspicion;
  policy::CheckSketch sketch;
  policy::OutlierTally outlier;
  MonoTime outlier_since{};       ///< when the mark changed
  Duration outlier_siblings_p99{};
  MonoTime next_check = no_deadline;
  Duration interval{0};
  std::uint32_t failures = 0;

  // What the kernel's table says of it, and what we told it.
  bool in_table = false;
  KernelPathState kernel_state = KernelPathState::unknown;
  OpId rescan_op = OpId::none;
  OpId message_op = OpId::none;
  KernelPathState message_sent = KernelPathState::unknown;
  MonoTime message_retry_at{};         ///< back-off after a message that the kernel refused
  bool return_refused = false;         ///< the kernel would not take it back: it carries no I/O, whatever its checks say
  bool failed_by_us = false;
  MonoTime kernel_failed_at{};
  std::uint32_t kernel_failures = 0;   ///< in a row, forgotten after a quiet minute
  MonoTime hold_until{};               ///< not reinstated before, unless it is the last hope

  // While it is drained; see Core::drains.
  MonoTime drained_at{};
  OpId counters_op = OpId::none;
  std::optional<std::uint64_t> in_flight;  ///< I/O under way, as last read

  // What its transport was told last, and by which settings.
  policy::TransportWishes told_transport;
  std::shared_ptr<const config::PathSettings> told_path_settings;
  std::shared_ptr<const config::MapSettings> told_map_settings;
  MonoTime told_transport_at{};

  TimerNode timer;
  std::shared_ptr<const PathView> view;

  [[nodiscard]] policy::PriorityMethod priority_method() const {
    return prioritizer ? prioritizer->method : policy::PriorityMethod::constant;
  }
};

/// A request that waits for the answers of several maps.
struct RequestRound {
  std::size_t open = 0;
  RequestResult worst;
};

/// A device in the kernel's table that is no path of ours: it was asked for.
struct Stranger {
  DevNum devnum;
  MonoTime asked{};
  bool answered = false;
};

struct MapRecord {
  MapId id;
  std::uint64_t order = 0;
  bool live = false;
  Wwid wwid;
  MapName name;
  std::shared_ptr<const config::MapSettings> settings;
  std::vector<PathId> paths;           ///< in order of discovery
  std::optional<std::uint32_t> phase;  ///< when its paths are checked
  bool has_late_checks = false;        ///< of some path, perhaps
  std::int32_t compared_minute = -1;   ///< in which its paths were compared with each other last
  MonoTime outliers_marked_at{};
  std::shared_ptr<const KernelMap> kernel;  ///< null: the kernel has no such map

  // Work under way and wanted.
  bool queued = false;                 ///< in the list of maps to reconcile in this step
  bool kernel_stale = false;           ///< what we know of the kernel's map may be old
  bool configuring = true;             ///< the next plan may do what only a (re)configuration does
  bool forced = false;                 ///< load even if the table is right
  bool resize_wanted = false;
  bool remove_wanted = false;          ///< by command
  std::string remove_asked_by;         ///< who gave the command; empty if that is not known
  bool reassign_wanted = false;        ///< devices that use one of its paths directly are to use it
  bool holders_unknown = false;        ///< it was just made, and who uses a path of it directly is to be told
  bool reassign_applies = false;       ///< of the operation under way
  OpId reassign_op = OpId::none;
  std::string reassign_trouble;        ///< what the last attempt left undone
  std::vector<RequestId> reassign_requests;
  bool marked_failed = false;          ///< the mark of failed_wwids is set, by us
  StaticText absence;                  ///< why the kernel does not have it; empty: not known
  std::uint32_t removals_left = 0;     ///< attempts after the next one
  bool suspended_by_us = false;        ///< `suspend map` was asked for
  bool suspension_stale = false;       ///< … of the daemon before this one, or `resume` since: it goes on
  bool suspension_said = false;
  bool resume_wanted = false;
  wire::MapMarks saved_marks;          ///< what /run/multipath/state says of it
  MapName wanted_name;                 ///< empty: the one it has
  std::size_t rescans = 0;             ///< of its paths, under way
  std::vector<RequestId> resize_requests;
  MonoTime resize_deadline = no_deadline;
  std::string size_remark;             ///< which path stands against a new size; said once
  bool refused = false;                ///< by find_multipaths; said once
  bool forgotten = false;              ///< removed from outside or by command; not made again by itself
  OpId table_op = OpId::none;
  TableActionKind table_kind = TableActionKind::create;
  std::vector<DevNum> failed_after_load;
  OpId read_op = OpId::none;
  std::string read_trouble;            ///< why it cannot be read, as last said
  MapName read_name;                   ///< by which it is read
  MonoTime looked_at{};                ///< when it was compared last with what it should be, without a reason
  MonoTime read_at{};                  ///< when the kernel's map was taken over last
  OpId queue_op = OpId::none;
  OpId switch_op = OpId::none;
  OpId keep_op = OpId::none;           ///< of @cancel_deferred_remove
  MonoTime first_seen{};
  MonoTime settle_until{};
  MonoTime settle_limit{};
  MonoTime retry_at{};                 ///< back-off after a failed action
  MonoTime message_retry_at{};         ///< back-off after a message that the kernel refused
  std::uint32_t failed_actions = 0;
  std::string failure;                 ///< of the last action, which is tried again; empty: it worked, or is not wanted any more
  TableActionKind failed_kind = TableActionKind::create;
  MonoTime uevent_deadline = no_deadline;  ///< while the map's own change uevent is awaited
  bool uevent_seen = false;                ///< since the last action began
  std::string loaded_table;                ///< parameters of our last load
  bool load_unread = false;                ///< it has not been read back yet
  std::uint64_t loaded_answer = 0;         ///< fingerprint of what the kernel made of it
  MonoTime deferred_since = no_deadline;
  std::string deferred;
  bool wishes_load = false;
  MonoTime regrouped_at{};                 ///< when a load that only moves paths between groups began last
  MonoTime carries_until{};                ///< after a load that took long: until then it goes on carrying I/O
  bool regroup_wanted = false;             ///< a mark changed that counts for the groups, whatever failback says
  PlanInputs planned_from;                 ///< `planned` follows from it; without settings: nothing has been planned
  MapPlan planned;

  // Policy state.
  policy::VolumeMemory volume_memory;      ///< of the checkers of its paths
  MonoTime failback_due = no_deadline;
  MonoTime look_again = no_deadline;       ///< when the kernel's map is read once more
  bool failback_now = false;
  std::vector<Stranger> strangers;
  bool path_failed = false;                ///< since groups were compared last
  OpId enable_op = OpId::none;
  MonoTime enabled_at{};                   ///< when a group that the kernel had given up was taken up last
  MonoTime ghost_deadline = no_deadline;   ///< of ghost_delay
  bool unannounced = false;                ///< udev held it for unusable when it was asked or told for the first time
  bool udev_told = false;                  ///< … which has happened
  MonoTime announce_at = no_deadline;      ///< a path carries its I/O, and udev does not know
  std::optional<policy::LastPathStep> last_path_step;  ///< since its last path was removed
  MonoTime without_path_before_restart = no_deadline;  ///< since when, as the daemon before us knew it
  MonoTime retry_deadline = no_deadline;   ///< of no_path_retry
  std::optional<NoPathRetry> counted_retries;  ///< what the countdown was begun with
  seconds counted_interval{0};         ///< … and with which polling_interval
  MonoTime no_path_since = no_deadline;
  bool retries_expired = false;
  bool queueing_disabled = false;          ///< by command
  MonoTime groups_read_at{};               ///< last good REPORT TARGET PORT GROUPS
  std::uint32_t groups_bytes = wire::target_port_groups_bytes;  ///< how much of it is asked for
  PathId groups_reader;                    ///< path whose REPORT TARGET PORT GROUPS is under way

  std::unique_ptr<MapReservation> reservation;  ///< if it has a key, or had one
  MonoTime registration_deadline = no_deadline;
  std::vector<RequestId> registration_requests;  ///< `setprstatus` that wait for paths

  // Requests that wait for this map.
  std::vector<RequestId> waiting_requests;

  MapStanding noted_standing = MapStanding::absent;
  History history;
  MonoTime table_begun{};                  ///< of the table operation under way
  StaticText table_reason;
  MonoTime switch_begun{};

  // Counters of `show maps stats`.
  std::uint64_t path_faults = 0;
  std::uint64_t group_switches = 0;
  std::uint64_t map_loads = 0;
  Duration total_queue_time{0};
  std::uint64_t queue_timeouts = 0;
  std::uint64_t failures = 0;

  TimerNode timer;
  std::shared_ptr<const MapView> view;
};

}  // namespace mpath::engine
