// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/reply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "libmpath/command/commands.h"
#include "libmpath/command/mpathctl.h"
#include "libmpath/command/parser.h"
#include "libmpath/config/parser.h"
#include "tests/unit/view/fixture.h"

namespace mpath::command {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace test;

std::string answer(std::string_view text, const Snapshot& snapshot = sample_snapshot(), RenderContext context = {}) {
  const auto request = parse(text);
  return request ? render(*request, snapshot, context) : request.error().reply;
}

TEST(Render, AnswersEveryCommandThatReads) {
  const view::BlockDevice devices[] = {{"sda", view::DeviceVerdict::monitored}};
  const std::pair<std::string, std::string> cases[] = {
      {"show paths", "hcil         dev   dev_t  pri dm_st  chk_st dev_st  next_check    \n0:0:0:1      sda   8:0    50  active ready  running XXXX...... 2/5\n"},
      {"show paths format \"%d %T\"", "dev   chk_st\nsda   ready \n"},
      {"show paths raw format \"%d %m\"", "sda mpatha\nsdb mpatha\n"},
      {"show path sda", "running\n"},
      {"show maps", "name   sysfs uuid \nmpatha dm-3  3600a\n"},
      {"show maps status", "name   failback  queueing paths dm-st  write_prot\nmpatha immediate 5 chk    2     active rw        \n"},
      {"show maps stats", "name   path_faults switch_grp map_loads total_q_time q_timeouts\nmpatha 0           0          0         0            0         \n"},
      {"show maps raw format %n,%w", "mpatha,3600a\n"},
      {"show maps topology", "mpatha (3600a) dm-3 VEND,PROD\nsize=10G"},
      {"show topology", "mpatha (3600a) dm-3 VEND,PROD\nsize=10G"},
      {"show map mpatha topology", "mpatha (3600a) dm-3 VEND,PROD\nsize=10G"},
      {"show map mpatha format \"%n|%S|\"", "mpatha|10G |\n"},
      {"show map mpatha raw format \"%n|%S|\"", "mpatha|10G |\n"},
      {"show map mpatha json", "{\n   \"major_version\": 0,\n   \"minor_version\": 1,\n   \"map\":{\n      \"name\" : \"mpatha\",\n"},
      {"show maps json", "{\n   \"major_version\": 0,\n   \"minor_version\": 1,\n   \"maps\": [{\n"},
      {"show status", "path checker states:\n"},
      {"show daemon", "pid 661 idle\n"},
      {"show devices", "available block devices:\n    sda  devnode whitelisted, monitored\n"},
      {"show wildcards", "multipath format wildcards:\n"},
  };
  for (const auto& [command, begin] : cases) EXPECT_THAT(answer(command, sample_snapshot(), {.devices = devices}), StartsWith(begin)) << command;
}

/// The configuration that this text gives, together with the hardware table.
std::shared_ptr<const config::Config> configured(std::string text) {
  const config::SourceFile file{"multipath.conf", std::move(text), config::FileKind::main};
  return config::parse(std::span(&file, 1)).config;
}

TEST(Render, ShowsTheConfigurationAndTheBlacklist) {
  Snapshot snapshot = sample_snapshot();
  snapshot.config = configured("blacklist {\n wwid 3600dead\n}\n");
  EXPECT_THAT(answer("show config", snapshot), StartsWith("defaults {\n"));
  EXPECT_THAT(answer("show blacklist", snapshot), HasSubstr("(config file rule) 3600dead\n"));
  EXPECT_EQ(answer("show config"), "fail\n") << "there is no configuration yet";
}

TEST(Render, TheLocalConfigurationHasOnlyEntriesAndMapsThatAreThere) {
  Snapshot snapshot = sample_snapshot();
  snapshot.config = configured("devices {\n device {\n  vendor VEND\n  product PROD\n  path_checker tur\n }\n"
                               " device {\n  vendor NOBODY\n  product NOTHING\n  path_checker tur\n }\n}\n");
  const std::string local = answer("show config local", snapshot);
  const std::string entry = "\t\tvendor \"VEND\"\n";
  EXPECT_THAT(local, HasSubstr(entry));
  EXPECT_EQ(local.find(entry), local.rfind(entry)) << "four paths use the entry, it stands there once";
  EXPECT_THAT(local, Not(HasSubstr("NOBODY")));
  EXPECT_THAT(local, HasSubstr("\t\twwid \"3600a\"\n"));
  EXPECT_THAT(answer("show config", snapshot), HasSubstr("NOBODY"));
}

TEST(Render, NothingToShowIsOk) {
  for (const std::string command : {"show paths", "show maps", "show topology", "show maps raw format %n"}) {
    EXPECT_EQ(answer(command, {}), "ok\n") << command;
  }
}

TEST(Render, FindsAMapByDeviceNameOrWwid) {
  for (const std::string name : {"mpatha", "dm-3", "/dev/dm-3", "3600a"}) {
    EXPECT_EQ(answer("show map " + name + " format %n"), "mpatha\n") << name;
  }
  EXPECT_EQ(answer("show map mpathb topology"), "fail\ndevice not found\n");
  EXPECT_EQ(answer("show map /dev/mapper/mpatha json"), "fail\ndevice not found\n");
}

TEST(Render, TheDeviceNameOfAMapGoesBeforeAnAliasThatLooksLikeOne) {
  Snapshot snapshot = sample_snapshot();
  auto impostor = std::make_shared<MapView>();
  impostor->name = {"dm-3"};
  impostor->wwid = {"3600b"};
  snapshot.maps.insert(snapshot.maps.begin(), impostor);
  EXPECT_EQ(answer("show map dm-3 format %w", snapshot), "3600a\n");
}

TEST(Render, FindsAPathByNumberOrName) {
  for (const std::string name : {"sdb", "8:16", "/dev/sdb"}) EXPECT_EQ(answer("show path " + name), "running\n") << name;
  EXPECT_EQ(answer("show path sdq"), "fail\ndevice not found\n");
  Snapshot snapshot = sample_snapshot();
  snapshot.paths.push_back(make_path({"sdq", {65, 0}, {}}, ""));
  EXPECT_EQ(answer("show path sdq", snapshot), "unknown\n");
}

TEST(Render, StatusOfMpathctlCarriesTheHealthAsExitStatus) {
  const auto text = decode_reply(answer(status_request(false)));
  ASSERT_TRUE(text);
  EXPECT_EQ(text->exit_status, 1);
  EXPECT_THAT(text->output, StartsWith("health    degraded\n"));
  const auto json = decode_reply(answer(status_request(true)));
  ASSERT_TRUE(json);
  EXPECT_EQ(json->exit_status, 1);
  EXPECT_EQ(nlohmann::json::parse(json->output)["health"], "degraded");
}

TEST(ReplyText, FollowsTheReplyRules) {
  const std::pair<Outcome, std::string> cases[] = {
      {Outcome::ok, "ok\n"},
      {Outcome::failed, "fail\n"},
      {Outcome::not_found, "fail\ndevice not found\n"},
      {Outcome::in_use, "fail\nmap or partition in use\n"},
      {Outcome::blacklisted, "blacklisted\n"},
      {Outcome::delayed, "delayed\n"},
      {Outcome::timed_out, "fail\ntimeout\n"},
  };
  for (const auto& [outcome, text] : cases) EXPECT_EQ(reply_text({outcome, {}}), text);
  EXPECT_EQ(reply_text({Outcome::ok, "detail for the log"}), "ok\n");
  EXPECT_EQ(reply_text({Outcome::failed, "a: \x1b[1m"}), "fail\nfailed: a: \\x1b[1m\n");
  EXPECT_EQ(reply_text({Outcome::in_use, "a: map in use: mounted on /a\nb: map in use"}),
            "fail\nmap or partition in use\na: map in use: mounted on /a\nb: map in use\n");
}

TEST(Render, LetsNoHostileByteThroughAnyReply) {
  RandomSnapshots random(6);
  for (int i = 0; i < 100; ++i) {
    const Snapshot snapshot = random.next();
    for (const Command& command : commands()) {
      if (!is_read_only(command.kind)) continue;
      const Request request{.kind = command.kind, .path = "sda", .map = "dm-0", .format = "%n%w%s%m%d%z"};
      ASSERT_EQ(hostile_byte(render(request, snapshot)), std::string::npos) << syntax(command);
    }
  }
}

}  // namespace
}  // namespace mpath::command
