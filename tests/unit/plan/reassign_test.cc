// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/plan/reassign.h"

#include <gtest/gtest.h>

namespace mpath::plan {
namespace {

constexpr DevNum map{253, 0};
constexpr DevNum part{253, 1};
constexpr DeviceReplacement replacements[] = {{{8, 1}, map}, {{8, 16}, map}, {{8, 17}, part}};

TEST(Reassign, replaces_whole_numbers_only) {
  struct Case {
    std::string_view parameters;
    std::optional<std::string> expected;
  };
  const Case cases[] = {
      {"8:16 2048", "253:0 2048"},
      {"8:1 0", "253:0 0"},
      {"8:160 2048", std::nullopt},
      {"8:17 2048", "253:1 2048"},
      {"2 128 8:16 0 8:17 0", "2 128 253:0 0 253:1 0"},
      {"8:11 2048", std::nullopt},
      {"18:1 2048", std::nullopt},
      {"2 128 8:16 0 8:32 0", "2 128 253:0 0 8:32 0"},
      {"2 128 8:1 0  8:16 0", "2 128 253:0 0  253:0 0"},
      {"", std::nullopt},
      {" ", std::nullopt},
      {"8:16", "253:0"},
      {"8:16 ", "253:0 "},
  };
  for (const Case& one : cases) EXPECT_EQ(reassigned(one.parameters, replacements), one.expected) << one.parameters;
}

}  // namespace
}  // namespace mpath::plan
