// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/runtime/configuration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "libmpath/config/config.h"
#include "libmpath/config/dump.h"

namespace mpath::runtime {
namespace {

using testing::HasSubstr;

ports::ConfigFiles files_with(std::string text) {
  ports::ConfigFiles files;
  files.files.push_back({.name = "mp.conf", .bytes = std::move(text)});
  return files;
}

TEST(Configuration, NamesOfUsersComeWithTheFiles) {
  ports::ConfigFiles files = files_with("defaults {\n uid oracle\n gid oracle\n}\n");
  files.users = {{"root", 0, 0}, {"oracle", 54321, 54322}};
  const engine::ConfigurationLoaded loaded = parse_configuration(files);
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(loaded.messages, testing::IsEmpty());
  const std::string dump = config::dump_config(*loaded.config);
  EXPECT_THAT(dump, HasSubstr("\tuid 54321\n"));
  EXPECT_THAT(dump, HasSubstr("\tgid 54322\n"));
}

TEST(Configuration, UnknownUsersAreRemarkedOn) {
  ports::ConfigFiles files = files_with("defaults {\n uid oracle\n}\n");
  EXPECT_EQ(parse_configuration(files).messages.size(), 1u) << "no user is known";
  files.users = {{"root", 0, 0}};
  EXPECT_EQ(parse_configuration(files).messages.size(), 1u);
  EXPECT_THAT(parse_configuration(files_with("defaults {\n uid root\n}\n")).messages, testing::IsEmpty()) << "root is always known";
}

TEST(Configuration, IsRefusedWhenTheMainFileMustNotBeGuessedAt) {
  ports::ConfigFiles unreadable;
  unreadable.main_file_failed = true;
  unreadable.errors.push_back({.code = ErrorCode::permission, .subject = "mp.conf", .what = "cannot be opened", .cause = {}});
  EXPECT_FALSE(parse_configuration(unreadable).config);
  EXPECT_THAT(parse_configuration(unreadable).messages, testing::ElementsAre("mp.conf: cannot be opened"));

  const engine::ConfigurationLoaded fatal = parse_configuration(files_with("blacklist {\n devnode \"^(sd\"\n}\n"));
  EXPECT_FALSE(fatal.config);
  ASSERT_FALSE(fatal.messages.empty());
  EXPECT_THAT(fatal.messages[0], HasSubstr("mp.conf:2: "));
}

TEST(Configuration, AnUnreadableDropInIsOnlyReported) {
  ports::ConfigFiles files = files_with("defaults {\n failback 7\n}\n");
  files.errors.push_back({.code = ErrorCode::io, .subject = "drop.conf", .what = "cannot be read", .cause = {}});
  const engine::ConfigurationLoaded loaded = parse_configuration(files);
  ASSERT_TRUE(loaded.config);
  EXPECT_THAT(loaded.messages, testing::ElementsAre("drop.conf: cannot be read"));
}

}  // namespace
}  // namespace mpath::runtime
