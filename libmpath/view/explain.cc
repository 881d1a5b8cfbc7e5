// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/explain.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"
#include "libmpath/policy/admission.h"
#include "libmpath/policy/claim.h"
#include "libmpath/policy/identify.h"
#include "libmpath/policy/layout.h"
#include "libmpath/policy/selection.h"
#include "libmpath/view/format.h"
#include "libmpath/view/settings_behind.h"
#include "libmpath/view/what_if.h"
#include "libmpath/view/words.h"
#include "libmpath/wire/state_files.h"

namespace mpath::view {

namespace {

using config::Key;
using engine::Bar;
using engine::MapView;
using engine::PathView;
using engine::Snapshot;

std::int64_t seconds_since(MonoTime now, MonoTime since) {
  return since < now ? std::chrono::duration_cast<seconds>(now - since).count() : 0;
}

/// Collects statements about one object; knows the configuration.
class Statements {
 public:
  Statements(const Snapshot& snapshot, config::PathIdentity identity) : identity_(std::move(identity)) {
    if (snapshot.config) resolver_.emplace(snapshot.config);
  }
  void say(std::string topic, std::string text, std::initializer_list<Key> keys = {}) {
    Explanation& out = list_.emplace_back(Explanation{std::move(topic), std::move(text), {}});
    if (resolver_) out.settings = settings_behind(*resolver_, identity_, keys);
  }
  [[nodiscard]] config::Resolver* resolver() { return resolver_ ? &*resolver_ : nullptr; }
  std::vector<Explanation> take() { return std::move(list_); }

 private:
  config::PathIdentity identity_;
  std::optional<config::Resolver> resolver_;
  std::vector<Explanation> list_;
};

config::PathIdentity identity_of(const MapView& map) {
  for (const auto& group : map.groups) {
    for (const auto& path : group.paths) {
      if (!path || facts_of(*path).vendor.empty()) continue;
      config::PathIdentity identity = policy::identity_for_lookup(facts_of(*path));
      identity.wwid = map.wwid.text;
      return identity;
    }
  }
  return {.wwid = map.wwid.text};
}

std::string_view grouped_by(PathGroupingPolicy policy) {
  switch (policy) {
    case PathGroupingPolicy::failover: return "each path is a group of its own";
    case PathGroupingPolicy::multibus: return "all paths are one group";
    case PathGroupingPolicy::group_by_serial: return "paths with the same serial number are a group";
    case PathGroupingPolicy::group_by_prio: return "paths with the same priority are a group";
    case PathGroupingPolicy::group_by_node_name: return "paths to the same target node are a group";
    case PathGroupingPolicy::group_by_tpg: return "paths of the same ALUA target port group are a group";
  }
  return "";
}

void say_groups(Statements& out, const MapView& map) {
  if (map.settings) {
    bool all_alua = true;
    for (const auto& group : map.groups) {
      for (const auto& path : group.paths) all_alua = all_alua && path && path->priority_from_alua;
    }
    const policy::PolicyChoice choice = policy::choose_policy(all_alua, *map.settings);
    std::string_view why = "as configured";
    if (choice.detected) why = "detected, because every path's priority comes from ALUA; path_grouping_policy does not count";
    if (choice.lacks_alua) why = "because not every path follows ALUA, as group_by_tpg needs";
    out.say("groups", fmt::format("{}: {} ({})", to_string(choice.policy), grouped_by(choice.policy), why),
            {Key::path_grouping_policy, Key::detect_pgpolicy, Key::detect_pgpolicy_use_tpg});
  }
  std::size_t number = 0;
  for (const auto& group : map.groups) {
    std::string text = fmt::format("{}, priority {}:", word(group.state), group.priority);
    for (const auto& path : group.paths) {
      if (!path) continue;
      text += fmt::format(" {}", value_of('d', PathRow{*path, true}, MonoTime{}));
      text += path->priority ? fmt::format(" {}", *path->priority) : std::string(" (priority not known)");
      if (!is_usable(path->health.state) || path->bar != Bar::none) text += " (does not count: carries no I/O)";
      text += ",";
    }
    text.pop_back();
    out.say(fmt::format("group {}", ++number), text);
  }
  out.say("order", "a group's priority is the mean of those of its usable paths; I/O goes to the best one. The order in the table is that of its "
                   "last load: a path that fails or returns loads nothing",
          {Key::failback, Key::prio, Key::detect_prio});
}

std::string reservation_text(const engine::ReservationView& reservation) {
  if (!reservation.has_key) return "it has no key any more; what is still registered is removed from paths that return";
  switch (reservation.registered) {
    case engine::ReservationFlag::unknown: return "whether this host is registered is not known yet; new paths wait until it is";
    case engine::ReservationFlag::unset: return "this host is not registered, so no path has to be (mpathpersist registers it)";
    case engine::ReservationFlag::set: break;
  }
  return fmt::format("this host is registered, and so is each path before it carries I/O; it holds the reservation: {}",
                     reservation.held == engine::ReservationFlag::set ? "yes" : reservation.held == engine::ReservationFlag::unset ? "no" : "not known");
}

Explained explain_map(const Snapshot& snapshot, const MapView& map) {
  Statements out(snapshot, identity_of(map));
  std::size_t paths = 0;
  for (const auto& group : map.groups) paths += group.paths.size();
  out.say("paths", fmt::format("{} of {} may carry I/O", map.usable_paths, paths));
  out.say("name", escape(map.name.text), {Key::alias, Key::user_friendly_names, Key::alias_prefix});
  say_groups(out, map);
  out.say("selector", map.groups.empty() ? std::string("there is no group") : escape(map.groups.front().selector),
          {Key::path_selector, Key::rr_min_io_rq, Key::rr_weight});
  out.say("features", escape(map.features), {Key::features});
  out.say("handler", escape(map.hardware_handler) + " (one that the kernel attached stays)", {Key::hardware_handler});
  out.say("queueing", "without a path " + without_path_text(snapshot, map), {Key::no_path_retry, Key::polling_interval});
  if (map.retry_deadline != no_deadline) {
    out.say("countdown", fmt::format("no path is left; queued I/O fails in {} s", seconds_until(snapshot.now, map.retry_deadline).count()));
  }
  if (map.failback_due != no_deadline) {
    out.say("failback", fmt::format("I/O returns to the best group in {} s", seconds_until(snapshot.now, map.failback_due).count()));
  }
  if (map.reservation) out.say("reservation", reservation_text(*map.reservation), {Key::reservation_key, Key::all_tg_pt});
  if (map.suspended && *map.suspended) {
    out.say("suspended", fmt::format("all I/O is held back and no table is loaded until it is resumed: multipathd resume map {}", escape(map.name.text)));
  }
  if (!map.deferred.empty()) out.say("waits", escape(map.deferred));
  if (map.failed) out.say("failed", failed_text(*map.failed, snapshot.now));
  for (const auto& group : map.groups) {
    for (const auto& path : group.paths) {
      if (!path) continue;
      const std::string bar = bar_text(*path, snapshot.now);
      if (is_usable(path->health.state) && bar.empty() && path->kernel_state != KernelPathState::failed) continue;
      const PathRow row{*path, true};
      std::string why = escape(path->health.reason);
      if (path->bar == Bar::suspect || why == bar) why.clear();
      if (!why.empty() && !bar.empty()) why += "; ";
      out.say("path " + value_of('d', row, snapshot.now),
              fmt::format("{}, in the kernel {}, for {} s: {}{}", value_of('T', row, snapshot.now), word(path->kernel_state),
                          seconds_since(snapshot.now, path->health.since), why, bar));
    }
  }
  std::string subject = escape(map.name.text);
  if (map.wwid.text != map.name.text) subject += fmt::format(" ({})", escape(map.wwid.text));
  return {subject + " " + value_of('d', map, snapshot.now), "map", out.take()};
}

/// Who keeps the disk from becoming a path, if somebody uses it.
void say_users(Statements& out, const engine::RehearsalInputs& inputs, DevNum devnum) {
  const auto at = inputs.users.find(devnum);
  if (at == inputs.users.end() || at->second.empty()) return;
  out.say("in use", fmt::format("{}", fmt::join(at->second, ", ")));
}

/// Who uses a path besides its map.
void say_others(Statements& out, const engine::RehearsalInputs& inputs, DevNum devnum, const std::string& map) {
  const auto at = inputs.users.find(devnum);
  if (at == inputs.users.end()) return;
  const std::string own = fmt::format("held by {} (", escape(map));
  std::vector<std::string> others;
  std::ranges::copy_if(at->second, std::back_inserter(others), [&](const std::string& user) { return !user.starts_with(own); });
  if (others.empty()) return;
  out.say("also used", fmt::format("{}, past the map (multipathd reset map {} puts dm devices onto it)", fmt::join(others, ", "), escape(map)),
          {Key::reassign_maps});
}

bool is_marked_failed(const engine::RehearsalInputs& inputs, const Wwid& wwid) {
  return std::ranges::find(inputs.failed_wwids, wwid) != inputs.failed_wwids.end();
}

/// What became of the volume's map, if it was removed or could not be made, and how to get it. False if that is not so.
bool say_lost_map(Statements& out, const Snapshot& snapshot, const engine::RehearsalInputs& inputs, const Wwid& wwid) {
  const auto absent = std::ranges::find(snapshot.absent_maps, wwid, &engine::AbsentMapView::wwid);
  const bool is_known = absent != snapshot.absent_maps.end();
  if (is_known && !absent->removed.empty()) {
    out.say("map", fmt::format("none: it was {}. It is made again when one of its paths appears, on reconfigure, and at once by: multipathd add map {}",
                               escape(absent->removed), escape(wwid.text)));
    return true;
  }
  const bool fails = is_known && absent->failed;
  if (fails) out.say("map", "none: " + failed_text(*absent->failed, snapshot.now));
  if (is_marked_failed(inputs, wwid)) {
    out.say("failed", fmt::format("the last attempt to make its map failed, so others do not wait for it: marked in /run/multipath/failed_wwids. End what "
                                  "holds the disks{}; then: multipathd add map {}. The mark goes when the map is made",
                                  fails ? "" : " (the log says what it was)", escape(wwid.text)));
  }
  return fails;
}

void say_nameless(Statements& out, const PathFacts& facts) {
  config::Resolver* resolver = out.resolver();
  const bool is_own = resolver != nullptr && !policy::may_name_itself(facts, *resolver->path(policy::identity_for_lookup(facts)), resolver->daemon());
  out.say("map", is_own ? "none: its WWID is not known: udev does not tell the property that uid_attribute or uid_attrs names, and only the usual "
                          "property is replaced by the device's own answer (udevadm info shows what udev tells)"
                        : "none: its WWID is not known, neither from udev nor from sysfs nor by its own answer",
          {Key::uid_attribute});
}

/// Why a disk that is fit to be a path belongs to no map.
void say_no_map(Statements& out, const Snapshot& snapshot, const engine::RehearsalInputs& inputs, const Wwid& wwid) {
  std::uint32_t known = 0;
  for (const auto& path : snapshot.paths) known += path && path->facts && path->facts->wwid == wwid ? 1 : 0;
  for (const auto& map : snapshot.maps) {
    if (!map || map->wwid != wwid) continue;
    out.say("map", fmt::format("not in the table of {} yet: it must have proved to work, have the map's size, and the load may have to wait{}{}",
                               escape(map->name.text), map->deferred.empty() ? "" : ": ", escape(map->deferred)));
    return;
  }
  if (say_lost_map(out, snapshot, inputs, wwid)) return;
  bool in_file = false;
  for (const Wwid& entry : wire::parse_wwids(inputs.state.wwids)) in_file = in_file || entry == wwid;
  const config::Resolver* resolver = out.resolver();
  if (resolver == nullptr) return;
  const FindMultipaths mode = resolver->daemon().find_multipaths.value;
  const bool may = policy::may_create_map(mode, {.map_exists = false, .in_wwids_file = in_file, .known_paths = known});
  std::string text = fmt::format("none: find_multipaths is {}, {} path(s) known, {} the wwids file", to_string(mode), known, in_file ? "in" : "not in");
  text += may ? "; a map may be made. It takes a path that works, and a disk that nobody else holds (file system, LVM, MD, another dm device)"
              : "; no map is made by itself (multipath -a adds it)";
  out.say("map", text, {Key::find_multipaths});
}

Explained explain_path(const Snapshot& snapshot, const engine::RehearsalInputs& inputs, const PathView& path) {
  const PathFacts& facts = facts_of(path);
  const PathRow row{path, true};
  Statements out(snapshot, policy::identity_for_lookup(facts));
  std::string state = fmt::format("{} ({})", value_of('T', row, snapshot.now), to_string(path.health.state));
  if (path.health.since != MonoTime{}) state += fmt::format(" for {} s", seconds_since(snapshot.now, path.health.since));
  if (!path.health.reason.empty()) state += fmt::format(": {}", escape(path.health.reason));
  out.say("state", state);
  if (const std::string bar = bar_text(path, snapshot.now); !bar.empty()) {
    if (path.bar == Bar::suspect) out.say("kept out", bar, {Key::suspect_after});
    else out.say("kept out", bar);
  }
  if (path.map_name.empty()) {
    if (facts.wwid.empty()) say_nameless(out, facts);
    else say_no_map(out, snapshot, inputs, facts.wwid);
    say_users(out, inputs, facts.devnum);
  } else {
    out.say("map", fmt::format("{}; in its table {}", escape(path.map_name), word(path.kernel_state)));
    say_others(out, inputs, facts.devnum, path.map_name);
  }
  if (path.check_outstanding_since) {
    out.say("check", fmt::format("no answer for {} s", seconds_since(snapshot.now, *path.check_outstanding_since)), {Key::checker_timeout});
  } else if (path.next_check != no_deadline) {
    out.say("check", fmt::format("next in {} s, every {} s; failures so far: {}", seconds_until(snapshot.now, path.next_check).count(),
                                 path.check_interval.count(), path.failures),
            {Key::polling_interval, Key::max_polling_interval});
  }
  out.say("checker", path.checker.empty() ? std::string("there is none of the configured name: whether the path works is not known") : escape(path.checker),
          {Key::path_checker, Key::detect_checker});
  out.say("priority", fmt::format("{} ({})", path.priority ? std::to_string(*path.priority) : std::string("not known"),
                                  path.prioritizer.empty() ? std::string("there is no prioritizer of the configured name")
                                                           : "prioritizer " + escape(path.prioritizer)),
          {Key::prio, Key::prio_args, Key::detect_prio});
  out.say("identity", facts.wwid.empty() ? std::string("WWID not known") : "WWID " + escape(facts.wwid.text), {Key::uid_attribute});
  return {fmt::format("{} {} {}", value_of('d', row, snapshot.now), value_of('D', row, snapshot.now), value_of('i', row, snapshot.now)), "path", out.take()};
}

/// A disk that the daemon does not use.
Explained explain_disk(const Snapshot& snapshot, const engine::RehearsalInputs& inputs, const DiscoveredPath& found) {
  Statements out(snapshot, policy::identity_for_lookup(found.facts));
  Explained explained{fmt::format("{} {}", escape(found.facts.kernel_name), to_string(found.facts.devnum)), "disk", {}};
  if (config::Resolver* resolver = out.resolver()) {
    policy::Blacklist blacklist(snapshot.config);
    const policy::Judgement judged = policy::judge(found, *resolver, blacklist);
    if (!judged.admission.is_admitted) {
      out.say("not used", escape(judged.admission.reason));
    } else {
      out.say("fit", "nothing in the configuration speaks against it");
      if (judged.facts->wwid.empty()) say_nameless(out, *judged.facts);
      else say_no_map(out, snapshot, inputs, judged.facts->wwid);
    }
    say_users(out, inputs, found.facts.devnum);
    out.say("identity", judged.facts->wwid.empty() ? std::string("WWID not known") : "WWID " + escape(judged.facts->wwid.text), {Key::uid_attribute});
  }
  explained.statements = out.take();
  return explained;
}

/// A volume whose map is not there, asked for by its WWID.
std::optional<Explained> explain_absent(const Snapshot& snapshot, const engine::RehearsalInputs& inputs, const Wwid& wwid) {
  const bool has_path = std::ranges::any_of(snapshot.paths, [&](const auto& path) { return path && path->facts && path->facts->wwid == wwid; });
  if (wwid.empty() || (!has_path && !is_marked_failed(inputs, wwid))) return std::nullopt;
  Statements out(snapshot, {.wwid = wwid.text});
  say_no_map(out, snapshot, inputs, wwid);
  return Explained{escape(wwid.text), "map", out.take()};
}

}  // namespace

std::string failed_text(const engine::FailedActionView& failed, MonoTime now) {
  return fmt::format("{} failed: {}; tried again in {} s", to_string(failed.what), escape(failed.why), seconds_until(now, failed.retry_at).count());
}

std::string bar_text(const PathView& path, MonoTime now) {
  if (path.bar == Bar::none) return {};
  if (path.bar == Bar::unregistered) {
    std::string text(engine::reason_of(path.bar));
    if (path.registration_reason.empty()) return text;
    return text + fmt::format(": {}; tried again in {} s", path.registration_reason, seconds_until(now, path.registration_retry).count());
  }
  if (path.bar == Bar::suspect && path.suspect) {
    return fmt::format("new I/O avoids it until it answers: its check has not been answered for {} s, usual for its siblings are {}; what lies "
                       "between its host and its target port is worth a look",
                       seconds_since(now, path.suspect->asked_at), engine::span_text(path.suspect->siblings_p99));
  }
  if (path.bar != Bar::drained) return std::string(engine::reason_of(path.bar));
  std::string text = fmt::format("drained (asked for: {})", escape(path.drain_asked_for));
  if (path.drain_undo_at != no_deadline) text += fmt::format(", undone in {} s unless confirmed", seconds_until(now, path.drain_undo_at).count());
  return text;
}

std::optional<Explained> explain(const Snapshot& snapshot, const engine::RehearsalInputs& inputs, std::string_view word) {
  std::string_view name = word;
  if (name.starts_with("/dev/")) name.remove_prefix(5);
  if (name.starts_with("mapper/")) name.remove_prefix(7);
  for (const auto& map : snapshot.maps) {
    if (!map) continue;
    const bool is_it = map->name.text == name || map->wwid.text == name || (map->devnum.valid() && name == fmt::format("dm-{}", map->devnum.minor));
    if (is_it) return explain_map(snapshot, *map);
  }
  for (const auto& path : snapshot.paths) {
    if (path && policy::selects(word, facts_of(*path)) == policy::SelectedBy::path) return explain_path(snapshot, inputs, *path);
  }
  for (const DiscoveredPath& found : inputs.paths) {
    if (policy::selects(word, found.facts) == policy::SelectedBy::path) return explain_disk(snapshot, inputs, found);
  }
  return explain_absent(snapshot, inputs, Wwid{std::string(name)});
}

std::string explain_text(const Explained& explained) {
  std::string out = explained.subject + '\n';
  for (const Explanation& statement : explained.statements) {
    out += fmt::format("  {:<11} {}\n", statement.topic, statement.text);
    for (const config::WhyLine& line : statement.settings) out += fmt::format("  {:<11}   {}\n", "", setting_text(line));
  }
  return out;
}

std::string explain_json(const std::vector<Explained>& all) {
  using nlohmann::ordered_json;
  ordered_json list = ordered_json::array();
  for (const Explained& explained : all) {
    ordered_json statements = ordered_json::array();
    for (const Explanation& statement : explained.statements) {
      statements.push_back({{"topic", statement.topic}, {"text", statement.text}, {"settings", settings_json(statement.settings)}});
    }
    list.push_back({{"subject", explained.subject}, {"kind", explained.kind}, {"statements", std::move(statements)}});
  }
  return ordered_json{{"explained", std::move(list)}}.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mpath::view
