// SPDX-License-Identifier: LGPL-2.1-or-later
// Odd lines, keyword processing, fatal errors, merging.
#include "libmpath/config/parser.h"

#include <gtest/gtest.h>

#include "libmpath/base/limits.h"
#include "libmpath/config/dump.h"

namespace mpath::config {
namespace {

ParseResult parse_files(std::vector<SourceFile> files, bool hardware_table = false) {
  ParseOptions options;
  options.hardware_table = hardware_table;
  return parse(files, options);
}
ParseResult parse_text(std::string text) { return parse_files({{"main.conf", std::move(text), FileKind::main}}); }

std::string value(const Settings& settings, Key key) {
  const Setting* setting = settings.find(key);
  return setting ? format_value(keyword(key), setting->value) : "unset";
}

/// "line:id line:id ..."
std::string remarks(const ParseResult& result) {
  std::string text;
  for (const Diagnostic& diagnostic : result.diagnostics) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : " ", diagnostic.line, diagnostic.id);
  }
  return text;
}

TEST(Parser, OddLines) {
  const struct {
    std::string what, text, verbosity, expected;
  } cases[] = {
      {"plain", "defaults {\nverbosity 3\n}\n", "3", ""},
      {"brace without blank", "defaults{\nverbosity 3\n}\n", "3", ""},
      {"first token missing", "defaults {\n\"verbosity\" 3\n}\n", "unset", "2:missing-keyword"},
      {"more after the closing brace", "defaults {\nverbosity 3\n} verbosity 4\n", "3", "3:extra-data"},
      {"line starts with an opening brace", "{\ndefaults {\nverbosity 3\n}\n", "3", "1:stray-brace"},
      {"brace on the next line", "defaults\n{\nverbosity 3\n}\n", "3", "1:missing-brace 2:stray-brace"},
      {"tokens after the brace are lost", "defaults { verbosity 4\nverbosity 3 }\n}\n", "3", "1:extra-data 2:extra-data"},
      {"overrides alone is not opened", "overrides\n{\nverbosity 3\n}\n", "unset",
       "1:missing-brace 2:stray-brace 3:wrong-section 4:stray-brace"},
      {"keyword without value", "defaults {\nverbosity 3\nverbosity\n}\n", "3", "3:missing-value"},
      {"unquoted value with more", "defaults {\nverbosity 3 4\n}\n", "3", "2:extra-data"},
      {"opening quote, nothing after", "defaults {\nverbosity 3\nverbosity \"\n}\n", "3",
       "3:missing-quote 3:duplicate-keyword 3:invalid-value"},
      {"no closing quote", "defaults {\nverbosity \"3\n}\n", "3", "2:missing-quote"},
      {"closing quote with more", "defaults {\nverbosity \"3\" 4\n}\n", "3", "2:extra-data"},
      {"unknown keyword", "defaults {\nverbosty 4\nverbosity 3\n}\n", "3", "2:unknown-keyword"},
      {"unknown block at top level", "default {\nverbosity 4\n}\n", "unset", "1:unknown-keyword 2:wrong-section 3:stray-brace"},
      {"unmatched brace", "}\ndefaults {\nverbosity 3\n}\n", "3", "1:stray-brace"},
      {"end of file inside", "defaults {\nverbosity 3\n", "3", "2:missing-brace"},
      {"twice in a block", "defaults {\nverbosity 2\nverbosity 3\n}\n", "3", "3:duplicate-keyword"},
      {"twice at top level", "defaults {\nverbosity 2\n}\ndefaults {\nverbosity 3\n}\n", "3", "4:duplicate-keyword"},
      {"rejected value keeps the previous", "defaults {\nverbosity 3\nverbosity many\n}\n", "3",
       "3:duplicate-keyword 3:invalid-value"},
      {"deprecated", "defaults {\nverbosity 3\nconfig_dir \"/x\"\n}\n", "3", "3:deprecated-keyword"},
      {"wrong case", "defaults {\nVerbosity 3\n}\n", "unset", "2:unknown-keyword"},
      {"windows line ends", "defaults {\r\nverbosity 3\r\n}\r\n", "3", ""},
      {"NUL byte", std::string("defaults {\nverbosity 3\0 4\n}\n", 28), "3", "2:nul-byte"},
      {"comment after the word", "defaults {\nverbosity 3#4\n}\n", "3", ""},
      {"nothing", "", "unset", ""},
  };
  for (const auto& c : cases) {
    const ParseResult result = parse_text(c.text);
    EXPECT_EQ(value(result.config->defaults, Key::verbosity), c.verbosity) << c.what;
    EXPECT_EQ(remarks(result), c.expected) << c.what;
    EXPECT_FALSE(result.fatal) << c.what;
  }
}

TEST(Parser, ALongLineGoesOnAsTheNext) {
  const std::string comment(limits::config_line_bytes, '#');
  const ParseResult result = parse_text("defaults {\n" + comment + "verbosity 3\n}\n");
  EXPECT_EQ(value(result.config->defaults, Key::verbosity), "3");
  EXPECT_EQ(remarks(result), "2:long-line");
}

TEST(Parser, RepeatedRulesAreNoDuplicates) {
  const ParseResult result = parse_text(
      "blacklist {\ndevnode a\ndevnode b\nwwid c\nwwid d\nproperty e\nproperty f\nprotocol g\nprotocol h\n"
      "device {\nvendor x\n}\ndevice {\nproduct y\n}\ndevice {\n}\n}\n");
  EXPECT_EQ(remarks(result), "16:incomplete-entry");
  EXPECT_EQ(result.config->blacklist.devnode.size(), 3u);  // with the built-in rule
  EXPECT_EQ(result.config->blacklist.device.size(), 2u);
}

TEST(Parser, EntriesThatLackTheirNameAreDropped) {
  const ParseResult result = parse_text(
      "devices {\ndevice {\nvendor x\n}\ndevice {\nvendor x\nproduct y\n}\n}\n"
      "multipaths {\nmultipath {\nalias a\n}\n}\noverrides {\nprotocol {\neh_deadline 5\n}\n}\n");
  EXPECT_EQ(remarks(result), "2:incomplete-entry 11:incomplete-entry 16:incomplete-entry");
  EXPECT_EQ(result.config->devices.size(), 1u);
  EXPECT_TRUE(result.config->multipaths.empty());
  EXPECT_TRUE(result.config->protocols.empty());
}

TEST(Parser, FatalOnlyInTheMainFile) {
  const struct {
    std::string text;
    bool fatal;
  } cases[] = {
      {"blacklist {\ndevnode \"(\"\n}", true},
      {"blacklist {\nwwid \"[\"\n}", true},
      {"blacklist_exceptions {\nproperty \"(\"\n}", true},
      {"blacklist {\nprotocol \"a\\\\\"\n}", false},
      {"blacklist {\ndevice {\nvendor \"(\"\n}\n}", true},
      {"blacklist {\ndevice {\nproduct \"(\"\n}\n}", true},
      {"defaults {\nreservation_key 0\n}", true},
      {"multipaths {\nmultipath {\nwwid 1\nreservation_key zz\n}\n}", true},
      {"devices {\ndevice {\nvendor \"(\"\nproduct x\n}\n}", false},  // never matches, not an error there
      {"defaults {\nverbosity x\npolling_interval 0\n}", false},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(parse_text(c.text).fatal, c.fatal) << c.text;
    EXPECT_FALSE(parse_files({{"main", "", FileKind::main}, {"drop", c.text, FileKind::drop_in}}).fatal) << c.text;
  }
  const ParseResult result = parse_text("blacklist {\ndevnode \"(\"\nwwid good\n}\n");
  EXPECT_EQ(result.config->blacklist.wwid.size(), 1u) << "parsing goes on";
}

TEST(Merge, FlatSectionsLaterWins) {
  const ParseResult result = parse_files({{"a", "defaults {\nverbosity 1\nmax_fds 100\n}\noverrides {\nprio alua\n}\n", FileKind::main},
                                          {"b", "defaults {\nverbosity 3\n}\noverrides {\nprio rdac\n}\n", FileKind::drop_in}});
  EXPECT_EQ(value(result.config->defaults, Key::verbosity), "3");
  EXPECT_EQ(value(result.config->defaults, Key::max_fds), "100");
  EXPECT_EQ(result.config->overrides.text(Key::prio), "rdac");
  ASSERT_EQ(result.config->defaults.replaced().size(), 1u);
  EXPECT_EQ(result.config->defaults.replaced()[0].origin.line, 2u);
}

TEST(Merge, DeviceEntriesWithEqualNames) {
  const ParseResult result = parse_files(
      {{"a", "devices {\ndevice {\nvendor A\nproduct B\nprio alua\nfailback 5\nprio_args x\n}\ndevice {\nvendor C\nproduct D\n}\n}\n",
        FileKind::main},
       {"b", "devices {\ndevice {\nvendor A\nproduct B\nprio rdac\nprio_args \"\"\n}\ndevice {\nvendor A\nproduct B\nrevision 1\n}\n}\n",
        FileKind::drop_in}});
  const auto& devices = result.config->devices;
  ASSERT_EQ(devices.size(), 3u);
  EXPECT_EQ(devices[0].settings.text(Key::vendor), "C");
  EXPECT_EQ(devices[1].settings.text(Key::prio), "rdac");
  EXPECT_EQ(value(devices[1].settings, Key::failback), "5");
  EXPECT_EQ(devices[1].settings.text(Key::prio_args), "x") << "an empty string counts as not set";
  EXPECT_EQ(devices[2].settings.text(Key::revision), "1") << "absent and given revisions differ";
  EXPECT_EQ(remarks(result), "2:duplicate-entry");
}

TEST(Merge, AnEntryAbsorbsItsBuiltInTwin) {
  const ParseResult result =
      parse_files({{"a", "devices {\ndevice {\nvendor NETAPP\nproduct LUN\nfeatures \"1 queue_if_no_path\"\n}\n}\n", FileKind::main}}, true);
  const Settings& last = result.config->devices.back().settings;
  EXPECT_EQ(last.text(Key::vendor), "NETAPP");
  EXPECT_EQ(last.text(Key::prio), "ontap");
  EXPECT_EQ(last.text(Key::features), "0");
  EXPECT_EQ(value(last, Key::no_path_retry), "\"queue\"");
  EXPECT_EQ(last.find(Key::prio)->origin.layer, Layer::hardware_table);
}

TEST(Merge, Features) {
  const struct {
    std::string features, retry, expected_features, expected_retry, expected_retain;
  } cases[] = {
      {"1 queue_if_no_path", "", "0", "\"queue\"", "unset"},
      {"1 queue_if_no_path", "12", "0", "12", "unset"},
      {"3 queue_if_no_path pg_init_retries 50", "", "2 pg_init_retries 50", "\"queue\"", "unset"},
      {"1 retain_attached_hw_handler", "", "0", "unset", "\"yes\""},
      {"2 pg_init_retries 50", "", "2 pg_init_retries 50", "unset", "unset"},
  };
  for (const auto& c : cases) {
    const std::string retry = c.retry.empty() ? "" : "no_path_retry " + c.retry + "\n";
    const ParseResult result = parse_text("devices {\ndevice {\nvendor a\nproduct b\n}\ndevice {\nvendor a\nproduct b\nfeatures \"" +
                                          c.features + "\"\n" + retry + "}\n}\n");
    const Settings& merged = result.config->devices.at(0).settings;
    EXPECT_EQ(merged.text(Key::features), c.expected_features);
    EXPECT_EQ(value(merged, Key::no_path_retry), c.expected_retry) << c.features;
    EXPECT_EQ(value(merged, Key::retain_attached_hw_handler), c.expected_retain) << c.features;
  }
}

TEST(Merge, Multipaths) {
  const ParseResult result = parse_text(
      "multipaths {\nmultipath {\nwwid b\nalias one\nfailback 3\nmode 0600\nuid 1\n}\nmultipath {\nwwid a\nalias x\n}\n"
      "multipath {\nwwid b\nalias two\ngid 2\n}\n}\n");
  const auto& entries = result.config->multipaths;
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[0].settings.text(Key::wwid), "a");
  EXPECT_EQ(entries[1].settings.text(Key::alias), "two");
  EXPECT_EQ(value(entries[1].settings, Key::failback), "3");
  EXPECT_EQ(value(entries[1].settings, Key::gid), "02");
  EXPECT_EQ(value(entries[1].settings, Key::mode), "unset") << "ownership is taken over as a whole or not at all";
  EXPECT_EQ(remarks(result), "13:duplicate-entry");
}

TEST(Merge, ProtocolBlocks) {
  const ParseResult result = parse_text(
      "overrides {\nprotocol {\ntype scsi:fcp\nfast_io_fail_tmo 5\ndev_loss_tmo 60\n}\nprotocol {\ntype scsi:fcp\ndev_loss_tmo 90\n}\n}\n");
  ASSERT_EQ(result.config->protocols.size(), 1u);
  EXPECT_EQ(value(result.config->protocols[0].settings, Key::dev_loss_tmo), "90");
  EXPECT_EQ(value(result.config->protocols[0].settings, Key::fast_io_fail_tmo), "5");
}

TEST(Merge, RepeatedRulesAreDroppedButNotProtocols) {
  const ParseResult result = parse_text(
      "blacklist {\ndevnode a\ndevnode a\nwwid a\nwwid a\nproperty a\nproperty a\nprotocol a\nprotocol a\n"
      "device {\nvendor a\n}\ndevice {\nvendor a\n}\n}\n");
  const RuleList& list = result.config->blacklist;
  EXPECT_EQ(list.devnode.size(), 2u);
  EXPECT_EQ(list.wwid.size(), 1u);
  EXPECT_EQ(list.property.size(), 1u);
  EXPECT_EQ(list.protocol.size(), 2u);
  EXPECT_EQ(list.device.size(), 1u);
}

TEST(Parser, DiagnosticsAreBounded) {
  std::string text;
  for (std::size_t i = 0; i < limits::config_diagnostics + 50; ++i) text += "bogus 1\n";
  const ParseResult result = parse_text(text);
  EXPECT_EQ(result.diagnostics.size(), limits::config_diagnostics);
  EXPECT_EQ(result.further_diagnostics, 50u);
}

TEST(Parser, AMillionBraces) {
  std::string text;
  for (int i = 0; i < 1000000; ++i) text += "{\n";
  for (int i = 0; i < 10000; ++i) text += "defaults {\n";
  EXPECT_FALSE(parse_text(text).fatal);
}

TEST(Parser, ManyEqualEntriesCostNoSquare) {
  std::string text = "devices {\n";
  for (int i = 0; i < 20000; ++i) text += "device {\nvendor a\nproduct b\nprio alua\n}\n";
  text += "}\nmultipaths {\n";
  for (int i = 0; i < 20000; ++i) text += "multipath {\nwwid a\nalias b\n}\n";
  const ParseResult result = parse_text(text + "}\n");
  EXPECT_EQ(result.config->devices.size(), 1u);
  EXPECT_EQ(result.config->multipaths.size(), 1u);
  EXPECT_LE(result.config->devices[0].settings.replaced().size(), limits::replaced_settings);
}

}  // namespace
}  // namespace mpath::config
