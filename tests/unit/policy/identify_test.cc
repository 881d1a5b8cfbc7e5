// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/identify.h"

#include "tests/unit/policy/fixture.h"

namespace mpath::policy {
namespace {

using Page = std::vector<std::uint8_t>;

/// Page 0x83 with an NAA 6 name ending in `last` and target port group `group`.
Page page(std::uint8_t last, std::uint8_t group = 1) {
  return {0, 0x83, 0, 28, 1, 3, 0, 16, 0x60, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last, 1, 0x15, 0, 4, 0, 0, 0, group};
}
const std::string from_page = "36000000000000000000000000000000a";

PathFacts identified(const DiscoveredPath& path, const std::string& defaults, bool fallback = true) {
  config::Resolver resolver = resolver_of(defaults);
  return identify(path, *resolver.path(identity_for_lookup(path.facts)), resolver.daemon(), fallback);
}

TEST(Identify, TakesTheWwidFromWhereTheConfigurationSays) {
  const struct {
    std::string what, defaults;
    UdevProperties properties;
    bool with_page, fallback;
    std::string wwid;
    WwidSource source;
  } cases[] = {
      {"udev property", "", {{"ID_SERIAL", "3600b"}}, true, true, "3600b", WwidSource::udev_property},
      {"trailing blanks", "", {{"ID_SERIAL", "3600b  "}}, true, true, "3600b", WwidSource::udev_property},
      {"another property", "uid_attribute ID_WWN", {{"ID_SERIAL", "3600b"}, {"ID_WWN", "0xb"}}, true, true, "0xb", WwidSource::udev_property},
      {"uid_attrs", "uid_attrs \"nvme:ID_X sd:ID_UID\"", {{"ID_SERIAL", "3600b"}, {"ID_UID", "u"}}, true, true, "u", WwidSource::udev_property},
      {"no property, fallback", "", {}, true, true, from_page, WwidSource::vpd_page},
      {"empty property, fallback", "", {{"ID_SERIAL", " "}}, true, true, from_page, WwidSource::vpd_page},
      {"no property, no fallback yet", "", {}, true, false, "", WwidSource::none},
      {"no attribute: the page is the normal way", "uid_attribute \"\"", {{"ID_SERIAL", "3600b"}}, true, false, from_page, WwidSource::vpd_page},
      {"nothing at all", "", {}, false, true, "", WwidSource::none},
      {"a property of one's own is not replaced by the page", "uid_attribute MY_ID", {{"ID_SERIAL", "3600b"}}, true, true, "", WwidSource::none},
      {"nor is one of uid_attrs", "uid_attrs sd:MY_ID", {{"ID_SERIAL", "3600b"}}, true, true, "", WwidSource::none},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    DiscoveredPath path{.facts = facts_of("sda"), .properties = c.properties};
    if (c.with_page) path.vpd_page_83 = page(0xa);
    PathFacts facts = identified(path, c.defaults, c.fallback);
    EXPECT_EQ(facts.wwid.text, c.wwid);
    EXPECT_EQ(facts.wwid_source, c.source);
    EXPECT_EQ(facts.identity != 0, c.with_page);
    EXPECT_EQ(facts.target_port_group.has_value(), c.with_page);
  }
}

TEST(Identify, WhatUdevSaysIsWhatThePathMustAnswerAs) {
  auto seen = [](const std::string& property, const std::string& value, std::uint8_t last) {
    DiscoveredPath path{.facts = facts_of("sda"), .properties = {{property, value}}, .vpd_page_83 = page(last)};
    return identified(path, "uid_attribute " + property);
  };
  std::string other = from_page;
  other.back() = 'b';
  std::uint64_t a = seen("ID_SERIAL", from_page, 0xa).identity;
  EXPECT_EQ(seen("ID_SERIAL", other, 0xb).identity, seen("ID_SERIAL", "serial", 0xb).identity) << "both say the same";
  PathFacts stale = seen("ID_SERIAL", from_page, 0xb);
  EXPECT_EQ(stale.wwid.text, from_page);
  EXPECT_EQ(stale.identity, a) << "the kernel's copy of the page is of another volume";
  EXPECT_EQ(with_vpd_page_83(stale, page(0xa), true).identity, a) << "it answers as it should";
  EXPECT_NE(with_vpd_page_83(stale, page(0xb), true).identity, a) << "it is the other one";
  EXPECT_NE(seen("ID_UID", from_page, 0xb).identity, a) << "whatever makes that property may have reasons of its own";
}

TEST(Identify, NvmeAndDasdAskSysfs) {
  DiscoveredPath nvme{.facts = facts_of("nvme0n1")};
  nvme.facts.bus = Bus::nvme;
  nvme.sysfs_wwid = "uuid.1234";
  EXPECT_EQ(identified(nvme, "uid_attribute ID_WWN").wwid.text, "uuid.1234");
  DiscoveredPath dasd{.facts = facts_of("dasda")};
  dasd.facts.bus = Bus::ccw;
  dasd.sysfs_wwid = "IBM.750000000ABCD1.0010.01.0002";
  EXPECT_EQ(identified(dasd, "uid_attribute ID_UID").wwid.text, "IBM.750000000ABCD1.0010.01");
}

TEST(WithVpdPage, ChangesIdentityAndPortButNeverAWwidThatIsThere) {
  PathFacts facts = facts_of("sda");
  facts.wwid = {"3600b"};
  PathFacts a = with_vpd_page_83(facts, page(0xa), true);
  EXPECT_EQ(a.wwid.text, "3600b");
  EXPECT_EQ(a.target_port_group, 1);
  EXPECT_NE(a.identity, 0U);
  PathFacts b = with_vpd_page_83(a, page(0xb, 2), true);
  EXPECT_NE(b.identity, a.identity);
  EXPECT_EQ(b.target_port_group, 2);
  EXPECT_EQ(with_vpd_page_83(facts, page(0xa, 7), true).identity, a.identity) << "through another port it is the same volume";

  facts.wwid = {};
  EXPECT_EQ(with_vpd_page_83(facts, page(0xa), true).wwid.text, from_page);
  EXPECT_EQ(with_vpd_page_83(facts, page(0xa), false).wwid.text, "");
  for (const Page& unreadable : {Page{}, Page{0}, Page{0, 0x80, 0, 0}, Page(3, 0xff)}) {
    PathFacts same = with_vpd_page_83(a, unreadable, true);
    EXPECT_EQ(same.identity, a.identity) << "silence is not another volume";
    EXPECT_EQ(same.wwid, a.wwid);
  }
}

}  // namespace
}  // namespace mpath::policy
