// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/parser.h"

#include "libmpath/base/text.h"
#include "libmpath/command/commands.h"
#include "libmpath/command/mpathctl.h"
#include "libmpath/config/lexer.h"

namespace mpath::command {

namespace {

std::unexpected<ParseFailure> refuse_with_help(std::string_view text, std::string_view problem) {
  return std::unexpected(ParseFailure{fmt::format("fail\n{}: {}\n{}", escape(text), problem, help_text())});
}

std::string without_dev(std::string_view name) {
  if (name.starts_with("/dev/")) name.remove_prefix(5);
  return std::string(name);
}

/// As kernel names spell it: the directory of a cciss disk is part of its name.
std::string path_name(std::string_view name) {
  std::string path = without_dev(name);
  if (path.starts_with("cciss/")) path[5] = '!';
  return path;
}

/// The digits at the beginning, 0 without any: what the old tool takes as a group number. The engine knows which exist.
std::uint32_t group_number(std::string_view text) {
  std::size_t digits = 0;
  while (digits < text.size() && is_digit(text[digits])) ++digits;
  const auto number = parse_decimal(text.substr(0, digits));
  return number && *number <= UINT32_MAX ? static_cast<std::uint32_t>(*number) : 0;
}

/// Up to 16 hexadecimal digits, perhaps after "0x", perhaps with ":aptpl". 0 is no key.
bool set_key(Request& request, std::string_view text) {
  const std::size_t colon = text.find(':');
  if (colon != std::string_view::npos && text.substr(colon + 1) != "aptpl") return false;
  std::string_view digits = text.substr(0, colon);
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  const auto key = digits.size() <= 16 ? parse_hex(digits) : std::nullopt;
  if (!key || *key == 0) return false;
  request.key = *key;
  request.aptpl = colon != std::string_view::npos;
  return true;
}

/// Device numbers, blanks between them.
bool set_path_list(Request& request, std::string_view text) {
  for (std::string_view word : split_words(text)) {
    const auto devnum = parse_devnum(word);
    if (!devnum) return false;
    request.path_list.push_back(*devnum);
  }
  return true;
}

/// False if the value is none.
bool set_parameter(Request& request, Keyword keyword, std::string_view value) {
  if (keyword == Keyword::key) return set_key(request, value);
  if (keyword == Keyword::path_list) return set_path_list(request, value);
  if (keyword == Keyword::path) request.path = path_name(value);
  if (keyword == Keyword::map) request.map = without_dev(value);
  if (keyword == Keyword::group) request.group = group_number(value);
  if (keyword == Keyword::format) request.format = value;
  return true;
}

const Command* find_command(const std::vector<Keyword>& keywords) {
  if (keywords.size() > longest_command) return nullptr;
  std::array<Keyword, longest_command> wanted{};
  std::copy(keywords.begin(), keywords.end(), wanted.begin());
  for (const Command& command : commands()) {
    if (command.keywords == wanted) return &command;
  }
  return nullptr;
}

}  // namespace

std::expected<Request, ParseFailure> parse(std::string_view text) {
  if (text.starts_with(mpathctl_prefix)) return parse_mpathctl(text.substr(mpathctl_prefix.size()));
  const std::string_view word = trim(text);
  if (word == "help" || word == "?") return std::unexpected(ParseFailure{help_text()});

  const auto tokens = config::tokenize(text).tokens;
  if (tokens.empty()) return refuse_with_help(text, "Not enough memory");
  Request request;
  std::vector<Keyword> keywords;
  bool values_are_good = true;
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const Spelling* spelling = find_spelling(tokens[i].text);
    if (!spelling) {
      if (i + 1 == tokens.size()) return refuse_with_help(text, "not found");
      return std::unexpected(ParseFailure{"fail\n"});
    }
    keywords.push_back(spelling->keyword);
    if (!spelling->takes_parameter) continue;
    if (++i == tokens.size()) return refuse_with_help(text, "Missing argument");
    values_are_good = set_parameter(request, spelling->keyword, tokens[i].text) && values_are_good;
  }
  const Command* command = find_command(keywords);
  if (!command) return refuse_with_help(text, "Missing argument");
  if (!values_are_good) return std::unexpected(ParseFailure{"fail\n"});
  request.kind = command->kind;
  request.raw = std::find(keywords.begin(), keywords.end(), Keyword::raw) != keywords.end();
  return request;
}

}  // namespace mpath::command
