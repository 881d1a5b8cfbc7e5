// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/device_users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace mpath::sys {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class DeviceUsers : public testing::Test {
 protected:
  DeviceUsers() : root_(testing::TempDir() + "device_users") {
    std::filesystem::remove_all(root_);
    put("proc/self/mountinfo", "22 1 8:1 / / rw - ext4 /dev/sda1 rw\n30 22 254:3 / /mnt/a\\040b rw - xfs /dev/dm-3 rw\nshort line\n");
  }
  ~DeviceUsers() override { std::filesystem::remove_all(root_); }
  void put(const std::string& name, const std::string& text) {
    std::filesystem::create_directories(std::filesystem::path(root_ + "/" + name).parent_path());
    std::ofstream(root_ + "/" + name) << text;
  }
  std::vector<std::string> users(DevNum device, std::vector<DevNum> partitions = {}) {
    return users_of(device, partitions, {.sys = root_ + "/sys", .proc = root_ + "/proc"});
  }
  std::string root_;
};

TEST_F(DeviceUsers, AreMountsAndDevicesOnTop) {
  put("sys/dev/block/254:0/holders/dm-3/dev", "254:3\n");
  put("sys/dev/block/254:0/holders/dm-3/dm/name", "data-part1\n");
  put("sys/dev/block/254:0/holders/dm-7/dev", "254:7\n");
  put("sys/dev/block/254:0/holders/dm-7/dm/name", "vg-\x1b[1m\n");
  EXPECT_THAT(users({254, 0}, {{254, 3}}), ElementsAre("held by vg-\\x1b[1m (dm-7)", "mounted on /mnt/a\\040b"))
      << "a partition map of the device is no user; what uses it is";
  EXPECT_EQ(text_of(users({254, 0})), "held by data-part1 (dm-3), held by vg-\\x1b[1m (dm-7)");
}

TEST_F(DeviceUsers, OfADeviceThatNobodyKnowsAreNone) {
  put("proc/77/comm", "reader\n");
  put("proc/77/fd/0", "");
  EXPECT_THAT(users({254, 9}), IsEmpty());
}

}  // namespace
}  // namespace mpath::sys
