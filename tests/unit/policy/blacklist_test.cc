// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/blacklist.h"

#include <gtest/gtest.h>

#include "libmpath/config/parser.h"

namespace mpath::policy {
namespace {

using Kind = BlacklistVerdict::Kind;

Blacklist make(std::string text, bool nvme_native = false) {
  const config::SourceFile file{"mp.conf", std::move(text), config::FileKind::main};
  config::ParseOptions options;
  options.nvme_native_multipath = nvme_native;
  const config::ParseResult result = config::parse(std::span(&file, 1), options);
  EXPECT_FALSE(result.fatal);
  return Blacklist(result.config);
}

TEST(BlacklistDevnode, DefaultsAndRules) {
  const struct {
    std::string text, name;
    Kind expected;
  } cases[] = {
      {"", "sda", Kind::neutral},
      {"", "sdaa", Kind::neutral},
      {"", "dasda", Kind::neutral},
      {"", "nvme0n1", Kind::neutral},
      {"", "vda", Kind::blacklisted},
      {"", "loop0", Kind::blacklisted},
      {"blacklist {\n devnode \"^sda$\"\n}", "sda", Kind::blacklisted},
      {"blacklist {\n devnode \"^sda$\"\n}", "sdb", Kind::neutral},
      {"blacklist {\n devnode \"!^sdb\"\n}", "sdc", Kind::blacklisted},
      {"blacklist {\n devnode \"!^sdb\"\n}", "sdb", Kind::neutral},
      {"blacklist {\n devnode \"\\!x\"\n}", "sd!x", Kind::blacklisted},
      {"blacklist {\n devnode \"\\!x\"\n}", "sdx", Kind::neutral},
      {"blacklist {\n devnode \".*\"\n}\nblacklist_exceptions {\n devnode \"^sdq\"\n}", "sdq", Kind::whitelisted},
      {"blacklist_exceptions {\n devnode \"^vd\"\n}", "vda", Kind::whitelisted},
      {"blacklist_exceptions {\n devnode \"!^vd\"\n}", "vda", Kind::blacklisted},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(make(c.text).devnode(c.name).kind, c.expected) << c.text << " on " << c.name;
  }
  EXPECT_TRUE(make("", true).devnode("nvme0n1").is_blacklisted());
}

TEST(BlacklistDevice, PairsAndParts) {
  const std::string text =
      "blacklist {\n device {\n vendor \"ACME\"\n product \"^Disk\"\n }\n device {\n vendor \"WHOLE\"\n }\n"
      " device {\n product \"!^(Good|Disk|LUN)\"\n vendor \"NEG\"\n }\n}\n"
      "blacklist_exceptions {\n device {\n vendor \"ACME\"\n product \"Disk 7\"\n }\n}\n"
      "devices {\n device {\n vendor \"BOX\"\n product \".*\"\n product_blacklist \"Console\"\n }\n}\n";
  const struct {
    std::string vendor, product;
    Kind expected;
  } cases[] = {
      {"ACME", "Disk 1", Kind::blacklisted}, {"ACME", "Disk 7", Kind::whitelisted}, {"ACME", "xDisk", Kind::neutral},
      {"WHOLE", "anything", Kind::blacklisted}, {"NEG", "Good", Kind::neutral}, {"NEG", "Bad", Kind::blacklisted},
      {"BOX", "Console 2", Kind::blacklisted}, {"BOX", "Disk", Kind::neutral},
      {"DELL", "Universal Xport", Kind::blacklisted},  // the built-in table
      {"DELL", "MD38xxf", Kind::neutral},
  };
  Blacklist list = make(text);
  for (const auto& c : cases) {
    EXPECT_EQ(list.device(c.vendor, c.product).kind, c.expected) << c.vendor << ":" << c.product;
    EXPECT_EQ(list.device(c.vendor, c.product).kind, c.expected) << "remembered";
  }
}

TEST(BlacklistProperty, FirstInUdevOrderDecides) {
  Blacklist list = make("blacklist {\n property \"ID_ATA\"\n}\n");
  const struct {
    UdevProperties properties;
    std::string uid_attribute;
    Kind expected;
  } cases[] = {
      {{{"DEVNAME", "x"}, {"ID_WWN", "x"}, {"ID_ATA", "1"}}, "ID_SERIAL", Kind::whitelisted},
      {{{"ID_ATA", "1"}, {"ID_WWN", "x"}}, "ID_SERIAL", Kind::blacklisted},
      {{{"SCSI_IDENT_LUN_NAA", "x"}}, "ID_SERIAL", Kind::whitelisted},
      {{{"ID_SERIAL", "x"}}, "ID_SERIAL", Kind::blacklisted},  // has an identity but no known property
      {{{"ID_SERIAL", "x"}}, "", Kind::neutral},
      {{{"DEVNAME", "x"}}, "ID_SERIAL", Kind::neutral},
      {{}, "ID_SERIAL", Kind::neutral},
  };
  for (const auto& c : cases) EXPECT_EQ(list.property(c.properties, c.uid_attribute).kind, c.expected);
}

TEST(BlacklistJudge, CriteriaInOrderWithTheRuleThatDecided) {
  const std::string text =
      "blacklist {\n devnode \"^sdb$\"\n wwid \"^3600\"\n protocol \"scsi:ata\"\n}\n"
      "blacklist_exceptions {\n wwid \"^36005\"\n protocol \"scsi:fcp\"\n}\n";
  Blacklist list = make(text);
  BlacklistSubject subject{"sda", "ACME", "Disk", "scsi:fcp", "36005abc", {{"ID_WWN", "x"}, {"ID_SERIAL", "y"}}, "ID_SERIAL"};
  EXPECT_EQ(list.judge(subject).kind, Kind::whitelisted);
  EXPECT_EQ(list.judge(subject).criterion, Criterion::wwid);

  subject.wwid = "36001";
  EXPECT_EQ(list.judge(subject).text, "blacklisted by the wwid rule \"^3600\" (mp.conf:3 (blacklist))");

  subject.kernel_name = "sdb";  // an exception of a later criterion does not help
  EXPECT_EQ(list.judge(subject).criterion, Criterion::devnode);
  EXPECT_EQ(list.judge(subject).origin.line, 2u);

  subject.kernel_name = "vdb";
  EXPECT_EQ(list.judge(subject).text,
            "blacklisted by the device node rule \"!^(sd[a-z]|dasd[a-z]|nvme[0-9])\" (built-in rule)");

  subject = {"sda", "", "", "scsi:ata", "", {}, ""};
  EXPECT_EQ(list.judge(subject).criterion, Criterion::protocol);
}

}  // namespace
}  // namespace mpath::policy
