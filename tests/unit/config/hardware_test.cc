// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/hardware.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "libmpath/base/text.h"
#include "libmpath/config/parser.h"

namespace mpath::config {
namespace {

std::shared_ptr<const Config> built_in() { return parse({}).config; }

std::string plain(const Setting* setting) {
  if (!setting) return "";
  std::string text = format_value(keyword(setting->key), setting->value);
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

TEST(HardwareTable, IsReadWithoutARemark) {
  const ParseResult result = parse({});
  EXPECT_FALSE(result.fatal);
  for (const Diagnostic& diagnostic : result.diagnostics) ADD_FAILURE() << diagnostic.line << ": " << diagnostic.text;
  EXPECT_GT(result.config->devices.size(), 100u);
}

TEST(HardwareTable, EqualsTheReferenceRowByRow) {
  const auto path = std::filesystem::path(MPATH_SOURCE_DIR) / "../shared/reference/hwtable.tsv";
  std::ifstream stream(path);
  if (!stream) GTEST_SKIP() << "no reference table at " << path;
  std::string line;
  ASSERT_TRUE(std::getline(stream, line));
  std::vector<std::string> columns;
  for (std::string_view column : split(line, '\t')) columns.emplace_back(column);
  const auto config = built_in();
  std::size_t row = 0;
  for (; std::getline(stream, line); ++row) {
    ASSERT_LT(row, config->devices.size());
    const Settings& device = config->devices[row].settings;
    const auto cells = split(line, '\t');
    std::size_t set = 0;
    for (std::size_t i = 1; i < columns.size(); ++i) {
      const std::string expected(i < cells.size() ? cells[i] : std::string_view{});
      const auto key = find_key(columns[i]);
      ASSERT_TRUE(key) << columns[i];
      // Carried by the reference's table but never applied by it.
      if (*key == Key::max_sectors_kb) continue;
      EXPECT_EQ(plain(device.find(*key)), expected) << "row " << row + 1 << " " << columns[i];
      if (!expected.empty()) ++set;
    }
    EXPECT_EQ(device.all().size(), set) << "row " << row + 1 << " sets something else as well";
  }
  EXPECT_EQ(row, config->devices.size());
}

TEST(HardwareTable, EveryExpressionCompiles) {
  const auto config = built_in();
  for (const Entry& device : config->devices) {
    for (Key key : {Key::vendor, Key::product, Key::revision, Key::product_blacklist}) {
      EXPECT_TRUE(Expression::compile(std::string(device.settings.text(key)))) << device.settings.text(key);
    }
  }
}

TEST(HardwareMatcher, LastDefinedFirst) {
  const SourceFile file{"test.conf",
                        "devices {\n"
                        "device {\n vendor \"ACME\"\n product \".*\"\n}\n"
                        "device {\n vendor \"ACME\"\n product \"Disk\"\n revision \"^1\"\n}\n"
                        "device {\n vendor \"AC(ME\"\n product \".*\"\n}\n"
                        "}\n"};
  ParseOptions options;
  options.hardware_table = false;
  HardwareMatcher matcher(parse(std::span(&file, 1), options).config);
  using Indexes = std::vector<std::size_t>;
  const struct {
    std::string vendor, product;
    std::optional<std::string> revision;
    Indexes expected;
  } cases[] = {
      {"ACME", "Disk", "1.0", {1, 0}},
      {"ACME", "Disk", "2.1", {0}},
      {"ACME", "Disk", std::nullopt, {1, 0}},  // an unknown revision matches anything
      {"THE ACME CO", "BigDisk2", "1", {1, 0}},  // not anchored
      {"acme", "Disk", "1", {}},                 // case counts
      {"AC(ME", "x", "1", {}},                   // an expression that does not compile matches nothing
      {"", "", std::nullopt, {}},
  };
  for (const auto& c : cases) {
    EXPECT_EQ(matcher.matches(c.vendor, c.product, c.revision), c.expected) << c.vendor << "/" << c.product;
    EXPECT_EQ(matcher.matches(c.vendor, c.product, c.revision), c.expected) << "remembered: " << c.vendor;
  }
}

TEST(Expression, RepetitionsThatMultiplyAreRefused) {
  EXPECT_TRUE(Expression::compile("^(sd[a-z]+|nvme[0-9]{1,3})+$"));
  EXPECT_TRUE(Expression::compile("a+b+c+d+e+f+g+h+i+j+k+l+m+n+o+p+q+r+s+t+u+v+w+x+y+z+"));
  const auto large = Expression::compile("(((a{1,1000}){1,1000}){1,1000})");
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, ErrorCode::limit);
  std::string nested = "a";
  for (int i = 0; i < 60; ++i) nested = "(" + nested + ")+";
  EXPECT_FALSE(Expression::compile(nested));
}

TEST(Expression, FaultPosition) {
  const struct {
    std::string pattern;
    std::size_t position;
  } cases[] = {{"a(b", 1}, {"a)b", 1}, {"x[a-", 1}, {"ab\\", 2}, {"a{2,1}", 1}, {"(a|*)", 3}};
  for (const auto& c : cases) EXPECT_EQ(fault_position(c.pattern), c.position) << c.pattern;
}

}  // namespace
}  // namespace mpath::config
