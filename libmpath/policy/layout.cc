// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/layout.h"

#include <string>

#include "libmpath/base/text.h"
#include "libmpath/wire/features.h"

namespace mpath::policy {

namespace {

bool all_follow_alua(std::span<const Member> members) {
  return !members.empty() && std::ranges::all_of(members, &Member::priority_from_alua);
}

PathGroupingPolicy choose_policy(std::span<const Member> members, const config::MapSettings& settings, bool& detected) {
  bool alua = all_follow_alua(members);
  detected = settings.detect_pgpolicy.value && alua;
  if (detected) {
    return settings.detect_pgpolicy_use_tpg.value ? PathGroupingPolicy::group_by_tpg : PathGroupingPolicy::group_by_prio;
  }
  PathGroupingPolicy configured = settings.path_grouping_policy.value;
  if (configured == PathGroupingPolicy::group_by_tpg && !alua) return PathGroupingPolicy::failover;
  return configured;
}

/// What paths of one group have in common; equal keys share a group.
std::string grouping_key(const Member& member, std::size_t index, PathGroupingPolicy policy) {
  switch (policy) {
    case PathGroupingPolicy::failover: return std::to_string(index);
    case PathGroupingPolicy::multibus: return {};
    case PathGroupingPolicy::group_by_serial: return member.facts->serial;
    case PathGroupingPolicy::group_by_prio: return std::to_string(member.priority.value_or(-1));
    case PathGroupingPolicy::group_by_node_name: return member.facts->target_node;
    case PathGroupingPolicy::group_by_tpg:
      return std::to_string(member.facts->target_port_group ? int{*member.facts->target_port_group} : -1);
  }
  return {};
}

std::vector<Group> make_groups(std::span<const Member> members, PathGroupingPolicy policy) {
  std::vector<Group> groups;
  std::vector<std::pair<std::string, bool>> keys;
  for (std::size_t i = 0; i < members.size(); ++i) {
    std::pair key{grouping_key(members[i], i, policy), members[i].marginal};
    auto at = std::ranges::find(keys, key);
    if (at == keys.end()) {
      at = keys.insert(keys.end(), key);
      groups.emplace_back().marginal = members[i].marginal;
    }
    groups[static_cast<std::size_t>(at - keys.begin())].members.push_back(i);
  }
  for (Group& group : groups) {
    group.usable = static_cast<std::uint32_t>(
        std::ranges::count_if(group.members, [&](std::size_t i) { return is_usable(members[i].state); }));
    group.priority = group_priority(members, group);
  }
  std::ranges::stable_sort(groups, [](const Group& a, const Group& b) {
    if (a.marginal != b.marginal) return b.marginal;
    if (a.priority != b.priority) return a.priority > b.priority;
    return a.usable > b.usable;
  });
  return groups;
}

std::string choose_handler(std::span<const Member> members, const config::MapSettings& settings) {
  if (settings.retain_attached_hw_handler.value) {
    for (const Member& member : members) {
      const std::string& attached = member.facts->device_handler;
      if (!attached.empty() && attached != "detached") return "1 " + attached;
    }
  }
  std::string handler = settings.hardware_handler.value;
  auto supports_alua = [](const Member& member) {
    return member.facts->tpg_support != TpgSupport::none && member.facts->tpg_support != TpgSupport::undetermined;
  };
  auto lacks_alua = [](const Member& member) { return member.facts->tpg_support == TpgSupport::none; };
  bool some = std::ranges::any_of(members, supports_alua);
  bool none_lacks = std::ranges::none_of(members, lacks_alua);
  if (handler == "0" && settings.hardware_handler.origin.layer == Layer::built_in && some && none_lacks) return "1 alua";
  if (handler == "1 alua" && !none_lacks) return "0";
  return handler;
}

std::string repeat_count(const Member& member, const config::MapSettings& settings) {
  std::uint64_t count = settings.rr_min_io_rq.value;
  if (settings.rr_weight.value == RrWeight::priorities && member.priority.value_or(0) > 0) {
    count *= static_cast<std::uint64_t>(*member.priority);
  }
  return std::to_string(count);
}

}  // namespace

int group_priority(std::span<const Member> members, const Group& group) {
  std::int64_t sum = 0;
  std::int64_t defined = 0;
  bool usable = false;
  for (std::size_t i : group.members) {
    if (!is_usable(members[i].state)) continue;
    usable = true;
    if (!members[i].priority) continue;
    sum += *members[i].priority;
    ++defined;
  }
  if (!usable) return 0;
  return defined == 0 ? -1 : static_cast<int>(sum / defined);
}

std::uint32_t best_group(std::span<const Group> groups) {
  if (groups.empty()) return 0;
  const Group* best = nullptr;
  for (const Group& group : groups) {
    if (group.usable == 0) continue;
    bool better = best == nullptr || (best->marginal && !group.marginal);
    if (best != nullptr && best->marginal == group.marginal) {
      better = group.priority > best->priority ||
               (group.priority == best->priority && group.usable > best->usable);
    }
    if (better) best = &group;
  }
  return best == nullptr ? 1 : static_cast<std::uint32_t>(best - groups.data()) + 1;
}

bool out_of_order(std::span<const Group> groups) {
  const Group* earlier = nullptr;
  for (const Group& group : groups) {
    if (earlier != nullptr) {
      if (earlier->marginal && !group.marginal) return true;
      if (earlier->marginal == group.marginal && group.priority > earlier->priority && earlier->priority != -1) return true;
    }
    if (group.priority != -1) earlier = &group;
  }
  return false;
}

bool wants_queueing(const NoPathRetry& retry, bool any_usable, const LayoutContext& context) {
  switch (retry.kind) {
    case NoPathRetry::Kind::undefined: return context.kernel_queues.value_or(false);
    case NoPathRetry::Kind::fail: return false;
    case NoPathRetry::Kind::queue: return true;
    case NoPathRetry::Kind::checks: return any_usable || !context.retries_expired;
  }
  return false;
}

Layout lay_out(std::span<const Member> members, const config::MapSettings& settings, const LayoutContext& context) {
  Layout layout;
  layout.policy = choose_policy(members, settings, layout.policy_detected);
  layout.groups = make_groups(members, layout.policy);

  MapSpec& spec = layout.spec;
  spec.wwid = context.wwid;
  spec.name = context.name;
  spec.mode = settings.mode.value;
  spec.uid = settings.uid.value;
  spec.gid = settings.gid.value;
  spec.read_only = std::ranges::any_of(members, [](const Member& member) { return member.facts->read_only; });

  MultipathTable& table = spec.table;
  for (const Member& member : members) {
    if (table.size_sectors == 0) table.size_sectors = member.facts->size_sectors;
  }
  bool any_usable = std::ranges::any_of(members, [](const Member& member) { return is_usable(member.state); });
  table.features = settings.features.value;
  if (wants_queueing(settings.no_path_retry.value, any_usable, context)) {
    table.features = wire::features_with(table.features, wire::queue_if_no_path);
  }
  table.hardware_handler = choose_handler(members, settings);
  table.next_group = best_group(layout.groups);
  for (const Group& group : layout.groups) {
    KernelGroup& out = table.groups.emplace_back();
    out.selector = settings.path_selector.value;
    for (std::size_t i : group.members) {
      out.paths.push_back({.devnum = members[i].facts->devnum, .arguments = {repeat_count(members[i], settings)}});
    }
  }
  return layout;
}

}  // namespace mpath::policy
