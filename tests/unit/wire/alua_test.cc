// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/alua.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

using testing::ElementsAre;

const std::vector<std::uint8_t> two_groups = {
    0,    0,    0,    28,  // length of what follows
    0x80, 0x0f, 0x00, 0x01, 0, 1, 0, 2, 0, 0, 0, 1,
    0,    0,    0,    2,                             // preferred, optimized, group 1, ports 1 and 2
    0x01, 0x0f, 0x01, 0x02, 0, 2, 0, 1, 0, 0, 0, 3,  // non-optimized, group 0x102, port 3
};

TEST(TargetPortGroups, Parses) {
  auto answer = parse_target_port_groups(two_groups);
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->groups.size(), 2u);
  EXPECT_EQ(answer->groups[0].id, 1);
  EXPECT_EQ(answer->groups[0].state, AccessState::active_optimized);
  EXPECT_TRUE(answer->groups[0].preferred);
  EXPECT_THAT(answer->groups[0].relative_ports, ElementsAre(1, 2));
  EXPECT_EQ(answer->groups[1].state, AccessState::active_non_optimized);
  EXPECT_FALSE(answer->groups[1].preferred);
  EXPECT_EQ(answer->groups[1].status_code, 2);
  EXPECT_FALSE(answer->is_truncated);
  EXPECT_EQ(answer->bytes_needed, 32u);
  EXPECT_EQ(find_group(*answer, 0x102), &answer->groups[1]);
  EXPECT_EQ(find_group(*answer, 2), nullptr);
}

TEST(TargetPortGroups, ReadsTheExtendedHeaderIfTheDeviceSentIt) {
  std::vector<std::uint8_t> extended = two_groups;
  extended[3] += 4;
  extended.insert(extended.begin() + 4, {0x10, 60, 0, 0});
  auto answer = parse_target_port_groups(extended, true);
  ASSERT_EQ(answer->groups.size(), 2u);
  EXPECT_EQ(answer->implicit_transition_seconds, 60);
  EXPECT_EQ(parse_target_port_groups(two_groups, true)->groups.size(), 2u);
}

TEST(TargetPortGroups, LeavesOutWhatIsCutOff) {
  auto answer = parse_target_port_groups(Bytes(two_groups).first(31));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->groups.size(), 1u);
  EXPECT_TRUE(answer->is_truncated);
  EXPECT_EQ(answer->bytes_needed, 32u);
  EXPECT_FALSE(parse_target_port_groups(Bytes(two_groups).first(3)));
  // Bytes after the length that the header tells do not belong to the answer.
  auto longer = two_groups;
  longer[3] = 16;
  EXPECT_EQ(parse_target_port_groups(longer)->groups.size(), 1u);
}

TEST(TargetPortGroups, SurviveAnyBytes) {
  test::RandomInput random;
  for (int round = 0; round < 20000; ++round) {
    auto data = random.bytes(random.below(200));
    if (data.size() >= 4 && !random.chance(4)) data[0] = data[1] = data[2] = 0;
    auto answer = parse_target_port_groups(data, random.chance(2));
    EXPECT_EQ(answer.has_value(), data.size() >= 4);
  }
}

TEST(AluaPriority, FollowsStateAndPreferredBit) {
  struct Row {
    AccessState state;
    int plain;
    int preferred;
    int exclusive;
  };
  const Row rows[] = {
      {AccessState::active_optimized, 50, 50, 130}, {AccessState::active_non_optimized, 10, 90, 90},
      {AccessState::lba_dependent, 5, 85, 85},      {AccessState::standby, 1, 81, 81},
      {AccessState::unavailable, 0, 80, 80},        {AccessState::offline, 0, 80, 80},
      {AccessState::transitioning, 0, 80, 80},      {AccessState::reserved, 0, 80, 80},
  };
  for (const Row& row : rows) {
    EXPECT_EQ(alua_priority(row.state, false, false), row.plain) << to_string(row.state);
    EXPECT_EQ(alua_priority(row.state, false, true), row.plain) << to_string(row.state);
    EXPECT_EQ(alua_priority(row.state, true, false), row.preferred) << to_string(row.state);
    EXPECT_EQ(alua_priority(row.state, true, true), row.exclusive) << to_string(row.state);
  }
}

TEST(AccessState, IsReadFromSysfsWords) {
  EXPECT_EQ(parse_access_state("active/optimized\n"), AccessState::active_optimized);
  EXPECT_EQ(parse_access_state("active/non-optimized"), AccessState::active_non_optimized);
  EXPECT_EQ(parse_access_state("lba-dependent"), AccessState::lba_dependent);
  EXPECT_EQ(parse_access_state("standby"), AccessState::standby);
  EXPECT_EQ(parse_access_state("(null)"), AccessState::reserved);
  EXPECT_EQ(parse_access_state(""), AccessState::reserved);
}

}  // namespace
}  // namespace mpath::wire
