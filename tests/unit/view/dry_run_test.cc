// SPDX-License-Identifier: LGPL-2.1-or-later
// multipath -d over a bench: what it shows of maps that would be made, loaded or left alone.
#include "libmpath/view/dry_run.h"

#include <gtest/gtest.h>

#include "libmpath/view/topology.h"
#include "tests/unit/engine/fixture.h"

namespace mpath::view {
namespace {

using engine::Bench;
using engine::wwid_of;

class DryRunTest : public ::testing::Test {
 protected:
  std::string shown(std::optional<PathGroupingPolicy> policy = std::nullopt) {
    engine::RehearsalInputs inputs;
    config::SourceFile file{"/etc/multipath.conf", bench.config_text, config::FileKind::main};
    config::ParseOptions options;
    options.hardware_table = false;
    auto parsed = std::make_shared<config::Config>(*config::parse(std::span(&file, 1), options).config);
    parsed->forced_grouping = policy;
    inputs.configuration.config = std::move(parsed);
    inputs.now = bench.now;
    for (const auto& [name, map] : bench.kernel) inputs.maps.push_back(map);
    for (const auto& [name, disk] : bench.disks) inputs.paths.push_back(disk.found);
    rehearsal = engine::rehearse(inputs, engine::known_paths(*bench.picture()));
    std::string text;
    for (const auto& outcome : rehearsal.outcome->maps) {
      const engine::RehearsedMap* rehearsed = find_rehearsed(rehearsal, outcome->wwid);
      const engine::MapView map = as_planned(*outcome, rehearsed);
      text += topology(map, measure_paths(map), {.dry_run = true});
      for (const std::string& line : rehearsed == nullptr ? std::vector<std::string>{} : planned_lines(*rehearsed)) text += "would " + line + '\n';
    }
    return text;
  }

  Bench bench{"find_multipaths greedy\npath_grouping_policy multibus\npath_selector \"service-time 0\"", {.mode = engine::Mode::survey}};
  engine::Rehearsal rehearsal;
};

TEST_F(DryRunTest, a_map_that_would_be_made_has_no_number_and_no_states) {
  bench.disk("sda");
  bench.disk("sdb").answer = engine::Answer::dead;
  bench.start();
  EXPECT_EQ(shown(),
            ": 360000000000000000000000000000001 undef ACME,ARRAY\n"
            "size=1.0M features='0' hwhandler='0' wp=undef\n"
            "`-+- policy='service-time 0' prio=1 status=undef\n"
            "  |- 1:0:0:1 sda 8:0  undef ready  running\n"
            "  `- 1:0:0:1 sdb 8:16 undef faulty running\n"
            "would create: map missing: the kernel has no map with this WWID\n");
}

TEST_F(DryRunTest, a_map_that_is_right_is_shown_as_it_is) {
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda", "sdb"}});
  bench.start();
  EXPECT_EQ(shown(),
            ": 360000000000000000000000000000001 dm-1 ACME,ARRAY\n"
            "size=1.0M features='0' hwhandler='0' wp=rw\n"
            "`-+- policy='service-time 0' prio=1 status=active\n"
            "  |- 1:0:0:1 sda 8:0  active ready running\n"
            "  `- 1:0:0:1 sdb 8:16 active ready running\n");
}

TEST_F(DryRunTest, a_map_that_would_be_loaded_keeps_the_states_of_the_paths_that_it_has) {
  bench.disk("sda");
  bench.disk("sdb");
  bench.kernel_map({{"sda"}});
  bench.start();
  EXPECT_EQ(shown(),
            ": 360000000000000000000000000000001 dm-1 ACME,ARRAY\n"
            "size=1.0M features='0' hwhandler='0' wp=rw\n"
            "`-+- policy='service-time 0' prio=1 status=undef\n"
            "  |- 1:0:0:1 sda 8:0  active ready running\n"
            "  `- 1:0:0:1 sdb 8:16 undef  ready running\n"
            "would reload: paths differ: add 8:16\n");
}

TEST_F(DryRunTest, a_policy_of_the_command_line_counts_more_than_the_configuration) {
  bench.disk("sda");
  bench.disk("sdb");
  bench.start();
  const std::string text = shown(PathGroupingPolicy::failover);
  EXPECT_EQ(rehearsal.maps.at(0).after->table.groups.size(), 2u) << text;
}

}  // namespace
}  // namespace mpath::view
