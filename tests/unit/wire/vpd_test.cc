// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/vpd.h"

#include <gtest/gtest.h>

#include "libmpath/base/limits.h"
#include "libmpath/wire/wwid.h"
#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

using Page = std::vector<std::uint8_t>;

constexpr std::uint8_t lun = 0x00;
constexpr std::uint8_t port = 0x10;
constexpr std::uint8_t t10 = 1, eui = 2, naa = 3, name_string = 8;

/// Builds pages designator by designator.
class PageBuilder {
 public:
  PageBuilder& add(std::uint8_t association, std::uint8_t type, const std::vector<std::uint8_t>& value) {
    std::uint8_t code_set = type == t10 || type == name_string ? 2 : 1;
    body_.insert(body_.end(), {code_set, static_cast<std::uint8_t>(association | type), 0,
                               static_cast<std::uint8_t>(value.size())});
    body_.insert(body_.end(), value.begin(), value.end());
    return *this;
  }
  PageBuilder& add(std::uint8_t association, std::uint8_t type, std::string_view text) {
    return add(association, type, std::vector<std::uint8_t>(text.begin(), text.end()));
  }
  [[nodiscard]] Page page(std::uint8_t code = 0x83) const {
    Page page = {0, code, static_cast<std::uint8_t>(body_.size() >> 8),
                 static_cast<std::uint8_t>(body_.size())};
    page.insert(page.end(), body_.begin(), body_.end());
    return page;
  }

 private:
  Page body_;
};

std::vector<std::uint8_t> naa_bytes(std::uint8_t format, std::size_t size) {
  std::vector<std::uint8_t> value(size, 0xab);
  value[0] = static_cast<std::uint8_t>(format << 4 | 0x0);
  return value;
}

std::string chosen(const PageBuilder& builder) {
  auto wwid = choose_wwid(builder.page());
  return wwid ? wwid->text : "error: " + std::string(to_string(wwid.error().code));
}

TEST(ChooseWwid, RendersEachKind) {
  EXPECT_EQ(chosen(PageBuilder().add(lun, naa, naa_bytes(6, 16))), "360ababababababababababababababab");
  EXPECT_EQ(chosen(PageBuilder().add(lun, naa, naa_bytes(5, 8))), "350ababababababab");
  EXPECT_EQ(chosen(PageBuilder().add(lun, naa, naa_bytes(2, 8))), "320ababababababab");
  EXPECT_EQ(chosen(PageBuilder().add(lun, naa, naa_bytes(3, 8))), "330ababababababab");
  EXPECT_EQ(chosen(PageBuilder().add(lun, eui, naa_bytes(1, 12))), "210ababababababababababab");
  EXPECT_EQ(chosen(PageBuilder().add(lun, name_string, "naa.600A0B80")), "3600a0b80");
  EXPECT_EQ(chosen(PageBuilder().add(lun, name_string, std::string_view("eui.0123ABCD\0\0\0\0", 16))),
            "20123abcd");
  EXPECT_EQ(chosen(PageBuilder().add(lun, name_string, "iqn.2001-04.org.Example:Disk")),
            "82001-04.org.Example:Disk");
  EXPECT_EQ(chosen(PageBuilder().add(lun, t10, "LIO-ORG disk   one  ")), "1LIO-ORG_disk_one");
}

TEST(ChooseWwid, PrefersByRankAndTheFirstAmongEquals) {
  PageBuilder all;
  all.add(lun, naa, naa_bytes(3, 8)).add(lun, t10, "VENDOR  x");
  EXPECT_EQ(chosen(all), "1VENDOR_x");
  all.add(lun, name_string, "iqn.a");
  EXPECT_EQ(chosen(all), "8a");
  all.add(lun, eui, naa_bytes(1, 8));
  EXPECT_EQ(chosen(all), "210ababababababab");
  all.add(lun, naa, naa_bytes(2, 8));
  EXPECT_EQ(chosen(all), "320ababababababab");
  all.add(lun, naa, naa_bytes(5, 8));
  EXPECT_EQ(chosen(all), "350ababababababab");
  all.add(lun, naa, naa_bytes(6, 16));
  EXPECT_EQ(chosen(all), "360ababababababababababababababab");
  auto other = naa_bytes(6, 16);
  other[15] = 0;
  all.add(lun, naa, other);
  EXPECT_EQ(chosen(all), "360ababababababababababababababab");
}

TEST(ChooseWwid, IgnoresWhatCannotServe) {
  const std::vector<PageBuilder> pages = {
      PageBuilder().add(port, naa, naa_bytes(6, 16)), PageBuilder().add(lun, naa, naa_bytes(6, 8)),
      PageBuilder().add(lun, naa, naa_bytes(5, 16)),  PageBuilder().add(lun, naa, naa_bytes(4, 8)),
      PageBuilder().add(lun, eui, naa_bytes(1, 10)),  PageBuilder().add(lun, name_string, "abc.def"),
      PageBuilder().add(lun, name_string, "iqn."),    PageBuilder().add(lun, t10, "VENDOR"),
      PageBuilder().add(lun, naa, std::string_view{}), PageBuilder().add(lun, t10, "        "), PageBuilder(),
  };
  for (const auto& builder : pages) EXPECT_EQ(chosen(builder), "error: not_found");
}

TEST(ChooseWwid, IsBoundedAndSafeAsAFileName) {
  EXPECT_EQ(chosen(PageBuilder().add(lun, t10, "../../etc/x")), "1.._.._etc_x");
  EXPECT_EQ(chosen(PageBuilder().add(lun, t10, "VENDOR\n\x1b[0m\xff")), "1VENDOR__[0m_");
  std::string long_name = chosen(PageBuilder().add(lun, name_string, "iqn." + std::string(200, 'x')));
  EXPECT_EQ(long_name, "8" + std::string(limits::wwid_bytes - 1, 'x'));
}

TEST(DeviceIdentification, RefusesOtherPages) {
  EXPECT_EQ(parse_device_identification(PageBuilder().page(0x80)).error().code, ErrorCode::corrupt);
  EXPECT_EQ(parse_device_identification(Page{0, 0x83, 0}).error().code, ErrorCode::corrupt);
  EXPECT_EQ(parse_device_identification(Page{}).error().code, ErrorCode::corrupt);
}

TEST(DeviceIdentification, StopsAtACutDesignatorAndAtTheHeadersLength) {
  Page page = PageBuilder().add(lun, naa, naa_bytes(5, 8)).add(lun, naa, naa_bytes(6, 16)).page();
  Page cut(page.begin(), page.end() - 1);
  ASSERT_EQ(parse_device_identification(cut)->size(), 1u);
  EXPECT_EQ(choose_wwid(cut)->text, "350ababababababab");
  page[3] = 12;
  EXPECT_EQ(parse_device_identification(page)->size(), 1u);
}

TEST(DeviceIdentification, GivesThePortsNumbers) {
  Page page = PageBuilder()
                  .add(lun, 5, {0, 0, 9, 9})
                  .add(port, 4, {0, 0, 0x12, 0x34})
                  .add(port, 5, {0, 0, 0x01, 0x02})
                  .page();
  EXPECT_EQ(relative_target_port(page), 0x1234);
  EXPECT_EQ(target_port_group(page), 0x0102);
  EXPECT_EQ(target_port_group(PageBuilder().add(port, 5, {0, 0, 1}).page()), std::nullopt);
  EXPECT_EQ(target_port_group(Page{}), std::nullopt);
}

TEST(IdentityFingerprint, DependsOnTheLogicalUnitOnly) {
  auto through = [](std::uint8_t group, std::uint8_t last) {
    auto value = naa_bytes(6, 16);
    value[15] = last;
    return identity_fingerprint(PageBuilder().add(lun, naa, value).add(port, 5, {0, 0, 0, group}).page());
  };
  EXPECT_NE(through(1, 1), 0u);
  EXPECT_EQ(through(1, 1), through(2, 1));
  EXPECT_NE(through(1, 1), through(1, 2));
  EXPECT_EQ(identity_fingerprint(PageBuilder().add(port, naa, naa_bytes(5, 8)).page()), 0u);
  EXPECT_EQ(identity_fingerprint(Page{0, 0x83}), 0u);
}

TEST(IdentityFingerprint, CountsVendorSpecificNamesOnlyIfThereIsNothingElse) {
  auto vendor = PageBuilder().add(lun, 0, "one").page();
  EXPECT_NE(identity_fingerprint(vendor), 0u);
  EXPECT_NE(identity_fingerprint(vendor), identity_fingerprint(PageBuilder().add(lun, 0, "two").page()));
  EXPECT_EQ(identity_fingerprint(PageBuilder().add(lun, 0, "one").add(lun, naa, naa_bytes(5, 8)).page()),
            identity_fingerprint(PageBuilder().add(lun, 0, "two").add(lun, naa, naa_bytes(5, 8)).page()));
}

TEST(UnitSerialNumber, IsTrimmed) {
  Page page = {0, 0x80, 0, 8, ' ', ' ', 'A', 'B', ' ', 'C', ' ', 0, 'x'};
  EXPECT_EQ(parse_unit_serial_number(page).value(), "AB C");
  page[1] = 0x83;
  EXPECT_EQ(parse_unit_serial_number(page).error().code, ErrorCode::corrupt);
}

TEST(StandardInquiry, GivesTextAndTpgSupport) {
  std::string text("\0\0\x06\x02\x5b\x30\0\0LIO-ORG FILEIO          4.0 ", 36);
  std::vector<std::uint8_t> data(text.begin(), text.end());
  auto inquiry = parse_standard_inquiry(data);
  ASSERT_TRUE(inquiry);
  EXPECT_EQ(inquiry->vendor, "LIO-ORG");
  EXPECT_EQ(inquiry->product, "FILEIO");
  EXPECT_EQ(inquiry->revision, "4.0");
  EXPECT_EQ(inquiry->tpg_support, TpgSupport::implicit_and_explicit);
  const std::pair<std::uint8_t, TpgSupport> fields[] = {{0x00, TpgSupport::none},
                                                        {0x10, TpgSupport::implicit_only},
                                                        {0x20, TpgSupport::explicit_only},
                                                        {0xf0, TpgSupport::implicit_and_explicit}};
  for (auto [byte, expected] : fields) {
    data[5] = byte;
    EXPECT_EQ(parse_standard_inquiry(data)->tpg_support, expected);
  }
  data[0] = 0x7f;
  EXPECT_EQ(parse_standard_inquiry(data)->peripheral_qualifier, 3);
  EXPECT_EQ(parse_standard_inquiry(data)->device_type, 0x1f);
  EXPECT_EQ(parse_standard_inquiry(Bytes(data).first(18))->product, "FI");
  EXPECT_FALSE(parse_standard_inquiry(Bytes(data).first(5)));
}

TEST(VpdParsers, SurviveAnyBytes) {
  test::RandomInput random;
  for (int round = 0; round < 20000; ++round) {
    Page page = random.bytes(random.below(300));
    if (page.size() >= 4 && !random.chance(8)) {
      page[1] = random.chance(4) ? 0x80 : 0x83;
      page[2] = 0;
    }
    for (std::size_t at = 4; at + 4 <= page.size(); at += 4u + page[at + 3]) {
      if (random.chance(3)) break;
      page[at + 1] = static_cast<std::uint8_t>(random.below(16));
      page[at + 3] = static_cast<std::uint8_t>(random.below(24));
    }
    if (auto wwid = choose_wwid(page)) {
      EXPECT_TRUE(is_storable(*wwid)) << wwid->text;
    }
    (void)identity_fingerprint(page);
    (void)target_port_group(page);
    (void)relative_target_port(page);
    (void)parse_unit_serial_number(page);
    (void)parse_standard_inquiry(page);
  }
}

TEST(NormaliseWwid, TrimsAndCuts) {
  EXPECT_EQ(normalise_wwid("3600a  \n").wwid.text, "3600a");
  EXPECT_FALSE(normalise_wwid("3600a").was_cut);
  auto cut = normalise_wwid(std::string(130, 'a'));
  EXPECT_TRUE(cut.was_cut);
  EXPECT_EQ(cut.wwid.text, std::string(limits::wwid_bytes, 'a'));
}

TEST(NormaliseWwid, RemovesNvmePaddingOnlyFromLongNames) {
  std::string serial = "4142" + std::string(36, '0');
  std::string model = "4c40" + std::string(76, '0');
  auto result = normalise_wwid("nvme.1d0f-" + serial + "-" + model + "-00000001");
  EXPECT_EQ(result.wwid.text, "nvme.1d0f-4142-4c40-00000001");
  EXPECT_FALSE(result.was_cut);
  EXPECT_EQ(normalise_wwid("nvme.1d0f-4100-4200-00000001").wwid.text, "nvme.1d0f-4100-4200-00000001");
  EXPECT_TRUE(normalise_wwid("nvme.1d0f-" + std::string(200, '1') + "-00-00000001").was_cut);
  EXPECT_TRUE(normalise_wwid("nvme.zzzz-" + serial + "-" + model + "-00000001").was_cut);
}

TEST(DasdWwid, EndsBeforeTheFourthDot) {
  EXPECT_EQ(dasd_wwid("IBM.750000000DXP71.3700.00.extra").wwid.text, "IBM.750000000DXP71.3700.00");
  EXPECT_EQ(dasd_wwid("IBM.75\n").wwid.text, "IBM.75");
}

}  // namespace
}  // namespace mpath::wire
