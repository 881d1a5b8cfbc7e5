// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/selection.h"

#include <gtest/gtest.h>

namespace mpath::policy {
namespace {

PathFacts fibre_channel_path() {
  PathFacts facts;
  facts.kernel_name = "sda";
  facts.sysfs_path = "/sys/devices/pci0/host3/block/sda";
  facts.devnum = {8, 0};
  facts.address = Hctl{3, 0, 1, 7};
  facts.host_adapter = "0000:05:00.0";
  facts.host_port = "0x10000000c9abcdef";
  facts.host_node = "0x20000000c9abcdef";
  facts.target_port = "0x500A098188888888";
  facts.target_node = "0x500a098088888888";
  return facts;
}

TEST(Selection, knows_a_path_by_each_of_its_names) {
  const PathFacts facts = fibre_channel_path();
  const std::pair<const char*, std::optional<SelectedBy>> cases[] = {
      {"sda", SelectedBy::path},
      {"/dev/sda", SelectedBy::path},
      {"8:0", SelectedBy::path},
      {"3:0:1:7", SelectedBy::path},
      {"host3", SelectedBy::host},
      {"0000:05:00.0", SelectedBy::host_adapter},
      {"0x10000000c9abcdef", SelectedBy::host_port},
      {"10:00:00:00:c9:ab:cd:ef", SelectedBy::host_port},
      {"20000000C9ABCDEF", SelectedBy::host_port},
      {"500a098188888888", SelectedBy::target_port},
      {"50:0A:09:80:88:88:88:88", SelectedBy::target_port},
      {"sdaa", std::nullopt},
      {"sd", std::nullopt},
      {"host33", std::nullopt},
      {"3:0:1:70", std::nullopt},
      {"0x10000000c9abcdee", std::nullopt},
      {"", std::nullopt},
      {"/dev/", std::nullopt},
  };
  for (const auto& [word, expected] : cases) EXPECT_EQ(selects(word, facts), expected) << word;
}

TEST(Selection, takes_an_iscsi_name_in_either_case) {
  PathFacts facts;
  facts.kernel_name = "sdb";
  facts.target_node = "iqn.2003-01.org.linux-iscsi:array";
  EXPECT_EQ(selects("IQN.2003-01.org.linux-iscsi:array", facts), SelectedBy::target_port);
  EXPECT_EQ(selects("iqn.2003-01.org.linux-iscsi", facts), std::nullopt);
}

TEST(Selection, a_place_is_the_address_and_the_target_port) {
  PathFacts facts = fibre_channel_path();
  EXPECT_EQ(place_of(facts), "3:0:1:7 0x500A098188888888");
  facts.target_port.clear();
  EXPECT_EQ(place_of(facts), "3:0:1:7 0x500a098088888888");
  facts.address.reset();
  EXPECT_EQ(place_of(facts), "/sys/devices/pci0/host3/block/sda");
}

}  // namespace
}  // namespace mpath::policy
