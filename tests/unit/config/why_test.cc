// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/why.h"

#include <gtest/gtest.h>

#include "libmpath/config/parser.h"

namespace mpath::config {
namespace {

std::string answer(std::string text, const PathIdentity& path, Key key) {
  const SourceFile file{"mp.conf", std::move(text), FileKind::main};
  Resolver resolver(parse(std::span(&file, 1)).config);
  return render_why(why(resolver, path, key), true);
}

const PathIdentity acme{"ACME", "Disk", std::nullopt, "scsi:fcp", "sda", "36"};

TEST(Why, TheValueItsOriginAndWhatItOverrode) {
  const std::string text =
      "defaults {\n failback 5\n failback 6\n}\n"
      "devices {\n device {\n vendor ACME\n product Disk\n failback 10\n }\n}\n"
      "multipaths {\n multipath {\n wwid 36\n failback immediate\n }\n}\n";
  EXPECT_EQ(answer(text, acme, Key::failback),
            "failback \"immediate\"                     mp.conf:15 (multipaths)\n"
            "    not 10                               mp.conf:9 (devices)\n"
            "    not 6                                mp.conf:3 (defaults)\n"
            "    not 5                                mp.conf:2 (defaults)\n"
            "    not \"manual\"                         built-in default\n");
}

TEST(Why, NotesOfDetectionAndRules) {
  const struct {
    std::string text;
    Key key;
    std::string expected;
  } cases[] = {
      {"", Key::prio, "detect_prio yes"},
      {"defaults {\n detect_prio no\n}\n", Key::detect_prio, "mp.conf:2"},
      {"defaults {\n features \"1 queue_if_no_path\"\n}\n", Key::no_path_retry, "no_path_retry \"queue\""},
      {"defaults {\n features \"1 queue_if_no_path\"\n}\n", Key::features, "used as \"0\""},
      {"defaults {\n uid_attrs \"sd:ID_X\"\n}\n", Key::uid_attribute, "uid_attribute \"ID_X\""},
      {"defaults {\n prio_args x\n}\noverrides {\n prio alua\n}\n", Key::prio_args, "prio_args \"\""},
      {"defaults {\n retain_attached_hw_handler no\n}\n", Key::retain_attached_hw_handler, "since 4.3"},
      {"defaults {\n marginal_path_double_failed_time 60\n}\n", Key::marginal_path_double_failed_time, "needs all"},
      {"", Key::dev_loss_tmo, "(not set)"},
      {"", Key::polling_interval, "polling_interval 5"},
      {"overrides {\n fast_io_fail_tmo 7\n protocol {\n type scsi:fcp\n fast_io_fail_tmo 8\n }\n}\n", Key::fast_io_fail_tmo, "fast_io_fail_tmo 8"},
  };
  for (const auto& c : cases) {
    EXPECT_NE(answer(c.text, acme, c.key).find(c.expected), std::string::npos) << c.text << answer(c.text, acme, c.key);
  }
}

TEST(Why, TheTablesAlone) {
  Resolver resolver(parse({}).config);
  const auto lines = why(resolver, {"NETAPP", "LUN", std::nullopt, "", "", ""});
  const std::string text = render_why(lines, false);
  EXPECT_NE(text.find("no_path_retry \"queue\""), std::string::npos);
  EXPECT_NE(text.find("hardware table:"), std::string::npos);
  EXPECT_EQ(text.find("ghost_delay"), std::string::npos) << "what nobody sets is left out";
  EXPECT_NE(render_why(lines, true).find("ghost_delay"), std::string::npos);
  EXPECT_NE(render_why_json(lines).find("\"keyword\": \"no_path_retry\""), std::string::npos);
}

}  // namespace
}  // namespace mpath::config
