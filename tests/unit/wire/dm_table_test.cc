// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/dm_table.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "libmpath/base/text.h"
#include "libmpath/wire/features.h"
#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

constexpr std::string_view alua_table =
    "1 queue_if_no_path 1 alua 2 1 service-time 0 2 2 8:0 1 1 8:96 1 1 service-time 0 2 2 8:48 1 1 8:144 1 1 ";
constexpr std::string_view alua_status =
    "2 0 1 0 2 2 E 0 2 2 8:0 F 3 0 1 8:96 A 0 4 1 A 0 2 2 8:48 A 12 0 1 8:144 F 1 0 1 ";

std::string trimmed(std::string_view text) { return std::string(trim(text)); }

TEST(ParseTable, KeepsEveryForm) {
  const std::string_view tables[] = {
      alua_table,
      "0 0 0 0",
      "0 0 1 1 service-time 0 0 0",
      "0 0 1 1 round-robin 0 1 1 8:16 1000",
      "0 0 1 1 round-robin 0 1 0 8:16",
      "0 1 alua 1 1 queue-length 0 2 1 8:16 1 8:32 1",
      "0 0 1 1 historical-service-time 2 973 0 2 1 8:16 0 8:32 0",
      "0 0 2 2 io-affinity 0 1 1 8:16 00000000,0000000f io-affinity 0 1 1 8:32 f0",
      "4 queue_if_no_path retain_attached_hw_handler queue_mode bio 0 1 1 service-time 0 2 2 259:1 1 1 259:2 "
      "1 1",
      "7 queue_if_no_path pg_init_retries 50 pg_init_delay_msecs 100 queue_mode mq 3 emc 1 0 1 1 x 3 a b c 1 "
      "4 8:0 1 2 3 4",
  };
  for (std::string_view text : tables) {
    auto table = parse_table(text, 32768);
    ASSERT_TRUE(table) << text << ": " << table.error().message();
    EXPECT_EQ(format_table(*table), trimmed(text));
    EXPECT_EQ(table->size_sectors, 32768u);
  }
}

TEST(ParseTable, TakesFieldsApart) {
  auto table = parse_table(alua_table, 32768);
  ASSERT_TRUE(table);
  EXPECT_EQ(table->features, "1 queue_if_no_path");
  EXPECT_EQ(table->hardware_handler, "1 alua");
  EXPECT_EQ(table->next_group, 1u);
  ASSERT_EQ(table->groups.size(), 2u);
  EXPECT_EQ(table->groups[1].selector, "service-time 0");
  ASSERT_EQ(table->groups[1].paths.size(), 2u);
  EXPECT_EQ(table->groups[1].paths[1].devnum, (DevNum{8, 144}));
  EXPECT_EQ(table->groups[1].paths[1].arguments, (std::vector<std::string>{"1", "1"}));
  EXPECT_EQ(table->groups[1].paths[1].state, KernelPathState::unknown);
}

TEST(ParseTable, TakesGroupsThatLostTheirPaths) {
  auto table = parse_table("0 0 1 1 service-time 0 0 2", 1);
  ASSERT_TRUE(table);
  EXPECT_TRUE(table->groups[0].paths.empty());
  EXPECT_TRUE(apply_status(*table, "2 0 0 0 1 1 E 0 0 2"));
}

TEST(ParseTable, RefusesWhatDoesNotFit) {
  const std::string_view tables[] = {
      "",
      "0",
      "0 0",
      "0 0 1",
      "0 0 1 1",
      "-1 0 0 0",
      "1 0 0 0",
      "99999999999999999999 a 0 0 0",
      "4294967295 0 0 0",
      "0 0 4294967295 1 service-time 0 1 1 8:0 1",
      "0 0 1 2 service-time 0 1 1 8:0 1",
      "0 0 1 0 service-time 0 1 1 8:0 1",
      "0 0 0 1",
      "0 0 0 0 left over",
      "0 0 1 1 service-time 0 1 1 8:0",
      "0 0 1 1 service-time 0 2 1 8:0 1",
      "0 0 1 1 service-time 0 4294967295 1 8:0 1",
      "0 0 1 1 service-time 0 1 4294967295 8:0 1",
      "0 0 1 1 service-time 0 2 4294967295 8:0 1 8:16 1",
      "0 0 1 1 service-time 0 1 1 sda 1",
      "0 0 1 1 service-time 0 1 1 8: 1",
      "0 0 1 1 service-time 0 1 1 0:0 1",
      "0 0 1 1 service-time 0 1 1 8:0 1 1",
      "0 0 2 1 service-time 0 1 1 8:0 1",
  };
  for (std::string_view text : tables) {
    auto table = parse_table(text, 1);
    ASSERT_FALSE(table) << text;
    EXPECT_EQ(table.error().code, ErrorCode::corrupt);
    EXPECT_FALSE(table.error().what.empty());
  }
}

TEST(FormatTable, GivesAGroupTheArgumentsItsPoorestPathHas) {
  MultipathTable table;
  table.next_group = 1;
  table.groups = {{.selector = "service-time 0", .paths = {{{8, 0}, {"1", "2"}}, {{8, 16}, {"1"}}}}};
  EXPECT_EQ(format_table(table), "0 0 1 1 service-time 0 2 1 8:0 1 8:16 1");
}

TEST(FormatTable, HasNoNextGroupWithoutGroups) {
  MultipathTable table;
  table.features = "1 queue_if_no_path";
  table.next_group = 1;
  EXPECT_EQ(format_table(table), "1 queue_if_no_path 0 0 0");
}

TEST(ApplyStatus, MergesStatesAndCounts) {
  auto table = parse_table(alua_table, 32768);
  ASSERT_TRUE(apply_status(*table, alua_status));
  EXPECT_EQ(table->next_group, 2u);
  EXPECT_EQ(table->queued_ios, 0u);
  EXPECT_EQ(table->groups[0].state, KernelGroupState::enabled);
  EXPECT_EQ(table->groups[1].state, KernelGroupState::active);
  EXPECT_EQ(table->groups[0].paths[0].state, KernelPathState::failed);
  EXPECT_EQ(table->groups[0].paths[0].fail_count, 3u);
  EXPECT_EQ(table->groups[0].paths[1].state, KernelPathState::active);
  EXPECT_EQ(table->groups[1].paths[0].fail_count, 12u);
}

TEST(ApplyStatus, SkipsTheArgumentsOfEverySelector) {
  struct Row {
    std::string_view table;
    std::string_view status;
  };
  const Row rows[] = {
      {"0 0 1 1 round-robin 0 1 1 8:16 1", "2 7 0 0 1 1 D 0 1 0 8:16 F 5"},
      {"0 0 1 1 queue-length 0 1 1 8:16 1", "2 7 0 0 1 1 D 0 1 1 8:16 F 5 0"},
      {"0 0 1 1 service-time 0 1 2 8:16 1 1", "2 7 0 0 1 1 D 0 1 2 8:16 F 5 0 1"},
      {"0 0 1 1 historical-service-time 2 973 0 1 1 8:16 0",
       "2 7 0 0 1 1 D 2 973 0 1 3 8:16 F 5 18446744073709551615 0 99"},
      {"0 0 1 1 io-affinity 0 1 1 8:16 f", "2 7 0 0 1 1 D 0 1 1 8:16 F 5 0"},
      {"0 1 alua 1 1 x 0 1 0 8:16", "3 7 0 1 2 a b 1 1 D 0 1 0 8:16 F 5"},
  };
  for (const Row& row : rows) {
    auto table = parse_table(row.table, 1);
    ASSERT_TRUE(table) << row.table;
    auto status = apply_status(*table, row.status);
    ASSERT_TRUE(status) << row.status << ": " << status.error().message();
    EXPECT_EQ(table->queued_ios, 7u);
    EXPECT_EQ(table->groups[0].state, KernelGroupState::disabled);
    EXPECT_EQ(table->groups[0].paths[0].state, KernelPathState::failed);
    EXPECT_EQ(table->groups[0].paths[0].fail_count, 5u);
  }
}

TEST(ApplyStatus, RefusesOtherTablesAndNonsenseAndChangesNothing) {
  auto original = parse_table(alua_table, 32768);
  struct Row {
    ErrorCode code;
    std::string_view status;
  };
  const Row rows[] = {
      {ErrorCode::conflict, "2 0 1 0 1 1 A 0 2 2 8:0 A 0 0 1 8:96 A 0 0 1"},
      {ErrorCode::conflict, "2 0 1 0 2 1 A 0 2 2 8:0 A 0 0 1 8:97 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0 1"},
      {ErrorCode::conflict, "2 0 1 0 2 1 A 0 1 2 8:0 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0 1"},
      {ErrorCode::corrupt, ""},
      {ErrorCode::corrupt, "2 x 1 0 2 1"},
      {ErrorCode::corrupt, "2 0 1 0 2 3 A 0 2 2 8:0 A 0 0 1 8:96 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0 1"},
      {ErrorCode::corrupt, "2 0 1 0 2 1 X 0 2 2 8:0 A 0 0 1 8:96 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0 1"},
      {ErrorCode::corrupt, "2 0 1 0 2 1 A 0 2 2 8:0 B 0 0 1 8:96 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0 1"},
      {ErrorCode::corrupt, "2 0 1 0 2 1 A 0 2 2 8:0 A -1 0 1 8:96 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0 1"},
      {ErrorCode::corrupt, "2 0 1 0 2 1 A 0 2 2 8:0 A 0 0 1 8:96 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0"},
      {ErrorCode::corrupt, "2 0 1 0 2 1 A 0 2 2 8:0 A 0 0 1 8:96 A 0 0 1 E 0 2 2 8:48 A 0 0 1 8:144 A 0 0 1 1"},
      {ErrorCode::corrupt, "2 0 1 0 2 1 A 0 2 4294967295 8:0 A 0 0 1 8:96 A 0 0 1"},
  };
  for (const Row& row : rows) {
    MultipathTable table = *original;
    auto status = apply_status(table, row.status);
    ASSERT_FALSE(status) << row.status;
    EXPECT_EQ(status.error().code, row.code) << row.status;
    EXPECT_EQ(table, *original);
  }
}

TEST(TableFingerprint, IgnoresBlanksOnly) {
  EXPECT_EQ(table_fingerprint("0 0 0 0", 1), table_fingerprint("0  0 0 0 ", 1));
  EXPECT_NE(table_fingerprint("0 0 0 0", 1), table_fingerprint("0 0 0 0", 2));
  EXPECT_NE(table_fingerprint("1 00", 1), table_fingerprint("10 0", 1));
}

// --- properties ---------------------------------------------------------------------------------------------

MultipathTable random_table(test::RandomInput& random) {
  const std::vector<std::string> features = {"0", "1 queue_if_no_path", "2 queue_mode bio",
                                             "3 queue_if_no_path pg_init_retries 50"};
  const std::vector<std::string> handlers = {"0", "1 alua", "1 rdac", "3 emc 1 0"};
  const std::vector<std::string> selectors = {"service-time 0", "round-robin 0",
                                              "historical-service-time 2 973 0", "queue-length 0", "io-affinity 0"};
  MultipathTable table;
  table.size_sectors = random.below(1u << 30);
  table.features = features[random.below(features.size())];
  table.hardware_handler = handlers[random.below(handlers.size())];
  table.groups.resize(random.below(6));
  table.next_group =
      table.groups.empty() ? 0 : static_cast<std::uint32_t>(1 + random.below(table.groups.size()));
  for (KernelGroup& group : table.groups) {
    group.selector = selectors[random.below(selectors.size())];
    group.paths.resize(random.below(5));
    std::size_t arguments = random.below(4);
    for (KernelPath& path : group.paths) {
      path.devnum = {static_cast<std::uint32_t>(1 + random.below(4095)),
                     static_cast<std::uint32_t>(random.below(1u << 20))};
      for (std::size_t i = 0; i < arguments; ++i) {
        path.arguments.push_back(random.chance(4) ? fmt::format("{:08x},{:08x}", random.below(256), random.below(1u << 31))
                                                  : std::to_string(random.below(2000)));
      }
    }
  }
  return table;
}

/// Random states for the table, and the status line a kernel would print for them.
std::string random_status(test::RandomInput& random, MultipathTable& table) {
  table.queued_ios = static_cast<std::uint32_t>(random.below(100));
  std::string status = "2 " + std::to_string(table.queued_ios) + " 0 0 " +
                       std::to_string(table.groups.size()) + " " + std::to_string(table.next_group);
  for (KernelGroup& group : table.groups) {
    std::size_t letter = random.below(3);
    group.state =
        std::array{KernelGroupState::active, KernelGroupState::enabled, KernelGroupState::disabled}[letter];
    std::size_t arguments = random.below(4);
    status += std::string(" ") + "AED"[letter] + " 0 " + std::to_string(group.paths.size()) + " " +
              std::to_string(arguments);
    for (KernelPath& path : group.paths) {
      bool failed = random.chance(2);
      path.state = failed ? KernelPathState::failed : KernelPathState::active;
      path.fail_count = static_cast<std::uint32_t>(random.below(1000));
      status += " " + to_string(path.devnum) + (failed ? " F " : " A ") + std::to_string(path.fail_count);
      for (std::size_t i = 0; i < arguments; ++i) status += " " + std::to_string(random.below(100));
    }
  }
  return status;
}

TEST(DmTableProperty, RoundTrips) {
  test::RandomInput random;
  for (int round = 0; round < 3000; ++round) {
    MultipathTable table = random_table(random);
    std::string text = format_table(table);
    auto parsed = parse_table(text, table.size_sectors);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message();
    ASSERT_EQ(*parsed, table) << text;
    std::string status = random_status(random, table);
    auto applied = apply_status(*parsed, status);
    ASSERT_TRUE(applied) << text << " | " << status << ": " << applied.error().message();
    ASSERT_EQ(*parsed, table) << status;
  }
}

TEST(DmTableProperty, SurvivesDamagedText) {
  test::RandomInput random;
  const std::vector<std::string_view> vocabulary = {"0",          "1",
                                                    "2",          "3",
                                                    "8:0",        "8:16",
                                                    "A",          "E",
                                                    "F",          "service-time",
                                                    "alua",       "queue_if_no_path",
                                                    "4294967295", "4294967296",
                                                    ":"};
  for (int round = 0; round < 10000; ++round) {
    MultipathTable table = random_table(random);
    std::string text =
        random.chance(3) ? random.text_of(vocabulary, random.below(40)) : random.damaged(format_table(table));
    if (auto parsed = parse_table(text, 1)) {
      // What is accepted is what will be printed.
      std::string again = format_table(*parsed);
      EXPECT_EQ(parse_table(again, 1).value(), *parsed) << text;
    }
    MultipathTable target = table;
    std::string status = random_status(random, target);
    target = table;
    if (!apply_status(target, random.chance(3) ? random.text_of(vocabulary, random.below(40))
                                               : random.damaged(status))) {
      EXPECT_EQ(target, table);
    }
  }
}

// --- real files, where they are at hand

std::filesystem::path shared_directory() {
  const char* given = std::getenv("MPATH_SHARED_DIR");
  return given ? std::filesystem::path(given) : std::filesystem::path(MPATH_SOURCE_DIR) / "../shared";
}

TEST(DmTableLabOutput, ParsesWhatAKernelPrinted) {
  auto directory = shared_directory() / "reference/lab-outputs";
  if (!std::filesystem::is_directory(directory)) GTEST_SKIP() << "no lab outputs in " << directory;
  std::size_t tables = 0, statuses = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::map<std::string, MultipathTable> known;
    std::ifstream file(entry.path());
    std::string section, line;
    while (std::getline(file, line)) {
      if (line.starts_with("### ")) section = line;
      std::size_t target = line.find(" multipath ");
      std::size_t colon = line.find(": ");
      if (target == std::string::npos || colon == std::string::npos || colon > target) continue;
      std::string name = line.substr(0, colon);
      std::string_view parameters = std::string_view(line).substr(target + 11);
      if (section == "### dmsetup table") {
        auto table = parse_table(parameters, 1);
        ASSERT_TRUE(table) << line << ": " << table.error().message();
        EXPECT_EQ(format_table(*table), trim(parameters));
        known[name] = *table;
        ++tables;
      } else if (section == "### dmsetup status" && known.contains(name)) {
        auto status = apply_status(known[name], parameters);
        ASSERT_TRUE(status) << line << ": " << status.error().message();
        ++statuses;
      } else if (line.find('[') < target && line.ends_with(']')) {
        parameters.remove_suffix(1);
        EXPECT_TRUE(parse_table(parameters, 1)) << line;
      }
    }
  }
  EXPECT_GT(tables, 0u);
  EXPECT_GT(statuses, 0u);
}

TEST(FeaturesCorpus, RealFeatureStringsAreNormalAlready) {
  auto directory = shared_directory() / "corpus/ll";
  if (!std::filesystem::is_directory(directory)) GTEST_SKIP() << "no corpus in " << directory;
  std::size_t seen = 0;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    std::ifstream file(entry.path());
    std::string line;
    while (std::getline(file, line)) {
      std::size_t begin = line.find("features='");
      if (begin == std::string::npos) continue;
      begin += 10;
      std::string features = line.substr(begin, line.find('\'', begin) - begin);
      EXPECT_EQ(normalise_features(features), features) << entry.path();
      ++seen;
    }
  }
  EXPECT_GT(seen, 0u);
}

// --- features

TEST(Features, AreNormalised) {
  EXPECT_EQ(normalise_features(""), "0");
  EXPECT_EQ(normalise_features(" 0 "), "0");
  EXPECT_EQ(normalise_features("5  queue_if_no_path "), "1 queue_if_no_path");
  EXPECT_EQ(normalise_features("queue_mode bio"), "2 queue_mode bio");
}

TEST(Features, AreAddedAndRemovedWithTheCountKeptRight) {
  EXPECT_EQ(features_with("0", queue_if_no_path), "1 queue_if_no_path");
  EXPECT_EQ(features_with("2 queue_mode bio", queue_if_no_path), "3 queue_mode bio queue_if_no_path");
  EXPECT_EQ(features_with("1 queue_if_no_path", queue_if_no_path), "1 queue_if_no_path");
  EXPECT_EQ(features_with("1 queue_if_no_path", "queue_mode bio"), "3 queue_if_no_path queue_mode bio");
  EXPECT_EQ(features_without("3 queue_mode bio queue_if_no_path", queue_if_no_path), "2 queue_mode bio");
  EXPECT_EQ(features_without("3 queue_mode bio queue_if_no_path", "queue_mode"), "1 queue_if_no_path");
  EXPECT_EQ(features_without("0", queue_if_no_path), "0");
  EXPECT_TRUE(features_has("3 pg_init_retries 50 queue_if_no_path", queue_if_no_path));
  EXPECT_FALSE(features_has("1 queue_if_no_path_not", queue_if_no_path));
  EXPECT_FALSE(features_has("2 pg_init_retries queue_if_no_path", queue_if_no_path)) << "it is a value there";
}

TEST(Features, AreComparedByMeaning) {
  EXPECT_EQ(parse_features("3 queue_mode bio queue_if_no_path"),
            parse_features("3 queue_if_no_path queue_mode bio"));
  EXPECT_EQ(parse_features("2 queue_mode rq"), parse_features("0"));
  EXPECT_EQ(parse_features("2 pg_init_delay_msecs 2000"), parse_features("0"));
  EXPECT_NE(parse_features("2 pg_init_retries 3"), parse_features("0"));
  EXPECT_NE(parse_features("1 something"), parse_features("0"));
  EXPECT_EQ(parse_features("1 queue_mode").others, std::vector<std::string>{"queue_mode"});
}

TEST(Features, SurviveAnyText) {
  test::RandomInput random;
  const std::vector<std::string_view> vocabulary = {"0", "3", "queue_mode", "bio", "queue_if_no_path",
                                                    "pg_init_retries", "pg_init_delay_msecs", "x"};
  for (int round = 0; round < 5000; ++round) {
    std::string text = random.text_of(vocabulary, random.below(8));
    std::string normal = normalise_features(text);
    EXPECT_EQ(normalise_features(normal), normal);
    EXPECT_TRUE(features_has(features_with("0", "q"), "q"));
    EXPECT_FALSE(features_has(features_without(normal, queue_if_no_path), queue_if_no_path)) << text;
    (void)parse_features(text);
  }
}

}  // namespace
}  // namespace mpath::wire
