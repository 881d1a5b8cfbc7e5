// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/engine/rehearsal.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "libmpath/wire/dm_table.h"
#include "libmpath/wire/features.h"

namespace mpath::engine {

namespace {

constexpr std::size_t steps_for_each_object = 64;  ///< more than any map or path needs; a rehearsal must end
constexpr std::uint32_t first_new_minor = 1u << 19;  ///< of maps that do not exist; no real one is that high

class Stage {
 public:
  Stage(const RehearsalInputs& inputs, std::shared_ptr<const KnownPaths> known)
      : inputs_(inputs),
        known_(std::move(known)),
        now_(inputs.now),
        engine_({.mode = Mode::manage, .bindings_read_only = inputs.bindings_read_only, .known = known_}) {
    for (const DiscoveredPath& path : inputs.paths) disks_.emplace(path.facts.kernel_name, &path);
    for (const KernelMap& map : inputs.maps) {
      kernel_.push_back(map);
      if (map.is_multipath()) record(map.wwid()).before = map;
    }
  }

  Rehearsal run(std::shared_ptr<const config::Config> running, bool all) {
    // First the daemon as it is: with its configuration, and with the paths that it has.
    config_ = running ? std::move(running) : inputs_.configuration.config;
    only_known_ = config_ != inputs_.configuration.config;
    give(Started{});
    bool finished = play();
    if (only_known_ || all) {
      config_ = inputs_.configuration.config;
      only_known_ = false;
      const Request request{.kind = all ? RequestKind::reconfigure_all : RequestKind::reconfigure};
      give(RequestArrived{static_cast<RequestId>(1), request});
      finished = play() && finished;
    }
    result_.finished = finished;
    for (RehearsedMap& map : result_.maps) {
      const auto at = std::ranges::find_if(kernel_, [&](const KernelMap& device) { return device.wwid() == map.wwid && device.is_multipath(); });
      if (at != kernel_.end()) map.after = *at;
    }
    result_.outcome = engine_.snapshot(now_);
    return std::move(result_);
  }

 private:
  /// Until nothing is under way and nothing comes of itself for a while. False if that took too many steps.
  bool play() {
    const std::size_t most_steps = 1000 + steps_for_each_object * (inputs_.maps.size() + inputs_.paths.size());
    const MonoTime end = now_ + rehearsal_limit;
    for (std::size_t steps = 0; steps < most_steps; ++steps) {
      if (!pending_.empty()) {
        Effect effect = std::move(pending_.front());
        pending_.pop_front();
        std::visit([this](auto& wanted) { carry_out(wanted); }, effect);
        continue;
      }
      const MonoTime next = engine_.next_deadline();
      if (next > end) return true;
      now_ = std::max(now_, next);
      give(TimeAdvanced{});
    }
    return false;
  }

  void give(const Event& event) {
    std::vector<Effect> effects;
    engine_.step(event, now_, effects);
    for (Effect& effect : effects) pending_.push_back(std::move(effect));
  }

  RehearsedMap& record(const Wwid& wwid) {
    const auto at = std::ranges::find(result_.maps, wwid, &RehearsedMap::wwid);
    return at != result_.maps.end() ? *at : result_.maps.emplace_back(RehearsedMap{.wwid = wwid, .actions = {}, .messages = {}, .reassigned = {}});
  }

  KernelMap* find(const MapName& name) {
    const auto at = std::ranges::find(kernel_, name, &KernelMap::name);
    return at == kernel_.end() ? nullptr : &*at;
  }

  // --- what needs no answer --------------------------------------------------------------------------------------
  template <typename T>
  void carry_out(T&) {}
  void carry_out(LogLine& line) {
    if (line.severity != Severity::error && line.severity != Severity::warning) return;
    result_.messages.push_back(line.subject.empty() ? line.text : line.subject + ": " + line.text);
  }

  // --- the world as it was read --------------------------------------------------------------------------------------
  void carry_out(LoadConfiguration& effect) { give(ConfigurationLoaded{effect.op, config_, {}}); }
  void carry_out(LoadState& effect) {
    StateLoaded event = inputs_.state;
    event.op = effect.op;
    event.messages.clear();
    give(event);
  }
  void carry_out(ListDisks& effect) {
    std::vector<ListedDisk> disks;
    for (const DiscoveredPath& path : inputs_.paths) {
      if (!only_known_ || known_->contains(path.facts.devnum)) disks.push_back({path.facts.devnum, path.facts.kernel_name});
    }
    give(DisksListed{effect.op, std::move(disks), {}});
  }
  void carry_out(ReadDisks& effect) {
    std::vector<DiscoveredPath> paths;
    for (const std::string& name : effect.kernel_names) paths.push_back(*disks_.at(name));
    give(DisksRead{effect.op, std::move(paths)});
  }
  void carry_out(ListMaps& effect) { give(MapsListed{.op = effect.op, .maps = kernel_, .target_version = inputs_.target_version}); }
  void carry_out(ReadMap& effect) {
    if (const KernelMap* map = find(effect.name)) return give(MapRead{effect.op, effect.map, *map});
    give(MapRead{effect.op, effect.map, fail(ErrorCode::not_found, effect.name.text, "there is no such device")});
  }
  void carry_out(SaveRunState& effect) { give(RunStateSaved{effect.op, {}}); }
  void carry_out(ReadIoCounters& effect) { give(IoCountersRead{effect.op, effect.path, IoCounters{}}); }

  void carry_out(ReassignHolders& effect) {
    ReassignedHolders done;
    const KernelMap* map = find(effect.name);
    const auto at = map == nullptr ? inputs_.reassignable.end() : inputs_.reassignable.find(map->wwid().text);
    if (at != inputs_.reassignable.end()) done.changed = record(map->wwid()).reassigned = at->second;
    give(HoldersReassigned{effect.op, effect.map, std::move(done)});
  }

  // --- the copy of the kernel's maps -------------------------------------------------------------------------------
  void carry_out(RunTableAction& effect) {
    const TableAction& action = effect.action;
    record(action.spec.wwid).actions.push_back(action);
    DevNum made;
    switch (action.kind) {
      case TableActionKind::create: made = create(action); break;
      case TableActionKind::reload:
      case TableActionKind::resize:
        if (KernelMap* map = find(action.current_name)) load(*map, action);
        break;
      case TableActionKind::rename:
        if (KernelMap* map = find(action.current_name)) map->name = action.spec.name;
        break;
      case TableActionKind::suspend:
      case TableActionKind::resume:
        if (KernelMap* map = find(action.current_name)) map->suspended = action.kind == TableActionKind::suspend;
        break;
      case TableActionKind::drop_table:
        if (KernelMap* map = find(action.current_name)) map->has_inactive_table = false;
        break;
      case TableActionKind::remove:
        std::erase_if(kernel_, [&](const KernelMap& map) { return map.name == action.current_name; });
        break;
    }
    const MapName name = action.kind == TableActionKind::remove ? MapName{} : action.spec.name;
    give(TableActionFinished{effect.op, effect.map, made});
    if (const KernelMap* map = name.empty() ? nullptr : find(name)) {
      give(MapUeventSeen{{.action = MapUevent::Action::change, .name = map->name, .uuid = map->uuid, .devnum = map->devnum, .ready = true}});
    }
  }
  DevNum create(const TableAction& action) {
    KernelMap map;
    map.name = action.spec.name;
    map.uuid = map_uuid(action.spec.wwid);
    map.devnum = {254, first_new_minor + made_++};
    kernel_.push_back(std::move(map));
    load(kernel_.back(), action);
    return kernel_.back().devnum;
  }
  static void load(KernelMap& map, const TableAction& action) {
    map.table = action.spec.table;
    for (std::size_t at = 0; at < map.table.groups.size(); ++at) {
      KernelGroup& group = map.table.groups[at];
      group.state = at + 1 == map.table.next_group ? KernelGroupState::active : KernelGroupState::enabled;
      for (KernelPath& path : group.paths) {
        const bool fails = std::ranges::find(action.fail_after_load, path.devnum) != action.fail_after_load.end();
        path.state = fails ? KernelPathState::failed : KernelPathState::active;
      }
    }
    map.table_fingerprint = wire::table_fingerprint(wire::format_table(map.table), map.table.size_sectors);
    map.read_only = action.spec.read_only;
  }
  void carry_out(SendMessage& effect) {
    KernelMap* map = find(effect.name);
    if (map == nullptr) {
      return give(MessageFinished{effect.op, effect.map, effect.message, fail(ErrorCode::not_found, effect.name.text, "there is no such device")});
    }
    record(map->wwid()).messages.push_back(effect.message);
    apply(map->table, effect.message);
    map->table_fingerprint = wire::table_fingerprint(wire::format_table(map->table), map->table.size_sectors);
    give(MessageFinished{effect.op, effect.map, effect.message, {}});
  }
  static void apply(MultipathTable& table, const MapMessage& message) {
    auto set_path = [&](KernelPathState state) {
      for (KernelGroup& group : table.groups) {
        for (KernelPath& path : group.paths) {
          if (path.devnum == message.path) path.state = state;
        }
      }
    };
    switch (message.kind) {
      case MapMessage::Kind::fail_path: set_path(KernelPathState::failed); break;
      case MapMessage::Kind::reinstate_path: set_path(KernelPathState::active); break;
      case MapMessage::Kind::enable_group:
      case MapMessage::Kind::cancel_deferred_remove: break;
      case MapMessage::Kind::switch_group:
        table.next_group = message.group;
        for (std::size_t at = 0; at < table.groups.size(); ++at) {
          table.groups[at].state = at + 1 == message.group ? KernelGroupState::active : KernelGroupState::enabled;
        }
        break;
      case MapMessage::Kind::queue_if_no_path: table.features = wire::features_with(table.features, wire::queue_if_no_path); break;
      case MapMessage::Kind::fail_if_no_path: table.features = wire::features_without(table.features, wire::queue_if_no_path); break;
    }
  }

  std::shared_ptr<const config::Config> config_;
  bool only_known_ = false;
  const RehearsalInputs& inputs_;
  std::unordered_map<std::string_view, const DiscoveredPath*> disks_;  ///< by kernel name
  std::shared_ptr<const KnownPaths> known_;
  MonoTime now_;
  Engine engine_;
  std::deque<Effect> pending_;
  std::vector<KernelMap> kernel_;
  std::uint32_t made_ = 0;
  Rehearsal result_;
};

}  // namespace

std::shared_ptr<const KnownPaths> known_paths(const Snapshot& snapshot) {
  auto known = std::make_shared<KnownPaths>();
  for (const auto& path : snapshot.paths) {
    if (!path || !path->facts || path->init_state == InitState::removed) continue;
    known->insert_or_assign(path->facts->devnum, KnownPath{.disk_sequence = path->facts->disk_sequence,
                                                           .state = path->health.state,
                                                           .priority = path->priority,
                                                           .disabled = path->bar == Bar::disabled,
                                                           .unregistered = path->bar == Bar::unregistered});
  }
  return known;
}

Rehearsal rehearse(const RehearsalInputs& inputs, std::shared_ptr<const KnownPaths> known, std::shared_ptr<const config::Config> running, bool all) {
  return Stage(inputs, std::move(known)).run(std::move(running), all);
}

}  // namespace mpath::engine
