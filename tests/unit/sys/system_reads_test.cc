// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/system_reads.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

namespace mpath::sys {
namespace {

/// Carries tasks out at once, or takes none.
struct DirectLanes final : ports::Lanes {
  bool submit(ports::Lane, std::uint64_t, ports::LaneTask task) override {
    if (!takes) return false;
    if (ports::Continuation done = task()) done();
    return true;
  }
  bool takes = true;
};

class SystemReadsTest : public testing::Test {
 protected:
  SystemReadsTest() : root_(std::filesystem::temp_directory_path() / ("system_reads_" + std::to_string(getpid()))) {
    std::filesystem::create_directories(root_ / "sda/device");
    std::filesystem::create_directories(root_ / "by-path");
    facts_->kernel_name = "sda";
    facts_->sysfs_path = (root_ / "sda").string();
  }
  ~SystemReadsTest() override { std::filesystem::remove_all(root_); }

  void attribute(const std::string& name, const std::string& text) { std::ofstream(root_ / "sda/device" / name) << text; }
  CommandOutcome read(SystemRead::What what) {
    SystemReads reads(lanes_, (root_ / "by-path").string());
    ports::CommandRequest request;
    request.command = SystemRead{what};
    reads.submit(request, facts_);
    reads.flush();
    std::vector<ports::CommandReply> replies;
    reads.collect(replies);
    EXPECT_EQ(replies.size(), 1U);
    return replies.empty() ? CommandOutcome{} : std::move(replies.front().outcome);
  }
  static std::string text_of(const CommandOutcome& outcome) { return {outcome.data.begin(), outcome.data.end()}; }

  DirectLanes lanes_;
  std::filesystem::path root_;
  std::shared_ptr<PathFacts> facts_ = std::make_shared<PathFacts>();
};

TEST_F(SystemReadsTest, StateOfTheDevice) {
  attribute("state", "running\n");
  EXPECT_EQ(text_of(read(SystemRead::What::device_state)), "running\n");
  std::filesystem::remove(root_ / "sda/device/state");
  CommandOutcome unreadable = read(SystemRead::What::device_state);
  EXPECT_EQ(unreadable.failure, CommandFailure::none);
  EXPECT_EQ(text_of(unreadable), "\n");
  std::filesystem::remove_all(root_ / "sda");
  EXPECT_EQ(read(SystemRead::What::device_state).failure, CommandFailure::gone);
}

TEST_F(SystemReadsTest, AccessStateAndPreference) {
  EXPECT_EQ(text_of(read(SystemRead::What::access_state)), "") << "a device without them";
  attribute("access_state", "active/optimized\n");
  attribute("preferred_path", "1\n");
  EXPECT_EQ(text_of(read(SystemRead::What::access_state)), "active/optimized\n1\n");
}

TEST_F(SystemReadsTest, LinksOfTheDiskAndOfNoOther) {
  std::filesystem::create_symlink("../../sda", root_ / "by-path/ip-10.0.0.1:3260-iscsi-x-lun-1");
  std::filesystem::create_symlink("../../sdaa", root_ / "by-path/ip-10.0.0.2:3260-iscsi-x-lun-1");
  std::filesystem::create_symlink("../../sda", root_ / "by-path/fc-0x5");
  EXPECT_EQ(text_of(read(SystemRead::What::by_path_links)), "fc-0x5\nip-10.0.0.1:3260-iscsi-x-lun-1\n");
}

TEST_F(SystemReadsTest, ALaneThatIsFullIsAnAnswer) {
  lanes_.takes = false;
  EXPECT_EQ(read(SystemRead::What::device_state).failure, CommandFailure::submit_failed);
}

}  // namespace
}  // namespace mpath::sys
