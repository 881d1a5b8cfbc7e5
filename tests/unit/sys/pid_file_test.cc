// SPDX-License-Identifier: LGPL-2.1-or-later
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "libmpath/sys/process.h"

namespace mpath::sys {
namespace {

namespace fs = std::filesystem;

class PidFileTest : public testing::Test {
 protected:
  PidFileTest() {
    std::string pattern = fs::temp_directory_path() / "mpath-pid-XXXXXX";
    root_ = mkdtemp(pattern.data());
    path_ = root_ / "multipathd.pid";
  }
  ~PidFileTest() override { fs::remove_all(root_); }
  std::string get() {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  fs::path root_;
  std::string path_;
};

TEST_F(PidFileTest, HoldsThePidWithoutANewlineAndGoesWithItsOwner) {
  std::ofstream(path_) << "999999 left over from before";
  {
    auto file = PidFile::take(path_);
    ASSERT_TRUE(file) << file.error().message();
    EXPECT_EQ(get(), std::to_string(::getpid()));
    PidFile moved = std::move(*file);
    EXPECT_TRUE(fs::exists(path_));
  }
  EXPECT_FALSE(fs::exists(path_));
}

TEST_F(PidFileTest, AnotherProcessIsToldWhoHoldsIt) {
  auto file = PidFile::take(path_);
  ASSERT_TRUE(file);
  std::string us = std::to_string(::getpid());
  pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    auto second = PidFile::take(path_);
    bool right = !second && second.error().code == ErrorCode::exists && second.error().message().find(us) != std::string::npos;
    ::_exit(right ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(get(), us) << "the loser does not touch it";
}

TEST_F(PidFileTest, ALinkInItsPlaceIsNotFollowed) {
  fs::create_symlink(root_ / "elsewhere", path_);
  EXPECT_FALSE(PidFile::take(path_));
  EXPECT_FALSE(fs::exists(root_ / "elsewhere"));
}

}  // namespace
}  // namespace mpath::sys
