// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/json.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libmpath/view/summary.h"
#include "tests/unit/view/fixture.h"

namespace mpath {
namespace {

using namespace test;
using nlohmann::json;

constexpr std::string_view sample_json = R"({
   "major_version": 0,
   "minor_version": 1,
   "maps": [{
      "name" : "mpatha",
      "uuid" : "3600a",
      "sysfs" : "dm-3",
      "failback" : "immediate",
      "queueing" : "5 chk",
      "paths" : 2,
      "write_prot" : "rw",
      "dm_st" : "active",
      "features" : "0",
      "hwhandler" : "1 alua",
      "action" : "",
      "path_faults" : 0,
      "vend" : "VEND",
      "prod" : "PROD",
      "rev" : "0001",
      "switch_grp" : 0,
      "map_loads" : 1,
      "total_q_time" : 0,
      "q_timeouts" : 0,
      "path_groups": [{
         "selector" : "service-time 0",
         "pri" : 50,
         "dm_st" : "active",
         "marginal_st" : "normal",
         "group" : 1,
         "paths": [{
            "dev" : "sda",
            "dev_t" : "8:0",
            "dm_st" : "active",
            "dev_st" : "running",
            "chk_st" : "ready",
            "checker" : "tur",
            "pri" : 50,
            "host_wwnn" : "[undef]",
            "target_wwnn" : "[undef]",
            "host_wwpn" : "[undef]",
            "target_wwpn" : "[undef]",
            "host_adapter" : "[undef]",
            "lun_hex" : "0x0001000000000000",
            "marginal_st" : "normal"
         },{
            "dev" : "sdb",
            "dev_t" : "8:16",
            "dm_st" : "failed",
            "dev_st" : "running",
            "chk_st" : "faulty",
            "checker" : "tur",
            "pri" : 50,
            "host_wwnn" : "[undef]",
            "target_wwnn" : "[undef]",
            "host_wwpn" : "[undef]",
            "target_wwpn" : "[undef]",
            "host_adapter" : "[undef]",
            "lun_hex" : "0x0001000000000000",
            "marginal_st" : "normal"
         }]
      }]
   }]
}
)";

Snapshot one_group() {
  Snapshot snapshot = sample_snapshot();
  change_map(snapshot, [](MapView& map) {
    map.groups.resize(1);
    map.map_loads = 1;
  });
  return snapshot;
}

TEST(MapsJson, HasTheDocumentedLayoutByteForByte) { EXPECT_EQ(view::maps_json(one_group()), sample_json); }

TEST(MapsJson, OneMapStandsUnderItsOwnKey) {
  Snapshot snapshot = one_group();
  std::string expected(sample_json);
  expected.replace(expected.find("\"maps\": [{"), 10, "\"map\":{");
  expected.replace(expected.rfind("   }]\n}"), 5, "   }");
  EXPECT_EQ(view::map_json(snapshot, *snapshot.maps[0]), expected);
}

TEST(MapsJson, AnEmptyListIsOneLine) {
  EXPECT_EQ(view::maps_json({}), "{\n   \"major_version\": 0,\n   \"minor_version\": 1,\n   \"maps\": []\n}\n");
}

TEST(MapsJson, AMapWithoutGroupsHasAnEmptyList) {
  Snapshot snapshot = sample_snapshot();
  change_map(snapshot, [](MapView& map) { map.groups.clear(); });
  const json document = json::parse(view::maps_json(snapshot));
  EXPECT_TRUE(document["maps"][0]["path_groups"].empty());
}

TEST(MapsJson, EscapesWhatTheReferenceDoesNot) {
  Snapshot snapshot = sample_snapshot();
  change_map(snapshot, [](MapView& map) { map.name = {"a\"b\\c\x1b[31m"}; });
  const json document = json::parse(view::maps_json(snapshot));
  EXPECT_EQ(document["maps"][0]["name"], "a\"b\\c\\x1b[31m");
}

bool holds_only_known_kinds(const json& value) {
  if (value.is_boolean() || value.is_null()) return false;
  if (!value.is_structured()) return true;
  return std::all_of(value.begin(), value.end(), holds_only_known_kinds);
}

TEST(MapsJson, IsValidAndFitForStrictReadersWhateverTheDevicesSay) {
  static const std::vector<std::string> states = {"ready", "faulty", "shaky", "ghost", "delayed", "i/o pending", "i/o timeout", "undef"};
  RandomSnapshots random(4);
  for (int i = 0; i < 500; ++i) {
    const Snapshot snapshot = random.next();
    const std::string text = view::maps_json(snapshot);
    ASSERT_EQ(hostile_byte(text), std::string::npos) << i;
    const json document = json::parse(text, nullptr, false);
    ASSERT_FALSE(document.is_discarded()) << text;
    ASSERT_TRUE(holds_only_known_kinds(document));
    ASSERT_EQ(document["maps"].size(), snapshot.maps.size());
    for (const json& map : document["maps"]) {
      for (const json& group : map["path_groups"]) {
        ASSERT_GE(group["pri"], 0);
        for (const json& path : group["paths"]) {
          ASSERT_GE(path["pri"], 0);
          ASSERT_NE(std::find(states.begin(), states.end(), path["chk_st"]), states.end()) << path["chk_st"];
        }
      }
    }
    for (const auto& map : snapshot.maps) ASSERT_TRUE(json::accept(view::map_json(snapshot, *map)));
  }
}

TEST(Summary, IsValidJsonAndCleanTextWhateverTheDevicesSay) {
  RandomSnapshots random(5);
  for (int i = 0; i < 300; ++i) {
    const Snapshot snapshot = random.next();
    const std::string text = view::summary_json(snapshot);
    ASSERT_EQ(hostile_byte(text), std::string::npos) << i;
    const json document = json::parse(text, nullptr, false);
    ASSERT_FALSE(document.is_discarded()) << text;
    ASSERT_EQ(document["counters"]["events"], snapshot.counters.events);
    ASSERT_EQ(hostile_byte(view::summary_text(snapshot)), std::string::npos) << i;
  }
}

}  // namespace
}  // namespace mpath
