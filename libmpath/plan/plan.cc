// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/plan/plan.h"

#include <algorithm>
#include <iterator>
#include <ranges>

#include "libmpath/wire/features.h"
#include "libmpath/wire/path_selector.h"

namespace mpath::plan {

namespace {

/// Sorted, without duplicates: small and compared often, so not a tree.
using Devices = std::vector<DevNum>;

Devices sorted(Devices devices) {
  std::ranges::sort(devices);
  auto doubled = std::ranges::unique(devices);
  devices.erase(doubled.begin(), doubled.end());
  return devices;
}

/// The groups as sets of sets, without empty ones.
std::vector<Devices> group_sets(const MultipathTable& table) {
  std::vector<Devices> sets;
  sets.reserve(table.groups.size());
  for (const KernelGroup& group : table.groups) {
    Devices members;
    members.reserve(group.paths.size());
    for (const KernelPath& path : group.paths) members.push_back(path.devnum);
    if (!members.empty()) sets.push_back(sorted(std::move(members)));
  }
  std::ranges::sort(sets);
  return sets;
}

Devices all_paths(const MultipathTable& table) {
  Devices paths;
  for (const KernelGroup& group : table.groups) {
    for (const KernelPath& path : group.paths) paths.push_back(path.devnum);
  }
  return sorted(std::move(paths));
}

/// The same paths in the same groups in the same order: what nearly every comparison finds, and finds without a copy.
bool same_layout(const MultipathTable& ours, const MultipathTable& theirs) {
  return std::ranges::equal(ours.groups, theirs.groups, [](const KernelGroup& a, const KernelGroup& b) {
    return std::ranges::equal(a.paths, b.paths, {}, &KernelPath::devnum, &KernelPath::devnum);
  });
}

std::string list_devices(const Devices& devices) {
  std::string text;
  for (DevNum device : devices) text += (text.empty() ? "" : " ") + to_string(device);
  return text;
}

Reason path_difference(const MultipathTable& wanted, const MultipathTable& kernel) {
  Devices ours = all_paths(wanted);
  Devices theirs = all_paths(kernel);
  Devices added;
  Devices dropped;
  std::ranges::set_difference(ours, theirs, std::back_inserter(added));
  std::ranges::set_difference(theirs, ours, std::back_inserter(dropped));
  std::string text;
  if (!added.empty()) text += "add " + list_devices(added);
  if (!dropped.empty()) text += (text.empty() ? "" : ", ") + ("drop " + list_devices(dropped));
  return {ReasonKind::paths_differ, text};
}

/// Compared without two flags: queueing is changed by message, and the handler flag is the kernel's own on 4.3 and later.
bool features_match(const std::string& ours, const std::string& theirs) {
  wire::FeatureSet a = wire::parse_features(ours);
  wire::FeatureSet b = wire::parse_features(theirs);
  a.queues_if_no_path = b.queues_if_no_path;
  a.retains_hardware_handler = b.retains_hardware_handler;
  return a == b;
}

/// The first group whose selector the kernel has otherwise. A kernel's group that is empty has nothing to select.
const KernelGroup* other_selector(const MultipathTable& wanted, const MultipathTable& kernel) {
  if (wanted.groups.empty()) return nullptr;
  const std::string& ours = wanted.groups.front().selector;
  auto at = std::ranges::find_if(kernel.groups, [&](const KernelGroup& group) {
    return !group.paths.empty() && !wire::selector_matches(ours, group.selector);
  });
  return at == kernel.groups.end() ? nullptr : &*at;
}

/// The selector arguments of the paths that both have.
bool path_arguments_match(const MultipathTable& wanted, const MultipathTable& kernel) {
  std::vector<std::pair<DevNum, const KernelPath*>> ours;
  for (const KernelGroup& group : wanted.groups) {
    for (const KernelPath& path : group.paths) ours.emplace_back(path.devnum, &path);
  }
  std::ranges::sort(ours, {}, &std::pair<DevNum, const KernelPath*>::first);
  for (const KernelGroup& group : kernel.groups) {
    for (const KernelPath& path : group.paths) {
      auto at = std::ranges::lower_bound(ours, path.devnum, {}, &std::pair<DevNum, const KernelPath*>::first);
      bool known = at != ours.end() && at->first == path.devnum;
      if (known && !wire::path_arguments_match(group.selector, at->second->arguments, path.arguments)) return false;
    }
  }
  return true;
}

/// Whether paths that both have stand in other groups.
bool groups_differ(const MultipathTable& ours, const MultipathTable& theirs) {
  Devices common;
  std::ranges::set_intersection(all_paths(ours), all_paths(theirs), std::back_inserter(common));
  auto sets_of_common = [&](const MultipathTable& table) {
    std::vector<Devices> sets = group_sets(table);
    for (Devices& members : sets) {
      std::erase_if(members, [&](DevNum device) { return !std::ranges::binary_search(common, device); });
    }
    std::erase_if(sets, [](const Devices& members) { return members.empty(); });
    std::ranges::sort(sets);
    return sets;
  };
  return sets_of_common(ours) != sets_of_common(theirs);
}

bool queues(const MultipathTable& table) { return wire::features_has(table.features, wire::queue_if_no_path); }

/// All that a load changes, if one is worth it: nothing else decides that. The first one is the reason; the order is that of the
/// reference's decision.
std::vector<Reason> load_reasons(const MapSpec& wanted, const KernelMap& kernel, const Options& options) {
  const MultipathTable& ours = wanted.table;
  const MultipathTable& theirs = kernel.table;
  std::vector<Reason> reasons;
  auto add = [&](ReasonKind kind, std::string text) { reasons.push_back({kind, std::move(text)}); };
  if (ours.size_sectors != 0 && theirs.size_sectors != ours.size_sectors) {
    add(ReasonKind::size_differs, fmt::format("{} sectors become {}", theirs.size_sectors, ours.size_sectors));
  }
  if (options.force) add(ReasonKind::forced, "asked for");
  if (options.clear_inactive && kernel.has_inactive_table) add(ReasonKind::interrupted, "a table was loaded and never swapped in");
  // A bio-based map has no handler of its own and prints none.
  bool has_handler = !wire::is_bio_based(theirs.features);
  if (has_handler && ours.hardware_handler != theirs.hardware_handler && (!options.retain_handler || theirs.hardware_handler == "0")) {
    add(ReasonKind::handler_differs, theirs.hardware_handler + " becomes " + ours.hardware_handler);
  }
  if (!features_match(ours.features, theirs.features)) add(ReasonKind::features_differ, theirs.features + " becomes " + ours.features);
  if (wanted.read_only != kernel.read_only) {
    add(ReasonKind::read_only_differs, wanted.read_only ? "a path is read-only now" : "no path is read-only any more");
  }
  bool same = same_layout(ours, theirs);
  if (!same && all_paths(ours) != all_paths(theirs)) reasons.push_back(path_difference(ours, theirs));
  // By itself not worth a load then, but whatever is loaded has the wanted groups.
  if (!options.regroup && reasons.empty()) return {};
  if (const KernelGroup* other = other_selector(ours, theirs)) {
    add(ReasonKind::selector_differs, other->selector + " becomes " + ours.groups.front().selector);
  }
  if (!path_arguments_match(ours, theirs)) add(ReasonKind::arguments_differ, "repeat count");
  if (!same && groups_differ(ours, theirs)) add(ReasonKind::group_order, "paths move between groups");
  if (!reasons.empty() && queues(ours) != queues(theirs)) add(ReasonKind::queueing_differs, "no_path_retry");
  return reasons;
}

/// The wanted group's number in the kernel's table, whose groups may stand in another order, or be other ones while a load has to wait: then
/// the group of its first path that the kernel uses, because it would leave one without such a path at once.
std::uint32_t kernel_group_number(const MapSpec& wanted, const KernelMap& kernel) {
  if (wanted.table.next_group == 0 || wanted.table.next_group > wanted.table.groups.size()) return 0;
  std::uint32_t first = 0;
  for (const KernelPath& best : wanted.table.groups[wanted.table.next_group - 1].paths) {
    for (std::size_t i = 0; i < kernel.table.groups.size(); ++i) {
      const std::vector<KernelPath>& paths = kernel.table.groups[i].paths;
      auto at = std::ranges::find(paths, best.devnum, &KernelPath::devnum);
      if (at == paths.end()) continue;
      if (at->state != KernelPathState::failed) return static_cast<std::uint32_t>(i + 1);
      if (first == 0) first = static_cast<std::uint32_t>(i + 1);
    }
  }
  return first;
}

TableAction action_on(const MapSpec& wanted, const KernelMap& kernel, TableActionKind kind, Reason reason) {
  TableAction action;
  action.kind = kind;
  action.spec = wanted;
  action.current_name = kernel.name;
  action.expected = {kernel.uuid, kernel.table_fingerprint};
  action.udev.reload = kind == TableActionKind::reload;
  action.reason = std::move(reason);
  return action;
}

void add_messages(Plan& plan, const MapSpec& wanted, const KernelMap& kernel, const Options& options) {
  bool want_queue = queues(wanted.table);
  bool has_queue = queues(kernel.table);
  if (want_queue != has_queue) {
    auto kind = want_queue ? MapMessage::Kind::queue_if_no_path : MapMessage::Kind::fail_if_no_path;
    plan.messages.push_back({{.kind = kind, .path = {}, .group = 0}, {ReasonKind::queueing_differs, "no_path_retry"}});
  }
  std::uint32_t best = kernel_group_number(wanted, kernel);
  if (options.switch_group && best != 0 && kernel.table.groups.size() > 1 && kernel.table.next_group != best) {
    plan.messages.push_back({{.kind = MapMessage::Kind::switch_group, .path = {}, .group = best},
                             {ReasonKind::better_group, fmt::format("group {} instead of {}", best, kernel.table.next_group)}});
  }
}

}  // namespace

Plan make_plan(const MapSpec& wanted, const KernelMap* kernel, const Options& options) {
  Plan plan;
  if (kernel == nullptr) {
    TableAction& action = plan.table.emplace();
    action.kind = TableActionKind::create;
    action.spec = wanted;
    action.current_name = wanted.name;
    action.reason = {ReasonKind::map_missing, "the kernel has no map with this WWID"};
    return plan;
  }
  if (options.messages_only) {
    add_messages(plan, wanted, *kernel, options);
    return plan;
  }
  if (kernel->name != wanted.name && options.name_is_free) {
    plan.table = action_on(wanted, *kernel, TableActionKind::rename,
                           {ReasonKind::name_differs, kernel->name.text + " becomes " + wanted.name.text});
    return plan;
  }
  if (std::vector<Reason> reasons = load_reasons(wanted, *kernel, options); !reasons.empty()) {
    const bool resizes = reasons.front().kind == ReasonKind::size_differs;
    plan.table = action_on(wanted, *kernel, resizes ? TableActionKind::resize : TableActionKind::reload, std::move(reasons.front()));
    for (const Reason& reason : reasons | std::views::drop(1)) plan.table->also_changes.push_back(reason.kind);
    return plan;
  }
  add_messages(plan, wanted, *kernel, options);
  return plan;
}

TableAction suspension(const KernelMap& kernel, TableActionKind kind, std::string text) {
  TableAction action = removal(kernel, ReasonKind::requested, std::move(text));
  action.kind = kind;
  action.udev.reload = true;
  return action;
}

TableAction removal(const KernelMap& kernel, ReasonKind why, std::string text) {
  TableAction action;
  action.kind = TableActionKind::remove;
  action.spec.name = kernel.name;
  action.spec.wwid = kernel.wwid();
  action.current_name = kernel.name;
  action.expected = {kernel.uuid, 0};
  action.reason = {why, std::move(text)};
  return action;
}

}  // namespace mpath::plan
