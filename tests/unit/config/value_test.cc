// SPDX-License-Identifier: LGPL-2.1-or-later
// Every value type of the language: what it accepts, what it caps, what means "not set", what is rejected.
#include "libmpath/config/value.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace mpath::config {
namespace {

/// The value as the dump prints it; "unset", "rejected" or "fatal" otherwise. A `~` in front: accepted with a remark.
std::string read(std::string_view name, std::string_view text, const ValueContext& context = {}) {
  const Keyword& row = keyword(*find_key(name));
  const ParsedValue parsed = parse_value(row, text, context);
  const std::string mark = parsed.remark.empty() ? "" : "~";
  switch (parsed.outcome) {
    case ParsedValue::Outcome::accepted: return mark + format_value(row, parsed.value);
    case ParsedValue::Outcome::cleared: return mark + "unset";
    case ParsedValue::Outcome::rejected: return "rejected";
    case ParsedValue::Outcome::fatal: return "fatal";
  }
  return "?";
}

TEST(Value, EachTypeReadsAsTheReferenceDoes) {
  const struct {
    std::string keyword, text, expected;
  } cases[] = {
      // yes_no
      {"reassign_maps", "yes", "\"yes\""}, {"reassign_maps", "1", "\"yes\""}, {"reassign_maps", "no", "\"no\""},
      {"reassign_maps", "0", "\"no\""}, {"reassign_maps", "Yes", "rejected"}, {"reassign_maps", "on", "rejected"},
      {"reassign_maps", "", "rejected"},
      // unsigned_number; zero would divide by zero in the reference
      {"polling_interval", "10", "10"}, {"polling_interval", " 10 ", "10"}, {"polling_interval", "0", "rejected"},
      {"polling_interval", "-1", "rejected"}, {"polling_interval", "+1", "rejected"}, {"polling_interval", "1x", "rejected"},
      {"polling_interval", "4294967295", "4294967294"}, {"polling_interval", "4294967296", "rejected"},
      {"max_polling_interval", "0", "rejected"},
      // number: capped to its range
      {"verbosity", "3", "3"}, {"verbosity", "6", "~4"}, {"verbosity", "-1", "~0"}, {"verbosity", "x", "rejected"},
      {"verbosity", "2 ", "2"}, {"verbosity", " +2", "2"}, {"verbosity", "2x", "rejected"}, {"verbosity", "", "rejected"},
      {"verbosity", "99999999999999999999", "~4"},
      {"uxsock_timeout", "1000", "~4000"}, {"uxsock_timeout", "5000", "5000"},
      {"checker_timeout", "0", "~unset"}, {"checker_timeout", "15", "15"},
      {"retrigger_tries", "0", "0"}, {"retrigger_tries", "-5", "~0"}, {"remove_retries", "3", "3"},
      {"find_multipaths_timeout", "-20", "-20"}, {"find_multipaths_timeout", "0", "unset"},
      {"find_multipaths_timeout", "-99999999999", "~-2147483648"},
      {"rr_min_io", "0", "~unset"}, {"rr_min_io_rq", "-1", "~unset"}, {"max_sectors_kb", "0", "~unset"},
      {"max_sectors_kb", "1024", "1024"}, {"max_sectors_kb", "=", "rejected"},
      // choice
      {"log_checker_err", "once", "\"once\""}, {"log_checker_err", "never", "rejected"},
      {"find_multipaths", "no", "\"off\""}, {"find_multipaths", "0", "\"off\""}, {"find_multipaths", "yes", "\"on\""},
      {"find_multipaths", "1", "\"on\""}, {"find_multipaths", "smart", "\"smart\""}, {"find_multipaths", "greedy", "\"greedy\""},
      {"find_multipaths", "strict", "\"strict\""}, {"find_multipaths", "all", "rejected"},
      {"marginal_pathgroups", "yes", "\"on\""}, {"marginal_pathgroups", "no", "\"off\""}, {"marginal_pathgroups", "fpin", "\"fpin\""},
      {"auto_resize", "grow_only", "\"grow_only\""}, {"auto_resize", "yes", "rejected"},
      {"flush_on_last_del", "never", "\"never\""}, {"flush_on_last_del", "no", "~\"unused\""},
      {"flush_on_last_del", "0", "~\"unused\""}, {"flush_on_last_del", "yes", "~\"always\""}, {"flush_on_last_del", "1", "~\"always\""},
      {"rr_weight", "priorities", "\"priorities\""}, {"vpd_vendor", "hp3par", "\"hp3par\""}, {"vpd_vendor", "undef", "unset"},
      // policy: matched by prefix, in the order of the list
      {"path_grouping_policy", "multibus", "\"multibus\""}, {"path_grouping_policy", "group_by_priority", "~\"group_by_prio\""},
      {"path_grouping_policy", "failover_x", "~\"failover\""}, {"path_grouping_policy", "group_by", "rejected"},
      {"path_grouping_policy", "group_by_tpg", "\"group_by_tpg\""},
      // text and names
      {"uid_attribute", "", "\"\""}, {"prio", "any thing", "\"any thing\""}, {"prio_args", "a\"b", "\"a\"\"b\""},
      {"alias", "a b", "\"a b\""}, {"alias", "a/b", "rejected"}, {"alias_prefix", "/", "rejected"},
      {"partition_delimiter", "/UNSET/", "rejected"}, {"partition_delimiter", "-p", "\"-p\""},
      // rules
      {"devnode", "^sd", "\"^sd\""}, {"devnode", "!^sd", "\"!^sd\""}, {"devnode", "(", "fatal"}, {"devnode", "!(", "fatal"},
      {"property", "[", "fatal"}, {"protocol", "scsi:.*", "\"scsi:.*\""},
      // counted words
      {"features", "0", "\"0\""}, {"features", "1 queue_if_no_path", "\"1 queue_if_no_path\""}, {"features", "", "rejected"},
      {"features", "2 queue_if_no_path", "rejected"}, {"features", "queue_if_no_path", "rejected"},
      {"features", " 2  pg_init_retries 50 ", "\" 2  pg_init_retries 50 \""},
      {"hardware_handler", "1 alua", "\"1 alua\""}, {"hardware_handler", "alua", "rejected"},
      {"path_selector", "round-robin 0", "\"round-robin 0\""}, {"path_selector", "round-robin", "rejected"},
      {"path_selector", "service-time 1", "rejected"}, {"path_selector", "historical-service-time 2 a b", "\"historical-service-time 2 a b\""},
      // off, 0, numbers
      {"fast_io_fail_tmo", "off", "\"off\""}, {"fast_io_fail_tmo", "0", "0"}, {"fast_io_fail_tmo", "5", "5"},
      {"fast_io_fail_tmo", "-5", "~1"}, {"fast_io_fail_tmo", "no", "rejected"}, {"eh_deadline", "off", "\"off\""},
      {"max_retries", "9", "~5"}, {"max_retries", "off", "\"off\""}, {"max_retries", "0", "0"},
      // no, numbers
      {"ghost_delay", "no", "\"no\""}, {"ghost_delay", "0", "\"no\""}, {"ghost_delay", "10", "10"}, {"ghost_delay", "-3", "~1"},
      {"san_path_err_threshold", "off", "rejected"},
      // special words
      {"no_path_retry", "fail", "\"fail\""}, {"no_path_retry", "0", "\"fail\""}, {"no_path_retry", "queue", "\"queue\""},
      {"no_path_retry", "12", "12"}, {"no_path_retry", "-1", "~1"}, {"no_path_retry", "never", "rejected"},
      {"failback", "manual", "\"manual\""}, {"failback", "immediate", "\"immediate\""}, {"failback", "followover", "\"followover\""},
      {"failback", "15", "15"}, {"failback", "0", "~unset"}, {"failback", "inmediate", "rejected"}, {"failback", "-1", "~unset"},
      {"dev_loss_tmo", "infinity", "\"infinity\""}, {"dev_loss_tmo", "600", "600"}, {"dev_loss_tmo", "60s", "~60"},
      {"dev_loss_tmo", "-1", "~\"infinity\""}, {"dev_loss_tmo", "0", "~unset"}, {"dev_loss_tmo", "x", "rejected"},
      {"dev_loss_tmo", "2147483647", "2147483647"}, {"dev_loss_tmo", "4294967295", "\"infinity\""},
      // ownership
      {"mode", "0644", "0644"}, {"mode", "660", "0660"}, {"mode", "0777", "0777"}, {"mode", "1777", "rejected"},
      {"mode", "0688", "rejected"}, {"mode", "rw", "rejected"}, {"uid", "0", "00"}, {"uid", "1000", "1000"},
      {"uid", "nobody-here", "rejected"}, {"gid", "disk", "rejected"},
      // reservation keys
      {"reservation_key", "file", "file"}, {"reservation_key", "0x1234ABCD", "0x1234abcd"}, {"reservation_key", "1234", "0x1234"},
      {"reservation_key", "x12", "0x12"}, {"reservation_key", "0X12:aptpl", "0x12:aptpl"}, {"reservation_key", "0x12:other", "~0x12"},
      {"reservation_key", "0", "fatal"}, {"reservation_key", "", "fatal"}, {"reservation_key", "0x12345678901234567", "fatal"},
      {"reservation_key", "0x1234567890123456", "0x1234567890123456"}, {"reservation_key", "File", "fatal"},
      // uid_attrs
      {"uid_attrs", "sd:ID_SERIAL dasd:ID_UID", "\"sd:ID_SERIAL dasd:ID_UID\""}, {"uid_attrs", "sd:ID_SERIAL junk", "~\"sd:ID_SERIAL\""},
      {"uid_attrs", "junk", "rejected"}, {"uid_attrs", "", "unset"},
      {"type", "scsi:fcp", "\"scsi:fcp\""}, {"type", "nvme:apple-nvme", "\"nvme:apple-nvme\""}, {"type", "scsi", "rejected"},
      {"max_fds", "max", "\"max\""}, {"max_fds", "1024", "1024"}, {"max_fds", "10000", "~4096"}, {"max_fds", "-1", "~0"},
  };
  for (const auto& c : cases) EXPECT_EQ(read(c.keyword, c.text), c.expected) << c.keyword << " '" << c.text << "'";
}

TEST(Value, TheSystemContributes) {
  ValueContext context;
  context.lookup_user = [](std::string_view name) -> std::optional<UserIds> {
    if (name == "oracle") return UserIds{3, 5};
    return std::nullopt;
  };
  context.most_open_files = 10000;
  EXPECT_EQ(read("uid", "oracle", context), "03");
  EXPECT_EQ(read("gid", "oracle", context), "05");
  EXPECT_EQ(read("uid", "7", context), "07");
  EXPECT_EQ(read("max_fds", "8192", context), "8192");
  EXPECT_EQ(read("max_fds", "10000", context), "\"max\"");
  EXPECT_EQ(read("max_fds", "20000", context), "~\"max\"");
}

TEST(Keywords, DefaultsAndExamplesOfTheTableAreValid) {
  ValueContext context;
  context.lookup_user = [](std::string_view) { return UserIds{3, 5}; };
  context.most_open_files = 1 << 20;
  for (const Keyword& row : all_keywords()) {
    EXPECT_FALSE(row.description.empty()) << row.name;
    EXPECT_FALSE(row.example.empty()) << row.name;
    if (row.type == ValueType::ignored) continue;
    std::string example(row.example);
    if (example.starts_with('"')) example = example.substr(1, example.size() - 2);
    const ParsedValue parsed = parse_value(row, example, context);
    EXPECT_EQ(parsed.outcome, ParsedValue::Outcome::accepted) << row.name << " " << example;
    EXPECT_EQ(parsed.remark, "") << row.name;
    if (row.default_text) {
      EXPECT_EQ(parse_value(row, *row.default_text, context).outcome, ParsedValue::Outcome::accepted) << row.name;
    }
    EXPECT_EQ(row.standing == Standing::current, row.successor.empty()) << row.name;
  }
}

TEST(Keywords, PlacementsAsCounted) {
  const struct {
    Section section;
    std::size_t expected;
  } cases[] = {{Section::defaults, 77}, {Section::device, 49}, {Section::overrides, 42}, {Section::multipath, 33},
               {Section::protocol, 4}, {Section::blacklist, 4}, {Section::blacklist_device, 2}, {Section::exceptions, 4},
               {Section::exceptions_device, 2}, {Section::devices, 0}, {Section::multipaths, 0}, {Section::root, 0}};
  for (const auto& c : cases) {
    const auto keys = keys_of(c.section);
    EXPECT_EQ(keys.size(), c.expected) << path_name(c.section);
    std::vector<Key> sorted(keys.begin(), keys.end());
    std::ranges::sort(sorted);
    EXPECT_EQ(std::ranges::adjacent_find(sorted), sorted.end()) << "twice in " << path_name(c.section);
  }
}

}  // namespace
}  // namespace mpath::config
