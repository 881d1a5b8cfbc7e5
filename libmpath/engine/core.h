// SPDX-License-Identifier: LGPL-2.1-or-later
// The engine's inside, shared by the files of engine/ only. Times in here are engine time: the caller's clock without the spans in which
// the machine stood still, so that every deadline is extended by a late turn's lateness (contract, rule 10).
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <ranges>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "libmpath/engine/engine.h"
#include "libmpath/engine/records.h"
#include "libmpath/engine/times.h"
#include "libmpath/plan/plan.h"
#include "libmpath/policy/blacklist.h"
#include "libmpath/policy/layout.h"
#include "libmpath/policy/naming.h"
#include "libmpath/policy/suspicion.h"
#include "libmpath/wire/run_state.h"
#include "libmpath/wire/state_files.h"

namespace mpath::engine {

struct Engine::Core {
  explicit Core(EngineOptions given) : options(given), random_state(given.seed) {}

  // --- engine.cc: turns of the wheel --------------------------------------------------------------------------
  void step(const Event& event, MonoTime wall, std::vector<Effect>& out);
  void on(const Started&);
  void on(const TimeAdvanced&);
  void enter_time(MonoTime wall);
  void run_timers();
  void run_engine_timer();
  void drain_map_queue();
  template <typename T>
  void emit(T&& effect) {
    out_->emplace_back(std::forward<T>(effect));
    ++counters.effects;
  }
  void log(Severity severity, std::string subject, std::string text);
  OpId new_op() { return static_cast<OpId>(++last_op); }
  /// Whether `op` is the operation that is awaited there, which is over then. One that nobody awaits any more is counted; null: its object is gone.
  [[nodiscard]] bool completes(OpId* awaited, OpId op);
  void enter_state(DaemonState state);

  // --- startup.cc: configuration, discovery, reconfiguration -------------------------------------------------
  void on(const ConfigurationLoaded&);
  void on(const StateLoaded&);
  void on(const DisksListed&);
  void on(const DisksRead&);
  void on(const MapsListed&);
  void begin_configuration();
  void begin_discovery();
  void discovery_arrived();
  void ask_for_disks();
  void order_maps_by_paths();
  /// Since disks were listed, until all have been read and taken.
  [[nodiscard]] bool is_taking_disks() const { return !listed_disks.empty(); }
  void finish_discovery();
  void maybe_become_idle();
  [[nodiscard]] bool all_settled();
  [[nodiscard]] bool awaits_survey(const PathRecord& path) const;
  void adopt_kernel_map(const KernelMap& kernel);
  void request_reconfigure(bool all);

  // --- run_state.cc: what survives a restart -------------------------------------------------------------------
  void on(const RunStateSaved&);
  void take_run_state(std::string_view text);
  void restore_marks(PathRecord& path);
  void restore_marks(MapRecord& map);
  void note_marks(PathRecord& path);
  void note_marks(MapRecord& map);
  void save_run_state();

  // --- marginal.cc: paths that answer their checks and are not trusted all the same ------------------------------
  [[nodiscard]] PathState weigh_answer(PathRecord& path, PathState verdict);
  [[nodiscard]] bool has_other_hope(const PathRecord& path);
  [[nodiscard]] MonoTime trusted_from(const PathRecord& path);
  void distrust_again(PathRecord& path, const config::MarginalSettings& settings);
  void count_kernel_failure(PathRecord& path);
  [[nodiscard]] bool passes_sampling(PathRecord& path, const config::MarginalSettings& settings, bool lone);
  void begin_sampling(PathRecord& path);
  void end_sampling(PathRecord& path);
  void sampling_due(PathRecord& path);
  void judge_sample(PathRecord& path, const config::MarginalSettings& settings);
  [[nodiscard]] bool take_test_read(const CommandFinished& event);
  [[nodiscard]] RequestResult may_mark(const PathRecord& path);
  RequestResult request_set_marginal(PathRecord& path, const Request& request);
  RequestResult request_unset_marginal(PathRecord& path, const Request& request);
  RequestResult request_unset_marginal_map(MapRecord& map, const Request& request);

  // --- partial.cc: devices that udev has not told of, or not enough -----------------------------------------------
  [[nodiscard]] std::optional<std::string> awaited_stranger(MapRecord& map);
  void stranger_answered(DevNum devnum);
  void retrigger(PathRecord& path);
  [[nodiscard]] InitState init_state_of(const PathRecord& path) const;

  // --- failback.cc: which group carries I/O -----------------------------------------------------------------------
  void sync_group(MapRecord& map, std::span<const plan::PlannedMessage> messages);
  void enable_groups(MapRecord& map);
  void hold_standby_paths(MapRecord& map);
  [[nodiscard]] bool one_is_up(const MapRecord& map, const PathRecord* except);
  [[nodiscard]] bool awaits_first_answers(const MapRecord& map);

  // --- readiness.cc: whether the users of a map know that it can be used ----------------------------------------------
  void announce(MapRecord& map);
  void udev_says(MapRecord& map, bool ready, bool asked);
  void watch_readiness(MapRecord& map);
  void watch_ghost_delay(MapRecord& map);
  [[nodiscard]] bool delays_readiness(MapRecord& map, const TableAction& action);

  // --- last_path.cc: maps without a path --------------------------------------------------------------------------
  void update_usable(MapRecord& map);
  void count_retries(MapRecord& map, MonoTime since);
  void begin_retries(MapRecord& map);
  void retries_are_over(MapRecord& map);
  void recall_held_paths(MapRecord& map);
  void reconcile_without_paths(MapRecord& map);

  // --- history.cc: what happened, in the history and in the journal ----------------------------------------------
  [[nodiscard]] Cause current_cause() const;
  void remember(History& history, const std::string& subject, const std::string& map, bool is_map, const Transition& entry);
  void note_standing(PathRecord& path);
  /// touch(), and says what is known of why it stands otherwise now: once, in the place of the usual line if that is due.
  void touch_because(PathRecord& path, Severity severity, std::string text);
  void note_standing(MapRecord& map);
  void note_message(PathRecord& path, bool worked);
  void note_action(MapRecord& map, FollowUp what, StaticText why, MonoTime begun);
  void note_table_action(MapRecord& map, bool worked);
  /// The text for as long as the engine lives, for the history; of too many different ones `general` instead.
  [[nodiscard]] StaticText keep_text(std::string text, StaticText general);
  [[nodiscard]] std::vector<HistoryView> history_of(const std::vector<std::string>& devices);

  // --- paths.cc: paths come and go ---------------------------------------------------------------------------
  void on(const PathAppeared&);
  void on(const PathDisappeared&);
  void take_path(const DiscoveredPath& found);
  void refresh_path(PathRecord& path, const DiscoveredPath& found, const PathFacts& facts,
                    std::shared_ptr<const config::PathSettings> settings);
  void add_path(const DiscoveredPath& found, std::shared_ptr<const PathFacts> facts,
                std::shared_ptr<const config::PathSettings> settings);
  /// `why`: for its state.
  void remove_path(PathRecord& path, StaticText why = "the device is gone");
  void erase_path(PathRecord& path);
  void assume(PathRecord& path);
  void join_map(PathRecord& path);
  void expect_more(MapRecord& map);
  void leave_map(PathRecord& path);
  [[nodiscard]] PathRecord* find_path(PathId id) {
    if (!id.valid() || id.slot >= paths.size()) return nullptr;
    PathRecord& path = *paths[id.slot];
    return path.live && path.id == id ? &path : nullptr;
  }
  /// What belongs to a map, paths that are leaving included.
  [[nodiscard]] auto members_of(const MapRecord& map) {
    return map.paths | std::views::transform([this](PathId id) { return find_path(id); }) |
           std::views::filter([](const PathRecord* path) { return path != nullptr; }) |
           std::views::transform([](PathRecord* path) -> PathRecord& { return *path; });
  }
  /// The paths of a map that are there.
  [[nodiscard]] auto paths_of(const MapRecord& map) {
    return members_of(map) | std::views::filter([](const PathRecord& path) { return !path.removed; });
  }
  [[nodiscard]] PathRecord* find_path(DevNum devnum);
  [[nodiscard]] PathRecord* find_path_by_name(std::string_view name_or_number);
  void choose_methods(PathRecord& path);
  std::shared_ptr<const policy::Prioritizer> prioritizer_for(policy::PriorityMethod method, const std::string& arguments);
  void touch(PathRecord& path);

  // --- checks.cc: commands to a path, and their outcomes --------------------------------------------------------
  void on(const CommandFinished&);
  void start_check(PathRecord& path);
  void check_now(PathRecord& path);
  void submit_step(PathRecord& path, CheckStep step, DeviceCommand command);
  void begin_asking(PathRecord& path);
  [[nodiscard]] bool may_hold_io(const PathRecord& path, const CommandOutcome& outcome) const;
  [[nodiscard]] policy::CheckContext check_context(const PathRecord& path) const;
  [[nodiscard]] bool ask_what_it_supports(PathRecord& path);
  void judge_probe(PathRecord& path, const CommandOutcome& outcome);
  void judge_answer(PathRecord& path, const CommandOutcome& outcome);
  void take_turn(PathRecord& path, policy::CheckTurn turn, const CommandOutcome* outcome);
  void leave_alone(PathRecord& path);
  void judge_identify(PathRecord& path, const CommandOutcome& outcome);
  void judge_priority(PathRecord& path, const CommandOutcome& outcome);
  void take_turn(PathRecord& path, policy::PriorityTurn turn);
  [[nodiscard]] policy::PriorityContext priority_context(const PathRecord& path);
  [[nodiscard]] bool needs_priority(const PathRecord& path);
  void set_priority(PathRecord& path, std::optional<int> priority, std::string_view why);
  [[nodiscard]] bool take_name(PathRecord& path);
  void continue_check(PathRecord& path);
  void set_path_timer(PathRecord& path);
  [[nodiscard]] milliseconds check_timeout(const PathRecord& path) const;

  // --- port_groups.cc: what one path asks for all of its map ----------------------------------------------------
  void planned_check(PathRecord& path);
  [[nodiscard]] bool is_served(PathRecord& path);
  [[nodiscard]] Duration report_freshness() const;
  void share_verdict(const PathRecord& path);
  [[nodiscard]] bool needs_target_groups(const PathRecord& path);
  void judge_target_groups(PathRecord& path, const CommandOutcome& outcome);
  void take_target_groups(PathRecord& path, const CommandOutcome& outcome);

  // --- schedule.cc: when checks are due ------------------------------------------------------------------------
  void on(const LinkEvent&);
  void on(const FabricNotice&);
  void on(const HostBusy&);
  void enter_port(PathRecord& path);
  void leave_port(PathRecord& path);
  /// Checked in this turn or the next, without a burst in one step; after the check that is under way, if one is.
  void make_due(PathRecord& path);
  void make_port_due(const PortRecord& port);
  void choose_phase(PathRecord& path);
  void release_phase(PathRecord& path);
  [[nodiscard]] policy::CheckIntervals check_intervals() const;
  void plan_next_check(PathRecord& path, bool changed);
  void intervals_changed();

  // --- suspicion.cc: checks that are outstanding for too long ------------------------------------------------------
  [[nodiscard]] static bool is_own_command(CheckStep step) { return step == CheckStep::ask; }
  void watch_command(PathRecord& path);
  void end_watch(PathRecord& path, const CommandOutcome& outcome);
  void outstanding_due(PathRecord& path);
  void watch_due(PathRecord& path);
  void look_around(PathRecord& path);
  [[nodiscard]] Duration usual_for_siblings(const PathRecord& path);
  [[nodiscard]] policy::SuspectSituation suspect_situation(const PathRecord& path, const MapRecord& map);
  [[nodiscard]] bool is_comparable(const PathRecord& path);
  void judge_suspicion(PathRecord& path, MapRecord& map);
  void judge_late_checks(MapRecord& map);
  void review_suspects(MapRecord& map);
  [[nodiscard]] bool end_suspicion(PathRecord& path, PathState verdict);

  // --- differential.cc: paths that are worse than their siblings ---------------------------------------------------
  void compare_siblings(MapRecord& map);
  void tell_outlier(PathRecord& path);
  [[nodiscard]] OutlierView outlier_evidence(const PathRecord& path) const;
  void mark_outliers(MapRecord& map);

  // --- health.cc: what verdicts make of a path -----------------------------------------------------------------
  /// The one place that says what keeps I/O from a path whatever its checks say.
  [[nodiscard]] static Bar bar(const PathRecord& path);
  /// Whether it may carry I/O: usable, and nothing bars it.
  [[nodiscard]] static bool may_serve(const PathRecord& path) {
    return is_usable(path.health.state) && bar(path) == Bar::none;
  }
  void finish_check(PathRecord& path);
  void refresh_now_and_then(MapRecord& map);
  void command_overdue(PathRecord& path);
  void purge(PathRecord& path);
  void set_health(PathRecord& path, PathState state, StaticText reason);
  void kernel_failed_path(PathRecord& path);
  /// Sets or lifts one reason; the map is grouped anew where marginal_pathgroups makes it count.
  void set_marginal(PathRecord& path, MarginalReason reason, bool holds);
  /// Whether its marks count for the groups of its map (marginal_pathgroups).
  [[nodiscard]] bool is_marginal(const PathRecord& path) const;
  [[nodiscard]] bool has_other_usable(const PathRecord& path);
  [[nodiscard]] MonoTime held_until(const PathRecord& path);

  // --- maps.cc: what a map should be, and the actions for it; table_outcomes.cc: what became of them; kernel_maps.cc ------
  void on(const TableActionFinished&);
  void on(const MapRead&);
  void on(const MapsChanged&);
  void on(const MapUeventSeen&);
  void reconcile(MapRecord& map);
  [[nodiscard]] bool may_act_now(MapRecord& map, const TableAction& action);
  void read_map(MapRecord& map);
  void take_kernel_map(MapRecord& map, const KernelMap& kernel);
  void renamed_from_outside(MapRecord& map, const MapName& name, const std::vector<DmActor>& actors = {});
  void map_vanished(MapRecord& map, const std::vector<DmActor>& actors = {});
  void tell_misfit(const MapRecord& map, PathRecord& path, std::uint64_t size);
  void creation_failed(MapRecord& map, const Error& error);
  [[nodiscard]] MapRecord* find_listed(const KernelMapListing& listing);
  void choose_table_members(MapRecord& map);
  [[nodiscard]] bool ready_to_create(MapRecord& map);
  [[nodiscard]] bool awaits_priority(const PathRecord& path) const;
  [[nodiscard]] bool ask_for_priorities(MapRecord& map);
  [[nodiscard]] std::optional<int> assumed_priority(const MapRecord& map, const PathRecord& path);
  [[nodiscard]] PathState state_for_groups(const MapRecord& map, const PathRecord& path);
  [[nodiscard]] const MapPlan& plan_map(MapRecord& map, const plan::Options& allowed);
  [[nodiscard]] bool carries_io(const MapRecord& map);
  [[nodiscard]] bool may_resize(const MapRecord& map);
  [[nodiscard]] MonoTime flush_allowed_from(const MapRecord& map);
  [[nodiscard]] std::optional<std::string> load_blocked(MapRecord& map, const MapSpec& spec);
  [[nodiscard]] bool brings_hope(const MapSpec& spec);
  [[nodiscard]] std::optional<std::string> silence_in(const MapRecord& map);
  void run_table(MapRecord& map, TableAction action);
  void begin_action(MapRecord& map, TableAction action);
  void defer(MapRecord& map, std::string why);
  void clear_deferral(MapRecord& map);
  void loaded(MapRecord& map);
  void created(MapRecord& map, DevNum devnum);
  void table_failed(MapRecord& map, const Error& error);
  MapRecord& map_for(const Wwid& wwid);
  void erase_map(MapRecord& map);
  void refresh_settings(MapRecord& map);
  [[nodiscard]] MapRecord* find_map(MapId id);
  [[nodiscard]] MapRecord* find_map_by_name(std::string_view name);
  void queue_map(MapRecord& map);
  void touch(MapRecord& map);
  void set_map_timer(MapRecord& map);
  void map_timer(MapRecord& map);

  // --- map_names.cc: names of maps -----------------------------------------------------------------------------
  [[nodiscard]] bool name_is_taken(const MapRecord& map, const MapName& name) const;
  [[nodiscard]] policy::NameChoice name_choice(MapRecord& map);
  void take_name(MapRecord& map, const MapName& name);
  void choose_name(MapRecord& map);
  void choose_new_name(MapRecord& map);
  [[nodiscard]] bool may_rename(const MapRecord& map) const;
  void kernel_renamed(MapRecord& map, const MapName& name);
  void renamed(MapRecord& map);

  // --- map_size.cc: the size of maps ---------------------------------------------------------------------------
  void on(const PathRescanned&);
  [[nodiscard]] Result<std::uint64_t> agreed_size(const MapRecord& map);
  void rescan_paths(MapRecord& map);
  void rescanned(MapRecord& map);
  void size_seen(MapRecord& map);
  void path_size_changed(MapRecord& map);
  void compare_size(MapRecord& map);
  void request_resize(RequestId id, const Request& request);
  void judge_resize(MapRecord& map);
  void answer_resize(MapRecord& map, const RequestResult& result);
  void resize_overdue(MapRecord& map);

  // --- removal.cc: maps that go --------------------------------------------------------------------------------
  void remove_map(MapRecord& map, ReasonKind why, std::string text);
  void begin_removal(MapRecord& map, RequestId id, const Request& request);
  [[nodiscard]] bool removal_wanted(MapRecord& map);
  [[nodiscard]] bool removal_repeated(MapRecord& map, const Error& error);
  void request_remove_map(RequestId id, const Request& request);
  void request_remove_all_maps(RequestId id, const Request& request);
  void settle(RequestId id, const RequestResult& result);
  void answer_waiting(MapRecord& map, const RequestResult& result);
  void sync_deferred_removal(MapRecord& map);

  // --- reservations.cc: paths that must be registered before they carry I/O ------------------------------------
  void choose_reservation_key(MapRecord& map);
  void use_reservation_key(MapRecord& map, std::uint64_t key, bool aptpl);
  void drop_reservation(MapRecord& map);
  void expect_registrations(MapRecord& map);
  void expect_registration(PathRecord& path);
  [[nodiscard]] bool awaits_registration(const PathRecord& path);
  void review_registration(PathRecord& path);
  void review_registrations(MapRecord& map);
  void registration_follows(PathRecord& path);
  void leave_out_unregistered(MapRecord& map, std::vector<PathRecord*>& members);
  [[nodiscard]] std::optional<std::string> unregistered_in(const MapRecord& map, const MapSpec& spec);
  [[nodiscard]] bool needs_registration(const PathRecord& path);
  void start_registration(PathRecord& path);
  void judge_registration(PathRecord& path, const CommandOutcome& outcome);
  void take_turn(PathRecord& path, policy::RegistrationTurn turn);
  void path_is_registered(PathRecord& path, MapRecord& map, std::optional<bool> holds);
  void registrations_are_gone(PathRecord& path, MapRecord& map, const policy::RegistrationTurn& turn);
  void registration_failed(PathRecord& path, StaticText reason);
  void heed_attention(PathRecord& path, const CommandOutcome& outcome);
  void end_of_registration(PathRecord& path);

  // --- reservation_requests.cc: what mpathpersist tells and asks --------------------------------------------------
  void request_reservation(RequestId id, const Request& request);
  void request_set_registered(RequestId id, MapRecord& map, const Request& request);
  void unset_registered(MapRecord& map);
  void answer_registrations(MapRecord& map);
  void request_key(RequestId id, MapRecord& map, const Request& request);
  void on(const ReservationKeySaved&);

  // --- reassign.cc: devices that use a path of a map directly ---------------------------------------------------
  void on(const HoldersReassigned&);
  void request_reset_map(RequestId id, const Request& request);
  void wish_reassignment(MapRecord& map);
  void reassign_holders(MapRecord& map);
  void tell_holders(MapRecord& map, const HoldersReassigned& event);
  void answer_reassign(MapRecord& map, const RequestResult& result);

  // --- suspension.cc: maps that stand still --------------------------------------------------------------------
  RequestResult request_suspend(MapRecord& map);
  RequestResult request_resume(MapRecord& map);
  void request_suspension(RequestId id, const Request& request);
  [[nodiscard]] bool stands_still(MapRecord& map);
  [[nodiscard]] bool leads_elsewhere(const MapRecord& map, DevNum devnum);
  [[nodiscard]] TableAction resumption(MapRecord& map, std::string why);
  /// The marks cannot be written down: a map whose suspension has not begun is not suspended, and looked after again.
  void refuse_suspensions(const Error& why);

  // --- messages.cc: path states, queueing and group switches in the kernel -------------------------------------
  void on(const MessageFinished&);
  void sync_path_states(MapRecord& map);
  OpId send(MapRecord& map, MapMessage message);
  void sync_queueing(MapRecord& map, bool wanted);

  // --- transport.cc: what the kernel's transports and queues are told of the paths of a map ---------------------
  void apply_transport_settings(MapRecord& map);
  [[nodiscard]] std::vector<QueueLimit> queue_limits_before(const MapRecord& map, const TableAction& action);

  // --- requests.cc ---------------------------------------------------------------------------------------------
  void on(const RequestArrived&);
  void carry_out(RequestId id, const Request& request);
  using PathCommand = RequestResult (Core::*)(PathRecord&, const Request&);
  using MapCommand = RequestResult (Core::*)(MapRecord&, const Request&);
  void with_path(RequestId id, const Request& request, PathCommand command);
  void with_map(RequestId id, const Request& request, MapCommand command);
  void with_all_maps(RequestId id, const Request& request, MapCommand command);
  [[nodiscard]] MapRecord* requested_map(const Request& request);
  void request_add_path(RequestId id, const Request& request);
  RequestResult request_fail_path(PathRecord& path, const Request& request);
  void disable(PathRecord& path);
  RequestResult request_reinstate_path(PathRecord& path, const Request& request);
  RequestResult request_remove_path(PathRecord& path, const Request& request);
  void request_add_map(RequestId id, const Request& request);
  RequestResult request_switch_group(MapRecord& map, const Request& request);
  RequestResult request_disable_queueing(MapRecord& map, const Request& request);
  RequestResult request_restore_queueing(MapRecord& map, const Request& request);
  RequestResult request_reset_stats(MapRecord& map, const Request& request);
  RequestResult request_reload(MapRecord& map, const Request& request);
  void reply(RequestId id, RequestResult result);
  void begin_shutdown();
  void maybe_exit();

  // --- drain.cc: paths taken out of service for maintenance -------------------------------------------------------
  void on(const IoCountersRead&);
  void request_drain(RequestId id, const Request& request);
  void request_confirm_drain(RequestId id, const Request& request);
  void request_undrain(RequestId id, const Request& request);
  /// Paths that the words select, in order of addition; the error names a word that selects none.
  [[nodiscard]] Result<std::vector<PathRecord*>> selected_paths(const std::vector<std::string>& words);
  [[nodiscard]] std::string too_few_paths(const std::vector<PathRecord*>& leaving_paths, std::uint32_t keep);
  [[nodiscard]] Drain* drain_of(const PathRecord& path);
  void begin_drain(PathRecord& path);
  void end_drain(PathRecord& path, std::string_view why);
  void forget_drain(PathRecord& path, std::string_view why);
  /// The path is about to get other facts: what is known of its drain goes with it to its new place.
  void move_drain(const PathRecord& path, const PathFacts& facts);
  /// A path that was drained before it went (or before the daemon was started) stays so.
  void resume_drain(PathRecord& path);
  /// Drains of the time before, as the state file has them. Those whose time has passed are undone: they are left out.
  void restore_drains(std::vector<Drain> known);
  void give_up_drains(MapRecord& map);
  void drain_timer_due();
  void set_drain_timer();
  [[nodiscard]] static bool is_emptying(const PathRecord& path);
  [[nodiscard]] static std::string drain_key(const Wwid& wwid, std::string_view place);

  // --- snapshot.cc ---------------------------------------------------------------------------------------------
  std::shared_ptr<Snapshot> snapshot();
  std::shared_ptr<const PathView> view_of(PathRecord& path);
  std::shared_ptr<const MapView> view_of(MapRecord& map);

  [[nodiscard]] const config::DaemonSettings& daemon() const { return resolver->daemon(); }

  EngineOptions options;
  std::vector<Effect>* out_ = nullptr;
  MonoTime now{};            ///< engine time of this step
  Duration standstill{0};    ///< the caller's clock minus engine time
  std::uint64_t last_op = 0;
  std::uint64_t last_order = 0;
  DaemonState daemon_state = DaemonState::init;
  Counters counters;

  const Event* current_ = nullptr;          ///< the event of this step
  std::string standing_evidence;            ///< for the next line about a path's standing; see touch_because()
  std::set<std::string, std::less<>> kept_texts;  ///< see keep_text()
  std::deque<HistoryView> recent;           ///< the newest transitions of all, one in each

  // Configuration and state files.
  std::shared_ptr<const config::Config> config;
  std::unique_ptr<config::Resolver> resolver;
  std::unique_ptr<policy::Blacklist> blacklist;
  std::map<std::pair<policy::PriorityMethod, std::string>, std::shared_ptr<const policy::Prioritizer>> prioritizers;
  std::uint64_t random_state = 0;
  policy::Bindings bindings;
  std::unordered_set<Wwid> wwids;
  std::unordered_map<Wwid, wire::ReservationKeyEntry> reservation_keys;  ///< of the prkeys file
  std::map<OpId, KeyChange> key_changes;
  bool configured_once = false;
  bool configuring = false;
  bool reconfigure_pending = false;
  bool reconfigure_all = false;      ///< of the pending or running one
  OpId configuration_op = OpId::none;
  OpId state_op = OpId::none;
  OpId list_op = OpId::none;
  OpId maps_op = OpId::none;
  OpId disks_op = OpId::none;
  std::vector<ListedDisk> listed_disks;      ///< read and taken in portions
  std::size_t disks_asked_for = 0;
  std::vector<DevNum> maps_not_ready;        ///< found with them
  bool discovery_failed = false;
  MonoTime idle_deadline = no_deadline;
  std::size_t unsettled = 0;  ///< slot of a record that the configuration still waits for
  std::map<RequestId, RequestRound> rounds;  ///< requests that wait for several maps
  bool queueing_forced = false;              ///< forcequeueing daemon: maps go on queueing when we end
  std::uint64_t actions_before = 0;          ///< counters.actions when the configuration began
  std::optional<std::uint64_t> configuration_actions;  ///< how many the last one needed
  std::vector<std::pair<RequestId, Request>> held_requests;  ///< until the first configuration is done

  // Paths and maps.
  std::vector<std::unique_ptr<PathRecord>> paths;
  std::vector<std::uint32_t> free_paths;
  std::unordered_map<DevNum, PathId> path_by_devnum;
  std::unordered_map<std::string, PathId> path_by_kernel_name;
  std::map<std::uint64_t, PathId> path_order;  ///< by order of addition
  std::map<std::pair<std::uint32_t, std::string>, PortRecord> ports;  ///< by host and target
  std::uint32_t ports_seen = 0;
  policy::PhaseTable all_phases;
  std::vector<std::unique_ptr<MapRecord>> maps;
  std::vector<std::uint32_t> free_maps;
  std::unordered_map<Wwid, MapId> map_by_wwid;
  std::unordered_map<MapName, MapId> map_by_name;
  std::map<std::uint64_t, MapId> map_order;
  TargetVersion target_version{};
  std::unordered_set<MapName> foreign_names;  ///< dm devices that are not ours
  std::multimap<DevNum, MapId> maps_awaiting;  ///< by a device of their table of which udev has not told
  std::vector<MapId> map_queue;
  std::vector<PathRecord*> table_members;    ///< of the map that is reconciled: see choose_table_members()
  PlanInputs plan_inputs;                    ///< of the same map; kept so that its memory is used again
  std::uint64_t checks_outstanding = 0;
  std::size_t paths_sampled = 0;             ///< under test reads now
  /// Disk sequence numbers and names of devices that are left alone.
  std::unordered_map<DevNum, std::pair<std::uint64_t, std::string>> removed_by_command;

  // /run/multipath/state.
  std::unordered_map<DevNum, wire::PathMarks> restored_paths;  ///< of the daemon before us, until their paths are found
  std::unordered_map<Wwid, wire::MapMarks> restored_maps;
  std::set<PathId> marked_paths;
  std::set<MapId> marked_maps;
  bool marks_changed = false;
  OpId run_state_op = OpId::none;
  MonoTime run_state_not_before{};
  std::optional<std::string> saved_run_state = std::string();  ///< nothing: what the file holds is not known
  TimerNode run_state_timer;
  std::map<std::string, Drain> drains;   ///< by drain_key()
  std::vector<PathId> draining;          ///< paths that are there and drained

  std::unordered_set<Protocol> refused_protocols;  ///< without timeouts that could be set; said once

  TimerQueue timers;
  TimerNode engine_timer;
  TimerNode drain_timer;
  bool exiting = false;
};

}  // namespace mpath::engine
