// SPDX-License-Identifier: LGPL-2.1-or-later
// What is written into the history of paths and maps, and the same as structured fields into the journal.
#include "libmpath/engine/history.h"

#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"
#include "libmpath/wire/features.h"
#include "libmpath/wire/sense.h"

namespace mpath::engine {

namespace {

std::string_view bar_word(Bar bar) {
  switch (bar) {
    case Bar::none: return "";
    case Bar::disabled: return "failed by command";
    case Bar::quarantined: return "quarantined";
    case Bar::suspect: return "suspect";
    case Bar::unreliable: return "unreliable";
    case Bar::drained: return "drained";
    case Bar::unregistered: return "not registered";
    case Bar::standby: return "held in standby";
  }
  return "";
}

/// Where each kind of event stands among the causes.
struct CauseOf {
  Cause operator()(const ConfigurationLoaded&) const { return Cause::start; }
  Cause operator()(const StateLoaded&) const { return Cause::start; }
  Cause operator()(const DisksListed&) const { return Cause::start; }
  Cause operator()(const DisksRead&) const { return Cause::start; }
  Cause operator()(const MapsListed&) const { return Cause::start; }
  Cause operator()(const CommandFinished&) const { return Cause::check; }
  Cause operator()(const MapRead&) const { return Cause::kernel; }
  Cause operator()(const MapsChanged&) const { return Cause::kernel; }
  Cause operator()(const PathAppeared&) const { return Cause::uevent; }
  Cause operator()(const PathDisappeared&) const { return Cause::uevent; }
  Cause operator()(const MapUeventSeen&) const { return Cause::uevent; }
  Cause operator()(const RequestArrived&) const { return Cause::command; }
  Cause operator()(const LinkEvent&) const { return Cause::fabric; }
  Cause operator()(const FabricNotice&) const { return Cause::fabric; }
  Cause operator()(const TableActionFinished&) const { return Cause::action; }
  Cause operator()(const HoldersReassigned&) const { return Cause::action; }
  Cause operator()(const MessageFinished&) const { return Cause::action; }
  template <typename T>
  Cause operator()(const T&) const { return Cause::rule; }
};

std::uint32_t packed_sense(const Event& event) {
  const auto* finished = std::get_if<CommandFinished>(&event);
  if (finished == nullptr) return 0;
  auto sense = wire::decode_sense(finished->outcome.sense_data());
  return sense ? std::uint32_t{sense->key} << 16 | std::uint32_t{sense->asc} << 8 | sense->ascq : 0;
}

std::uint32_t in_microseconds(Duration span) {
  auto count = std::chrono::duration_cast<microseconds>(span).count();
  return static_cast<std::uint32_t>(std::clamp<std::int64_t>(count, 0, UINT32_MAX));
}

void set_reason(Transition& entry, StaticText reason) {
  std::string_view text = reason;
  entry.reason = text.data();
  entry.reason_bytes = static_cast<std::uint16_t>(std::min<std::size_t>(text.size(), UINT16_MAX));
}

}  // namespace

std::string Transition::sense_text() const {
  if (sense == 0) return {};
  return wire::to_string(wire::Sense{static_cast<std::uint8_t>(sense >> 16), static_cast<std::uint8_t>(sense >> 8 & 0xff),
                                     static_cast<std::uint8_t>(sense & 0xff)});
}

std::string to_string(const PathStanding& standing) {
  std::string text(mpath::to_string(standing.state));
  if (standing.bar != Bar::none) text += fmt::format(", {}", bar_word(standing.bar));
  if (standing.marginal) text += ", marginal";
  return text;
}

StaticText reason_of(Bar bar) {
  switch (bar) {
    case Bar::none: return "nothing keeps I/O from it any more";
    case Bar::disabled: return "failed by command; reinstate path takes it back";
    case Bar::quarantined: return "another volume answers behind this device; rescan or remove it";
    case Bar::suspect: return "its check is outstanding far longer than those of its siblings";
    case Bar::unreliable: return "it failed too often lately";
    case Bar::drained: return "drained by command";
    case Bar::unregistered: return "waits for the registration of its map's reservation key";
    case Bar::standby: return "only the array can activate it, and no path of the map is active";
  }
  return "";
}

std::string_view to_string(MapStanding standing) {
  switch (standing) {
    case MapStanding::absent: return "absent";
    case MapStanding::serving: return "serving";
    case MapStanding::queueing: return "queueing";
    case MapStanding::failing: return "failing";
  }
  return "absent";
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::start: return "start";
    case Cause::check: return "check";
    case Cause::kernel: return "kernel";
    case Cause::uevent: return "uevent";
    case Cause::command: return "command";
    case Cause::rule: return "rule";
    case Cause::fabric: return "fabric";
    case Cause::action: return "action";
  }
  return "start";
}

std::string_view to_string(FollowUp follow_up) {
  switch (follow_up) {
    case FollowUp::none: return "";
    case FollowUp::failed: return "failed in the map";
    case FollowUp::reinstated: return "reinstated";
    case FollowUp::created: return "created";
    case FollowUp::reloaded: return "reloaded";
    case FollowUp::resized: return "resized";
    case FollowUp::renamed: return "renamed";
    case FollowUp::removed: return "removed";
    case FollowUp::suspended: return "suspended";
    case FollowUp::resumed: return "resumed";
    case FollowUp::dropped_table: return "dropped a table";
    case FollowUp::switched: return "group switched";
    case FollowUp::refused: return "refused by the kernel";
  }
  return "";
}

void History::add(const Transition& entry) {
  if (ring_.size() < limits::history_entries) {
    ring_.push_back(entry);
    return;
  }
  ring_[first_] = entry;
  first_ = (first_ + 1) % ring_.size();
}

std::vector<Transition> History::entries() const {
  std::vector<Transition> all;
  all.reserve(ring_.size());
  for (std::size_t i = 0; i < ring_.size(); ++i) all.push_back(ring_[(first_ + i) % ring_.size()]);
  return all;
}

Cause Engine::Core::current_cause() const { return current_ == nullptr ? Cause::rule : std::visit(CauseOf{}, *current_); }

void Engine::Core::remember(History& history, const std::string& subject, const std::string& map, bool is_map, const Transition& entry) {
  history.add(entry);
  if (recent.size() == limits::recent_transitions) recent.pop_front();
  recent.push_back({subject, map, is_map, {entry}});
}

/// Called whenever something of the path may have changed.
void Engine::Core::note_standing(PathRecord& path) {
  PathStanding standing{path.health.state, bar(path), path.marginal_reasons.any()};
  std::uint8_t packed = standing.packed();
  if (packed == path.noted_standing) return;
  const PathStanding before = PathStanding::unpacked(path.noted_standing);
  Transition entry{.at = now + standstill, .before = path.noted_standing, .after = packed, .cause = current_cause()};
  if (current_ != nullptr) entry.sense = packed_sense(*current_);
  bool state_moved = before.state != standing.state;
  bool waits = standing.bar == Bar::unregistered && is_usable(standing.state);
  StaticText reason = state_moved && !waits ? path.health.reason : reason_of(standing.bar);
  if (!state_moved && before.bar == standing.bar) reason = standing.marginal ? StaticText("marked as marginal") : StaticText("not marginal any more");
  set_reason(entry, reason);
  path.noted_standing = packed;
  const MapRecord* map = find_map(path.map);
  std::string map_name = map != nullptr && map->kernel ? map->name.text : std::string{};
  remember(path.history, path.facts->kernel_name, map_name, false, entry);
  if (standing.state == PathState::removed) return;
  // An observer sees every path for the first time: its state is no news.
  LogLine line{.severity = options.mode != Mode::manage ? Severity::info : may_serve(path) ? Severity::notice : Severity::warning,
               .subject = path.facts->kernel_name,
               .text = standing_evidence.empty() ? fmt::format("path is {}: {}", to_string(standing), reason) : std::exchange(standing_evidence, {})};
  line.fields = {{"MULTIPATH_DEVICE", path.facts->kernel_name},
                 {"MULTIPATH_MAP", map_name},
                 {"MULTIPATH_OLD_STATE", to_string(before)},
                 {"MULTIPATH_NEW_STATE", to_string(standing)},
                 {"MULTIPATH_CAUSE", std::string(to_string(entry.cause))}};
  if (entry.sense != 0) line.fields.push_back({"MULTIPATH_SENSE", entry.sense_text()});
  emit(std::move(line));
}

void Engine::Core::touch_because(PathRecord& path, Severity severity, std::string text) {
  standing_evidence = std::move(text);
  touch(path);
  if (!standing_evidence.empty()) log(severity, path.facts->kernel_name, std::exchange(standing_evidence, {}));
}

/// The message that followed the path's last transition has been taken, or refused.
void Engine::Core::note_message(PathRecord& path, bool worked) {
  if (path.history.empty()) return;
  Transition& last = path.history.last();
  if (last.follow_up != FollowUp::none) return;
  last.follow_up = !worked                                            ? FollowUp::refused
                   : path.message_sent == KernelPathState::active ? FollowUp::reinstated
                                                                  : FollowUp::failed;
  last.took_microseconds = in_microseconds(now + standstill - last.at);
}

void Engine::Core::note_standing(MapRecord& map) {
  MapStanding standing = MapStanding::absent;
  if (map.live && map.kernel) {
    standing = MapStanding::serving;
    // Before the first answers nobody knows.
    if (map.no_path_since == no_deadline && (!configured_once || awaits_first_answers(map))) return;
    if (map.no_path_since != no_deadline) {
      bool queues = wire::features_has(map.kernel->table.features, wire::queue_if_no_path);
      standing = queues ? MapStanding::queueing : MapStanding::failing;
    }
  }
  if (standing == map.noted_standing) return;
  Transition entry{.at = now + standstill, .before = static_cast<std::uint8_t>(map.noted_standing),
                   .after = static_cast<std::uint8_t>(standing), .cause = current_cause()};
  constexpr StaticText reasons[] = {"the kernel does not have it any more", "a path works", "no path works; I/O waits",
                                          "no path works; I/O fails"};
  StaticText reason = reasons[static_cast<std::size_t>(standing)];
  if (standing == MapStanding::absent && !map.absence.empty()) reason = map.absence;
  if (standing == MapStanding::failing && map.retries_expired) reason = "no path came back within no_path_retry; I/O fails";
  if (standing == MapStanding::failing && map.queueing_disabled) reason = "queueing was disabled by command; I/O fails";
  set_reason(entry, reason);
  const MapStanding before = map.noted_standing;
  map.noted_standing = standing;
  remember(map.history, map.name.text, {}, true, entry);
  if (options.mode != Mode::manage) return;
  LogLine line{.severity = Severity::info, .subject = map.name.text, .text = fmt::format("map is {}: {}", to_string(standing), reason)};
  line.fields = {{"MULTIPATH_MAP", map.name.text},
                 {"MULTIPATH_OLD_STATE", std::string(to_string(before))},
                 {"MULTIPATH_NEW_STATE", std::string(to_string(standing))},
                 {"MULTIPATH_CAUSE", std::string(to_string(entry.cause))}};
  emit(std::move(line));
}

/// An action on a map has ended: it is an entry of its own, with why it was done and how long it took.
void Engine::Core::note_action(MapRecord& map, FollowUp what, StaticText why, MonoTime begun) {
  Transition entry{.at = begun + standstill, .took_microseconds = in_microseconds(now - begun),
                   .before = static_cast<std::uint8_t>(map.noted_standing), .after = static_cast<std::uint8_t>(map.noted_standing),
                   .cause = Cause::action, .follow_up = what};
  set_reason(entry, why);
  remember(map.history, map.name.text, {}, true, entry);
}

StaticText Engine::Core::keep_text(std::string text, StaticText general) {
  const auto known = kept_texts.find(text);
  if (known != kept_texts.end()) return StaticText::kept(*known);
  if (kept_texts.size() >= limits::kept_texts) return general;
  return StaticText::kept(*kept_texts.insert(std::move(text)).first);
}

void Engine::Core::note_table_action(MapRecord& map, bool worked) {
  auto what = [&] {
    switch (map.table_kind) {
      case TableActionKind::create: return FollowUp::created;
      case TableActionKind::reload: return FollowUp::reloaded;
      case TableActionKind::resize: return FollowUp::resized;
      case TableActionKind::rename: return FollowUp::renamed;
      case TableActionKind::remove: return FollowUp::removed;
      case TableActionKind::suspend: return FollowUp::suspended;
      case TableActionKind::resume: return FollowUp::resumed;
      case TableActionKind::drop_table: return FollowUp::dropped_table;
    }
    return FollowUp::none;
  };
  note_action(map, worked ? what() : FollowUp::refused, map.table_reason, map.table_begun);
}

/// Of one device with what belongs to it, or without a name the newest of all.
std::vector<HistoryView> Engine::Core::history_of(const std::vector<std::string>& devices) {
  if (devices.empty()) return {recent.begin(), recent.end()};
  const std::string& device = devices.front();
  std::vector<HistoryView> found;
  auto add_path = [&](PathRecord& path) {
    const MapRecord* map = find_map(path.map);
    found.push_back({path.facts->kernel_name, map != nullptr && map->kernel ? map->name.text : std::string{}, false, path.history.entries()});
  };
  if (PathRecord* path = find_path_by_name(device)) {
    add_path(*path);
  } else if (MapRecord* map = requested_map(Request{.map = device})) {
    found.push_back({map->name.text, {}, true, map->history.entries()});
    for (PathRecord& member : members_of(*map)) add_path(member);
  }
  return found;
}

}  // namespace mpath::engine
