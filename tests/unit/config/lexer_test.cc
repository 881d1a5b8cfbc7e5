// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/lexer.h"

#include <gtest/gtest.h>

#include "libmpath/base/limits.h"

namespace mpath::config {
namespace {

/// Tokens in short: words as they are, quoted strings in <>, an unclosed one in <!>.
std::string shown(std::string_view line) {
  std::string text;
  for (const Token& token : tokenize(line).tokens) {
    if (!text.empty()) text += ' ';
    if (token.kind == Token::Kind::quoted) {
      text += (token.closed ? "<" : "<!") + token.text + ">";
    } else {
      text += token.text;
    }
  }
  return text;
}

TEST(Lexer, Tokens) {
  const struct {
    std::string line, expected;
  } cases[] = {
      {"", ""},
      {" \t ", ""},
      {"# comment", ""},
      {"! comment", ""},
      {"  # comment", ""},
      {"a b", "a b"},
      {"\ta\v\fb ", "a b"},
      {"ab#cd", "ab"},
      {"ab!cd", "ab"},
      {"a \"#!{}\" # x", "a <#!{}>"},
      {"defaults{", "defaults {"},
      {"defaults {}", "defaults { }"},
      {"a \"b c\"", "a <b c>"},
      {"a \"\"", "a <>"},
      {"a \"\"\"q\"", "a <\"q>"},
      {"a \"x\"\"y\"", "a <x\"y>"},
      {"a \"\"\"\"", "a <\">"},
      {"a \"\" b", "a <> b"},
      {"a \"open", "a <!open>"},
      {"a \"", "a <!>"},
      {"a \"\"\"", "a <!\">"},
      {"a\"b\"", "a <b>"},
      {"a \"b\"c", "a <b> c"},
      {"a \\b", "a \\b"},
      {"a \"\\\" b", "a <\\> b"},
      {"vendor \xe2\x80\x9cIBM\xe2\x80\x9d", "vendor IBM"},
      {"a \"\xc3\xa9\"", "a <\xc3\xa9>"},
      {"x\xc3\xa9y", "x y"},
  };
  for (const auto& c : cases) EXPECT_EQ(shown(c.line), c.expected) << c.line;
}

TEST(Lexer, ColumnsAndHints) {
  const auto line = tokenize("  key \"v w\"#c");
  ASSERT_EQ(line.tokens.size(), 2u);
  EXPECT_EQ(line.tokens[0].column, 3u);
  EXPECT_EQ(line.tokens[1].column, 7u);
  EXPECT_EQ(line.comment.column, 12u);
  EXPECT_TRUE(line.comment.touches_word);
  EXPECT_FALSE(tokenize("key v #c").comment.touches_word);
  EXPECT_EQ(tokenize("key \xc2\xa0v").foreign_byte_column, 5u);
  EXPECT_EQ(tokenize("key v # \xc2\xa0").foreign_byte_column, 0u);
}

std::vector<std::string> lines_of(std::string_view bytes) {
  std::vector<std::string> lines;
  LineReader reader(bytes);
  while (auto line = reader.next()) lines.emplace_back(line->text);
  return lines;
}

TEST(LineReader, EndsOfLines) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(lines_of(""), Lines{});
  EXPECT_EQ(lines_of("a"), Lines{"a"});
  EXPECT_EQ(lines_of("a\n"), Lines{"a"});
  EXPECT_EQ(lines_of("a\nb"), (Lines{"a", "b"}));
  EXPECT_EQ(lines_of("a\r\nb\rc\n"), (Lines{"a", "b"}));
  EXPECT_EQ(lines_of("\n\n"), (Lines{"", ""}));
  EXPECT_EQ(lines_of(std::string_view("a\0b\nc", 5)), (Lines{"a", "c"}));
}

TEST(LineReader, LongLinesAreSplit) {
  const std::size_t limit = limits::config_line_bytes;
  const std::string exactly(limit, 'x');
  const std::string longer = exactly + "yy\nz\n";
  LineReader reader(longer);
  auto first = reader.next();
  ASSERT_TRUE(first);
  EXPECT_EQ(first->text.size(), limit);
  EXPECT_TRUE(first->continues);
  auto second = reader.next();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->text, "yy");
  EXPECT_EQ(second->number, 2u);
  EXPECT_EQ(reader.next()->number, 3u);
  EXPECT_FALSE(reader.next());
}

TEST(Quote, DoublesQuotes) {
  EXPECT_EQ(quote("a b"), "\"a b\"");
  EXPECT_EQ(quote("a\"b"), "\"a\"\"b\"");
  EXPECT_EQ(quote(""), "\"\"");
}

}  // namespace
}  // namespace mpath::config
