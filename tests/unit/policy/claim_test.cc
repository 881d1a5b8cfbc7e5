// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/claim.h"

#include <gtest/gtest.h>

namespace mpath::policy {
namespace {

TEST(Claim, FindMultipathsDecidesWhetherAMapIsMade) {
  using enum FindMultipaths;
  const struct {
    ClaimFacts facts;
    bool off, on, strict, greedy, smart;
  } cases[] = {
      {{.map_exists = false, .in_wwids_file = false, .known_paths = 1}, true, false, false, true, false},
      {{.map_exists = false, .in_wwids_file = false, .known_paths = 2}, true, true, false, true, true},
      {{.map_exists = false, .in_wwids_file = true, .known_paths = 1}, true, true, true, true, true},
      {{.map_exists = true, .in_wwids_file = false, .known_paths = 1}, true, true, true, true, true},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(may_create_map(off, c.facts), c.off);
    EXPECT_EQ(may_create_map(on, c.facts), c.on);
    EXPECT_EQ(may_create_map(strict, c.facts), c.strict);
    EXPECT_EQ(may_create_map(greedy, c.facts), c.greedy);
    EXPECT_EQ(may_create_map(smart, c.facts), c.smart);
  }
}

}  // namespace
}  // namespace mpath::policy
