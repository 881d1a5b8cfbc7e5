// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <random>
#include <set>

#include "libmpath/base/limits.h"
#include "libmpath/command/commands.h"
#include "libmpath/command/mpathctl.h"

namespace mpath::command {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using Kind = RequestKind;

Request parsed(std::string_view text) {
  const auto request = parse(text);
  EXPECT_TRUE(request) << text << " → " << (request ? "" : request.error().reply.substr(0, 80));
  return request.value_or(Request{.kind = Kind::quit});
}

std::string refused(std::string_view text) {
  const auto request = parse(text);
  EXPECT_FALSE(request) << text;
  return request ? "" : request.error().reply;
}

TEST(Parser, KnowsTheCommandsThatClientsSend) {
  const std::pair<std::string, Kind> cases[] = {
      {"show status", Kind::show_status},
      {"show daemon", Kind::show_daemon},
      {"show paths", Kind::show_paths},
      {"list paths", Kind::show_paths},
      {"show paths raw format %d", Kind::show_paths_format},
      {"show paths format \"%w %d %t\"", Kind::show_paths_format},
      {"show path sda", Kind::show_path},
      {"show maps", Kind::show_maps},
      {"show multipaths", Kind::show_maps},
      {"show maps status", Kind::show_maps_status},
      {"show maps stats", Kind::show_maps_stats},
      {"show maps json", Kind::show_maps_json},
      {"show multipaths json", Kind::show_maps_json},
      {"show map mpatha json", Kind::show_map_json},
      {"show map mpatha topology", Kind::show_map_topology},
      {"show multipath mpatha format %n", Kind::show_map_format},
      {"show map mpatha raw format %n", Kind::show_map_format},
      {"show topology", Kind::show_topology},
      {"show topo", Kind::show_topology},
      {"show maps topology", Kind::show_topology},
      {"show multipaths topology", Kind::show_topology},
      {"show config", Kind::show_config},
      {"show config local", Kind::show_config_local},
      {"show blacklist", Kind::show_blacklist},
      {"show devices", Kind::show_devices},
      {"show wildcards", Kind::show_wildcards},
      {"reconfigure", Kind::reconfigure},
      {"reconfigure all", Kind::reconfigure_all},
      {"add path sda", Kind::add_path},
      {"del path sda", Kind::remove_path},
      {"remove path sda", Kind::remove_path},
      {"add map mpatha", Kind::add_map},
      {"del map mpatha", Kind::remove_map},
      {"remove multipath mpatha", Kind::remove_map},
      {"resize map mpatha", Kind::resize_map},
      {"reload map mpatha", Kind::reload_map},
      {"fail path sda", Kind::fail_path},
      {"reinstate path sda", Kind::reinstate_path},
      {"switch map mpatha group 2", Kind::switch_group},
      {"switchgroup multipath mpatha group 2", Kind::switch_group},
      {"disablequeueing map mpatha", Kind::disable_queueing},
      {"disablequeueing maps", Kind::disable_queueing_all},
      {"restorequeueing map mpatha", Kind::restore_queueing},
      {"restorequeueing maps", Kind::restore_queueing_all},
      {"reset map mpatha stats", Kind::reset_stats},
      {"reset map mpatha", Kind::reset_map},
      {"reset maps stats", Kind::reset_all_stats},
      {"shutdown", Kind::shutdown},
      {"quit", Kind::quit},
      {"exit", Kind::quit},
  };
  for (const auto& [text, kind] : cases) EXPECT_EQ(parsed(text).kind, kind) << text;
}

TEST(Parser, UnderstandsEveryLineOfItsOwnHelp) {
  for (const Command& command : commands()) {
    std::string text;
    for (Keyword keyword : command.keywords) {
      for (const Spelling& spelling : spellings()) {
        if (keyword == Keyword::none || spelling.keyword != keyword) continue;
        std::string_view parameter = keyword == Keyword::path_list ? " 8:0 " : " 7 ";
        text += std::string(spelling.text) + std::string(spelling.takes_parameter ? parameter : " ");
        break;
      }
    }
    EXPECT_EQ(parsed(text).kind, command.kind) << text;
  }
}

TEST(Parser, PassesParametersOn) {
  EXPECT_EQ(parsed("add path sda").path, "sda");
  EXPECT_EQ(parsed("add path /dev/sda").path, "sda");
  EXPECT_EQ(parsed("add path 8:16").path, "8:16");
  EXPECT_EQ(parsed("add path /dev/cciss/c0d0").path, "cciss!c0d0");
  EXPECT_EQ(parsed("resize map /dev/dm-3").map, "dm-3");
  EXPECT_EQ(parsed("resize map /dev/mapper/mpatha").map, "mapper/mpatha");
  EXPECT_EQ(parsed("resize map \"a map\"").map, "a map");
  EXPECT_EQ(parsed("resize map \"\"").map, "");
  EXPECT_EQ(parsed("fail path show").path, "show");
  EXPECT_EQ(parsed("switch map m group 12").group, 12u);
  EXPECT_EQ(parsed("switch map m group 2x").group, 2u);
  EXPECT_EQ(parsed("switch map m group x").group, 0u);
  EXPECT_EQ(parsed("switch map m group -1").group, 0u);
  EXPECT_EQ(parsed("switch map m group 99999999999999999999").group, 0u);
  const Request raw = parsed("show paths raw format \"%d,%m \"");
  EXPECT_EQ(raw.format, "%d,%m ");
  EXPECT_TRUE(raw.raw);
  EXPECT_FALSE(parsed("show paths format %d").raw);
}

TEST(Parser, ReadsQuotesAndCommentsAsTheConfigurationDoes) {
  EXPECT_EQ(parsed("show paths raw format \" %w,%d \"").format, " %w,%d ");
  EXPECT_EQ(parsed("show paths raw format \"a\"\"b\"").format, "a\"b");
  EXPECT_EQ(parsed("show maps # all of them").kind, Kind::show_maps);
  EXPECT_EQ(parsed("show maps ! all of them").kind, Kind::show_maps);
  EXPECT_EQ(parsed("  show\t maps \n").kind, Kind::show_maps);
  EXPECT_EQ(parsed("show paths format \"%d").format, "%d");
  EXPECT_EQ(parsed("show paths raw format \"device='%d' serial='%z'\"").format, "device='%d' serial='%z'");
}

TEST(Parser, TakesUnambiguousBeginningsAndPrefersExactWords) {
  const std::pair<std::string, std::string> words[] = {
      {"sho", "show"}, {"l", ""}, {"li", "list"}, {"re", ""}, {"rei", "reinstate"}, {"rec", "reconfigure"}, {"path", "path"},
      {"paths", "paths"}, {"pat", ""}, {"pathl", "pathlist"}, {"map", "map"}, {"maps", "maps"}, {"ma", ""}, {"multipath", "multipath"},
      {"multipat", ""}, {"switch", "switch"}, {"switchg", "switchgroup"}, {"swi", ""}, {"res", ""}, {"resi", "resize"}, {"d", ""},
      {"de", ""}, {"del", "del"}, {"da", "daemon"}, {"s", ""}, {"status", "status"}, {"stat", ""}, {"topo", "topology"}, {"", ""},
      {"Show", ""}, {"showx", ""}, {"f", ""}, {"fo", ""}, {"for", ""}, {"form", "format"}, {"forc", "forcequeueing"}, {"all", "all"},
      {"a", ""}, {"al", "all"}, {"g", ""}, {"gr", "group"}, {"k", "key"}, {"lo", "local"}, {"q", "quit"}, {"sus", "suspend"},
  };
  EXPECT_EQ(spellings().size(), 54u);
  for (const auto& [word, expected] : words) {
    const Spelling* found = find_spelling(word);
    EXPECT_EQ(found ? found->text : "", expected) << word;
  }
}

TEST(Parser, UnknownLastWordGetsTheHelp) {
  EXPECT_EQ(refused("show nonsense"), "fail\nshow nonsense: not found\n" + help_text());
  EXPECT_THAT(refused("re"), StartsWith("fail\nre: not found\n"));
  EXPECT_THAT(refused("show multipat"), StartsWith("fail\nshow multipat: not found\n"));
}

TEST(Parser, UnknownWordBeforeTheLastGetsABareFail) {
  EXPECT_EQ(refused("nonsense paths"), "fail\n");
  EXPECT_EQ(refused("show nonsense sda"), "fail\n");
}

TEST(Parser, MissingParameterOrUnknownCommandGetsTheHelp) {
  for (const std::string text : {"add path", "show", "show map", "show map mpatha", "paths show", "add", "resize maps", "show show",
                                 "show paths format", "suspend maps", "show maps raw json format %n"}) {
    EXPECT_EQ(refused(text), "fail\n" + text + ": Missing argument\n" + help_text());
  }
  EXPECT_THAT(refused("show maps maps maps maps"), StartsWith("fail\nshow maps maps maps maps: Missing argument\n"));
}

TEST(Parser, ABlankCommandGetsTheHelp) {
  EXPECT_EQ(refused(""), "fail\n: Not enough memory\n" + help_text());
  EXPECT_EQ(refused("  "), "fail\n  : Not enough memory\n" + help_text());
  EXPECT_THAT(refused("# nothing"), StartsWith("fail\n# nothing: Not enough memory\n"));
}

TEST(Parser, HelpIsJustTheHelp) {
  EXPECT_EQ(refused("help"), help_text());
  EXPECT_EQ(refused("?"), help_text());
  EXPECT_EQ(refused(" help\n"), help_text());
}

TEST(HelpText, BeginsWithTheVersionAndListsTheSyntax) {
  const std::string help = help_text();
  EXPECT_THAT(help, StartsWith("multipath-tools v0.14.3 (02/05, 2026)\nCLI commands reference:\n list|show paths\n"));
  EXPECT_THAT(help, HasSubstr("\n list|show maps|multipaths raw format $format\n"));
  EXPECT_THAT(help, HasSubstr("\n list|show map|multipath $map topology\n"));
  EXPECT_THAT(help, HasSubstr("\n switch|switchgroup map|multipath $map group $group\n"));
  EXPECT_THAT(help, HasSubstr("\n remove|del path $path\n"));
  EXPECT_THAT(help, HasSubstr("\n quit|exit\n"));
  EXPECT_THAT(help, Not(HasSubstr("mpathctl")));
}

TEST(Commands, AreEachListedOnceAndExplained) {
  std::set<std::string> seen;
  for (const Command& command : commands()) {
    EXPECT_TRUE(seen.insert(syntax(command)).second) << syntax(command);
    EXPECT_FALSE(command.help.empty()) << syntax(command);
    EXPECT_NE(command.kind, Kind::mpathctl_status);
    EXPECT_EQ(is_read_only(command.kind), command.keywords[0] == Keyword::list) << syntax(command);
  }
}

TEST(Parser, TakesKeysAndListsOfPaths) {
  Request request = parsed("setprkey map mpatha key 0x123ABC");
  EXPECT_EQ(request.kind, Kind::set_pr_key);
  EXPECT_EQ(request.map, "mpatha");
  EXPECT_EQ(request.key, 0x123abcU);
  EXPECT_FALSE(request.aptpl);
  request = parsed("setprkey map mpatha key ffffffffffffffff:aptpl");
  EXPECT_EQ(request.key, UINT64_MAX);
  EXPECT_TRUE(request.aptpl);
  for (const char* bad : {"0", "0x0", "", "x", "0x", "0x12345678901234567", "12:other", "12:", "-1", "0x12 "}) {
    EXPECT_EQ(refused(fmt::format("setprkey map mpatha key \"{}\"", bad)), "fail\n") << bad;
  }
  EXPECT_EQ(parsed("unsetprkey map mpatha").kind, Kind::unset_pr_key);
  EXPECT_EQ(parsed("getprkey multipath mpatha").kind, Kind::get_pr_key);

  request = parsed("setprstatus map mpatha pathlist \"8:0 65:16\"");
  EXPECT_EQ(request.kind, Kind::set_pr_status);
  EXPECT_EQ(request.path_list, (std::vector<DevNum>{{8, 0}, {65, 16}}));
  EXPECT_TRUE(parsed("setprstatus map mpatha").path_list.empty());
  EXPECT_TRUE(parsed("setprstatus map mpatha pathlist \"\"").path_list.empty());
  EXPECT_EQ(refused("setprstatus map mpatha pathlist \"8:0 sda\""), "fail\n");
  for (auto [text, kind] : {std::pair{"getprstatus", Kind::get_pr_status}, {"unsetprstatus", Kind::unset_pr_status}, {"getprhold", Kind::get_pr_hold},
                            {"setprhold", Kind::set_pr_hold}, {"unsetprhold", Kind::unset_pr_hold}}) {
    EXPECT_EQ(parsed(fmt::format("{} map mpatha", text)).kind, kind);
    EXPECT_FALSE(is_allowed(kind, 1000)) << text;
  }
}

TEST(IsAllowed, OthersThanRootMayOnlyRead) {
  EXPECT_TRUE(is_allowed(Kind::show_paths, 1000));
  EXPECT_TRUE(is_allowed(Kind::mpathctl_status, 1000));
  EXPECT_FALSE(is_allowed(Kind::reconfigure, 1000));
  EXPECT_FALSE(is_allowed(Kind::quit, 1000));
  EXPECT_FALSE(is_allowed(Kind::resize_map, 1));
  EXPECT_TRUE(is_allowed(Kind::resize_map, 0));
}

TEST(Mpathctl, AsksForTheStatus) {
  EXPECT_EQ(parsed("mpathctl/1 {\"command\":\"status\"}").kind, Kind::mpathctl_status);
  EXPECT_FALSE(parsed("mpathctl/1 {\"command\":\"status\",\"json\":false}").json);
  EXPECT_TRUE(parsed(status_request(true)).json);
  EXPECT_FALSE(parsed(status_request(false)).json);
  Request history = parsed(mpathctl_request({.kind = RequestKind::mpathctl_history, .json = true, .subjects = {"mpatha"}}));
  EXPECT_EQ(history.kind, RequestKind::mpathctl_history);
  EXPECT_EQ(history.subjects, std::vector<std::string>{"mpatha"});
  EXPECT_TRUE(history.json);
}

TEST(Mpathctl, IsNeverAbbreviated) {
  EXPECT_THAT(refused("mpathctl {\"command\":\"status\"}"), StartsWith("fail\n"));
  EXPECT_THAT(refused("mpathctl/1"), HasSubstr("not found"));
  EXPECT_THAT(refused("mpathctl/2 {\"command\":\"status\"}"), StartsWith("fail\n"));
  EXPECT_THAT(refused(" mpathctl/1 {\"command\":\"status\"}"), StartsWith("fail\n"));
}

TEST(Mpathctl, NamesWhatItDoesNotUnderstand) {
  const std::pair<std::string, std::string> cases[] = {
      {"", "not a JSON object"},
      {"[]", "not a JSON object"},
      {"{", "not a JSON object"},
      {"{\"command\":\"status\"} x", "not a JSON object"},
      {"{}", "names no \"command\""},
      {"{\"command\":7}", "names no \"command\""},
      {"{\"command\":\"stat\"}", "unknown command 'stat'"},
      {"{\"command\":\"\\u001b[31m\"}", "unknown command '\\x1b[31m'"},
      {"{\"command\":\"status\",\"jsn\":true}", "unknown member 'jsn'"},
      {"{\"command\":\"status\",\"json\":1}", "neither true nor false"},
      {std::string(100000, '['), "not a JSON object"},
      {"{\"command\":\"\xff\"}", "not a JSON object"},
  };
  for (const auto& [json, problem] : cases) {
    const auto reply = decode_reply(refused("mpathctl/1 " + json));
    ASSERT_TRUE(reply) << json;
    EXPECT_EQ(reply->exit_status, exit_usage);
    EXPECT_THAT(reply->error, HasSubstr(problem));
  }
}

TEST(MpathctlReply, SurvivesTheWay) {
  const auto reply = decode_reply(encode_reply({2, "two\n\"lines\"\n", ""}));
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->exit_status, 2);
  EXPECT_EQ(reply->output, "two\n\"lines\"\n");
  EXPECT_EQ(reply->error, "");
  for (const std::string other : {"fail\ntimeout\n", "", "ok\n", "{}", "{\"exit_status\":\"0\"}", "[1]"}) EXPECT_FALSE(decode_reply(other)) << other;
}

TEST(Parser, SurvivesAnyBytes) {
  std::mt19937_64 random(11);
  std::vector<std::string> words = {"mpathctl/1 ", "{\"command\":", "\"status\"", "\"", "#", "{", "}", "%d", "\xff", "\x1b", " "};
  for (const Spelling& spelling : spellings()) words.emplace_back(spelling.text);
  for (int i = 0; i < 20000; ++i) {
    std::string text;
    for (std::uint64_t k = random() % 12; k > 0; --k) {
      if (random() % 4 == 0) {
        text += static_cast<char>(random());
      } else {
        const std::string& word = words[random() % words.size()];
        text += word.substr(0, 1 + random() % word.size()) + (random() % 3 == 0 ? "" : " ");
      }
    }
    const auto request = parse(text);
    if (request) continue;
    for (char c : request.error().reply) ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~')) << text;
  }
}

}  // namespace
}  // namespace mpath::command
