// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/plan_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/policy/admission.h"
#include "libmpath/policy/identify.h"
#include "libmpath/view/settings_behind.h"
#include "libmpath/view/words.h"

namespace mpath::view {

namespace {

using config::Key;

/// A command that has been out for longer than this holds a load back.
constexpr Duration patience = seconds{1};

/// The keywords that decide what an action with such a reason brings about.
std::vector<Key> keywords_behind(ReasonKind kind) {
  switch (kind) {
    case ReasonKind::map_missing: return {Key::find_multipaths};
    case ReasonKind::name_differs: return {Key::alias, Key::user_friendly_names, Key::alias_prefix};
    case ReasonKind::queueing_differs: return {Key::no_path_retry};
    case ReasonKind::handler_differs: return {Key::hardware_handler};
    case ReasonKind::features_differ: return {Key::features};
    case ReasonKind::selector_differs: return {Key::path_selector};
    case ReasonKind::arguments_differ: return {Key::rr_min_io_rq, Key::rr_weight};
    case ReasonKind::group_order: return {Key::path_grouping_policy, Key::detect_pgpolicy, Key::prio};
    case ReasonKind::better_group: return {Key::failback};
    case ReasonKind::map_obsolete: return {Key::flush_on_last_del};
    case ReasonKind::size_differs:
    case ReasonKind::forced:
    case ReasonKind::udev_incomplete:
    case ReasonKind::paths_differ:
    case ReasonKind::path_state:
    case ReasonKind::requested:
    case ReasonKind::read_only_differs:
    case ReasonKind::interrupted: return {};
  }
  return {};
}

ReasonKind reason_of(MapMessage::Kind kind) {
  switch (kind) {
    case MapMessage::Kind::queue_if_no_path:
    case MapMessage::Kind::fail_if_no_path: return ReasonKind::queueing_differs;
    case MapMessage::Kind::switch_group: return ReasonKind::better_group;
    case MapMessage::Kind::enable_group:
    case MapMessage::Kind::cancel_deferred_remove:
    case MapMessage::Kind::fail_path:
    case MapMessage::Kind::reinstate_path: break;
  }
  return ReasonKind::path_state;
}

class Reporter {
 public:
  Reporter(const engine::Snapshot& now, const engine::RehearsalInputs& inputs)
      : now_(now), inputs_(inputs), resolver_(inputs.configuration.config), blacklist_(inputs.configuration.config) {
    for (const DiscoveredPath& found : inputs.paths) {
      judged_.emplace(found.facts.devnum, policy::judge(found, resolver_, blacklist_));
    }
    for (const auto& path : now.paths) {
      if (path && path->facts) known_.emplace(path->facts->devnum, path.get());
    }
  }

  /// "drop 8:112 (sdh)": device numbers are for the kernel.
  std::string with_names(std::string_view text) const {
    std::string out;
    for (std::string_view word : split(text, ' ')) {
      if (!out.empty()) out += ' ';
      out += word;
      const bool comma = word.ends_with(',');
      if (comma) word.remove_suffix(1);
      const auto number = parse_devnum(word);
      const auto at = number ? judged_.find(*number) : judged_.end();
      if (at == judged_.end()) continue;
      if (comma) out.pop_back();
      out += fmt::format(" ({}){}", at->second.facts->kernel_name, comma ? "," : "");
    }
    return out;
  }

  PlannedMap map(const engine::RehearsedMap& rehearsed) {
    PlannedMap planned{.wwid = rehearsed.wwid};
    if (rehearsed.before) {
      planned.name = rehearsed.before->name.text;
      planned.devnum = rehearsed.before->devnum;
      if (rehearsed.after && rehearsed.after->name != rehearsed.before->name) planned.new_name = rehearsed.after->name.text;
    } else if (rehearsed.after) {
      planned.name = rehearsed.after->name.text;
    }
    const config::PathIdentity identity = representative(rehearsed);
    for (const TableAction& action : rehearsed.actions) {
      PlannedAction& out = planned.actions.emplace_back();
      out.what = to_string(action.kind);
      out.reason = fmt::format("{}: {}", to_string(action.reason.kind), with_names(action.reason.text));
      bool loads = action.kind == TableActionKind::reload || action.kind == TableActionKind::resize;
      add_settings(out, action.reason.kind, identity, action.also_changes);
      if (loads) planned.deferred = what_delays(rehearsed.wwid);
    }
    for (const MapMessage& message : rehearsed.messages) {
      PlannedAction& out = planned.actions.emplace_back();
      out.what = "message " + with_names(to_string(message));
      out.reason = to_string(reason_of(message.kind));
      add_settings(out, reason_of(message.kind), identity, {});
    }
    const bool table_changes = !planned.actions.empty();
    constexpr Key reassigning[] = {Key::reassign_maps};
    for (const std::string& device : rehearsed.reassigned) {
      PlannedAction& out = planned.actions.emplace_back();
      out.what = "put " + escape(device) + " onto the map";
      out.reason = "it uses a path of the map directly";
      out.settings = settings_behind(resolver_, identity, reassigning);
    }
    if (table_changes) planned.diff = table_diff(rehearsed);
    if (!rehearsed.before) planned.diff.clear();
    if (!rehearsed.before && rehearsed.after) {
      for (std::string& line : table_lines(rehearsed.after->table, nullptr)) planned.diff.push_back('+' + line);
    }
    return planned;
  }

  std::vector<PlannedPath> paths(const engine::Snapshot& outcome) {
    std::unordered_map<DevNum, const engine::PathView*> then;
    for (const auto& path : outcome.paths) {
      if (path && path->facts) then.emplace(path->facts->devnum, path.get());
    }
    std::vector<PlannedPath> changed;
    for (const DiscoveredPath& found : inputs_.paths) {
      const DevNum devnum = found.facts.devnum;
      const policy::Judgement& judged = judged_.at(devnum);
      const bool is_path = known_.contains(devnum) && known_.at(devnum)->init_state != engine::InitState::removed;
      const bool will_be = then.contains(devnum) && then.at(devnum)->init_state != engine::InitState::removed;
      if (is_path == will_be) continue;
      std::string reason = judged.admission.reason;
      if (will_be) reason = judged.facts->wwid.empty() ? "its WWID is not known yet" : "path to " + judged.facts->wwid.text;
      changed.push_back({found.facts.kernel_name, will_be, std::move(reason)});
    }
    for (const auto& [devnum, path] : then) {
      if (!known_.contains(devnum) || known_.at(devnum)->facts->wwid == path->facts->wwid) continue;
      changed.push_back({path->facts->kernel_name, true, fmt::format("its WWID would be {} instead of {}", path->facts->wwid.text,
                                                                     known_.at(devnum)->facts->wwid.text)});
    }
    std::ranges::sort(changed, {}, &PlannedPath::name);
    return changed;
  }

 private:
  config::PathIdentity representative(const engine::RehearsedMap& rehearsed) {
    config::PathIdentity identity{.wwid = rehearsed.wwid.text};
    for (const auto* table : {rehearsed.after ? &*rehearsed.after : nullptr, rehearsed.before ? &*rehearsed.before : nullptr}) {
      if (table == nullptr) continue;
      for (const KernelGroup& group : table->table.groups) {
        for (const KernelPath& path : group.paths) {
          const auto at = judged_.find(path.devnum);
          if (at == judged_.end()) continue;
          identity = policy::identity_for_lookup(*at->second.facts);
          identity.wwid = rehearsed.wwid.text;
          return identity;
        }
      }
    }
    return identity;
  }

  void add_settings(PlannedAction& action, ReasonKind kind, const config::PathIdentity& identity, const std::vector<ReasonKind>& more) {
    std::vector<Key> keys = keywords_behind(kind);
    for (ReasonKind other : more) {
      for (Key key : keywords_behind(other)) {
        if (std::ranges::find(keys, key) == keys.end()) keys.push_back(key);
      }
    }
    action.settings = settings_behind(resolver_, identity, keys);
  }

  /// The rule of loads: not while a path of the map has not answered, unless no path works.
  std::string what_delays(const Wwid& wwid) const {
    for (const auto& map : now_.maps) {
      if (!map || map->wwid != wwid) continue;
      if (!map->deferred.empty()) return map->deferred;
      if (map->usable_paths == 0) return {};
      for (const auto& group : map->groups) {
        for (const auto& path : group.paths) {
          if (!path || !path->check_outstanding_since || now_.now - *path->check_outstanding_since < patience) continue;
          return fmt::format("{} has not answered for {} s", facts_of(*path).kernel_name,
                             std::chrono::duration_cast<seconds>(now_.now - *path->check_outstanding_since).count());
        }
      }
    }
    return {};
  }

  std::string device_name(DevNum devnum) const {
    const auto at = judged_.find(devnum);
    return at == judged_.end() ? std::string("-") : escape(at->second.facts->kernel_name);
  }

  /// What the kernel prints of a path may be more than what is loaded; arguments beyond those of `other` are left out.
  std::vector<std::string> table_lines(const MultipathTable& table, const MultipathTable* other) const {
    std::vector<std::string> lines = {fmt::format("size {} sectors", table.size_sectors), "features " + escape(table.features),
                                      "hwhandler " + escape(table.hardware_handler), fmt::format("first group {}", table.next_group)};
    std::size_t number = 0;
    for (const KernelGroup& group : table.groups) {
      lines.push_back(fmt::format("group {}: {}", ++number, escape(group.selector)));
      for (const KernelPath& path : group.paths) {
        std::size_t arguments = path.arguments.size();
        for (std::size_t at = 0; other != nullptr && at < other->groups.size(); ++at) {
          const auto twin = std::ranges::find(other->groups[at].paths, path.devnum, &KernelPath::devnum);
          if (twin != other->groups[at].paths.end()) arguments = std::min(arguments, twin->arguments.size());
        }
        std::string line = fmt::format("  {} {}", to_string(path.devnum), device_name(path.devnum));
        for (std::size_t at = 0; at < arguments; ++at) line += ' ' + escape(path.arguments[at]);
        lines.push_back(std::move(line));
      }
    }
    return lines;
  }

  std::vector<std::string> table_diff(const engine::RehearsedMap& rehearsed) const {
    if (!rehearsed.before) return {};
    const MultipathTable none;
    const MultipathTable& before = rehearsed.before->table;
    if (!rehearsed.after) {
      std::vector<std::string> diff;
      for (std::string& line : table_lines(before, nullptr)) diff.push_back('-' + line);
      return diff;
    }
    const MultipathTable& after = rehearsed.after->table;
    return unified_diff(table_lines(before, &after), table_lines(after, &before));
  }

  const engine::Snapshot& now_;
  const engine::RehearsalInputs& inputs_;
  config::Resolver resolver_;
  policy::Blacklist blacklist_;
  std::unordered_map<DevNum, policy::Judgement> judged_;
  std::unordered_map<DevNum, const engine::PathView*> known_;
};

bool is_named(const engine::RehearsedMap& map, std::string_view word) {
  auto fits = [&](const std::optional<KernelMap>& device) {
    return device && (device->name.text == word || word == fmt::format("dm-{}", device->devnum.minor));
  };
  return map.wwid.text == word || fits(map.before) || fits(map.after);
}

}  // namespace

std::vector<std::string> unified_diff(const std::vector<std::string>& before, const std::vector<std::string>& after) {
  if (before == after) return {};
  // Tables are short; beyond this everything is shown as replaced.
  const bool comparable = before.size() <= limits::diff_lines && after.size() <= limits::diff_lines;
  std::vector<std::vector<std::uint32_t>> common(before.size() + 1, std::vector<std::uint32_t>(comparable ? after.size() + 1 : 0));
  for (std::size_t i = comparable ? before.size() : 0; i-- > 0;) {
    for (std::size_t j = after.size(); j-- > 0;) {
      common[i][j] = before[i] == after[j] ? common[i + 1][j + 1] + 1 : std::max(common[i + 1][j], common[i][j + 1]);
    }
  }
  std::vector<std::string> lines;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < before.size() || j < after.size()) {
    const bool both = i < before.size() && j < after.size();
    if (comparable && both && before[i] == after[j]) {
      lines.push_back(' ' + before[i]);
      ++i;
      ++j;
    } else if (i < before.size() && (!both || !comparable || common[i + 1][j] >= common[i][j + 1])) {
      lines.push_back('-' + before[i++]);
    } else {
      lines.push_back('+' + after[j++]);
    }
  }
  return lines;
}

PlanReport plan_report(const engine::Snapshot& now, const engine::RehearsalInputs& inputs, const std::vector<std::string>& words) {
  PlanReport report;
  report.remarks = inputs.errors;
  const engine::Rehearsal rehearsal = engine::rehearse(inputs, engine::known_paths(now), now.config);
  if (!rehearsal.finished) report.remarks.push_back("the plan was not at its end yet after " + std::to_string(engine::rehearsal_limit / seconds{1}) + " s");
  Reporter reporter(now, inputs);
  std::vector<bool> found(words.size(), false);
  for (const engine::RehearsedMap& map : rehearsal.maps) {
    bool wanted = words.empty();
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (!is_named(map, words[i])) continue;
      found[i] = true;
      wanted = true;
    }
    if (!wanted) continue;
    ++report.maps_looked_at;
    PlannedMap planned = reporter.map(map);
    if (!planned.actions.empty()) report.maps.push_back(std::move(planned));
  }
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!found[i]) report.unknown.push_back(words[i]);
  }
  if (words.empty()) report.paths = reporter.paths(*rehearsal.outcome);
  return report;
}

std::string plan_text(const PlanReport& report) {
  std::string out;
  std::size_t actions = 0;
  for (const PlannedMap& map : report.maps) {
    out += escape(map.name);
    if (map.wwid.text != map.name) out += fmt::format(" ({})", escape(map.wwid.text));
    if (map.devnum.valid()) out += fmt::format(" dm-{}", map.devnum.minor);
    out += '\n';
    for (const PlannedAction& action : map.actions) {
      ++actions;
      out += fmt::format("  {}: {}\n", action.what, escape(action.reason));
      for (const config::WhyLine& line : action.settings) out += fmt::format("    {}\n", setting_text(line));
    }
    if (!map.deferred.empty()) out += fmt::format("  would wait: {}\n", escape(map.deferred));
    for (const std::string& line : map.diff) out += fmt::format("  {}\n", line);
  }
  for (const PlannedPath& path : report.paths) {
    out += fmt::format("{} {}: {}\n", escape(path.name), path.becomes_path ? "would become a path" : "would not be a path any more",
                       escape(path.reason));
  }
  for (const std::string& remark : report.remarks) out += fmt::format("remark: {}\n", escape(remark));
  return out + fmt::format("{} action{} on {} of {} map{}; {} disk{} judged otherwise\n", actions, actions == 1 ? "" : "s", report.maps.size(),
                           report.maps_looked_at, report.maps_looked_at == 1 ? "" : "s", report.paths.size(), report.paths.size() == 1 ? "" : "s");
}

std::string plan_json(const PlanReport& report) {
  using nlohmann::ordered_json;
  ordered_json maps = ordered_json::array();
  for (const PlannedMap& map : report.maps) {
    ordered_json actions = ordered_json::array();
    for (const PlannedAction& action : map.actions) {
      actions.push_back({{"action", action.what}, {"reason", escape(action.reason)}, {"settings", settings_json(action.settings)}});
    }
    ordered_json entry = {{"name", escape(map.name)}, {"uuid", escape(map.wwid.text)}};
    if (map.devnum.valid()) entry["sysfs"] = fmt::format("dm-{}", map.devnum.minor);
    if (!map.new_name.empty()) entry["new_name"] = escape(map.new_name);
    entry["actions"] = std::move(actions);
    entry["deferred"] = escape(map.deferred);
    entry["diff"] = map.diff;
    maps.push_back(std::move(entry));
  }
  ordered_json paths = ordered_json::array();
  for (const PlannedPath& path : report.paths) {
    paths.push_back({{"dev", escape(path.name)}, {"becomes_path", path.becomes_path}, {"reason", escape(path.reason)}});
  }
  ordered_json remarks = ordered_json::array();
  for (const std::string& remark : report.remarks) remarks.push_back(escape(remark));
  const ordered_json document = {{"changes", report.has_changes()}, {"maps", std::move(maps)}, {"paths", std::move(paths)}, {"remarks", std::move(remarks)}};
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mpath::view
