// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/layout.h"

#include <gmock/gmock.h>

#include "libmpath/base/text.h"
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

// Every grouping policy with every path selector, as the kernel is to get it.
TEST(Layout, GoldenTables) {
  const struct {
    std::string policy;
    std::vector<std::string> groups;  ///< the devices of each group
    std::uint32_t best;
  } layouts[] = {
      {"failover", {"8:16", "8:48", "8:0", "8:32"}, 1},
      {"multibus", {"8:0 8:16 8:32 8:48"}, 1},
      {"group_by_serial", {"8:0 8:16 8:48", "8:32"}, 1},
      {"group_by_prio", {"8:16 8:48", "8:0 8:32"}, 1},
      {"group_by_node_name", {"8:0 8:16", "8:32 8:48"}, 1},
      {"group_by_tpg", {"8:0 8:16", "8:32 8:48"}, 1},
  };
  const std::string selectors[] = {"round-robin 0", "queue-length 0", "service-time 0", "historical-service-time 0",
                                   "historical-service-time 2 972 1", "io-affinity 0"};
  for (const auto& layout : layouts) {
    for (const std::string& selector : selectors) {
      SCOPED_TRACE(layout.policy + ", " + selector);
      std::string expected = fmt::format("2 pg_init_retries 5 0 {} {}", layout.groups.size(), layout.best);
      for (const std::string& devices : layout.groups) {
        auto words = split_words(devices);
        expected += fmt::format(" {} {} 1", selector, words.size());
        for (std::string_view device : words) expected += fmt::format(" {} 100", device);
      }
      std::vector<Member> members = four_paths();
      for (Member& member : members) member.priority_from_alua = layout.policy == "group_by_tpg";
      EXPECT_EQ(table_of(members, "detect_pgpolicy no\nrr_min_io_rq 100\nfeatures \"2 pg_init_retries 5\"\npath_selector \"" + selector +
                                      "\"\npath_grouping_policy " + layout.policy),
                expected);
    }
  }
}

TEST(Layout, RepeatCountOfAKernelThatIsOlderThanRequests) {
  LayoutContext context;
  auto settings = map_settings("rr_min_io 700\nrr_min_io_rq 8");
  std::vector<Member> one = four_paths();
  one.resize(1);
  auto count = [&] { return lay_out(one, *settings, context).spec.table.groups[0].paths[0].arguments[0]; };
  EXPECT_EQ(count(), "8") << "not known: a new one";
  context.target_version = {1, 0, 5};
  EXPECT_EQ(count(), "700");
  context.target_version = {1, 1, 0};
  EXPECT_EQ(count(), "8");
}

TEST(Layout, FeaturesKeepTheModeThatAMapWasMadeWith) {
  const struct {
    std::string configured;
    std::optional<std::string> kernel;
    Protocol protocol;
    std::string features;
    std::size_t remarks;
  } cases[] = {
      {"0", std::nullopt, Protocol::scsi_fcp, "0", 0},
      {"2 queue_mode bio", std::nullopt, Protocol::scsi_fcp, "2 queue_mode bio", 0},
      {"2 queue_mode mq", std::nullopt, Protocol::scsi_fcp, "2 queue_mode mq", 0},
      {"2 queue_mode fast", std::nullopt, Protocol::scsi_fcp, "0", 1},
      {"4 pg_init_retries 5 queue_mode fast", std::nullopt, Protocol::scsi_fcp, "2 pg_init_retries 5", 1},
      {"2 queue_mode bio", "0", Protocol::scsi_fcp, "0", 1},
      {"2 queue_mode bio", "2 queue_mode bio", Protocol::scsi_fcp, "2 queue_mode bio", 0},
      {"2 queue_mode rq", "3 queue_if_no_path queue_mode bio", Protocol::scsi_fcp, "2 queue_mode bio", 1},
      {"0", "2 queue_mode bio", Protocol::scsi_fcp, "2 queue_mode bio", 0},
      {"0", std::nullopt, Protocol::nvme_tcp, "2 queue_mode bio", 0},
      {"2 queue_mode rq", std::nullopt, Protocol::nvme_tcp, "2 queue_mode bio", 1},
      {"0", std::nullopt, Protocol::nvme_rdma, "0", 0},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.configured + " with " + c.kernel.value_or("no map"));
    PathFacts facts = facts_of("sda");
    facts.protocol = c.protocol;
    std::vector<Member> members = {{.facts = std::make_shared<const PathFacts>(facts), .state = PathState::up}};
    LayoutContext context;
    context.kernel_features = c.kernel;
    Layout layout = lay_out(members, *map_settings("features \"" + c.configured + "\""), context);
    EXPECT_EQ(layout.spec.table.features, c.features);
    EXPECT_EQ(layout.remarks.size(), c.remarks);
  }
  PathFacts tcp = facts_of("sda");
  tcp.protocol = Protocol::nvme_tcp;
  EXPECT_FALSE(fits_queue_mode(tcp, "0"));
  EXPECT_TRUE(fits_queue_mode(tcp, "2 queue_mode bio"));
  EXPECT_TRUE(fits_queue_mode(facts_of("sda"), "0"));
}

TEST(Layout, RoundRobinAlternatesBetweenHostAdaptersAndBehindOneBetweenHosts) {
  // Name, host, adapter; the order wanted.
  struct Port {
    std::string name;
    std::uint32_t host;
    std::string adapter;
  };
  const struct {
    std::string what;
    std::vector<Port> ports;
    Protocol protocol;
    std::string order;
  } cases[] = {
      {"two adapters", {{"sda", 1, "A"}, {"sdb", 1, "A"}, {"sdc", 2, "B"}, {"sdd", 2, "B"}}, Protocol::scsi_fcp, "sda sdc sdb sdd"},
      {"two hosts on an adapter", {{"sda", 1, "A"}, {"sdb", 1, "A"}, {"sdc", 2, "A"}, {"sdd", 3, "B"}}, Protocol::scsi_sas, "sda sdd sdc sdb"},
      {"one adapter", {{"sda", 1, "A"}, {"sdb", 1, "A"}, {"sdc", 1, "A"}}, Protocol::scsi_iscsi, "sda sdb sdc"},
      {"two paths only", {{"sda", 1, "A"}, {"sdb", 1, "A"}}, Protocol::scsi_fcp, "sda sdb"},
      {"another transport", {{"sda", 1, "A"}, {"sdb", 1, "A"}, {"sdc", 2, "B"}}, Protocol::scsi_ata, "sda sdb sdc"},
      {"an adapter is not known", {{"sda", 1, "A"}, {"sdb", 1, ""}, {"sdc", 2, "B"}}, Protocol::scsi_fcp, "sda sdb sdc"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    std::vector<Member> members;
    for (const Port& port : c.ports) {
      PathFacts facts = facts_of(port.name);
      facts.protocol = c.protocol;
      facts.host_adapter = port.adapter;
      facts.address = Hctl{port.host, 0, 0, 0};
      members.push_back({.facts = std::make_shared<const PathFacts>(facts), .state = PathState::up});
    }
    for (const char* selector : {"round-robin 0", "service-time 0"}) {
      Layout layout = lay_out(members, *map_settings(fmt::format("path_grouping_policy multibus\npath_selector \"{}\"", selector)), {});
      std::vector<std::string> order;
      for (std::size_t i : layout.groups.at(0).members) order.push_back(members[i].facts->kernel_name);
      bool alternates = std::string_view(selector).starts_with("round-robin");
      std::vector<std::string> plain;
      for (const Port& port : c.ports) plain.push_back(port.name);
      EXPECT_EQ(fmt::format("{}", fmt::join(order, " ")), alternates ? c.order : fmt::format("{}", fmt::join(plain, " ")));
    }
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
      // With marginal groups only the first one stays unless another is worth something.
      {{group(-1, 1, true), group(0, 1, true)}, 1, false},
      {{group(-1, 1, true), group(0, 2, true)}, 2, false},
      {{group(0, 1, true), group(10, 1, true), group(50, 1, true)}, 3, true},
      {{group(0, 0, true), group(0, 1, true)}, 2, false},
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
