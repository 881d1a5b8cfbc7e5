// SPDX-License-Identifier: LGPL-2.1-or-later
// A bench for the engine alone: disks and a kernel of a few lines answer its effects, at times that the test makes up. What must stay
// unanswered for a while is held and given later.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "libmpath/base/text.h"
#include "libmpath/config/parser.h"
#include "libmpath/engine/engine.h"
#include "libmpath/wire/dm_table.h"
#include "libmpath/wire/features.h"
#include "libmpath/wire/state_files.h"

namespace mpath::engine {

inline constexpr std::uint8_t inquiry_code = 0x12;
inline constexpr std::uint8_t report_groups_code = 0xa3;

/// The engine is at work: what is allocated now is its own, or an effect's.
inline bool engine_at_work = false;

/// What a disk does with commands.
enum class Answer { good, dead, busy, none };

struct Disk {
  DiscoveredPath found;
  std::uint32_t volume = 1;  ///< what really answers behind the device
  std::uint16_t group = 1;   ///< target port group of its port
  Answer answer = Answer::good;
  std::vector<std::uint8_t> sense;  ///< not empty: check condition for TEST UNIT READY
  bool takes_no_commands = false;  ///< of SCSI
  std::optional<std::uint64_t> new_size;  ///< what a rescan finds
  bool reads_fail = false;
  bool reads_hang = false;
  Duration round_trip{};     ///< that its answers report
  bool refuses_inquiry = false;
  bool target_groups_fail = false;
  bool target_groups_hang = false;
  std::set<std::uint8_t> unanswered{};  ///< operation codes of commands that hang
};

inline std::string wwid_of(std::uint32_t volume) { return fmt::format("3600000000000000000000000{:08x}", volume); }

/// Group 0: none is named.
inline std::vector<std::uint8_t> page_83(std::uint32_t volume, std::uint16_t group) {
  std::vector<std::uint8_t> page = {0, 0x83, 0, 28, 1, 3, 0, 16, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  for (int shift = 24; shift >= 0; shift -= 8) page.push_back(static_cast<std::uint8_t>(volume >> shift));
  if (group == 0) {
    page[3] = 20;
    return page;
  }
  for (int byte : {1, 0x15, 0, 4, 0, 0, group >> 8, group & 0xff}) page.push_back(static_cast<std::uint8_t>(byte));
  return page;
}

class Bench {
 public:
  /// `defaults`: lines of the defaults section; find_multipaths is off and no_path_retry fail unless they say otherwise.
  explicit Bench(std::string defaults = {}, EngineOptions options = {}) : engine(options) { configure(std::move(defaults)); }

  // --- the world ------------------------------------------------------------------------------------------------
  void configure(const std::string& defaults, const std::string& more = {}) {
    config_text = "defaults {\nfind_multipaths off\nno_path_retry fail\n" + defaults + "\n}\n" + more;
  }

  Disk& disk(const std::string& name, std::uint32_t volume = 1, std::uint16_t group = 1) {
    Disk& made = disks[name];
    made.volume = volume;
    made.group = group;
    PathFacts& facts = made.found.facts;
    facts.kernel_name = name;
    facts.sysfs_path = "/sys/devices/" + name;
    facts.devnum = {8, static_cast<std::uint32_t>(name.back() - 'a') * 16};
    facts.disk_sequence = ++last_sequence_;
    facts.bus = Bus::scsi;
    facts.protocol = Protocol::scsi_fcp;
    facts.address = Hctl{group, 0, 0, volume};
    facts.vendor = "ACME";
    facts.product = "ARRAY";
    facts.revision = "1";
    facts.size_sectors = 2048;
    facts.tpg_support = TpgSupport::none;
    facts.udev_initialized = true;
    made.found.properties = {{"ID_WWN", "0x6"}, {"ID_SERIAL", wwid_of(volume)}};
    made.found.vpd_page_83 = page_83(volume, group);
    return made;
  }
  Disk& alua_disk(const std::string& name, std::uint16_t group, std::uint32_t volume = 1) {
    Disk& made = disk(name, volume, group);
    made.found.facts.tpg_support = TpgSupport::implicit_only;
    made.found.facts.device_handler = "alua";
    access.try_emplace(group, std::uint8_t{0});
    return made;
  }
  [[nodiscard]] DevNum number(const std::string& name) const { return disks.at(name).found.facts.devnum; }

  /// A map that the kernel has already. `groups`: names of disks.
  KernelMap& kernel_map(const std::vector<std::vector<std::string>>& groups, std::uint32_t volume = 1,
                        std::uint32_t next_group = 1) {
    KernelMap& map = kernel[MapName{wwid_of(volume)}];
    map = {.name = {wwid_of(volume)}, .uuid = "mpath-" + wwid_of(volume), .devnum = {254, volume}, .table = {}};
    map.table.size_sectors = 2048;
    map.table.next_group = next_group;
    for (const auto& names : groups) {
      KernelGroup& group = map.table.groups.emplace_back();
      group.selector = "service-time 0";
      for (const std::string& name : names) {
        group.paths.push_back({.devnum = number(name), .arguments = {"1"}, .state = KernelPathState::active});
      }
    }
    print(map);
    return map;
  }
  [[nodiscard]] KernelMap& map(std::uint32_t volume = 1) { return kernel.at(MapName{wwid_of(volume)}); }
  [[nodiscard]] bool has_map(std::uint32_t volume = 1) const { return kernel.contains(MapName{wwid_of(volume)}); }
  [[nodiscard]] KernelPath* kernel_path(const std::string& name) {
    for (auto& [key, device] : kernel) {
      for (KernelGroup& group : device.table.groups) {
        auto at = std::ranges::find(group.paths, number(name), &KernelPath::devnum);
        if (at != group.paths.end()) return &*at;
      }
    }
    return nullptr;
  }
  [[nodiscard]] KernelPathState kernel_state(const std::string& name) {
    KernelPath* path = kernel_path(name);
    return path == nullptr ? KernelPathState::unknown : path->state;
  }
  [[nodiscard]] std::string name_of(DevNum devnum) const {
    auto at = std::ranges::find_if(disks, [&](const auto& known) { return known.second.found.facts.devnum == devnum; });
    return at == disks.end() ? to_string(devnum) : at->first;
  }
  /// The groups of a table as names: "sda sdb | sdc".
  [[nodiscard]] std::string groups_of(const MultipathTable& table) const {
    std::vector<std::string> groups;
    for (const KernelGroup& group : table.groups) {
      std::vector<std::string> names;
      for (const KernelPath& path : group.paths) names.push_back(name_of(path.devnum));
      groups.push_back(fmt::format("{}", fmt::join(names, " ")));
    }
    return fmt::format("{}", fmt::join(groups, " | "));
  }
  [[nodiscard]] std::string groups(std::uint32_t volume = 1) { return groups_of(map(volume).table); }

  /// The kernel fails a path because I/O failed, and tells it.
  void kernel_fails(const std::string& name, std::uint32_t volume = 1) {
    kernel_path(name)->state = KernelPathState::failed;
    map_event(volume);
  }
  void map_event(std::uint32_t volume = 1) {
    KernelMap& device = map(volume);
    step(MapsChanged{{{device.name, device.uuid, device.devnum, ++device.event_number}}, {}});
  }
  void map_uevent(std::uint32_t volume = 1, bool ready = true) {
    KernelMap& device = map(volume);
    step(MapUeventSeen{{.action = MapUevent::Action::change, .name = device.name, .uuid = device.uuid,
                        .devnum = device.devnum, .ready = ready}});
  }
  void map_goes(std::uint32_t volume = 1, std::vector<DmActor> actors = {}) {
    KernelMap device = map(volume);
    kernel.erase(device.name);
    step(MapsChanged{{}, {{device.name, device.uuid, device.devnum, device.event_number}}, std::move(actors)});
  }

  // --- time and events --------------------------------------------------------------------------------------------
  /// One event; what it causes is answered at once unless it is held.
  void step(const Event& event) {
    give(event);
    work();
  }
  void start() { step(Started{}); }
  /// Time passes; every deadline is met in its instant.
  void run(Duration span) {
    MonoTime end = now + span;
    for (int guard = 0; guard < 100000; ++guard) {
      MonoTime next = engine.next_deadline();
      if (next > end) break;
      now = std::max(now, next);
      step(TimeAdvanced{});
    }
    now = end;
  }
  void appear(const std::string& name) { step(PathAppeared{std::make_unique<DiscoveredPath>(disks.at(name).found)}); }
  void disappear(const std::string& name) { step(PathDisappeared{name, number(name)}); }
  RequestResult ask(RequestKind kind, std::string path = {}, std::uint32_t group = 0, std::uint32_t volume = 1) {
    return ask(Request{.kind = kind, .path = std::move(path), .map = wwid_of(volume), .group = group});
  }
  RequestResult ask(Request request) {
    auto id = static_cast<RequestId>(++last_request_);
    step(RequestArrived{id, std::move(request)});
    auto at = replies.find(id);
    return at == replies.end() ? RequestResult{Outcome::timed_out, "no reply"} : at->second;
  }

  /// From now on effects of this kind wait; release() answers those that have.
  template <typename T>
  void hold() {
    held_.insert(Effect(T{}).index());
  }
  template <typename T>
  void release() {
    std::size_t kind = Effect(T{}).index();
    held_.erase(kind);
    for (Effect& effect : std::exchange(waiting, {})) {
      if (effect.index() == kind) pending_.push_back(std::move(effect));
      else waiting.push_back(std::move(effect));
    }
    work();
  }
  /// The disk answers from now on, also what it was asked before.
  void answers_again(const std::string& name, Answer answer = Answer::good) {
    disks.at(name).answer = answer;
    disks.at(name).target_groups_hang = false;
    disks.at(name).unanswered.clear();
    for (const SubmitCommand& command : std::exchange(hung, {})) {
      if (attached(command.path) == name) pending_.push_back(command);
      else hung.push_back(command);
    }
    work();
  }

  // --- what was seen ------------------------------------------------------------------------------------------------
  [[nodiscard]] std::vector<std::string> take_messages() { return std::exchange(messages, {}); }
  [[nodiscard]] std::vector<TableAction> take_actions() { return std::exchange(actions, {}); }
  /// What was seen up to now is of no interest.
  void forget() {
    messages.clear();
    actions.clear();
    logs.clear();
    inquiries = commands = target_group_reports = 0;
  }
  /// The kinds of the table actions since the last call.
  [[nodiscard]] std::vector<TableActionKind> take_kinds() {
    std::vector<TableActionKind> kinds;
    for (const TableAction& action : take_actions()) kinds.push_back(action.kind);
    return kinds;
  }
  [[nodiscard]] std::ptrdiff_t times_logged(std::string_view part) const {
    return std::ranges::count_if(logs, [&](const std::string& line) { return line.contains(part); });
  }
  /// Of the lines with this part; debug if there is none.
  [[nodiscard]] Severity loudest(std::string_view part) const {
    Severity found = Severity::debug;
    for (std::size_t i = 0; i < logs.size(); ++i) {
      if (logs[i].contains(part)) found = std::min(found, severities[i]);
    }
    return found;
  }
  [[nodiscard]] std::ptrdiff_t times_gathered(std::string_view device) const { return std::ranges::count(gathered, device); }
  [[nodiscard]] std::shared_ptr<const Snapshot> picture() { return engine.snapshot(now); }
  [[nodiscard]] std::shared_ptr<const PathView> path(const std::string& name) {
    auto snapshot = picture();
    for (const auto& view : snapshot->paths) {
      if (view->facts->kernel_name == name && view->init_state != InitState::removed) return view;
    }
    return nullptr;
  }
  [[nodiscard]] PathState health(const std::string& name) {
    auto view = path(name);
    return view ? view->health.state : PathState::removed;
  }

  /// How the array answers a SCSI command through this disk; nothing: as any.
  std::function<std::optional<CommandOutcome>(const std::string& disk, const ScsiCommand& command)> array;

  Engine engine;
  MonoTime now{std::chrono::hours{1}};
  std::string config_text;
  std::map<std::string, Disk> disks;
  std::map<MapName, KernelMap> kernel;
  std::map<std::uint16_t, std::uint8_t> access;  ///< access state of each target port group
  std::map<std::string, std::uint64_t> io_under_way;  ///< by disk
  std::string wwids_file;
  std::string bindings_file;
  std::string run_state_file;
  std::string prkeys_file;
  std::optional<Error> prkeys_error;             ///< it cannot be written
  std::optional<Error> run_state_error;          ///< it cannot be written
  std::size_t saves = 0;
  std::vector<std::string> deleted;              ///< devices that were removed by the product
  bool broken_configuration = false;
  bool enumeration_fails = false;
  std::vector<DevNum> maps_not_ready;            ///< which udev holds for unusable
  std::vector<std::string> enumeration_order;    ///< empty: by name
  std::optional<Error> message_error;            ///< every message fails with it
  std::optional<MapMessage::Kind> refused_message;  ///< the kernel refuses those of this kind
  std::string used_map;                          ///< this one cannot be removed
  std::optional<Error> table_error;              ///< every table action fails with it

  std::vector<std::string> messages;             ///< texts of messages sent
  std::vector<TableAction> actions;
  std::vector<std::string> logs;
  std::vector<Severity> severities;              ///< of each of them
  std::vector<std::map<std::string, std::string>> fields;  ///< for the journal, of the lines that have any
  std::map<RequestId, std::shared_ptr<const Snapshot>> pictures;
  std::map<RequestId, RequestResult> replies;
  std::vector<DaemonState> states;
  std::vector<SubmitCommand> hung;               ///< commands to disks that do not answer
  std::vector<Effect> waiting;                   ///< held effects
  std::vector<std::size_t> portions;             ///< of disks that were asked for
  std::map<PathId, std::string> attached_paths;
  std::size_t commands = 0;
  std::size_t inquiries = 0;  ///< for page 0x83
  std::size_t reads = 0;      ///< of blocks
  std::size_t target_group_reports = 0;
  std::size_t gathers = 0;
  std::vector<std::string> gathered;
  std::vector<std::string> failed_marks;         ///< "failed WWID", "good WWID"
  std::vector<std::string> holders;              ///< other dm devices that use a path directly
  std::optional<Error> holders_error;            ///< they cannot be changed
  std::vector<Error> holders_left;               ///< those that cannot be changed, among others
  std::vector<ReassignHolders> reassigned;
  std::vector<std::string> triggered;            ///< uevents that were asked for
  int exits = 0;
  bool exit_failed = false;

 private:
  /// What follows from the table: its fingerprint, and the active group, as if there had been I/O.
  static void print(KernelMap& device) {
    for (std::size_t i = 0; i < device.table.groups.size(); ++i) {
      device.table.groups[i].state = i + 1 == device.table.next_group ? KernelGroupState::active : KernelGroupState::enabled;
    }
    device.table_fingerprint = wire::table_fingerprint(wire::format_table(device.table), device.table.size_sectors);
  }
  [[nodiscard]] std::string attached(PathId id) const {
    return attached_paths.contains(id) ? attached_paths.at(id) : std::string{};
  }

  void give(const Event& event) {
    std::vector<Effect> effects;
    engine_at_work = true;
    engine.step(event, now, effects);
    engine_at_work = false;
    for (Effect& effect : effects) {
      std::visit([this](const auto& wanted) { note(wanted); }, effect);
      if (held_.contains(effect.index())) waiting.push_back(std::move(effect));
      else pending_.push_back(std::move(effect));
    }
  }

  void work() {
    for (int guard = 0; !pending_.empty(); ++guard) {
      ASSERT_LT(guard, 20000 + 20 * static_cast<int>(disks.size())) << "the engine goes round in circles";
      Effect effect = std::move(pending_.front());
      pending_.pop_front();
      std::visit([this](auto& wanted) { answer(wanted); }, effect);
    }
  }

  // --- what effects leave behind ------------------------------------------------------------------------------------
  void note(const ReadDisks& portion) { portions.push_back(portion.kernel_names.size()); }
  void note(const LogLine& line) {
    logs.push_back(line.subject + ": " + line.text);
    severities.push_back(line.severity);
    if (line.fields.empty()) return;
    auto& entry = fields.emplace_back();
    for (const LogField& field : line.fields) entry[std::string(field.name)] = field.value;
  }
  void note(const RenderReply& reply) { pictures[reply.id] = reply.snapshot; }
  void note(const RunTableAction& effect) { actions.push_back(effect.action); }
  void note(const SendMessage& effect) { messages.push_back(to_string(effect.message)); }
  void note(const Reply& reply) { replies[reply.id] = reply.result; }
  void note(const DaemonStateChanged& change) { states.push_back(change.state); }
  void note(const Exit& exit) {
    ++exits;
    exit_failed = exit_failed || exit.failed;
  }
  void note(const AttachPath& effect) { attached_paths[effect.path] = effect.facts->kernel_name; }
  void note(const DetachPath& effect) {
    attached_paths.erase(effect.path);
    std::erase_if(hung, [&](const SubmitCommand& command) { return command.path == effect.path; });
  }
  void note(const SubmitCommand& effect) {
    ++commands;
    reads += std::holds_alternative<BlockRead>(effect.command) ? 1U : 0U;
    const auto* scsi = std::get_if<ScsiCommand>(&effect.command);
    inquiries += scsi != nullptr && scsi->cdb[0] == inquiry_code && scsi->cdb[2] == 0x83 ? 1U : 0U;
    target_group_reports += scsi_operation(effect.command) == report_groups_code ? 1U : 0U;
  }
  void note(const GatherPath& effect) {
    ++gathers;
    gathered.push_back(effect.kernel_name);
  }
  void note(const TriggerUevent& effect) { triggered.push_back(effect.sysfs_path + " " + effect.action); }
  void note(const SaveRunState&) { ++saves; }
  void note(const MarkFailedWwid& effect) { failed_marks.push_back((effect.failed ? "failed " : "good ") + effect.wwid.text); }
  void note(const DeletePath& effect) { deleted.push_back(effect.facts->kernel_name); }
  template <typename T>
  void note(const T&) {}

  // --- how the world answers --------------------------------------------------------------------------------------
  template <typename T>
  void answer(T&) {}  // many effects need no answer
  void answer(LoadConfiguration& effect) {
    ConfigurationLoaded event{.op = effect.op};
    config::SourceFile file{"multipath.conf", config_text, config::FileKind::main};
    config::ParseOptions parse;
    parse.hardware_table = false;
    if (!broken_configuration) event.config = config::parse(std::span(&file, 1), parse).config;
    give(event);
  }
  void answer(LoadState& effect) { give(StateLoaded{effect.op, wwids_file, bindings_file, {}, run_state_file, prkeys_file}); }
  void answer(SaveRunState& effect) {
    if (run_state_error) return give(RunStateSaved{effect.op, std::unexpected(*run_state_error)});
    run_state_file = effect.text;
    give(RunStateSaved{effect.op, {}});
  }
  void answer(SaveReservationKey& effect) {
    if (prkeys_error) return give(ReservationKeySaved{effect.op, std::unexpected(*prkeys_error)});
    auto text = effect.key ? wire::set_prkey(prkeys_file, {effect.wwid, *effect.key, effect.aptpl}) : wire::remove_prkey(prkeys_file, effect.wwid);
    if (text) prkeys_file = *text;
    give(ReservationKeySaved{effect.op, {}});
  }
  void answer(ListDisks& effect) {
    if (enumeration_fails) return give(DisksListed{effect.op, fail(ErrorCode::io, "udev", "cannot enumerate"), {}});
    std::vector<ListedDisk> found;
    for (const std::string& name : enumeration_order) found.push_back({disks.at(name).found.facts.devnum, name});
    for (const auto& [name, known] : disks) {
      if (enumeration_order.empty()) found.push_back({known.found.facts.devnum, name});
    }
    give(DisksListed{effect.op, std::move(found), maps_not_ready});
  }
  void answer(ReadDisks& effect) {
    std::vector<DiscoveredPath> found;
    for (const std::string& name : effect.kernel_names) {
      if (auto at = disks.find(name); at != disks.end()) found.push_back(at->second.found);
    }
    give(DisksRead{effect.op, std::move(found)});
  }
  void answer(ListMaps& effect) {
    std::vector<KernelMap> maps;
    for (const auto& [name, device] : kernel) maps.push_back(device);
    give(MapsListed{effect.op, std::move(maps)});
  }
  void answer(ReadMap& effect) {
    auto at = kernel.find(effect.name);
    if (at == kernel.end()) {
      give(MapRead{effect.op, effect.map, fail(ErrorCode::not_found, effect.name.text, "no such device")});
    } else {
      give(MapRead{effect.op, effect.map, at->second});
    }
  }
  void answer(SubmitCommand& effect) {
    auto at = disks.find(attached(effect.path));
    if (at == disks.end()) return;
    const Disk& asked = at->second;
    std::optional<std::uint8_t> code = scsi_operation(effect.command);
    bool is_read = std::holds_alternative<BlockRead>(effect.command);
    if (asked.answer == Answer::none || (code && asked.unanswered.contains(*code)) || (is_read && asked.reads_hang) || (asked.target_groups_hang && code == report_groups_code)) {
      hung.push_back(effect);
      return;
    }
    CommandOutcome outcome;
    bool refused = (code == inquiry_code && asked.refuses_inquiry) || (code == report_groups_code && asked.target_groups_fail);
    if (is_read && (asked.reads_fail || asked.answer == Answer::dead)) {
      outcome.failure = CommandFailure::io_error;
    } else if (asked.takes_no_commands) {
      outcome.failure = CommandFailure::not_a_scsi_device;
    } else if (asked.answer == Answer::busy) {
      outcome.status = 0x08;
    } else if (asked.answer == Answer::dead) {
      outcome.host_status = HostStatus::no_connect;
    } else if (code == 0x00 && !asked.sense.empty()) {
      outcome.status = 2;
      std::ranges::copy(asked.sense, outcome.sense.begin());
      outcome.sense_bytes = static_cast<std::uint8_t>(asked.sense.size());
    } else if (refused) {
      outcome.status = 2;
      outcome.sense = {0x72, 5, 0x24, 0};
      outcome.sense_bytes = 8;
    } else if (auto other = array && code ? array(at->first, std::get<ScsiCommand>(effect.command)) : std::nullopt) {
      outcome = std::move(*other);
    } else if (code == inquiry_code) {
      outcome.data = inquiry(asked, std::get<ScsiCommand>(effect.command));
    } else if (code == report_groups_code) {
      outcome.data = target_groups();
    }
    outcome.round_trip = asked.round_trip;
    give(CommandFinished{effect.op, effect.path, std::move(outcome)});
  }
  [[nodiscard]] static std::vector<std::uint8_t> inquiry(const Disk& asked, const ScsiCommand& command) {
    bool is_page = (command.cdb[1] & 1) != 0;
    if (is_page && command.cdb[2] == 0x83) return page_83(asked.volume, asked.group);
    if (is_page) return {0, command.cdb[2], 0, 2, 0x00, 0x83};
    std::vector<std::uint8_t> data(36, 0);
    data[5] = asked.found.facts.tpg_support == TpgSupport::none ? 0x00 : 0x10;
    return data;
  }
  [[nodiscard]] std::vector<std::uint8_t> target_groups() const {
    std::vector<std::uint8_t> data = {0, 0, 0, static_cast<std::uint8_t>(access.size() * 12)};
    for (auto [group, state] : access) {
      for (int byte : {int{state}, 0x8f, group >> 8, group & 0xff, 0, 0, 0, 1, 0, 0, 0, int{group}}) {
        data.push_back(static_cast<std::uint8_t>(byte));
      }
    }
    return data;
  }
  void answer(ReassignHolders& effect) {
    if (!effect.apply) return give(HoldersReassigned{effect.op, effect.map, ReassignedHolders{.changed = holders, .left = {}}});
    reassigned.push_back(effect);
    if (holders_error) return give(HoldersReassigned{effect.op, effect.map, std::unexpected(*holders_error)});
    give(HoldersReassigned{effect.op, effect.map, ReassignedHolders{.changed = std::exchange(holders, {}), .left = holders_left}});
  }
  void answer(ReadIoCounters& effect) {
    std::uint64_t count = io_under_way[attached(effect.path)];
    give(IoCountersRead{effect.op, effect.path, IoCounters{.reads_in_flight = count, .writes_in_flight = 0}});
  }
  void answer(RunTableAction& effect) {
    const TableAction& action = effect.action;
    if (table_error) return give(TableActionFinished{effect.op, effect.map, std::unexpected(*table_error)});
    DevNum made;
    switch (action.kind) {
      case TableActionKind::create:
      case TableActionKind::reload:
      case TableActionKind::resize: made = load(action); break;
      case TableActionKind::rename: {
        KernelMap device = kernel.at(action.current_name);
        kernel.erase(action.current_name);
        device.name = action.spec.name;
        kernel[device.name] = device;
        break;
      }
      case TableActionKind::suspend: kernel.at(action.current_name).suspended = true; break;
      case TableActionKind::resume: kernel.at(action.current_name).suspended = false; break;
      case TableActionKind::drop_table: kernel.at(action.current_name).has_inactive_table = false; break;
      case TableActionKind::remove:
        if (action.current_name.text == used_map) {
          return give(TableActionFinished{effect.op, effect.map, fail(ErrorCode::busy, used_map, "map in use")});
        }
        kernel.erase(action.current_name);
        break;
    }
    give(TableActionFinished{effect.op, effect.map, made});
  }
  DevNum load(const TableAction& action) {
    KernelMap& device = kernel[action.spec.name];
    device.name = action.spec.name;
    device.read_only = action.spec.read_only;
    device.uuid = "mpath-" + action.spec.wwid.text;
    if (!device.devnum.valid()) device.devnum = {254, static_cast<std::uint32_t>(kernel.size()) + 100};
    device.table = action.spec.table;
    device.suspended = false;
    for (KernelGroup& group : device.table.groups) {
      for (KernelPath& path : group.paths) {
        bool fails = std::ranges::find(action.fail_after_load, path.devnum) != action.fail_after_load.end();
        path.state = fails ? KernelPathState::failed : KernelPathState::active;
      }
    }
    print(device);
    return device.devnum;
  }
  void answer(RescanPath& effect) {
    auto at = disks.find(effect.facts->kernel_name);
    if (at == disks.end()) return give(PathRescanned{effect.op, effect.path, fail(ErrorCode::not_found, effect.facts->kernel_name, "no such device")});
    PathFacts& facts = at->second.found.facts;
    facts.size_sectors = at->second.new_size.value_or(facts.size_sectors);
    give(PathRescanned{effect.op, effect.path, facts.size_sectors});
  }
  void answer(SendMessage& effect) {
    Status result;
    auto at = kernel.find(effect.name);
    if (message_error) result = std::unexpected(*message_error);
    else if (refused_message == effect.message.kind) result = fail(ErrorCode::invalid_argument, effect.name.text, "refused");
    else if (at == kernel.end()) result = fail(ErrorCode::not_found, effect.name.text, "no such device");
    else apply(at->second, effect.message);
    give(MessageFinished{effect.op, effect.map, effect.message, std::move(result)});
  }
  static void apply(KernelMap& device, const MapMessage& message) {
    using Kind = MapMessage::Kind;
    MultipathTable& table = device.table;
    for (KernelGroup& group : table.groups) {
      for (KernelPath& path : group.paths) {
        if (path.devnum != message.path) continue;
        if (message.kind == Kind::fail_path) path.state = KernelPathState::failed;
        if (message.kind == Kind::reinstate_path) path.state = KernelPathState::active;
      }
    }
    if (message.kind == Kind::cancel_deferred_remove) device.deferred_remove = false;
    if (message.kind == Kind::switch_group) table.next_group = message.group;
    if (message.kind == Kind::queue_if_no_path) table.features = wire::features_with(table.features, wire::queue_if_no_path);
    if (message.kind == Kind::fail_if_no_path) table.features = wire::features_without(table.features, wire::queue_if_no_path);
    print(device);
  }

  std::deque<Effect> pending_;
  std::set<std::size_t> held_;
  std::uint64_t last_sequence_ = 0;
  std::uint64_t last_request_ = 0;
};

}  // namespace mpath::engine
