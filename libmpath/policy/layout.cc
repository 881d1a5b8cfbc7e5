// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/layout.h"

#include <algorithm>
#include <string>

#include "libmpath/base/text.h"
#include "libmpath/wire/features.h"

namespace mpath::policy {

namespace {

constexpr std::string_view queue_mode = "queue_mode";
constexpr TargetVersion request_based_since = {1, 1, 0};

bool all_follow_alua(std::span<const Member> members) {
  return std::ranges::any_of(members, &Member::priority_from_alua) && std::ranges::all_of(members, [](const Member& member) {
           return member.priority_from_alua || !member.has_prioritizer;
         });
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

/// A bio-based map stays one and a request-based one too; NVMe over TCP is for bio-based maps only.
std::string choose_features(Layout& layout, std::span<const Member> members, const config::MapSettings& settings,
                            const LayoutContext& context) {
  std::string features = wire::normalise_features(settings.features.value);
  std::string asked = wire::feature_value(features, queue_mode);
  if (!asked.empty() && asked != "bio" && asked != "rq" && asked != "mq") {
    layout.remarks.push_back("features: queue_mode " + asked + " is none of bio, rq and mq and is left out");
    asked.clear();
    features = wire::features_without(features, queue_mode);
  }
  bool tcp = std::ranges::any_of(members, [](const Member& member) { return member.facts->protocol == Protocol::nvme_tcp; });
  bool bio = context.kernel_features ? wire::is_bio_based(*context.kernel_features) : tcp || asked == "bio";
  bool asks_bio = asked == "bio";
  if (asks_bio == bio) return features;
  if (!asked.empty()) {
    layout.remarks.push_back(fmt::format("features: queue_mode {} is left out: {}", asked,
                                         context.kernel_features ? "a map that exists keeps the mode it was made with"
                                                                 : "paths of NVMe over TCP need queue_mode bio"));
    features = wire::features_without(features, queue_mode);
  }
  return bio ? wire::features_with(features, "queue_mode bio") : features;
}

std::string repeat_count(const Member& member, const config::MapSettings& settings, const LayoutContext& context) {
  bool old_target = context.target_version != TargetVersion{} && context.target_version < request_based_since;
  std::uint64_t count = old_target ? settings.rr_min_io.value : settings.rr_min_io_rq.value;
  if (settings.rr_weight.value == RrWeight::priorities && member.priority.value_or(0) > 0) {
    count *= static_cast<std::uint64_t>(*member.priority);
  }
  return std::to_string(count);
}

}  // namespace

bool wants_queueing(const NoPathRetry& retry, bool any_usable, const LayoutContext& context) {
  switch (retry.kind) {
    case NoPathRetry::Kind::undefined: return context.kernel_queues.value_or(false);
    case NoPathRetry::Kind::fail: return false;
    case NoPathRetry::Kind::queue: return true;
    case NoPathRetry::Kind::checks: return any_usable || !context.retries_expired;
  }
  return false;
}

bool fits_queue_mode(const PathFacts& facts, const std::string& kernel_features) {
  return facts.protocol != Protocol::nvme_tcp || wire::is_bio_based(kernel_features);
}

PolicyChoice choose_policy(bool all_follow_alua, const config::MapSettings& settings) {
  PathGroupingPolicy configured = settings.path_grouping_policy.value;
  if (settings.detect_pgpolicy.value && all_follow_alua) {
    bool by_group = settings.detect_pgpolicy_use_tpg.value;
    return {.policy = by_group ? PathGroupingPolicy::group_by_tpg : PathGroupingPolicy::group_by_prio, .detected = true};
  }
  bool lacks_alua = configured == PathGroupingPolicy::group_by_tpg && !all_follow_alua;
  return {.policy = lacks_alua ? PathGroupingPolicy::failover : configured, .lacks_alua = lacks_alua};
}

Layout lay_out(std::span<const Member> members, const config::MapSettings& settings, const LayoutContext& context) {
  Layout layout;
  PolicyChoice choice = choose_policy(all_follow_alua(members), settings);
  layout.policy = choice.policy;
  layout.policy_detected = choice.detected;
  if (choice.lacks_alua) {
    layout.remarks.emplace_back("path_grouping_policy group_by_tpg needs ALUA priorities on every path; failover is used");
  }
  layout.groups = make_groups(members, layout.policy);
  if (settings.path_selector.value.starts_with("round-robin ")) {
    for (Group& group : layout.groups) alternate_adapters(members, group);
  }

  MapSpec& spec = layout.spec;
  spec.wwid = context.wwid;
  spec.name = context.name;
  spec.mode = settings.mode.value;
  spec.uid = settings.uid.value;
  spec.gid = settings.gid.value;
  const auto read_only = std::ranges::find_if(members, [](const Member& member) { return member.facts->read_only; });
  spec.read_only = read_only != members.end();
  if (spec.read_only) layout.remarks.push_back("is read-only, because " + read_only->facts->kernel_name + " is");

  MultipathTable& table = spec.table;
  for (const Member& member : members) {
    if (table.size_sectors == 0) table.size_sectors = member.facts->size_sectors;
  }
  bool any_usable = std::ranges::any_of(members, [](const Member& member) { return is_usable(member.state); });
  table.features = choose_features(layout, members, settings, context);
  if (wants_queueing(settings.no_path_retry.value, any_usable, context)) {
    table.features = wire::features_with(table.features, wire::queue_if_no_path);
  }
  table.hardware_handler = choose_handler(members, settings);
  table.next_group = best_group(layout.groups);
  for (const Group& group : layout.groups) {
    KernelGroup& out = table.groups.emplace_back();
    out.selector = settings.path_selector.value;
    for (std::size_t i : group.members) {
      out.paths.push_back({.devnum = members[i].facts->devnum, .arguments = {repeat_count(members[i], settings, context)}});
    }
  }
  return layout;
}

}  // namespace mpath::policy
