// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/dump.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <random>

#include "libmpath/config/parser.h"

namespace mpath::config {
namespace {

ParseResult parse_text(std::string text, bool hardware_table = false) {
  const SourceFile file{"mp.conf", std::move(text), FileKind::main};
  ParseOptions options;
  options.hardware_table = hardware_table;
  return parse(std::span(&file, 1), options);
}

/// The part of a dump from `begin` to the first closing brace of the first column.
std::string section(const std::string& dump, std::string_view begin) {
  const std::size_t at = dump.find(std::string(begin) + " {\n");
  if (at == std::string::npos) return "";
  return dump.substr(at, dump.find("\n}\n", at) + 3 - at);
}

TEST(Dump, SectionsAndForms) {
  const std::string dump = dump_config(*parse_text(
      "defaults {\n prio_args \"a\"\"b\"\n uid 3\n reservation_key 0xAB:aptpl\n checker hp_sw\n getuid_callout x\n}\n"
      "overrides {\n no_path_retry fail\n fast_io_fail_tmo off\n dev_loss_tmo infinity\n protocol {\n type scsi:fcp\n eh_deadline off\n }\n}\n"
      "multipaths {\n multipath {\n wwid b\n mode 0644\n reservation_key file\n }\n multipath {\n wwid a\n alias x\n }\n}\n").config);
  const std::string defaults = section(dump, "defaults");
  EXPECT_NE(defaults.find("\tprio_args \"a\"\"b\"\n"), std::string::npos);
  EXPECT_NE(defaults.find("\tpath_checker \"hp_sw\"\n"), std::string::npos);
  EXPECT_NE(defaults.find("\tuid 03\n"), std::string::npos);
  EXPECT_NE(defaults.find("\treservation_key 0xab:aptpl\n"), std::string::npos);
  EXPECT_EQ(defaults.find("getuid_callout"), std::string::npos);
  EXPECT_EQ(defaults.find("\tchecker "), std::string::npos);
  EXPECT_EQ(section(dump, "overrides"),
            "overrides {\n\tno_path_retry \"fail\"\n\tfast_io_fail_tmo \"off\"\n\tdev_loss_tmo \"infinity\"\n"
            "\tprotocol {\n\t\ttype \"scsi:fcp\"\n\t\teh_deadline \"off\"\n\t}\n}\n");
  EXPECT_EQ(section(dump, "multipaths"),
            "multipaths {\n\tmultipath {\n\t\twwid \"a\"\n\t\talias \"x\"\n\t}\n"
            "\tmultipath {\n\t\twwid \"b\"\n\t\tmode 0644\n\t\treservation_key file\n\t}\n}\n");
}

TEST(Dump, OwnersAreReadBackAsTheyWere) {
  const std::string text = "defaults {\n uid 1000\n gid 8\n}\n";
  const std::string dump = dump_config(*parse_text(text).config);
  const auto again = parse_text(dump).config;
  EXPECT_EQ(std::get<std::int64_t>(again->defaults.find(Key::uid)->value), 1000);
  EXPECT_EQ(std::get<std::int64_t>(again->defaults.find(Key::gid)->value), 8);
}

TEST(Dump, Blacklist) {
  const std::string dump = dump_config(*parse_text(
      "blacklist {\n device {\n vendor V\n }\n protocol p\n property q\n wwid w\n devnode d\n device {\n product P\n }\n}\n").config);
  EXPECT_EQ(section(dump, "blacklist"),
            "blacklist {\n\tdevnode \"d\"\n\tdevnode \"!^(sd[a-z]|dasd[a-z]|nvme[0-9])\"\n\twwid \"w\"\n\tproperty \"q\"\n"
            "\tprotocol \"p\"\n\tdevice {\n\t\tvendor \"V\"\n\t}\n\tdevice {\n\t\tproduct \"P\"\n\t}\n}\n");
}

TEST(Dump, Local) {
  const auto config = parse_text(
      "devices {\n device {\n vendor A\n product a\n }\n device {\n vendor B\n product b\n }\n}\n"
      "multipaths {\n multipath {\n wwid 1\n alias one\n }\n multipath {\n wwid 2\n failback 5\n }\n}\n").config;
  const LocalUse use{{1}, {{"2", "mpatha"}, {"3", "3"}, {"4", "mpathb"}}};
  const std::string dump = dump_local(*config, use);
  EXPECT_EQ(section(dump, "devices"), "devices {\n\tdevice {\n\t\tvendor \"B\"\n\t\tproduct \"b\"\n\t}\n}\n");
  EXPECT_EQ(section(dump, "multipaths"),
            "multipaths {\n\tmultipath {\n\t\twwid \"2\"\n\t\tfailback 5\n\t\t# alias \"mpatha\"\n\t}\n"
            "\tmultipath {\n\t\twwid \"3\"\n\t}\n\tmultipath {\n\t\twwid \"4\"\n\t\t# alias \"mpathb\"\n\t}\n}\n");
  EXPECT_EQ(section(dump_local(*config, {}), "multipaths"), "");
}

TEST(ShowBlacklist, FiveBlocks) {
  const auto config = parse_text("blacklist {\n devnode ^sda\n device {\n vendor V\n }\n}\nblacklist_exceptions {\n wwid 36\n}\n").config;
  EXPECT_EQ(format_blacklist(*config),
            "device node rules:\n- blacklist:\n        (config file rule) ^sda\n"
            "        (default rule)    !^(sd[a-z]|dasd[a-z]|nvme[0-9])\n- exceptions:\n        <empty>\n"
            "udev property rules:\n- blacklist:\n        <empty>\n- exceptions:\n"
            "        (default rule)    (SCSI_IDENT_|ID_WWN)\n"
            "protocol rules:\n- blacklist:\n        <empty>\n- exceptions:\n        <empty>\n"
            "wwid rules:\n- blacklist:\n        <empty>\n- exceptions:\n        (config file rule) 36\n"
            "device rules:\n- blacklist:\n        (config file rule) V:(null)\n- exceptions:\n        <empty>\n");
}

unsigned chosen_seed() {
  if (const char* given = std::getenv("MPATH_TEST_SEED")) return static_cast<unsigned>(std::strtoul(given, nullptr, 10));
  return std::random_device{}();
}

/// A file of random keywords and values, right and wrong ones, in random sections.
std::string random_file(std::mt19937& random) {
  const auto pick = [&](std::size_t count) { return std::uniform_int_distribution<std::size_t>(0, count - 1)(random); };
  static constexpr std::string_view values[] = {
      "yes", "no", "0", "1", "12", "-1", "off", "queue", "fail", "infinity", "manual", "immediate", "group_by_prio", "\"\"", "\"a\"\"b\"",
      "\"1 queue_if_no_path\"", "\"2 pg_init_retries 50\"", "\"service-time 0\"", "alua", "\"x y\"", "\"open", "scsi:fcp", "0x12", "file",
      "4294967295", "\"^a.*\"", "\"!b\"", "\"\xc3\xa9\"", "always", "\"1 retain_attached_hw_handler\"", "0644", "}", "{", "smart"};
  std::string text;
  for (int block = 0; block < 12; ++block) {
    const Section where = static_cast<Section>(1 + pick(section_count - 1));
    for (const Block& outer : all_blocks()) {
      if (outer.section != where || outer.parent == Section::root) continue;
      text += std::string(name(outer.parent)) + " {\n";
    }
    text += std::string(name(where)) + " {\n";
    if (where == Section::device) text += "vendor v" + std::to_string(pick(3)) + "\nproduct p\n";
    if (where == Section::multipath) text += "wwid w" + std::to_string(pick(3)) + "\n";
    if (where == Section::protocol) text += "type scsi:fcp\n";
    const auto keys = keys_of(where);
    for (std::size_t i = 0; i < 10; ++i) {
      const Key key = keys.empty() || pick(10) == 0 ? all_keywords()[pick(key_count)].key : keys[pick(keys.size())];
      text += std::string(keyword(key).name) + ' ' + std::string(values[pick(std::size(values))]) + '\n';
    }
    text += pick(8) == 0 ? "}\n" : "}\n}\n";
  }
  return text;
}

TEST(Property, ADumpIsAFixpoint) {
  const unsigned seed = chosen_seed();
  RecordProperty("seed", static_cast<int>(seed));
  std::mt19937 random(seed);
  for (int round = 0; round < 300; ++round) {
    const std::string text = random_file(random);
    const std::string first = dump_config(*parse_text(text).config);
    const ParseResult again = parse_text(first);
    ASSERT_EQ(dump_config(*again.config), first) << "MPATH_TEST_SEED=" << seed << " round " << round << "\n" << text;
    for (const Diagnostic& diagnostic : again.diagnostics) {
      ASSERT_NE(diagnostic.severity, Severity::error)
          << "MPATH_TEST_SEED=" << seed << " round " << round << ": " << diagnostic.text << "\n" << first;
    }
  }
}

TEST(Property, RandomBytesDoNoHarm) {
  const unsigned seed = chosen_seed();
  std::mt19937 random(seed);
  const std::string_view alphabet = "defaults{}\"\n\n #!ab\\01\t\r\xff(";
  for (int round = 0; round < 300; ++round) {
    std::string text;
    const std::size_t size = random() % 3000;
    for (std::size_t i = 0; i < size; ++i) {
      text += round % 2 == 0 ? static_cast<char>(random()) : alphabet[random() % alphabet.size()];
    }
    const std::string first = dump_config(*parse_text(text).config);
    ASSERT_EQ(dump_config(*parse_text(first).config), first) << "MPATH_TEST_SEED=" << seed << " round " << round;
  }
}

}  // namespace
}  // namespace mpath::config
