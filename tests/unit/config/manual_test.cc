// SPDX-License-Identifier: LGPL-2.1-or-later
// multipath.conf(5) and the keyword table say the same: every keyword has an entry with its sections, values, default and example.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <map>

#include "libmpath/config/keywords.h"
#include "libmpath/config/value.h"

namespace mpath::config {
namespace {

void replace_all(std::string& text, std::string_view from, std::string_view to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) text.replace(at, from.size(), to);
}

/// The entries of KEYWORDS, without the marks of the page's language.
std::map<std::string, std::string> entries() {
  std::ifstream stream(MPATH_SOURCE_DIR "/man/multipath.conf.5");
  std::string page{std::istreambuf_iterator<char>(stream), {}};
  const std::size_t begin = page.find(".SH KEYWORDS");
  const std::size_t end = page.find(".SH BLACKLIST");
  if (begin == std::string::npos || end == std::string::npos) return {};
  page = page.substr(begin, end - begin);
  for (std::string_view mark : {"\\fB", "\\fR", "\\fI", ".br\n"}) replace_all(page, mark, "");
  replace_all(page, "\\-", "-");
  replace_all(page, "\\(dq", "\"");
  replace_all(page, "\\e", "\\");
  std::map<std::string, std::string> found;
  const std::string start = ".TP\n.B ";
  for (std::size_t at = page.find(start); at != std::string::npos;) {
    const std::size_t next = page.find(start, at + 1);
    const std::string entry = page.substr(at + start.size(), next == std::string::npos ? next : next - at - start.size());
    found.emplace(entry.substr(0, entry.find('\n')), entry);
    at = next;
  }
  return found;
}

TEST(Manual, DescribesEveryKeywordAsTheTableDoes) {
  const auto described = entries();
  EXPECT_EQ(described.size(), key_count);
  for (const Keyword& row : all_keywords()) {
    const auto found = described.find(std::string(row.name));
    ASSERT_NE(found, described.end()) << row.name << " is not described";
    const std::string& entry = found->second;
    const auto says = [&](const std::string& text) { return entry.find(text) != std::string::npos; };
    std::string sections;
    for (std::size_t i = 0; i < section_count; ++i) {
      const auto section = static_cast<Section>(i);
      if (allowed(section, row.key)) sections += (sections.empty() ? "" : ", ") + std::string(path_name(section));
    }
    EXPECT_TRUE(says("Sections: " + sections + ".\n")) << row.name << " stands in " << sections;
    EXPECT_TRUE(says("Example: " + std::string(row.name) + " " + std::string(row.example))) << row.name;
    std::string description(row.description);
    description[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(description[0])));
    EXPECT_TRUE(says(description + ".\n")) << row.name << ": " << description;
    if (row.standing == Standing::ignored) continue;
    const std::string unit = row.unit.empty() ? "" : " (" + std::string(row.unit) + ")";
    EXPECT_TRUE(says("Values: " + describe_values(row) + unit + ".\n")) << row.name << ": " << describe_values(row);
    const std::string fallback = !row.default_text ? "not set" : row.default_text->empty() ? "\"\"" : std::string(*row.default_text);
    EXPECT_TRUE(says("Default: " + fallback + ".\n")) << row.name << " defaults to " << fallback;
  }
}

}  // namespace
}  // namespace mpath::config
