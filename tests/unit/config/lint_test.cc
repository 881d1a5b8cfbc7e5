// SPDX-License-Identifier: LGPL-2.1-or-later
// Seeded mistakes: each must be found on its line, and nothing must be said about good files.
#include "libmpath/config/lint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "libmpath/config/dump.h"

namespace mpath::config {
namespace {

LintReport lint_text_of(std::string text) {
  const SourceFile file{"mp.conf", std::move(text), FileKind::main};
  return lint(std::span(&file, 1));
}

struct Mistake {
  std::string text;  ///< the line with the mistake ends in the comment "# HERE"
  std::string_view id;
  Severity severity;
  std::string fix;  ///< what the fix must contain
};

const Mistake mistakes[] = {
    // keywords and places
    {"defaults {\n polling_intervall 10 # HERE\n}\n", "unknown-keyword", Severity::error, "polling_interval"},
    {"devices {\n device {\n vendor A\n pproduct B # HERE\n product C\n prio alua\n }\n}\n", "unknown-keyword", Severity::error, "product"},
    {"mutipaths { # HERE\n}\n", "unknown-keyword", Severity::error, "multipaths"},
    {"devnode_blacklist { # HERE\n}\n", "unknown-keyword", Severity::error, "blacklist"},
    {"defaults {\n udev_dir /dev # HERE\n}\n", "unknown-keyword", Severity::error, "remove"},
    {"multipaths {\n multipath {\n wwid 36\n path_checker tur # HERE\n alias x\n }\n}\n", "wrong-section", Severity::error, ""},
    {"defaults {\n alias x # HERE\n}\n", "wrong-section", Severity::error, ""},
    {"device { # HERE\n}\n", "wrong-section", Severity::error, ""},
    {"overrides {\n hardware_handler \"1 alua\" # HERE\n}\n", "wrong-section", Severity::error, ""},
    {"devices {\n vendor A # HERE\n}\n", "wrong-section", Severity::error, ""},
    // values
    {"defaults {\n failback inmediate # HERE\n}\n", "invalid-value", Severity::error, "failback immediate"},
    {"defaults {\n user_friendly_names on # HERE\n}\n", "invalid-value", Severity::error, ""},
    {"defaults {\n find_multipaths smrt # HERE\n}\n", "invalid-value", Severity::error, "smart"},
    {"defaults {\n polling_interval ten # HERE\n}\n", "invalid-value", Severity::error, ""},
    {"defaults {\n polling_interval 0 # HERE\n}\n", "invalid-value", Severity::error, ""},
    {"defaults {\n verbosity 6 # HERE\n}\n", "out-of-range", Severity::warning, "verbosity 4"},
    {"defaults {\n uxsock_timeout 1000 # HERE\n}\n", "out-of-range", Severity::warning, "4000"},
    {"defaults {\n path_grouping_policy group_by_priority # HERE\n}\n", "loose-value", Severity::warning, "group_by_prio"},
    {"defaults {\n features \"2 queue_if_no_path\" # HERE\n}\n", "invalid-value", Severity::error, "1 queue_if_no_path"},
    {"defaults {\n path_selector \"round-robin\" # HERE\n}\n", "invalid-value", Severity::error, "round-robin 0"},
    {"defaults {\n failback 0 # HERE\n}\n", "zero-means-unset", Severity::warning, ""},
    {"defaults {\n dev_loss_tmo 60s # HERE\n}\n", "loose-value", Severity::warning, "dev_loss_tmo 60"},
    {"defaults {\n flush_on_last_del yes # HERE\n}\n", "deprecated-value", Severity::warning, "always"},
    {"multipaths {\n multipath {\n wwid 36\n reservation_key 0 # HERE\n }\n}\n", "invalid-value", Severity::error, ""},
    {"multipaths {\n multipath {\n wwid 36\n reservation_key 0x0 # HERE\n }\n}\n", "loose-value", Severity::warning, "another key"},
    {"defaults {\n gid disk # HERE\n}\n", "invalid-value", Severity::error, ""},
    {"defaults {\n path_checker turr # HERE\n}\n", "unknown-name", Severity::error, "tur"},
    {"defaults {\n prio none # HERE\n}\n", "unknown-name", Severity::error, ""},
    {"defaults {\n detect_prio no\n prio iet\n prio_args preferredip=1.2 # HERE\n}\n", "bad-arguments", Severity::warning, "prio_args"},
    {"defaults {\n detect_prio no\n prio datacore # HERE\n}\n", "bad-arguments", Severity::warning, "prio_args"},
    {"defaults {\n detect_prio no\n prio path_latency\n prio_args \"io_num=5 base_num=10\" # HERE\n}\n", "bad-arguments", Severity::warning, ""},
    {"defaults {\n detect_prio no\n prio weightedpath\n prio_args \"devname sda\" # HERE\n}\n", "bad-arguments", Severity::warning, ""},
    {"defaults {\n detect_prio no\n prio weightedpath\n prio_args \"hbtl ( 5\" # HERE\n}\n", "bad-arguments", Severity::warning, ""},
    {"defaults {\n path_selector \"roundrobin 0\" # HERE\n}\n", "unknown-name", Severity::warning, "round-robin"},
    {"overrides {\n protocol {\n type scsi:fc # HERE\n eh_deadline 5\n }\n}\n", "invalid-value", Severity::error, "scsi:fcp"},
    // deprecated
    {"defaults {\n getuid_callout \"/sbin/scsi_id\" # HERE\n}\n", "deprecated-keyword", Severity::warning, "remove"},
    {"defaults {\n delay_watch_checks 12 # HERE\n delay_wait_checks 12\n}\n", "deprecated-keyword", Severity::warning, "marginal"},
    {"defaults {\n features \"1 queue_if_no_path\" # HERE\n}\n", "deprecated-feature", Severity::warning, "no_path_retry queue"},
    // form of lines
    {"defaults { # HERE\n verbosity 3\n", "missing-brace", Severity::warning, ""},
    {"defaults # HERE\n{\n}\n", "missing-brace", Severity::warning, "defaults {"},
    {"overrides # HERE\n", "missing-brace", Severity::error, "overrides {"},
    {"}# HERE\n", "stray-brace", Severity::error, ""},
    {"defaults {\n verbosity # HERE\n}\n", "missing-value", Severity::error, ""},
    {"devices {\n device {\n vendor NET APP # HERE\n product LUN\n prio alua\n }\n}\n", "extra-data", Severity::error, "quotes"},
    {"blacklist {\n devnode !^sd # HERE\n}\n", "comment-as-value", Severity::error, "\"!^sd"},
    {"blacklist {\n devnode ^sda#HERE\n}\n", "comment-in-word", Severity::warning, "quotes"},
    {"blacklist {\n wwid \"36 # HERE\n}\n", "missing-quote", Severity::warning, ""},
    {"devices {\n device {\n vendor \xe2\x80\x9cIBM\xe2\x80\x9d # HERE\n product 2145\n prio alua\n }\n}\n", "foreign-byte", Severity::warning, "plain"},
    {"defaults {\n verbosity 2\n verbosity 3 # HERE\n}\n", "duplicate-keyword", Severity::warning, ""},
    {"defaults {\n}\ndefaults { # HERE\n}\n", "duplicate-keyword", Severity::warning, ""},
    // expressions
    {"blacklist {\n devnode \"^(sd\" # HERE\n}\n", "bad-expression", Severity::error, ""},
    {"devices {\n device {\n vendor \"[A\" # HERE\n product B\n prio alua\n }\n}\n", "bad-expression", Severity::error, ""},
    {"blacklist {\n wwid \"*\" # HERE\n}\n", "bad-expression", Severity::error, ".*"},
    {"devices {\n device {\n vendor A\n product \"*\" # HERE\n prio alua\n }\n}\n", "bad-expression", Severity::error, ".*"},
    {"blacklist {\n devnode \"^sd*\" # HERE\n}\n", "glob-expression", Severity::warning, "^sd.*"},
    {"blacklist {\n devnode \"/dev/sda\" # HERE\n}\n", "never-matches", Severity::warning, ""},
    // entries
    {"devices {\n device { # HERE\n vendor A\n }\n}\n", "incomplete-entry", Severity::error, ""},
    {"multipaths {\n multipath { # HERE\n alias x\n }\n}\n", "incomplete-entry", Severity::error, ""},
    {"devices {\n device {\n vendor A\n product B\n prio alua\n }\n device { # HERE\n vendor A\n product B\n prio emc\n }\n}\n",
     "duplicate-entry", Severity::warning, ""},
    {"devices {\n device { # HERE\n vendor ACME\n product Disk\n prio emc\n }\n device {\n vendor ACME\n product .*\n prio alua\n }\n}\n",
     "never-decides", Severity::warning, ""},
    {"devices {\n device {\n vendor HEWLETT-PACKARD # HERE\n product Disk\n prio alua\n }\n}\n", "never-matches", Severity::warning, "HEWLETT-"},
    {"devices {\n device {\n vendor \"COMPAQ  \" # HERE\n product Disk\n prio alua\n }\n}\n", "never-matches", Severity::warning, "\"COMPAQ\""},
    {"devices {\n device {\n vendor \".*\" # HERE\n product \".*\"\n prio alua\n }\n}\n", "matches-all", Severity::warning, "overrides"},
    {"multipaths {\n multipath {\n wwid 1\n alias x\n }\n multipath {\n wwid 2\n alias x # HERE\n }\n}\n", "alias-clash", Severity::error, ""},
    {"multipaths {\n multipath {\n wwid 1\n alias mpatha # HERE\n }\n}\n", "alias-clash", Severity::warning, ""},
    {"multipaths {\n multipath {\n wwid 1\n alias a/b # HERE\n }\n}\n", "invalid-value", Severity::error, ""},
    {"multipaths {\n multipath {\n wwid \"36.*\" # HERE\n alias x\n }\n}\n", "never-matches", Severity::warning, ""},
    {"blacklist {\n wwid 36\n}\nmultipaths {\n multipath {\n wwid 3600 # HERE\n alias x\n }\n}\n", "blacklisted-entry", Severity::warning, ""},
    // contradictions
    {"defaults {\n no_path_retry 12\n features \"1 queue_if_no_path\" # HERE\n}\n", "contradiction", Severity::warning, ""},
    {"defaults {\n path_grouping_policy group_by_prio # HERE\n prio const\n detect_prio no\n}\n", "contradiction", Severity::warning, "alua"},
    {"defaults {\n prio const\n detect_prio no\n failback followover # HERE\n}\n", "contradiction", Severity::warning, ""},
    {"defaults {\n path_grouping_policy multibus\n failback followover # HERE\n}\n", "contradiction", Severity::warning, ""},
    {"defaults {\n fast_io_fail_tmo 60\n dev_loss_tmo 30 # HERE\n}\n", "contradiction", Severity::warning, ""},
    {"defaults {\n fast_io_fail_tmo off\n dev_loss_tmo 1000 # HERE\n}\n", "no-effect", Severity::warning, ""},
    {"defaults {\n polling_interval 60 # HERE\n max_polling_interval 20\n}\n", "contradiction", Severity::warning, "20"},
    {"defaults {\n prio_args x # HERE\n}\n", "no-effect", Severity::warning, ""},
    {"defaults {\n find_multipaths_timeout -20 # HERE\n}\n", "no-effect", Severity::warning, "smart"},
    {"defaults {\n detect_pgpolicy no\n detect_pgpolicy_use_tpg yes # HERE\n}\n", "no-effect", Severity::warning, ""},
    {"defaults {\n marginal_path_double_failed_time 60 # HERE\n}\n", "no-effect", Severity::warning, ""},
    {"defaults {\n recheck_wwid yes # HERE\n uid_attribute ID_WWN\n}\n", "no-effect", Severity::warning, ""},
    {"defaults {\n retain_attached_hw_handler no # HERE\n}\n", "no-effect", Severity::warning, ""},
    {"defaults {\n rr_min_io_rq 100 # HERE\n}\n", "no-effect", Severity::note, "round-robin"},
    {"defaults {\n path_selector \"io-affinity 0\" # HERE\n path_grouping_policy multibus\n}\n", "contradiction", Severity::note, "failover"},
    {"defaults {\n checker_timeout 5\n suspect_after 5 # HERE\n}\n", "no-effect", Severity::warning, "suspect_after"},
    // blacklists
    {"blacklist {\n devnode \".*\" # HERE\n}\n", "hides-everything", Severity::warning, "exceptions"},
    {"blacklist {\n wwid \".*\" # HERE\n}\n", "hides-everything", Severity::warning, "exceptions"},
    {"blacklist {\n device { # HERE\n vendor \".*\"\n }\n}\n", "hides-everything", Severity::warning, "exceptions"},
    {"blacklist_exceptions {\n wwid 36 # HERE\n}\n", "no-effect", Severity::note, ""},
};

std::uint32_t marked_line(const std::string& text) {
  const std::size_t at = text.find("HERE");
  return at == std::string::npos ? 0 : static_cast<std::uint32_t>(std::count(text.begin(), text.begin() + static_cast<long>(at), '\n') + 1);
}

TEST(Lint, FindsEverySeededMistakeOnItsLine) {
  static_assert(std::size(mistakes) >= 40);
  for (const Mistake& mistake : mistakes) {
    const LintReport report = lint_text_of(mistake.text);
    // A missing closing brace is seen at the end of the file only.
    const bool at_end = mistake.text.starts_with("defaults { # HERE");
    const std::uint32_t line = at_end ? 2 : marked_line(mistake.text);
    const auto found = std::ranges::find_if(report.diagnostics, [&](const Diagnostic& d) {
      return d.id == mistake.id && d.line == line && d.severity == mistake.severity;
    });
    const SourceFile file{"mp.conf", mistake.text, FileKind::main};
    if (found == report.diagnostics.end()) {
      ADD_FAILURE() << mistake.id << " not found on line " << line << " of\n" << mistake.text << render(report, std::span(&file, 1));
      continue;
    }
    EXPECT_NE(found->fix.find(mistake.fix), std::string::npos) << mistake.text << "fix: " << found->fix;
    EXPECT_FALSE(found->text.empty());
  }
}

TEST(Lint, SaysNothingAboutGoodFiles) {
  const std::string good[] = {
      "",
      "defaults {\n\tuser_friendly_names yes\n\tfind_multipaths yes\n\tpolling_interval 10\n}\n",
      "defaults {\n\tpath_grouping_policy group_by_prio\n\tprio alua\n\tfailback immediate\n\tno_path_retry 12\n}\n",
      "blacklist {\n\tdevnode \"^sda$\"\n\tdevice {\n\t\tvendor \"ATA\"\n\t}\n}\n",
      "blacklist {\n\twwid \".*\"\n}\nblacklist_exceptions {\n\twwid \"^3600\"\n}\n",
      "devices {\n\tdevice {\n\t\tvendor \"PURE\"\n\t\tproduct \"FlashArray\"\n\t\tno_path_retry 10\n\t}\n}\n",
      "multipaths {\n\tmultipath {\n\t\twwid 3600508b4000156d700012000000b0000\n\t\talias oracle_data\n\t}\n}\n",
      "overrides {\n\tprotocol {\n\t\ttype scsi:fcp\n\t\tfast_io_fail_tmo 5\n\t\tdev_loss_tmo 600\n\t}\n}\n",
  };
  for (const std::string& text : good) {
    const SourceFile file{"mp.conf", text, FileKind::main};
    const LintReport report = lint(std::span(&file, 1));
    EXPECT_EQ(render(report, std::span(&file, 1)), "") << text;
    EXPECT_EQ(report.exit_status(), 0);
  }
}

TEST(Lint, SaysNothingAboutSelectorsAndSuspicionThatWork) {
  for (const char* text : {"defaults {\n path_selector \"io-affinity 0\"\n path_grouping_policy failover\n detect_pgpolicy no\n}\n",
                           "defaults {\n checker_timeout 5\n suspect_after 2\n}\n", "defaults {\n suspect_after 60\n}\n",
                           "defaults {\n checker_timeout 5\n suspect_after off\n}\n"}) {
    EXPECT_TRUE(lint_text_of(text).diagnostics.empty()) << text;
  }
}

TEST(Lint, NoErrorOnTheDefaultDump) {
  const std::string dump = dump_config(*parse({}).config);
  const SourceFile file{"dump.conf", dump, FileKind::main};
  const LintReport report = lint(std::span(&file, 1));
  for (const Diagnostic& d : report.diagnostics) EXPECT_NE(d.severity, Severity::error) << d.line << ": " << d.text;
}

TEST(Lint, TheExampleFileIsClean) {
  std::ifstream stream(MPATH_SOURCE_DIR "/conf/multipath.conf.example");
  const SourceFile file{"multipath.conf.example", {std::istreambuf_iterator<char>(stream), {}}, FileKind::main};
  ASSERT_FALSE(file.bytes.empty());
  const LintReport report = lint(std::span(&file, 1));
  EXPECT_EQ(report.exit_status(), 0) << render(report, std::span(&file, 1));
}

TEST(Lint, SaysWhichFileOverrides) {
  const SourceFile files[] = {{"main.conf", "defaults {\n failback 5\n}\n", FileKind::main},
                              {"drop.conf", "defaults {\n failback manual\n}\n", FileKind::drop_in}};
  const LintReport report = lint(files);
  EXPECT_EQ(render(report, files),
            "main.conf:2:11: note: failback is overridden by drop.conf:2 [overridden]\n"
            "    2 |  failback 5\n"
            "      |           ^\n");
  EXPECT_EQ(report.exit_status(), 0);
}

TEST(Lint, Rendering) {
  const SourceFile file{"mp.conf", "defaults {\n\tverbosity \x1b[31m 3\n\tfailback inmediate\n}\n", FileKind::main};
  const LintReport report = lint(std::span(&file, 1));
  const std::string text = render(report, std::span(&file, 1));
  EXPECT_EQ(text.find('\x1b'), std::string::npos) << "bytes of the file are escaped";
  EXPECT_NE(text.find("mp.conf:3:11: error: invalid value for failback: \"inmediate\"; expected manual, immediate, "
                      "followover or a number from 1 [invalid-value]\n"
                      "    3 | \tfailback inmediate\n"
                      "      | \t         ^\n"
                      "      = fix: failback immediate\n"),
            std::string::npos)
      << text;
  const auto json = nlohmann::json::parse(render_json(report, std::span(&file, 1)));
  EXPECT_EQ(json["errors"], report.count(Severity::error));
  EXPECT_EQ(json["diagnostics"].back()["line"], 3);
  EXPECT_EQ(json["diagnostics"].back()["id"], "invalid-value");
}

TEST(Lint, ExitStatus) {
  EXPECT_EQ(lint_text_of("defaults {\n verbosity 6\n}\n").exit_status(), 1);
  EXPECT_EQ(lint_text_of("defaults {\n verbosity 6\n}\n").exit_status(true), 2);
  EXPECT_EQ(lint_text_of("defaults {\n verbosity x\n}\n").exit_status(), 2);
}

}  // namespace
}  // namespace mpath::config
