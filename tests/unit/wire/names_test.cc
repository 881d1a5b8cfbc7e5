// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/names.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

TEST(KernelNames, AreInTheOrderOfTheirNumbers) {
  std::vector<std::string> names = {"sdaa",     "sdz",     "sdb",  "sda2",  "sda10",  "sda",
                                    "nvme10n1", "nvme2n1", "sdba", "dasdb", "dasdaa", "nvme2n10",
                                    "nvme2n2",  "dm-10",   "dm-9", "sdaaa"};
  std::ranges::sort(names, kernel_name_less);
  EXPECT_THAT(
      names, testing::ElementsAre("dasdb", "dasdaa", "dm-9", "dm-10", "nvme2n1", "nvme2n2", "nvme2n10",
                                  "nvme10n1", "sda", "sda2", "sda10", "sdb", "sdz", "sdaa", "sdba", "sdaaa"));
}

TEST(KernelNames, AreEqualOnlyIfTheBytesAre) {
  EXPECT_TRUE(compare_kernel_names("sda1", "sda1") == 0);
  EXPECT_TRUE(compare_kernel_names("sda01", "sda1") != 0);
  EXPECT_TRUE(compare_kernel_names("", "") == 0);
}

TEST(KernelNamesProperty, AreTotallyOrdered) {
  test::RandomInput random;
  const std::string_view alphabet = "sdva01z-";
  auto name = [&] {
    std::string text = random.chance(2) ? "sd" : "";
    for (std::size_t i = random.below(5); i > 0; --i) text += alphabet[random.below(alphabet.size())];
    return text;
  };
  for (int round = 0; round < 50000; ++round) {
    std::string a = name(), b = name(), c = name();
    EXPECT_EQ(compare_kernel_names(a, b) == 0, a == b);
    EXPECT_EQ(kernel_name_less(a, b), compare_kernel_names(b, a) > 0) << a << " " << b;
    if (kernel_name_less(a, b) && kernel_name_less(b, c)) {
      EXPECT_TRUE(kernel_name_less(a, c)) << a << " " << b << " " << c;
    }
  }
}

TEST(DmNames, AreEncodedAsLibdevmapperDoes) {
  EXPECT_EQ(encode_dm_name("mpatha-part1"), "mpatha-part1");
  EXPECT_EQ(encode_dm_name("a b/c\\\xff"), "a\\x20b\\x2fc\\x5c\\xff");
  EXPECT_EQ(encode_dm_name("#+-.:=@_"), "#+-.:=@_");
  EXPECT_EQ(decode_dm_name("a\\x20b\\x2"), "a b\\x2");
  EXPECT_EQ(decode_dm_name("\\xzz\\"), "\\xzz\\");
}

TEST(DmNamesProperty, RoundTrip) {
  test::RandomInput random;
  for (int round = 0; round < 5000; ++round) {
    auto bytes = random.bytes(random.below(20));
    std::string name(bytes.begin(), bytes.end());
    EXPECT_EQ(decode_dm_name(encode_dm_name(name)), name);
  }
}

}  // namespace
}  // namespace mpath::wire
