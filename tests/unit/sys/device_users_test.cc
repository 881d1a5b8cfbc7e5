// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/device_users.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

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

TEST_F(DeviceUsers, AreNeitherThisProgramNorItsChildren) {
  const DevNum loop{7, 0};
  struct stat information{};
  if (::stat("/dev/loop0", &information) != 0 || !S_ISBLK(information.st_mode)) GTEST_SKIP() << "no block device to look at";
  auto process = [&](int number, int parent, const std::string& name) {
    const std::string directory = "proc/" + std::to_string(number);
    put(directory + "/comm", name + "\n");
    put(directory + "/stat", std::to_string(number) + " (" + name + ") S " + std::to_string(parent) + " 1 1\n");
    std::filesystem::create_directories(root_ + "/" + directory + "/fd");
    std::filesystem::create_symlink("/dev/loop0", root_ + "/" + directory + "/fd/3");
  };
  process(::getpid(), 1, "multipathd");
  process(4000001, ::getpid(), "mpath-reads");
  process(4000002, 4000001, "mpath) reads");
  process(4000003, 1, "fio");
  process(4000004, 4000003, "multipath");
  EXPECT_THAT(users(loop), ElementsAre("open by fio (4000003)"));
}

TEST_F(DeviceUsers, HoldersAndPartitionsAreFoundBySysfs) {
  put("sys/dev/block/8:0/holders/dm-3/dev", "254:3\n");
  put("sys/dev/block/8:0/sda1/partition", "1\n");
  put("sys/dev/block/8:0/sda1/dev", "8:1\n");
  put("sys/dev/block/8:0/queue/nr_requests", "1\n");
  EXPECT_THAT(holders_of({8, 0}, {.sys = root_ + "/sys", .proc = {}}), ElementsAre(DevNum{254, 3}));
  EXPECT_THAT(partitions_of({8, 0}, {.sys = root_ + "/sys", .proc = {}}), ElementsAre(DevNum{8, 1}));
}

}  // namespace
}  // namespace mpath::sys
