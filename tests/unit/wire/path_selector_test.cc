// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel prints of selectors and their path arguments is recognised as what it was given.
#include "libmpath/wire/path_selector.h"

#include <gtest/gtest.h>

#include <vector>

#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

TEST(PathSelector, IsKnownByItsNameAndTheArgumentsThatWereGiven) {
  const struct {
    std::string wanted, printed;
    bool same;
  } cases[] = {
      {"service-time 0", "service-time 0", true},
      {"service-time 0", "service-time 1 7", true},
      {"service-time 0", "round-robin 0", false},
      {"service-time 0", "service-time2 0", false},
      {"historical-service-time 0", "historical-service-time 2 972 0", true},
      {"historical-service-time 1 10", "historical-service-time 2 10 0", true},
      {"historical-service-time 2 10 20", "historical-service-time 2 10 20", true},
      {"historical-service-time 2 10 20", "historical-service-time 2 10 2", false},
      {"historical-service-time 2 10 20", "historical-service-time 0", false},
      {"io-affinity 0", "io-affinity 0", true},
      {"service-time", "service-time 0", true},
      {"", "service-time 0", true},
      {"service-time 0", "", false},
  };
  for (const auto& c : cases) EXPECT_EQ(selector_matches(c.wanted, c.printed), c.same) << c.wanted << " / " << c.printed;
}

TEST(PathSelector, PrintsThePathArgumentsInItsOwnWay) {
  using Words = std::vector<std::string>;
  const struct {
    std::string selector;
    Words wanted, printed;
    bool same;
  } cases[] = {
      {"round-robin 0", {"1"}, {"1"}, true},
      {"round-robin 0", {"100"}, {"1"}, false},
      {"service-time 0", {"1"}, {"1", "1"}, true},
      {"service-time 0", {"1", "5"}, {"1", "1"}, false},
      {"queue-length 0", {"1"}, {}, true},
      {"historical-service-time 2 972 0", {"100"}, {"0"}, true},
      {"io-affinity 0", {"1"}, {"00000000,00000001"}, true},
      {"io-affinity 0", {"F0"}, {"f0"}, true},
      {"io-affinity 0", {"1"}, {"00000001,00000001"}, false},
      {"io-affinity 0", {"1"}, {"2"}, false},
      {"service-time 0", {"01"}, {"1"}, false},
  };
  for (const auto& c : cases) EXPECT_EQ(path_arguments_match(c.selector, c.wanted, c.printed), c.same) << c.selector;
}

TEST(PathSelector, SurvivesAnyText) {
  test::RandomInput random;
  const std::vector<std::string_view> vocabulary = {"service-time", "io-affinity", "historical-service-time", "0", "1", "2", "ff,0"};
  for (int round = 0; round < 3000; ++round) {
    std::string a = random.text_of(vocabulary, random.below(6));
    std::string b = random.damaged(a);
    (void)selector_matches(a, b);
    EXPECT_TRUE(selector_matches(a, a)) << a;
    std::vector<std::string> words = {a, b};
    EXPECT_TRUE(path_arguments_match(a, words, words)) << a;
  }
}

}  // namespace
}  // namespace mpath::wire
