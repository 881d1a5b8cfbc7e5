// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/prioritizer.h"

#include <gmock/gmock.h>

#include "tests/unit/policy/method_fixture.h"

namespace mpath::policy {
namespace {

using testing::ElementsAre;

constexpr int undefined = -1;
constexpr int unchanged = -2;

/// A path whose device answers what the test gave it, in this order; the last answer stays.
struct Asked {
  explicit Asked(PriorityMethod method, std::string_view arguments = {}) : prioritizer(make_prioritizer(method, arguments)) {}

  int ask(std::vector<CommandOutcome> answers = {good()}) {
    commands.clear();
    PriorityContext context{.facts = facts, .timeout = milliseconds{7000}, .chance = chance};
    PriorityTurn turn = begin_priority(*prioritizer, memory, context);
    for (std::size_t at = 0; turn.kind == PriorityTurn::Kind::ask && at < 500; ++at) {
      commands.push_back(name_of(*turn.command));
      sent.push_back(*turn.command);
      turn = continue_priority(*prioritizer, memory, context, answers[std::min(at, answers.size() - 1)]);
    }
    otherwise = turn.priority;
    switch (turn.kind) {
      case PriorityTurn::Kind::known: return *turn.priority;
      case PriorityTurn::Kind::undefined: return undefined;
      case PriorityTurn::Kind::unchanged: return unchanged;
      case PriorityTurn::Kind::ask: break;
    }
    ADD_FAILURE() << "endless";
    return -3;
  }

  std::shared_ptr<const Prioritizer> prioritizer;
  PathFacts facts = facts_of("sda");
  PriorityMemory memory;
  std::uint32_t chance = 0;
  std::optional<int> otherwise;
  std::vector<std::string> commands;
  std::vector<DeviceCommand> sent;
};

TEST(PriorityName, RoundTrip) {
  for (const char* name : {"const", "alua", "sysfs", "ana", "emc", "hds", "hp_sw", "rdac", "ontap", "datacore", "iet", "path_latency",
                           "random", "weightedpath"}) {
    EXPECT_EQ(to_string(parse_priority_method(name)), name);
  }
  EXPECT_EQ(parse_priority_method("none"), PriorityMethod::missing);
}

TEST(Priority, ConstantMissingAndRandomAskNobody) {
  EXPECT_EQ(Asked(PriorityMethod::constant).ask(), 1);
  EXPECT_EQ(Asked(PriorityMethod::missing).ask(), undefined);
  Asked chance(PriorityMethod::random);
  std::vector<int> drawn;
  for (chance.chance = 0; chance.chance < 10; ++chance.chance) drawn.push_back(chance.ask());
  EXPECT_THAT(drawn, ElementsAre(1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
}

TEST(Priority, NoAnswerLeavesWhatWasKnown) {
  for (PriorityMethod method : {PriorityMethod::emc, PriorityMethod::hds, PriorityMethod::hp_sw, PriorityMethod::rdac, PriorityMethod::ontap}) {
    EXPECT_EQ(Asked(method).ask({host(HostStatus::no_connect)}), unchanged) << to_string(method);
    EXPECT_EQ(Asked(method).ask({host(HostStatus::time_out)}), unchanged) << to_string(method);
    EXPECT_EQ(Asked(method).ask({failed(CommandFailure::gone)}), unchanged) << to_string(method);
  }
  EXPECT_EQ(Asked(PriorityMethod::ana).ask({failed(CommandFailure::gone)}), unchanged);
  EXPECT_EQ(Asked(PriorityMethod::sysfs).ask({failed(CommandFailure::gone)}), unchanged);
}

TEST(PrioritySysfs, EveryRow) {
  struct Row {
    std::string_view text;
    std::string_view arguments;
    int priority;
  };
  const Row rows[] = {
      {"active/optimized\n0\n", "", 50},      {"active/optimized\n1\n", "", 50},
      {"active/optimized\n1\n", "exclusive_pref_bit", 130},
      {"active/optimized\n1\n", "other exclusive_pref_bit", 130},
      {"active/optimized\n1\n", "exclusive_pref_bits", 50},
      {"active/non-optimized\n0\n", "", 10},  {"active/non-optimized\n1\n", "", 90},
      {"lba-dependent\n0\n", "", 5},          {"standby\n0\n", "", 1},
      {"standby\n1\n", "", 81},               {"unavailable\n0\n", "", 0},
      {"offline\n0\n", "", 0},                {"something\n0\n", "", 0},
      {"active/optimized", "", 50},           {"", "", undefined},
      {"\n", "", undefined},                  {"transitioning\n0\n", "", unchanged},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    Asked path(PriorityMethod::sysfs, row.arguments);
    EXPECT_EQ(path.ask({good_text(row.text)}), row.priority);
    EXPECT_THAT(path.commands, ElementsAre("access state"));
  }
}

TEST(PriorityEmc, EveryRow) {
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good(emc_page(2, 0, 0))}), 4) << "active, default owner";
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good(emc_page(2, 1, 0))}), 2) << "active, trespassed";
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good(emc_page(1, 0, 0))}), 3) << "passive, default owner";
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good(emc_page(1, 1, 0))}), 1) << "passive";
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good(emc_page(0, 1, 0))}), 0) << "unbound";
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good(emc_page(3, 0, 0))}), undefined) << "unknown state";
  auto page = emc_page(2);
  page[28] = 1;
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good(page)}), undefined) << "failover mode";
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({good({0, 0xc0})}), undefined) << "cut off";
  EXPECT_EQ(Asked(PriorityMethod::emc).ask({sense(5, 0x24, 0)}), undefined) << "refused";
}

TEST(PriorityHds, EveryRow) {
  auto inquiry = [](char unit, char controller) {
    std::vector<std::uint8_t> data(96, ' ');
    data[47] = static_cast<std::uint8_t>(unit);
    data[49] = static_cast<std::uint8_t>(controller);
    return good(std::move(data));
  };
  struct Row {
    char unit;
    char controller;
    int priority;
  };
  const Row rows[] = {{'0', '0', 1}, {'1', '1', 1}, {'0', '1', 0}, {'1', '2', 0}, {'F', '1', 1}, {'E', '2', 1},
                      {'A', '1', 0}, {'G', '1', undefined}, {'1', 'A', undefined}, {' ', '1', undefined}};
  for (const Row& row : rows) {
    EXPECT_EQ(Asked(PriorityMethod::hds).ask({inquiry(row.unit, row.controller)}), row.priority) << row.unit << row.controller;
  }
  EXPECT_EQ(Asked(PriorityMethod::hds).ask({good({0, 0, 5})}), undefined);
  EXPECT_EQ(Asked(PriorityMethod::hds).ask({sense(5, 0x24, 0)}), undefined);
}

TEST(PriorityHpSw, EveryRow) {
  EXPECT_EQ(Asked(PriorityMethod::hp_sw).ask({good()}), 4);
  EXPECT_EQ(Asked(PriorityMethod::hp_sw).ask({sense(1, 0, 0)}), 4);
  EXPECT_EQ(Asked(PriorityMethod::hp_sw).ask({sense(2, 0x04, 0x02)}), 2);
  EXPECT_EQ(Asked(PriorityMethod::hp_sw).ask({sense(2, 0x04, 0x03)}), 0);
  EXPECT_EQ(Asked(PriorityMethod::hp_sw).ask({sense(6, 0x29, 0), sense(6, 0x29, 0), good()}), 4);
  Asked restless(PriorityMethod::hp_sw);
  EXPECT_EQ(restless.ask({sense(6, 0x29, 0)}), 0);
  EXPECT_EQ(restless.commands.size(), 5U) << "not without limit";
  EXPECT_EQ(Asked(PriorityMethod::hp_sw).ask({sense(6, 0x3f, 0x0e)}), 0) << "other attention";
}

TEST(PriorityRdac, EveryRow) {
  struct Row {
    std::uint8_t flags;
    std::uint8_t path;
    int priority;
  };
  const Row rows[] = {{0x00, 0, 0}, {0x01, 0, 2}, {0x01, 1, 6}, {0x01, 2, 3}, {0x00, 1, 4}, {0x00, 2, 1},
                      {0x20, 0, 8}, {0x21, 1, 14}, {0x01, 0x11, 6}, {0x01, 3, 2}};
  for (const Row& row : rows) EXPECT_EQ(Asked(PriorityMethod::rdac).ask({good(rdac_page(row.flags, row.path))}), row.priority);
  auto foreign = rdac_page(0x01, 1);
  foreign[4] = 'x';
  EXPECT_EQ(Asked(PriorityMethod::rdac).ask({good(foreign)}), 0);
  EXPECT_EQ(Asked(PriorityMethod::rdac).ask({sense(5, 0x24, 0)}), 0);
  EXPECT_EQ(Asked(PriorityMethod::rdac).ask({good({0})}), 0);
}

TEST(PriorityOntap, EveryRow) {
  auto transport = [](std::string_view name) {
    std::vector<std::uint8_t> data(64, 0);
    data[3] = 60;
    data[4] = 0x0a, data[5] = 0x98, data[6] = 0x0a, data[7] = 0x01;
    data[8] = 0x41;
    std::copy(name.begin(), name.end(), data.begin() + 12);
    return good(std::move(data));
  };
  auto proxy = [](std::uint8_t flags) {
    std::vector<std::uint8_t> data(64, 0);
    data[1] = 0xc1;
    data[8] = 0x0a, data[9] = 0x98, data[10] = 0x0a, data[12] = 0xc1;
    data[19] = flags;
    return good(std::move(data));
  };
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({transport("ism_sw0")}), 2);
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({transport("iswta")}), 2);
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({transport("ism_sn0")}), 3);
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({transport("fcp"), proxy(0x02)}), 1);
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({transport("fcp"), proxy(0x00)}), 4);
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({transport("fcp"), sense(5, 0x24, 0)}), 4);
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({good({0, 0, 0, 4, 0x0a, 0x98, 0x0a, 0x01}), proxy(0x02)}), 1) << "no such page";
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({good({0, 0, 0, 60, 0, 0, 0, 0, 0x41, 0, 0, 0, 'i', 's', 'w', 't'})}), 0) << "not its signature";
  auto foreign = proxy(0x02);
  foreign.data[9] = 0;
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({transport("fcp"), foreign}), 4) << "a page of somebody else";
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({sense(5, 0x20, 0)}), 0) << "the vendor command fails";
  EXPECT_EQ(Asked(PriorityMethod::ontap).ask({good({0})}), 0);
}

TEST(PriorityDatacore, EveryRow) {
  std::vector<std::uint8_t> data(128, ' ');
  std::string_view server = "SDS-NORTH1";
  std::copy(server.begin(), server.end(), data.begin() + 112);
  struct Row {
    std::string_view arguments;
    int priority;
    std::size_t commands;
  };
  const Row rows[] = {
      {"preferredsds=SDS-NORTH1", 1, 1}, {"preferredsds=NORTH", 1, 1},           {"preferredsds=SOUTH", 0, 1},
      {"timeout=600 preferredsds=NORTH", 1, 1}, {"preferredsds=NORTH timeout=600", 1, 1},
      {"preferredsds=N", 0, 0},          {"", 0, 0},                              {"preferredsds=NORTH what=1", 0, 0},
      {"timeout=x preferredsds=NORTH", 0, 0},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.arguments);
    Asked path(PriorityMethod::datacore, row.arguments);
    EXPECT_EQ(path.ask({good(data)}), row.priority);
    EXPECT_EQ(path.commands.size(), row.commands);
    EXPECT_EQ(path.prioritizer->arguments.remarks.empty(), row.commands == 1);
  }
}

TEST(PriorityIet, EveryRow) {
  std::string_view links =
      "pci-0000:00:04.0-scsi-0:0:0:1\n"
      "ip-192.168.1.20:3260-iscsi-iqn.2003-01.org.x:disk-lun-1\n";
  struct Row {
    std::string_view arguments;
    std::string_view links;
    int priority;
  };
  const Row rows[] = {
      {"preferredip=192.168.1.20", links, 20}, {"preferredip=192.168.1.21", links, 10}, {"preferredip=10.0.0.12", links, 10},
      {"preferredip=192.168.1.20", "", 10},    {"preferredip=1.2.3.4", links, 0},       {"", links, 0},
      {"preferredip=10.0.0.12", "ip-10.0.0.1:3260-x\n", 20},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.arguments);
    EXPECT_EQ(Asked(PriorityMethod::iet, row.arguments).ask({good_text(row.links)}), row.priority);
  }
}

TEST(PriorityLatency, TheLogarithmOfTheMeanLatency) {
  auto read = [](std::int64_t length) {
    CommandOutcome outcome;
    outcome.round_trip = microseconds{length};
    return outcome;
  };
  struct Row {
    std::string_view arguments;
    std::vector<CommandOutcome> reads;
    int priority;
    std::size_t commands;
  };
  const Row rows[] = {
      {"io_num=20 base_num=10", {read(1000)}, 5, 20},   // 8 - 3
      {"io_num=20 base_num=10", {read(999)}, 5, 20},    // 8 - 2.9996, truncated
      {"io_num=20 base_num=10", {read(1001)}, 4, 20},
      {"io_num=20 base_num=10", {read(1)}, 8, 20},
      {"io_num=20 base_num=10", {read(0)}, 8, 20},
      {"io_num=20 base_num=10", {read(200000000)}, 0, 20},
      {"", {read(1)}, 32, 100},
      {"", {read(1000)}, 20, 100},
      {"io_num=20", {read(1000)}, 20, 100},
      {"io_num=10 base_num=10", {read(1000)}, 20, 100},
      {"io_num=20 base_num=1.01", {read(1000)}, 20, 100},
      {"io_num=20 base_num=10", {read(10), failed(CommandFailure::io_error)}, undefined, 2},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.arguments);
    Asked path(PriorityMethod::path_latency, row.arguments);
    EXPECT_EQ(path.ask(row.reads), row.priority) << row.reads.front().round_trip.count();
    EXPECT_EQ(path.commands.size(), row.commands);
    EXPECT_EQ(path.ask(row.reads), row.priority) << "the second time";
  }
}

TEST(PriorityWeightedpath, EveryAttribute) {
  PathFacts facts = facts_of("sdb");
  facts.address = Hctl{1, 0, 2, 3};
  facts.serial = "SN42";
  facts.host_node = "0x2000000000000001";
  facts.host_port = "0x1000000000000001";
  facts.target_node = "0x5000000000000000";
  facts.target_port = "0x5000000000000005";
  struct Row {
    std::string_view arguments;
    int priority;
  };
  const Row rows[] = {
      {"hbtl 1:.:2:. 5", 5},        {"hbtl 2:.:.:. 7 1:.:.:. 8", 8}, {"hbtl ^9 7", 0},
      {"devname sda 1 sdb 2", 2},   {"devname sd 9 sdb 2", 9},       {"serial SN4 3", 3},
      {"wwn 0x2000000000000001:0x1000000000000001:0x5000000000000000:0x5000000000000005 11", 11},
      {"wwn :0x50+5$ 12", 12},      {"", 0},                         {"name sdb 4", 0},
      {"devname sdb", 0},           {"devname sdb x sdb 6", 6},      {"devname ( 3 sdb 6", 6},
      {"devname sdb -4", -4},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.arguments);
    Asked path(PriorityMethod::weightedpath, row.arguments);
    path.facts = facts;
    EXPECT_EQ(path.ask(), row.priority);
    EXPECT_TRUE(path.commands.empty());
  }
}

// --- ana -------------------------------------------------------------------------------------------------------------------
CommandOutcome controller(std::uint8_t cmic, std::uint8_t anacap, std::uint8_t groups) {
  std::vector<std::uint8_t> data(4096, 0);
  data[76] = cmic;
  data[343] = anacap;
  data[348] = groups;
  return good(std::move(data));
}
CommandOutcome name_space(std::uint8_t group) {
  std::vector<std::uint8_t> data(4096, 0);
  data[92] = group;
  return good(std::move(data));
}
/// Groups 1 and 2; the second has the state.
CommandOutcome ana_log(std::uint8_t state, std::uint8_t namespaces_listed = 0) {
  std::vector<std::uint8_t> data(16, 0);
  data[8] = 2;
  for (std::uint8_t group : {1, 2}) {
    std::vector<std::uint8_t> descriptor(32, 0);
    descriptor[0] = group;
    descriptor[4] = namespaces_listed;
    descriptor[16] = group == 2 ? state : 1;
    descriptor.resize(32 + std::size_t{namespaces_listed} * 4);
    data.insert(data.end(), descriptor.begin(), descriptor.end());
  }
  return good(std::move(data));
}

TEST(PriorityAna, EveryRow) {
  const std::pair<std::uint8_t, int> rows[] = {{1, 50}, {2, 10}, {3, 1}, {4, 0}, {0xf, unchanged}, {7, undefined}};
  for (auto [state, priority] : rows) {
    for (std::uint8_t listed : {0, 3}) {
      Asked path(PriorityMethod::ana);
      path.facts.address = Hctl{0, 1, 1, 7};
      EXPECT_EQ(path.ask({controller(0x08, 0, 2), name_space(2), ana_log(state, listed)}), priority) << int{state};
      EXPECT_THAT(path.commands, ElementsAre("controller", "namespace", "log"));
      EXPECT_EQ(std::get<NvmeAdminCommand>(path.sent[1]).namespace_id, 7U);
      EXPECT_EQ(std::get<NvmeAdminCommand>(path.sent[2]).data_in_bytes, 16U + 2 * 32);
    }
  }
  Asked path(PriorityMethod::ana);
  path.ask({controller(0x08, 0, 2), name_space(2), ana_log(0x0f)});
  EXPECT_EQ(path.otherwise, 1) << "in change and never known";
}

TEST(PriorityAna, AsksOnlyForWhatCanChange) {
  Asked path(PriorityMethod::ana);
  EXPECT_EQ(path.ask({controller(0x08, 0x40, 2), name_space(2), ana_log(1)}), 50);
  EXPECT_EQ(path.ask({ana_log(2)}), 10);
  EXPECT_THAT(path.commands, ElementsAre("log"));
  Asked moving(PriorityMethod::ana);
  EXPECT_EQ(moving.ask({controller(0x08, 0, 2), name_space(2), ana_log(1)}), 50);
  EXPECT_EQ(moving.ask({name_space(1), ana_log(3)}), 50);
  EXPECT_THAT(moving.commands, ElementsAre("namespace", "log"));
}

TEST(PriorityAna, AGroupThatIsNotNamedIsLookedForFromTheBeginning) {
  Asked path(PriorityMethod::ana);
  EXPECT_EQ(path.ask({controller(0x08, 0x40, 2), name_space(9), ana_log(1)}), undefined);
  EXPECT_EQ(path.ask({controller(0x08, 0x40, 2), name_space(2), ana_log(1)}), 50);
}

TEST(PriorityAna, WithoutAnaItIsUndefined) {
  CommandOutcome refused;
  refused.nvme_status = 0x02;
  EXPECT_EQ(Asked(PriorityMethod::ana).ask({refused}), undefined);
  EXPECT_EQ(Asked(PriorityMethod::ana).ask({controller(0x00, 0, 2)}), undefined);
  EXPECT_EQ(Asked(PriorityMethod::ana).ask({good({1, 2, 3})}), undefined);
  EXPECT_EQ(Asked(PriorityMethod::ana).ask({controller(0x08, 0, 2), name_space(0)}), undefined);
  EXPECT_EQ(Asked(PriorityMethod::ana).ask({failed(CommandFailure::not_a_scsi_device)}), undefined);
}

}  // namespace
}  // namespace mpath::policy
