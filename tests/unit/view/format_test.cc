// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/format.h"

#include <gtest/gtest.h>

#include "libmpath/view/words.h"
#include "tests/unit/view/fixture.h"

namespace mpath {
namespace {

using namespace test;
using view::maps_table;
using view::paths_table;
using view::TableStyle;
using view::value_of;

TEST(PathsTable, PrintsTheReferencesSampleByteForByte) {
  Snapshot snapshot = sample_snapshot();
  snapshot.paths = {snapshot.paths[0], snapshot.paths[3]};
  EXPECT_EQ(paths_table(snapshot, view::paths_columns, TableStyle::aligned),
            "hcil         dev   dev_t  pri dm_st  chk_st dev_st  next_check    \n"
            "0:0:0:1      sda   8:0    50  active ready  running XXXX...... 2/5\n"
            "11:0:0:16385 sdaaa 133:48 10  failed faulty running XXXX...... 2/5\n");
}

TEST(MapsTable, PrintsTheReferencesSampleByteForByte) {
  EXPECT_EQ(maps_table(sample_snapshot(), view::maps_status_columns, TableStyle::aligned),
            "name   failback  queueing paths dm-st  write_prot\n"
            "mpatha immediate 5 chk    2     active rw        \n");
}

TEST(MapsTable, ShowsNameDeviceAndWwidByDefault) {
  EXPECT_EQ(maps_table(sample_snapshot(), view::maps_columns, TableStyle::aligned),
            "name   sysfs uuid \n"
            "mpatha dm-3  3600a\n");
}

TEST(Tables, AreEmptyWithoutRows) {
  EXPECT_EQ(paths_table({}, view::paths_columns, TableStyle::aligned), "");
  EXPECT_EQ(maps_table({}, view::maps_columns, TableStyle::raw), "");
}

TEST(Tables, RawHasNeitherHeaderNorPadding) {
  EXPECT_EQ(paths_table(sample_snapshot(), "%d %m", TableStyle::raw), "sda mpatha\nsdb mpatha\nsdc mpatha\nsdaaa mpatha\n");
}

TEST(Tables, AFormatKeepsItsTextAndLosesUnknownWildcards) {
  Snapshot snapshot = sample_snapshot();
  snapshot.paths.resize(1);
  const std::pair<std::string, std::string> cases[] = {
      {"device='%d' multipath='%m'", "device='sda' multipath='mpatha'\n"},
      {" %d,%w ", " sda,3600a \n"},
      {"%m_%d_", "mpatha_sda_\n"},
      {"%%n", "n\n"},
      {"%d%Y|", "sda|\n"},
      {"%d%", "sda\n"},
      {"%", "\n"},
      {"", "\n"},
      {"no wildcard", "no wildcard\n"},
  };
  for (const auto& [format, line] : cases) EXPECT_EQ(paths_table(snapshot, format, TableStyle::raw), line) << format;
}

TEST(Tables, AColumnIsNeverWiderThan255) {
  Snapshot snapshot = sample_snapshot();
  change_map(snapshot, [](MapView& map) { map.features = std::string(300, 'f'); });
  const std::string table = maps_table(snapshot, "%f|", TableStyle::aligned);
  EXPECT_EQ(table.substr(0, table.find('\n')), "features" + std::string(255 - 8, ' ') + "|");
  EXPECT_NE(table.find(std::string(300, 'f') + "|"), std::string::npos);
}

TEST(Tables, TheLineOfOneMapIsPaddedAsInTheTableOfAll) {
  Snapshot snapshot = sample_snapshot();
  auto other = std::make_shared<MapView>();
  other->name = {"a-much-longer-name"};
  snapshot.maps.push_back(other);
  EXPECT_EQ(view::map_line(snapshot, *snapshot.maps[0], "%n %N|"), "mpatha             2    |\n");
}

TEST(PathWildcards, SayWhatAnOrphanIs) {
  const auto orphan = make_path({"sdx", {65, 112}, {12, 0, 0, 1}}, "");
  const view::PathRow row{*orphan, false};
  const std::pair<char, std::string> cases[] = {{'C', "orphan"}, {'m', "[orphan]"}, {'o', "unknown"}, {'T', "undef"}, {'t', "undef"}};
  for (const auto& [letter, value] : cases) EXPECT_EQ(value_of(letter, row, now), value) << letter;
  PathView waiting = *orphan;
  waiting.waiting_to_come_online = true;
  EXPECT_EQ(value_of('m', {waiting, false}, now), "[offline]");
}

TEST(PathWildcards, AllHaveAWordForNothing) {
  const PathView nothing;
  const std::pair<char, std::string> cases[] = {
      {'w', ""}, {'i', "#:#:#:#"}, {'d', "-"}, {'D', "#:#"}, {'t', "undef"}, {'o', "unknown"}, {'T', "undef"},
      {'s', "##,##,##"}, {'c', "(null)"}, {'C', "orphan"}, {'p', "-1"}, {'S', "0.0K"}, {'z', ""}, {'M', "normal"},
      {'m', "[orphan]"}, {'N', "[undef]"}, {'n', "[undef]"}, {'R', "[undef]"}, {'r', "[undef]"}, {'a', "[undef]"},
      {'G', "--"}, {'g', "[undef]"}, {'0', "0"}, {'P', "undef"}, {'I', "ok"}, {'L', "0xffffffffffffffff"},
      {'A', "[undef]"}, {'k', "n/a"},
  };
  EXPECT_EQ(std::size(cases), view::path_wildcards().size());
  for (const auto& [letter, value] : cases) EXPECT_EQ(value_of(letter, {nothing, false}, now), value) << letter;
}

TEST(PathWildcards, PrintTheFacts) {
  auto path = make_path({"sdc", {8, 32}, {10, 2, 3, 16385}, PathState::ghost, 10}, "mpatha");
  auto facts = std::make_shared<PathFacts>(*path->facts);
  facts->serial = "abc";
  facts->host_port = "0x1000";
  facts->target_node = "iqn.2026-01.lab:t";
  facts->protocol = Protocol::scsi_iscsi;
  facts->target_port_group = 0xa;
  facts->max_sectors_kib = 1280;
  facts->sysfs_state = SysfsState::down;
  path->facts = facts;
  path->failures = 7;
  path->marginal = true;
  path->init_state = engine::InitState::udev_missing;
  const std::pair<char, std::string> cases[] = {
      {'i', "10:2:3:16385"}, {'D', "8:32"}, {'o', "offline"}, {'T', "ghost"}, {'s', "VEND,PROD,0001"}, {'c', "tur"},
      {'C', "XXXX...... 2/5"}, {'p', "10"}, {'S', "10G"}, {'z', "abc"}, {'M', "marginal"}, {'m', "mpatha"}, {'R', "0x1000"},
      {'n', "iqn.2026-01.lab:t"}, {'0', "7"}, {'P', "scsi:iscsi"}, {'I', "udev-missing"}, {'L', "0x4001000000000000"},
      {'A', "0x000a"}, {'k', "1280"},
  };
  for (const auto& [letter, value] : cases) EXPECT_EQ(value_of(letter, {*path, true}, now), value) << letter;
}

TEST(PathWildcards, LunIsInTheOrderOfTheWire) {
  auto path = make_path({"sda", {8, 0}, {0, 0, 0, 0x1122334455667788}}, "m");
  EXPECT_EQ(value_of('L', {*path, true}, now), "0x7788556633441122");
}

TEST(PathWildcards, NextCheckCountsDown) {
  struct Case {
    MonoTime due;
    seconds interval;
    std::string text;
  };
  const Case cases[] = {
      {now + seconds{3}, seconds{10}, "XXX....... 3/10"},
      {now + seconds{10}, seconds{10}, "XXXXXXXXXX 10/10"},
      {now + milliseconds{1}, seconds{10}, "X......... 1/10"},
      {now - seconds{4}, seconds{10}, ".......... 0/10"},
      {now + seconds{30}, seconds{10}, "XXXXXXXXXX 30/10"},
      {no_deadline, seconds{5}, ".......... 0/5"},
      {now + seconds{2}, seconds{0}, " 2/0"},
  };
  auto path = make_path({"sda", {8, 0}, {}}, "m");
  for (const Case& c : cases) {
    path->next_check = c.due;
    path->check_interval = c.interval;
    EXPECT_EQ(value_of('C', {*path, true}, now), c.text);
  }
}

TEST(MapWildcards, AllHaveAWordForNothing) {
  MapView nothing;
  nothing.failback_configured = false;
  const std::pair<char, std::string> cases[] = {
      {'n', ""}, {'w', ""}, {'d', "undef"}, {'F', "undef"}, {'Q', "-"}, {'N', "0"}, {'r', "undef"}, {'t', "undef"},
      {'S', "0.0K"}, {'f', "0"}, {'x', "0"}, {'h', "0"}, {'A', ""}, {'0', "0"}, {'1', "0"}, {'2', "0"}, {'3', "0"},
      {'4', "0"}, {'s', "##,##"}, {'v', "##"}, {'p', "##"}, {'e', "##"}, {'G', "--"}, {'g', "[undef]"}, {'k', "n/a"},
  };
  EXPECT_EQ(std::size(cases), view::map_wildcards().size());
  for (const auto& [letter, value] : cases) EXPECT_EQ(value_of(letter, nothing, now), value) << letter;
}

TEST(MapWildcards, QueueingTellsWhatHappensWithoutAPath) {
  struct Case {
    NoPathRetry retry;
    std::uint32_t usable;
    MonoTime deadline;
    std::string text;
  };
  const Case cases[] = {
      {{NoPathRetry::Kind::undefined, 0}, 1, no_deadline, "-"},
      {{NoPathRetry::Kind::fail, 0}, 1, no_deadline, "off"},
      {{NoPathRetry::Kind::queue, 0}, 0, no_deadline, "on"},
      {{NoPathRetry::Kind::checks, 12}, 1, no_deadline, "12 chk"},
      {{NoPathRetry::Kind::checks, 12}, 0, now + seconds{31}, "31 sec"},
      {{NoPathRetry::Kind::checks, 12}, 0, no_deadline, "off"},
  };
  for (const Case& c : cases) {
    MapView map;
    map.no_path_retry = c.retry;
    map.usable_paths = c.usable;
    map.retry_deadline = c.deadline;
    EXPECT_EQ(value_of('Q', map, now), c.text);
  }
}

TEST(MapWildcards, FailbackTellsPolicyOrTimer) {
  MapView map;
  map.failback = {Failback::Kind::followover, {}};
  EXPECT_EQ(value_of('F', map, now), "followover");
  map.failback = {Failback::Kind::after, seconds{5}};
  EXPECT_EQ(value_of('F', map, now), "deferred:5");
  map.failback_due = now + seconds{2};
  EXPECT_EQ(value_of('F', map, now), "XXXX...... 2/5");
}

TEST(MapWildcards, VendorAndProductAreOfTheFirstPathThatHasBoth) {
  Snapshot snapshot = sample_snapshot();
  auto bare = make_path({"sdq", {65, 0}, {}}, "mpatha");
  auto facts = std::make_shared<PathFacts>(*bare->facts);
  facts->vendor = "OTHER";
  facts->product = "";
  bare->facts = facts;
  change_map(snapshot, [&](MapView& map) { map.groups[0].paths.insert(map.groups[0].paths.begin(), bare); });
  EXPECT_EQ(value_of('s', *snapshot.maps[0], now), "VEND,PROD");
  EXPECT_EQ(value_of('v', *snapshot.maps[0], now), "OTHER");
  EXPECT_EQ(value_of('p', *snapshot.maps[0], now), "PROD");
}

TEST(SizeText, HasOneDecimalBelowTen) {
  const std::pair<std::uint64_t, std::string> cases[] = {
      {0, "0.0K"}, {2, "1.0K"}, {2097152, "1.0G"}, {32768, "16M"}, {209715200, "100G"}, {21045339750, "9.8T"},
      {~std::uint64_t{0}, "8388608P"},
  };
  for (const auto& [sectors, text] : cases) EXPECT_EQ(view::size_text(sectors), text) << sectors;
}

TEST(Tables, LetNoHostileByteThrough) {
  std::string all_paths;
  for (const auto& wildcard : view::path_wildcards()) all_paths += std::string("%") + wildcard.letter + ' ';
  std::string all_maps;
  for (const auto& wildcard : view::map_wildcards()) all_maps += std::string("%") + wildcard.letter + ' ';
  RandomSnapshots random(2);
  for (int i = 0; i < 300; ++i) {
    const Snapshot snapshot = random.next();
    for (TableStyle style : {TableStyle::aligned, TableStyle::raw}) {
      ASSERT_EQ(hostile_byte(paths_table(snapshot, all_paths, style)), std::string::npos) << i;
      ASSERT_EQ(hostile_byte(maps_table(snapshot, all_maps, style)), std::string::npos) << i;
    }
  }
}

TEST(Tables, ColumnsOfAnAlignedTableLineUp) {
  RandomSnapshots random(3);
  for (int i = 0; i < 100; ++i) {
    const std::string table = paths_table(random.next(), "%d|%m|%s|", TableStyle::aligned);
    const std::size_t width = table.find('\n') + 1;
    ASSERT_EQ(table.size() % std::max<std::size_t>(width, 1), 0u) << table;
  }
}

}  // namespace
}  // namespace mpath
