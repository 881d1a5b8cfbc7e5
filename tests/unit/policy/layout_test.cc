// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/layout.h"

#include <gmock/gmock.h>

#include "libmpath/wire/dm_table.h"
#include "tests/unit/policy/fixture.h"

namespace mpath::policy {
namespace {

using testing::ElementsAre;

/// Four paths: a and b to one controller, c and d to the other; b has the better priority of the first two.
std::vector<Member> four_paths() {
  std::vector<Member> members;
  const struct {
    std::string name, serial, node;
    std::uint16_t group;
    int priority;
  } paths[] = {
      {"sda", "S1", "node-1", 1, 10},
      {"sdb", "S1", "node-1", 1, 50},
      {"sdc", "S2", "node-2", 2, 10},
      {"sdd", "S1", "node-2", 2, 50},
  };
  for (const auto& path : paths) {
    PathFacts facts = facts_of(path.name);
    facts.serial = path.serial;
    facts.target_node = path.node;
    facts.target_port_group = path.group;
    members.push_back({.facts = std::make_shared<const PathFacts>(facts), .state = PathState::up, .priority = path.priority});
  }
  return members;
}

std::string table_of(const std::vector<Member>& members, const std::string& defaults) {
  return wire::format_table(lay_out(members, *map_settings(defaults), {}).spec.table);
}

TEST(Layout, TablesOfEveryGroupingPolicy) {
  const struct {
    std::string policy, table;
  } cases[] = {
      {"failover",
       "0 0 4 1 service-time 0 1 1 8:16 1 service-time 0 1 1 8:48 1 service-time 0 1 1 8:0 1 service-time 0 1 1 8:32 1"},
      {"multibus", "0 0 1 1 service-time 0 4 1 8:0 1 8:16 1 8:32 1 8:48 1"},
      {"group_by_prio", "0 0 2 1 service-time 0 2 1 8:16 1 8:48 1 service-time 0 2 1 8:0 1 8:32 1"},
      {"group_by_serial", "0 0 2 1 service-time 0 3 1 8:0 1 8:16 1 8:48 1 service-time 0 1 1 8:32 1"},
      {"group_by_node_name", "0 0 2 1 service-time 0 2 1 8:0 1 8:16 1 service-time 0 2 1 8:32 1 8:48 1"},
      // Port groups count only if the priorities are those of port groups.
      {"group_by_tpg",
       "0 0 4 1 service-time 0 1 1 8:16 1 service-time 0 1 1 8:48 1 service-time 0 1 1 8:0 1 service-time 0 1 1 8:32 1"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.policy);
    EXPECT_EQ(table_of(four_paths(), "path_grouping_policy " + c.policy), c.table);
  }
}

TEST(Layout, TablesOfEverySelector) {
  const struct {
    std::string defaults, table;
  } cases[] = {
      {"path_selector \"round-robin 0\"", "0 0 1 1 round-robin 0 2 1 8:0 1 8:16 1"},
      {"path_selector \"queue-length 0\"", "0 0 1 1 queue-length 0 2 1 8:0 1 8:16 1"},
      {"path_selector \"service-time 0\"", "0 0 1 1 service-time 0 2 1 8:0 1 8:16 1"},
      {"path_selector \"historical-service-time 2 10 20\"", "0 0 1 1 historical-service-time 2 10 20 2 1 8:0 1 8:16 1"},
      {"path_selector \"round-robin 0\"\nrr_min_io_rq 8", "0 0 1 1 round-robin 0 2 1 8:0 8 8:16 8"},
      {"path_selector \"round-robin 0\"\nrr_min_io_rq 8\nrr_weight priorities", "0 0 1 1 round-robin 0 2 1 8:0 80 8:16 400"},
  };
  std::vector<Member> two = four_paths();
  two.resize(2);
  for (const auto& c : cases) {
    SCOPED_TRACE(c.defaults);
    EXPECT_EQ(table_of(two, "path_grouping_policy multibus\n" + c.defaults), c.table);
  }
}

TEST(Layout, AnArrayWithAluaIsGroupedByPriorityWhateverIsConfigured) {
  std::vector<Member> members = four_paths();
  for (Member& member : members) member.priority_from_alua = true;
  const struct {
    std::string defaults;
    PathGroupingPolicy policy;
    bool detected;
  } cases[] = {
      {"path_grouping_policy multibus", PathGroupingPolicy::group_by_prio, true},
      {"path_grouping_policy multibus\ndetect_pgpolicy_use_tpg yes", PathGroupingPolicy::group_by_tpg, true},
      {"path_grouping_policy multibus\ndetect_pgpolicy no", PathGroupingPolicy::multibus, false},
      {"path_grouping_policy group_by_tpg\ndetect_pgpolicy no", PathGroupingPolicy::group_by_tpg, false},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.defaults);
    Layout layout = lay_out(members, *map_settings(c.defaults), {});
    EXPECT_EQ(layout.policy, c.policy);
    EXPECT_EQ(layout.policy_detected, c.detected);
  }
  members.back().priority_from_alua = false;
  EXPECT_EQ(lay_out(members, *map_settings("path_grouping_policy multibus"), {}).policy, PathGroupingPolicy::multibus);
}

TEST(Layout, PutsTheBestGroupFirstAndNamesIt) {
  std::vector<Member> members = four_paths();
  // The paths of the best priority are down: their group counts for nothing.
  members[1].state = members[3].state = PathState::down;
  Layout layout = lay_out(members, *map_settings("path_grouping_policy group_by_prio"), {});
  EXPECT_EQ(wire::format_table(layout.spec.table), "0 0 2 1 service-time 0 2 1 8:0 1 8:32 1 service-time 0 2 1 8:16 1 8:48 1");
  EXPECT_EQ(layout.groups.at(0).usable, 2U);
  EXPECT_EQ(layout.groups.at(1).priority, 0);

  members[0].state = members[2].state = PathState::down;
  EXPECT_EQ(lay_out(members, *map_settings("path_grouping_policy group_by_prio"), {}).spec.table.next_group, 1U);
  EXPECT_EQ(lay_out({}, *map_settings(""), {}).spec.table.next_group, 0U);
}

TEST(Layout, MarginalPathsStandApartAndLast) {
  std::vector<Member> members = four_paths();
  members[1].marginal = true;
  Layout layout = lay_out(members, *map_settings("path_grouping_policy multibus"), {});
  EXPECT_EQ(wire::format_table(layout.spec.table), "0 0 2 1 service-time 0 3 1 8:0 1 8:32 1 8:48 1 service-time 0 1 1 8:16 1");
  EXPECT_FALSE(out_of_order(layout.groups));
}

TEST(Layout, ChoosesTheHardwareHandler) {
  const struct {
    std::string attached;
    TpgSupport support;
    std::string handler;
  } cases[] = {
      {"", TpgSupport::none, "0"},
      {"", TpgSupport::undetermined, "0"},
      {"", TpgSupport::implicit_only, "1 alua"},
      {"alua", TpgSupport::none, "1 alua"},
      {"rdac", TpgSupport::implicit_only, "1 rdac"},
      {"detached", TpgSupport::none, "0"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.attached + " " + c.handler);
    PathFacts facts = facts_of("sda");
    facts.device_handler = c.attached;
    facts.tpg_support = c.support;
    std::vector<Member> members = {{.facts = std::make_shared<const PathFacts>(facts), .state = PathState::up}};
    EXPECT_EQ(lay_out(members, *map_settings(""), {}).spec.table.hardware_handler, c.handler);
  }
}

TEST(Layout, TakesSizeAndReadOnlyFromThePaths) {
  PathFacts first = facts_of("sda");
  first.size_sectors = 0;  // not known
  PathFacts second = facts_of("sdb");
  second.read_only = true;
  std::vector<Member> members = {{.facts = std::make_shared<const PathFacts>(first)},
                                 {.facts = std::make_shared<const PathFacts>(second)}};
  MapSpec spec = lay_out(members, *map_settings("mode 0640\nuid 7"), {.wwid = {"3600a"}, .name = {"data"}}).spec;
  EXPECT_EQ(spec.table.size_sectors, 2048U);
  EXPECT_TRUE(spec.read_only);
  EXPECT_EQ(spec.mode, 0640U);
  EXPECT_EQ(spec.uid, 7U);
  EXPECT_EQ(spec.name, MapName{"data"});
}

TEST(GroupPriority, IsTheMeanOfTheUsablePathsWithAPriority) {
  const struct {
    std::vector<std::pair<PathState, std::optional<int>>> paths;
    int priority;
  } cases[] = {
      {{{PathState::up, 10}, {PathState::up, 25}}, 17},
      {{{PathState::up, 10}, {PathState::down, 50}}, 10},
      {{{PathState::ghost, 1}, {PathState::up, std::nullopt}}, 1},
      {{{PathState::up, std::nullopt}}, -1},
      {{{PathState::down, 50}}, 0},
      {{}, 0},
  };
  for (const auto& c : cases) {
    std::vector<Member> members;
    Group group;
    for (auto [state, priority] : c.paths) {
      group.members.push_back(members.size());
      members.push_back({.facts = nullptr, .state = state, .priority = priority});
    }
    EXPECT_EQ(group_priority(members, group), c.priority);
  }
}

TEST(BestGroup, IsTheFirstOfTheBest) {
  auto group = [](int priority, std::uint32_t usable, bool marginal = false) {
    return Group{.members = {}, .priority = priority, .usable = usable, .marginal = marginal};
  };
  const struct {
    std::vector<Group> groups;
    std::uint32_t best;
    bool disorder;
  } cases[] = {
      {{}, 0, false},
      {{group(0, 0)}, 1, false},
      {{group(50, 0), group(10, 1)}, 2, false},
      {{group(10, 1), group(10, 1)}, 1, false},
      {{group(10, 1), group(10, 2)}, 2, false},
      {{group(10, 2), group(50, 1)}, 2, true},
      {{group(-1, 1), group(10, 1)}, 2, false},
      {{group(50, 1, true), group(10, 1)}, 2, true},
      {{group(10, 0), group(50, 1, true)}, 2, false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(best_group(c.groups), c.best);
    EXPECT_EQ(out_of_order(c.groups), c.disorder);
  }
}

TEST(Queueing, FollowsNoPathRetry) {
  using Kind = NoPathRetry::Kind;
  const struct {
    NoPathRetry retry;
    bool any_usable;
    std::optional<bool> kernel;
    bool expired;
    bool queues;
  } cases[] = {
      {{Kind::undefined, 0}, true, true, false, true},   {{Kind::undefined, 0}, true, std::nullopt, false, false},
      {{Kind::fail, 0}, true, true, false, false},       {{Kind::queue, 0}, false, false, true, true},
      {{Kind::checks, 3}, true, false, true, true},      {{Kind::checks, 3}, false, true, false, true},
      {{Kind::checks, 3}, false, true, true, false},
  };
  for (const auto& c : cases) {
    LayoutContext context;
    context.kernel_queues = c.kernel;
    context.retries_expired = c.expired;
    EXPECT_EQ(wants_queueing(c.retry, c.any_usable, context), c.queues) << to_string(c.retry);
  }
}

TEST(Queueing, StandsInTheFeatures) {
  std::vector<Member> members = four_paths();
  EXPECT_EQ(lay_out(members, *map_settings("no_path_retry queue\nfeatures \"2 queue_mode bio\""), {}).spec.table.features.substr(0, 2), "3 ");
  EXPECT_EQ(lay_out(members, *map_settings("no_path_retry 5"), {}).spec.table.features, "1 queue_if_no_path");
  EXPECT_EQ(lay_out(members, *map_settings("no_path_retry fail"), {}).spec.table.features, "0");
}

}  // namespace
}  // namespace mpath::policy
