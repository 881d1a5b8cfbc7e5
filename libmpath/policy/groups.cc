// SPDX-License-Identifier: LGPL-2.1-or-later
// Which paths share a group, what a group is worth, and in which order groups and paths stand.
#include <algorithm>
#include <list>
#include <string>

#include "libmpath/policy/layout.h"

namespace mpath::policy {

namespace {

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

}  // namespace

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
  const Group* ordinary = nullptr;
  // Marginal groups are compared with a group of priority 0 and one usable path, which stands for the first one.
  const Group* marginal = nullptr;
  for (const Group& group : groups) {
    if (group.usable == 0) continue;
    const Group*& best = group.marginal ? marginal : ordinary;
    int priority = best != nullptr ? best->priority : 0;
    std::uint32_t usable = best != nullptr ? best->usable : 1;
    bool better = group.priority > priority || (group.priority == priority && group.usable > usable);
    bool first_counts = !group.marginal || groups.front().usable == 0;
    if (better || (best == nullptr && first_counts)) best = &group;
  }
  const Group* best = ordinary != nullptr ? ordinary : marginal;
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

void alternate_adapters(std::span<const Member> members, Group& group) {
  auto transport_counts = [](Protocol protocol) {
    return protocol == Protocol::scsi_fcp || protocol == Protocol::scsi_sas || protocol == Protocol::scsi_iscsi ||
           protocol == Protocol::scsi_srp;
  };
  if (group.members.size() < 3) return;
  struct Host {
    std::uint32_t number = 0;
    std::list<std::size_t> paths;
  };
  struct Adapter {
    std::string name;
    std::list<Host> hosts;  ///< the next one in front
  };
  std::list<Adapter> adapters;
  for (std::size_t i : group.members) {
    const PathFacts& facts = *members[i].facts;
    if (!transport_counts(facts.protocol) || facts.host_adapter.empty() || !facts.address) return;
    auto adapter = std::ranges::find(adapters, facts.host_adapter, &Adapter::name);
    if (adapter == adapters.end()) adapter = adapters.insert(adapters.end(), {.name = facts.host_adapter, .hosts = {}});
    auto host = std::ranges::find(adapter->hosts, facts.address->host, &Host::number);
    if (host == adapter->hosts.end()) host = adapter->hosts.insert(adapter->hosts.end(), {.number = facts.address->host, .paths = {}});
    host->paths.push_back(i);
  }
  group.members.clear();
  // Who has given a path goes to the end of its list, or out of it when it has no more.
  while (!adapters.empty()) {
    Adapter& adapter = adapters.front();
    Host& host = adapter.hosts.front();
    group.members.push_back(host.paths.front());
    host.paths.pop_front();
    if (host.paths.empty()) adapter.hosts.pop_front();
    else adapter.hosts.splice(adapter.hosts.end(), adapter.hosts, adapter.hosts.begin());
    if (adapter.hosts.empty()) adapters.pop_front();
    else adapters.splice(adapters.end(), adapters, adapters.begin());
  }
}

}  // namespace mpath::policy
