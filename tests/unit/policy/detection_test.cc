// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/detection.h"

#include <gmock/gmock.h>

#include "tests/unit/policy/method_fixture.h"

namespace mpath::policy {
namespace {

/// Settings of a path of vendor ACME, with these defaults and this checker in its devices entry.
std::shared_ptr<const config::PathSettings> settings(const std::string& defaults, const std::string& devices_checker = {}) {
  std::string more;
  if (!devices_checker.empty()) more = "devices {\ndevice {\nvendor ACME\nproduct .*\npath_checker " + devices_checker + "\n}\n}\n";
  config::Resolver resolver = resolver_of(defaults, more);
  return resolver.path({.vendor = "ACME", .product = "ARRAY", .revision = {}, .protocol = "scsi:fcp", .kernel_name = "sda", .wwid = {}});
}

std::vector<std::uint8_t> supported_pages(std::vector<std::uint8_t> pages) {
  std::vector<std::uint8_t> data = {0, 0, 0, static_cast<std::uint8_t>(pages.size())};
  data.insert(data.end(), pages.begin(), pages.end());
  return data;
}

std::vector<std::uint8_t> inquiry(std::uint8_t tpgs) {
  std::vector<std::uint8_t> data(36, 0);
  data[5] = static_cast<std::uint8_t>(tpgs << 4);
  return data;
}

/// Asks all that has to be asked; `answer` is called with the name of the command.
template <typename Device>
ProbeAnswers probe_all(const PathFacts& facts, const config::PathSettings& config, Device answer, std::vector<std::string>& asked) {
  ProbeAnswers answers;
  for (int guard = 0; guard < 20; ++guard) {
    auto probe = next_probe(facts, config, answers);
    if (!probe) return answers;
    std::string name = name_of(probe_command(*probe, milliseconds{1000}));
    asked.push_back(name);
    take_probe(*probe, answer(name), answers);
  }
  ADD_FAILURE() << "endless";
  return answers;
}

TEST(DetectChecker, TheRdacTest) {
  struct Row {
    const char* what;
    const char* devices_checker;
    bool lists;
    bool is_rdac;
    std::string asked;
    Checker checker;
  };
  const Row rows[] = {
      {"nothing named, page listed and right", "", true, true, "inquiry 00, inquiry c9", Checker::rdac},
      {"nothing named, page listed, another's", "", true, false, "inquiry 00, inquiry c9", Checker::tur},
      {"nothing named, page not listed", "", false, true, "inquiry 00", Checker::tur},
      {"rdac named: the list is not asked", "rdac", false, true, "inquiry c9", Checker::rdac},
      {"rdac named, but it is none", "rdac", false, false, "inquiry c9", Checker::rdac},
      {"another named: no test", "directio", true, true, "", Checker::directio},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    auto config = settings("", row.devices_checker);
    std::vector<std::string> asked;
    auto answer = [&](const std::string& name) {
      if (name == "inquiry 00") return row.lists ? good(supported_pages({0, 0x80, 0x83, 0xc9})) : good(supported_pages({0, 0x80, 0x83}));
      auto page = rdac_page(0x01);
      if (!row.is_rdac) page[4] = 'x';
      return good(page);
    };
    PathFacts facts = facts_of("sda");
    ProbeAnswers answers = probe_all(facts, *config, answer, asked);
    EXPECT_EQ(fmt::format("{}", fmt::join(asked, ", ")), row.asked);
    EXPECT_EQ(choose_checker(facts, *config, answers), row.checker);
  }
}

TEST(DetectChecker, PortGroupsMakeItTurAndAnRdacArrayIsRdacAllTheSame) {
  PathFacts facts = facts_of("sda");
  for (TpgSupport support : {TpgSupport::implicit_only, TpgSupport::explicit_only, TpgSupport::implicit_and_explicit}) {
    facts.tpg_support = support;
    EXPECT_EQ(choose_checker(facts, *settings("", "directio"), {}), Checker::tur);
    EXPECT_EQ(choose_checker(facts, *settings("path_checker alua"), {}), Checker::alua);
    EXPECT_EQ(choose_checker(facts, *settings(""), {.is_rdac = true}), Checker::rdac);
    EXPECT_EQ(choose_checker(facts, *settings("detect_checker no\npath_checker directio"), {.is_rdac = true}), Checker::directio);
  }
  facts.tpg_support = TpgSupport::none;
  EXPECT_EQ(choose_checker(facts, *settings("path_checker alua"), {}), Checker::tur) << "there is nothing to ask for";
  EXPECT_EQ(choose_checker(facts, *settings("path_checker nonsense"), {}), Checker::missing);
}

TEST(DetectChecker, OnlyScsiIsTested) {
  PathFacts facts = facts_of("sda");
  facts.bus = Bus::nvme;
  auto config = settings("path_checker directio\ndetect_prio no");
  EXPECT_FALSE(next_probe(facts, *config, {}));
  EXPECT_EQ(choose_checker(facts, *config, {.is_rdac = true}), Checker::directio);
}

TEST(DetectTpgs, IsAskedWhereSysfsDoesNotKnow) {
  PathFacts facts = facts_of("sda");
  facts.tpg_support = TpgSupport::undetermined;
  auto config = settings("", "directio");
  std::vector<std::string> asked;
  auto answer = [](const std::string&) { return good(inquiry(1)); };
  ProbeAnswers answers = probe_all(facts, *config, answer, asked);
  EXPECT_THAT(asked, testing::ElementsAre("inquiry"));
  EXPECT_EQ(tpg_support(facts, answers), TpgSupport::implicit_only);
  EXPECT_EQ(choose_checker(facts, *config, answers), Checker::tur);
  EXPECT_FALSE(next_probe(facts, *settings("detect_checker no\ndetect_prio no"), {}));
}

TEST(Detect, ADeviceThatDoesNotAnswerIsAskedThreeTimes) {
  PathFacts facts = facts_of("sda");
  auto config = settings("");
  std::vector<std::string> asked;
  ProbeAnswers answers = probe_all(facts, *config, [](const std::string&) { return host(HostStatus::no_connect); }, asked);
  EXPECT_EQ(asked.size(), std::size_t{probe_attempts});
  EXPECT_EQ(choose_checker(facts, *config, answers), Checker::tur);
  asked.clear();
  probe_all(facts, *config, [](const std::string&) { return sense(5, 0x24, 0); }, asked);
  EXPECT_EQ(asked.size(), 1U) << "a refusal is an answer";
}

// --- priorities --------------------------------------------------------------------------------------------------------------
TEST(DetectPriority, EveryRow) {
  struct Row {
    const char* what;
    Bus bus;
    TpgSupport support;
    std::optional<bool> reports_ana;
    const char* defaults;
    PriorityMethod method;
    bool detected;
  };
  constexpr auto undetermined = TpgSupport::undetermined;
  constexpr auto none = TpgSupport::none;
  constexpr auto implicit = TpgSupport::implicit_only;
  const Row rows[] = {
      {"ANA", Bus::nvme, undetermined, true, "", PriorityMethod::ana, true},
      {"no ANA", Bus::nvme, undetermined, false, "", PriorityMethod::constant, false},
      {"ANA not told", Bus::nvme, undetermined, std::nullopt, "", PriorityMethod::ana, true},
      {"ANA, not detected", Bus::nvme, undetermined, true, "detect_prio no\nprio random", PriorityMethod::random, false},
      {"no port groups", Bus::scsi, none, {}, "prio hds", PriorityMethod::hds, false},
      {"port groups", Bus::scsi, implicit, {}, "prio hds", PriorityMethod::alua, true},
      {"perhaps port groups", Bus::scsi, undetermined, {}, "prio hds", PriorityMethod::alua, true},
      {"port groups, not detected", Bus::scsi, implicit, {}, "detect_prio no\nprio hds", PriorityMethod::hds, false},
      {"alua without port groups", Bus::scsi, none, {}, "detect_prio no\nprio alua", PriorityMethod::constant, false},
      {"alua without port groups, detecting", Bus::scsi, none, {}, "prio alua", PriorityMethod::constant, false},
      {"sysfs as configured", Bus::scsi, none, {}, "detect_prio no\nprio sysfs", PriorityMethod::sysfs, false},
      {"no such name", Bus::scsi, none, {}, "prio none", PriorityMethod::missing, false},
      {"default", Bus::scsi, none, {}, "", PriorityMethod::constant, false},
      {"dasd", Bus::ccw, none, {}, "prio path_latency", PriorityMethod::path_latency, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    PathFacts facts = facts_of("sda");
    facts.bus = row.bus;
    facts.tpg_support = row.support;
    PriorityChoice choice = choose_priority(facts, *settings(row.defaults), {.reports_ana = row.reports_ana});
    EXPECT_EQ(choice.method, row.method);
    EXPECT_EQ(choice.is_detected, row.detected);
  }
}

TEST(DetectPriority, ADeviceThatRefusesToReportPortGroupsHasNone) {
  PathFacts facts = facts_of("sda");
  facts.tpg_support = TpgSupport::implicit_only;
  ProbeAnswers answers{.refuses_port_groups = true};
  EXPECT_EQ(tpg_support(facts, answers), TpgSupport::none);
  EXPECT_EQ(choose_priority(facts, *settings(""), answers).method, PriorityMethod::constant);
}

TEST(DetectPriority, AnaIsAskedOnce) {
  PathFacts facts = facts_of("nvme0n1");
  facts.bus = Bus::nvme;
  auto config = settings("");
  std::vector<std::string> asked;
  auto with_ana = [](const std::string&) {
    std::vector<std::uint8_t> data(4096, 0);
    data[76] = 0x08;
    data[348] = 4;
    return good(std::move(data));
  };
  EXPECT_EQ(probe_all(facts, *config, with_ana, asked).reports_ana, true);
  EXPECT_THAT(asked, testing::ElementsAre("controller"));
  asked.clear();
  EXPECT_EQ(probe_all(facts, *config, [](const std::string&) { return good(std::vector<std::uint8_t>(4096, 0)); }, asked).reports_ana, false);
  asked.clear();
  auto refuses = [](const std::string&) { return failed(CommandFailure::not_a_scsi_device); };
  ProbeAnswers answers = probe_all(facts, *config, refuses, asked);
  EXPECT_EQ(choose_priority(facts, *config, answers).method, PriorityMethod::ana) << "an error counts as capable";
}

}  // namespace
}  // namespace mpath::policy
