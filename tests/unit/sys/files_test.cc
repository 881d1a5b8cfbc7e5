// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/files.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "libmpath/base/limits.h"

namespace mpath::sys {
namespace {

namespace fs = std::filesystem;
using ports::StateFile;

class FilesTest : public testing::Test {
 protected:
  FilesTest() {
    std::string pattern = fs::temp_directory_path() / "mpath-files-XXXXXX";
    root_ = mkdtemp(pattern.data());
    paths_ = {.main_file = root_ / "multipath.conf", .drop_in_directory = root_ / "conf.d", .state_directory = root_ / "state",
              .run_directory = root_ / "run", .nvme_multipath_parameter = root_ / "nvme", .most_open_files = root_ / "nr_open", .users = root_ / "passwd"};
    files_ = std::make_unique<Files>(paths_);
  }
  ~FilesTest() override { fs::remove_all(root_); }

  void put(const fs::path& name, std::string_view text) {
    fs::create_directories(name.parent_path());
    std::ofstream(name, std::ios::binary) << text;
  }
  std::string get(const fs::path& name) {
    std::ifstream file(name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  std::vector<std::string> names_in(const fs::path& directory) {
    std::vector<std::string> names;
    for (const auto& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
    return names;
  }
  static auto replace_with(std::string text) {
    return [text = std::move(text)](std::string_view) { return std::optional(text); };
  }

  fs::path root_;
  FilePaths paths_;
  std::unique_ptr<Files> files_;
};

TEST_F(FilesTest, NoConfigurationIsNoError) {
  ports::ConfigFiles all = files_->read_configuration();
  EXPECT_TRUE(all.files.empty());
  EXPECT_TRUE(all.errors.empty());
  EXPECT_FALSE(all.main_file_failed);
}

TEST_F(FilesTest, MainFileFirstThenDropInsInByteOrder) {
  put(paths_.main_file, "defaults {\n}\n");
  put(root_ / "conf.d/b.conf", "b");
  put(root_ / "conf.d/B.conf", "B");
  put(root_ / "conf.d/10.conf", "10");
  put(root_ / "conf.d/b.conf~", "backup");
  put(root_ / "conf.d/.conf", "no name");
  ports::ConfigFiles all = files_->read_configuration();
  std::vector<std::string> bytes;
  for (const auto& file : all.files) bytes.push_back(file.bytes);
  EXPECT_THAT(bytes, testing::ElementsAre("defaults {\n}\n", "10", "B", "b"));
  EXPECT_FALSE(all.files[0].is_drop_in);
  EXPECT_TRUE(all.files[1].is_drop_in);
}

TEST_F(FilesTest, WhatIsNoRegularFileIsAnErrorAndNeverAWait) {
  fs::create_directories(root_ / "conf.d");
  ASSERT_EQ(::mkfifo(paths_.main_file.c_str(), 0600), 0);
  fs::create_directories(root_ / "conf.d/a.conf");
  fs::create_symlink("nowhere", root_ / "conf.d/b.conf");
  fs::create_symlink("c.conf", root_ / "conf.d/c.conf");
  put(root_ / "conf.d/d.conf", "good");
  ports::ConfigFiles all = files_->read_configuration();
  EXPECT_TRUE(all.main_file_failed);
  ASSERT_EQ(all.files.size(), 1u) << "the others do not hide the good one";
  EXPECT_EQ(all.files[0].bytes, "good");
  ASSERT_GE(all.errors.size(), 2u);
  EXPECT_EQ(all.errors[0].subject, paths_.main_file);
}

TEST_F(FilesTest, AHugeFileIsRefusedUnread) {
  put(paths_.main_file, "");
  ASSERT_EQ(::truncate(paths_.main_file.c_str(), static_cast<off_t>(limits::config_file_bytes) + 1), 0);
  ports::ConfigFiles all = files_->read_configuration();
  EXPECT_TRUE(all.files.empty());
  ASSERT_EQ(all.errors.size(), 1u);
  EXPECT_EQ(all.errors[0].code, ErrorCode::limit);
}

TEST_F(FilesTest, AStateFileThatDoesNotExistIsEmpty) { EXPECT_EQ(files_->read(StateFile::wwids).value(), ""); }

TEST_F(FilesTest, UpdateMakesDirectoryAndFileForRootOnly) {
  ASSERT_TRUE(files_->update(StateFile::bindings, replace_with("mpatha 3600\n")));
  EXPECT_EQ(files_->read(StateFile::bindings).value(), "mpatha 3600\n");
  struct stat information{};
  ASSERT_EQ(::stat((root_ / "state").c_str(), &information), 0);
  EXPECT_EQ(information.st_mode & 0777, 0700u);
  ASSERT_EQ(::stat((root_ / "state/bindings").c_str(), &information), 0);
  EXPECT_EQ(information.st_mode & 0777, 0600u);
  EXPECT_THAT(names_in(root_ / "state"), testing::ElementsAre("bindings")) << "nothing is left beside it";
}

TEST_F(FilesTest, UpdateSeesWhatIsThereAndReplacesTheWholeFile) {
  put(root_ / "state/wwids", "old and long\n");
  std::string seen;
  ASSERT_TRUE(files_->update(StateFile::wwids, [&](std::string_view before) {
    seen = before;
    return std::optional<std::string>("new\n");
  }));
  EXPECT_EQ(seen, "old and long\n");
  EXPECT_EQ(get(root_ / "state/wwids"), "new\n");
}

TEST_F(FilesTest, TheRunStateHasADirectoryOfItsOwn) {
  EXPECT_EQ(files_->read(StateFile::run_state).value(), "");
  ASSERT_TRUE(files_->update(StateFile::run_state, replace_with("state")));
  EXPECT_EQ(get(root_ / "run" / "state"), "state");
  EXPECT_EQ(names_in(root_ / "run"), std::vector<std::string>{"state"}) << "nothing temporary is left behind";
}

TEST_F(FilesTest, AVolumeWhoseMapFailedIsMarkedByAnEmptyFileForRootAlone) {
  const Wwid wwid{"3600a"};
  const fs::path mark = root_ / "run/failed_wwids/3600a";
  EXPECT_THAT(files_->marked_failed(), testing::IsEmpty()) << "there is no directory yet";
  ASSERT_TRUE(files_->mark_failed(wwid, false).has_value()) << "there is none, which is as it should be";
  ASSERT_TRUE(files_->mark_failed(wwid, true).has_value());
  struct stat information{};
  ASSERT_EQ(::stat(mark.c_str(), &information), 0);
  EXPECT_EQ(information.st_mode & 07777, 0400u);
  EXPECT_EQ(information.st_size, 0);
  ASSERT_TRUE(files_->mark_failed(wwid, true).has_value()) << "once more";
  EXPECT_THAT(files_->marked_failed(), testing::ElementsAre(wwid));
  EXPECT_THAT(names_in(root_ / "run/failed_wwids"), testing::ElementsAre("3600a"));
  ASSERT_TRUE(files_->mark_failed(wwid, false).has_value());
  EXPECT_THAT(names_in(root_ / "run/failed_wwids"), testing::IsEmpty());
}

TEST_F(FilesTest, AWwidThatIsNoFileNameMarksNothing) {
  for (const char* text : {"", ".", "..", "../../etc/passwd", "a/b"}) EXPECT_FALSE(files_->mark_failed(Wwid{text}, true).has_value()) << text;
  EXPECT_FALSE(files_->mark_failed(Wwid{std::string(300, 'a')}, true).has_value());
}

TEST_F(FilesTest, NothingToChangeWritesNothing) {
  put(root_ / "state/prkeys", "same\n");
  auto before = fs::last_write_time(root_ / "state/prkeys");
  struct stat information{};
  ASSERT_EQ(::stat((root_ / "state/prkeys").c_str(), &information), 0);
  ASSERT_TRUE(files_->update(StateFile::prkeys, [](std::string_view) { return std::nullopt; }));
  struct stat after{};
  ASSERT_EQ(::stat((root_ / "state/prkeys").c_str(), &after), 0);
  EXPECT_EQ(after.st_ino, information.st_ino);
  EXPECT_EQ(fs::last_write_time(root_ / "state/prkeys"), before);
}

TEST_F(FilesTest, AReaderWithTheOldFileOpenKeepsAWholeOne) {
  put(root_ / "state/wwids", "one\n");
  std::ifstream reader(root_ / "state/wwids");
  ASSERT_TRUE(files_->update(StateFile::wwids, replace_with("two\n")));
  std::string line;
  std::getline(reader, line);
  EXPECT_EQ(line, "one");
}

TEST_F(FilesTest, AFailedUpdateLeavesTheFileAsItWas) {
  fs::create_directories(root_ / "state/bindings");  // a directory in the file's place
  Status updated = files_->update(StateFile::bindings, replace_with("x"));
  ASSERT_FALSE(updated);
  EXPECT_EQ(updated.error().subject, (root_ / "state/bindings").string());
  EXPECT_TRUE(fs::is_directory(root_ / "state/bindings"));

  ASSERT_EQ(::mkfifo((root_ / "state/wwids").c_str(), 0600), 0);
  EXPECT_FALSE(files_->update(StateFile::wwids, replace_with("x")));
  EXPECT_FALSE(files_->read(StateFile::wwids));
}

TEST_F(FilesTest, UpdatesOfSeveralProcessesAllCount) {
  constexpr int processes = 4;
  constexpr int additions = 25;
  std::vector<pid_t> children;
  for (int process = 0; process < processes; ++process) {
    pid_t child = ::fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      bool good = true;
      for (int i = 0; i < additions; ++i) {
        good = good && files_->update(StateFile::wwids, [](std::string_view before) { return std::optional(std::string(before) + "x\n"); });
      }
      ::_exit(good ? 0 : 1);
    }
    children.push_back(child);
  }
  for (pid_t child : children) {
    int status = 0;
    ASSERT_EQ(::waitpid(child, &status, 0), child);
    EXPECT_EQ(status, 0);
  }
  EXPECT_EQ(get(root_ / "state/wwids").size(), static_cast<std::size_t>(2 * processes * additions));
}

}  // namespace
}  // namespace mpath::sys
