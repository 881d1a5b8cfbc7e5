// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/state_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "libmpath/base/text.h"
#include "libmpath/wire/wwid.h"
#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::size_t comment_lines(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(split(text, '\n'), [](auto line) { return line.starts_with('#'); }));
}

// --- wwids --------------------------------------------------------------------------------------------------

TEST(WwidsFile, CountsOnlyCompleteLinesThatBeginWithASlash) {
  auto wwids = parse_wwids("# /no/\n/3600a/\n/3600b/ rest\n /c/\n/d\n//\n#3600e/\n/" + std::string(128, 'x') +
                           "/\n/last/");
  EXPECT_THAT(wwids, ElementsAre(Wwid{"3600a"}, Wwid{"3600b"}, Wwid{"last"}));
}

TEST(WwidsFile, IsBegunWithItsHeader) {
  auto contents = add_wwid("", Wwid{"3600a"});
  ASSERT_TRUE(contents);
  EXPECT_EQ(comment_lines(*contents), 5u);
  EXPECT_TRUE(contents->ends_with("#\n/3600a/\n"));
  EXPECT_TRUE(contents->starts_with("# Multipath wwids, Version : 1.0\n"));
}

TEST(WwidsFile, AddsOnce) {
  EXPECT_EQ(add_wwid("# x\n/a/\n", Wwid{"a"}), std::nullopt);
  EXPECT_EQ(add_wwid("# x\n/a/\n", Wwid{"b"}), "# x\n/a/\n/b/\n");
  EXPECT_EQ(add_wwid("# x\n/a/", Wwid{"b"}), "# x\n/a/\n/b/\n") << "a last line without its end";
  EXPECT_EQ(add_wwid("# x\n#a/\n", Wwid{"a"}), "# x\n#a/\n/a/\n") << "removed before";
}

TEST(WwidsFile, RefusesWhatWouldBreakALine) {
  for (const char* text : {"", "a/b", "a\nb", "a b", "..", "\xff"}) {
    EXPECT_EQ(add_wwid("", Wwid{text}), std::nullopt) << text;
  }
  EXPECT_EQ(add_wwid("", Wwid{std::string(128, 'x')}), std::nullopt);
}

TEST(WwidsFile, RemovesByCommentingOut) {
  EXPECT_EQ(remove_wwid("# x\n/a/\n/ab/\n/a/\n", Wwid{"a"}), "# x\n#a/\n/ab/\n#a/\n");
  EXPECT_EQ(remove_wwid("# x\n/ab/\n", Wwid{"a"}), std::nullopt);
  EXPECT_EQ(remove_wwid("\n\n//\n", Wwid{}), std::nullopt);
}

TEST(WwidsFile, IsReset) {
  const std::vector<Wwid> wwids = {{"b"}, {"a"}, {"bad/one"}};
  std::string contents = format_wwids(wwids);
  EXPECT_TRUE(contents.ends_with("#\n/b/\n/a/\n"));
  EXPECT_EQ(parse_wwids(contents).size(), 2u);
}

// --- bindings -----------------------------------------------------------------------------------------------

TEST(BindingsFile, RoundTripsInItsOrder) {
  const std::vector<Binding> entries = {{{"mpathaa"}, {"3"}}, {{"mpathb"}, {"2"}}, {{"mpatha"}, {"1"}}};
  std::string contents = format_bindings(entries);
  EXPECT_EQ(comment_lines(contents), 7u);
  EXPECT_TRUE(contents.starts_with("# Multipath bindings, Version : 1.0\n"));
  EXPECT_TRUE(contents.ends_with("#\n# Format:\n# alias wwid\n#\nmpatha 1\nmpathb 2\nmpathaa 3\n"));
  Bindings parsed = parse_bindings(contents);
  EXPECT_THAT(parsed.entries, ElementsAre(entries[2], entries[1], entries[0]));
  EXPECT_THAT(parsed.diagnostics, IsEmpty());
  EXPECT_FALSE(parsed.needs_rewrite);
}

TEST(BindingsFile, ReadsHandWrittenLines) {
  Bindings parsed =
      parse_bindings("# Multipath bindings, Version : 1.0\n\t a \t 1 # comment\n\nb 2\r\nb 2\n#c 3\nd 4");
  EXPECT_THAT(parsed.entries, ElementsAre(Binding{{"a"}, {"1"}}, Binding{{"b"}, {"2"}}, Binding{{"d"}, {"4"}}));
  EXPECT_THAT(parsed.diagnostics, IsEmpty());
}

TEST(BindingsFile, TellsWhatItDropped) {
  std::string contents =
      "# Multipath bindings, Version : 1.0\na\nb 1\nb 2\nc " + std::string(128, 'x') + "\nd \x01\ne 5 6\n";
  Bindings parsed = parse_bindings(contents);
  EXPECT_THAT(parsed.entries, ElementsAre(Binding{{"b"}, {"1"}}, Binding{{"e"}, {"5"}}));
  ASSERT_EQ(parsed.diagnostics.size(), 5u);
  EXPECT_EQ(parsed.diagnostics[0].problem, BindingProblem::no_wwid);
  EXPECT_EQ(parsed.diagnostics[0].line, 2u);
  EXPECT_EQ(parsed.diagnostics[1].problem, BindingProblem::conflict);
  EXPECT_EQ(parsed.diagnostics[1].text, "'b' is bound to 1 already, 2 is ignored");
  EXPECT_EQ(parsed.diagnostics[2].problem, BindingProblem::wwid_too_long);
  EXPECT_EQ(parsed.diagnostics[3].problem, BindingProblem::unusable_bytes);
  EXPECT_EQ(parsed.diagnostics[4].problem, BindingProblem::extra_words);
  EXPECT_EQ(parsed.diagnostics[4].line, 7u);
  EXPECT_TRUE(parsed.needs_rewrite);
}

TEST(BindingsFile, IsRewrittenWithoutItsHeaderButNotForExtraWords) {
  EXPECT_TRUE(parse_bindings("").needs_rewrite);
  EXPECT_TRUE(parse_bindings("a 1\n").needs_rewrite);
  EXPECT_FALSE(parse_bindings("# Multipath bindings, Version : 1.0\na 1 2\n").needs_rewrite);
}

// --- prkeys -------------------------------------------------------------------------------------------------

TEST(PrkeysFile, AddsChangesAndRemovesInPlace) {
  auto contents = set_prkey("", {{"3600a"}, 0xabc, false});
  ASSERT_TRUE(contents);
  EXPECT_EQ(comment_lines(*contents), 7u);
  EXPECT_TRUE(contents->ends_with("#\n0x0000000000000abc 3600a\n"));
  contents = set_prkey(*contents, {{"3600b"}, 1, true});
  EXPECT_TRUE(contents->ends_with("0x0000000000000abc 3600a\n0X0000000000000001 3600b\n"));
  EXPECT_EQ(set_prkey(*contents, {{"3600b"}, 1, true}), std::nullopt);
  contents = set_prkey(*contents, {{"3600a"}, 0xdef, false});
  EXPECT_TRUE(contents->ends_with("0x0000000000000def 3600a\n0X0000000000000001 3600b\n"));
  contents = remove_prkey(*contents, Wwid{"3600a"});
  EXPECT_TRUE(contents->ends_with("#x0000000000000def 3600a\n0X0000000000000001 3600b\n"));
  EXPECT_EQ(remove_prkey(*contents, Wwid{"3600a"}), std::nullopt);
  EXPECT_EQ(find_prkey(*contents, Wwid{"3600a"}), std::nullopt);
  EXPECT_EQ(find_prkey(*contents, Wwid{"3600b"}), (ReservationKeyEntry{{"3600b"}, 1, true}));
  contents = set_prkey(*contents, {{"3600a"}, 7, false});
  EXPECT_TRUE(contents->ends_with("#\n0x0000000000000007 3600a\n0X0000000000000001 3600b\n")) << "its old slot";
}

TEST(PrkeysFile, IgnoresUnreadableLines) {
  auto file = parse_prkeys("x\n0x1\n0xg a\n1x1 a\n0x a\n0x11111111111111111 a\n0x2 b\n# 0x3 c\n0x0 d\n\n0x4 b\n");
  EXPECT_THAT(file.entries, ElementsAre(ReservationKeyEntry{{"b"}, 2, false}));
  std::vector<std::uint32_t> lines;
  for (const PrkeyDiagnostic& diagnostic : file.diagnostics) lines.push_back(diagnostic.line);
  EXPECT_THAT(lines, ElementsAre(1, 2, 3, 4, 5, 6, 9, 11)) << "told of, comments and empty lines are not";
  EXPECT_THAT(file.diagnostics.front().text, testing::HasSubstr("'x'"));
  EXPECT_THAT(*set_prkey("what is this\n", {{"a"}, 1, false}), testing::HasSubstr("what is this\n")) << "nothing is dropped";
  EXPECT_EQ(set_prkey("", {{"a b"}, 1, false}), std::nullopt);
}

// --- properties ---------------------------------------------------------------------------------------------

TEST(StateFilesProperty, SurviveAnyText) {
  test::RandomInput random;
  const std::vector<std::string_view> vocabulary = {
      "/3600a/",        "/3600b/\n",    "\n",           "#",         "mpatha",
      "mpathb 3600b\n", "0x12 3600a\n", "#x12 3600a\n", "0X1 3600b", "\t"};
  const Wwid a{"3600a"};
  for (int round = 0; round < 5000; ++round) {
    std::string text = random.text_of(vocabulary, random.below(25));
    if (auto changed = add_wwid(text, a)) {
      auto expected = parse_wwids(text);
      expected.insert(a);
      EXPECT_EQ(parse_wwids(*changed), expected) << escape(text);
      EXPECT_EQ(add_wwid(*changed, a), std::nullopt);
    }
    if (auto changed = remove_wwid(text, a)) {
      auto expected = parse_wwids(text);
      expected.erase(a);
      EXPECT_EQ(parse_wwids(*changed), expected) << escape(text);
      EXPECT_EQ(changed->size(), text.size());
    }
    Bindings bindings = parse_bindings(text);
    Bindings again = parse_bindings(format_bindings(bindings.entries));
    EXPECT_EQ(again.entries, bindings.entries) << escape(text);
    EXPECT_FALSE(again.needs_rewrite) << escape(text);
    ReservationKeyEntry entry{a, 42, true};
    if (auto changed = set_prkey(text, entry)) {
      EXPECT_EQ(find_prkey(*changed, a), entry) << escape(text);
      EXPECT_EQ(find_prkey(*changed, Wwid{"3600b"}), find_prkey(text, Wwid{"3600b"})) << escape(text);
    }
    if (auto changed = remove_prkey(text, a)) {
      EXPECT_EQ(find_prkey(*changed, a), std::nullopt);
    }
  }
}

}  // namespace
}  // namespace mpath::wire
