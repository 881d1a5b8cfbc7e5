// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/model/udev_properties.h"

#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

namespace mpath {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;

std::vector<std::pair<std::string, std::string>> all_of(const UdevProperties& properties) {
  std::vector<std::pair<std::string, std::string>> all;
  for (const auto& [name, value] : properties) all.emplace_back(name, value);
  return all;
}

TEST(UdevProperties, ComeBackInTheirOrder) {
  UdevProperties properties{{"ID_WWN", "0x6"}, {"ID_SERIAL", "3600a"}};
  properties.add("DEVLINKS", "/dev/disk/by-id/a /dev/disk/by-id/b");
  EXPECT_THAT(all_of(properties), ElementsAre(Pair("ID_WWN", "0x6"), Pair("ID_SERIAL", "3600a"),
                                              Pair("DEVLINKS", "/dev/disk/by-id/a /dev/disk/by-id/b")));
}

TEST(UdevProperties, MayHaveNoValueOrNoName) {
  const UdevProperties properties{{"A", ""}, {"", "b"}, {"", ""}, {"C", "c"}};
  EXPECT_THAT(all_of(properties), ElementsAre(Pair("A", ""), Pair("", "b"), Pair("", ""), Pair("C", "c")));
}

TEST(UdevProperties, EndAtANulByte) {
  using namespace std::string_view_literals;
  const UdevProperties properties{{"A\0B"sv, "b\0c"sv}, {"D", "d"}};
  EXPECT_THAT(all_of(properties), ElementsAre(Pair("A", "b"), Pair("D", "d")));
}

TEST(UdevProperties, OfNoneThereIsNothing) {
  UdevProperties properties;
  EXPECT_TRUE(properties.empty());
  EXPECT_THAT(all_of(properties), IsEmpty());
  properties.add("A", "a");
  EXPECT_FALSE(properties.empty());
  properties.clear();
  EXPECT_TRUE(properties.empty());
}

}  // namespace
}  // namespace mpath
