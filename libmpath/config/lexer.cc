// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/lexer.h"

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::config {

namespace {

bool is_foreign(char c) { return static_cast<unsigned char>(c) > 0x7f; }
bool is_comment_mark(char c) { return c == '#' || c == '!'; }
bool ends_word(char c) {
  return is_space(c) || is_foreign(c) || is_comment_mark(c) || c == '"' || c == '{' || c == '}';
}

/// Reads the quoted string whose opening quote is at `at`; `at` becomes the place after it.
Token read_quoted(std::string_view line, std::size_t& at) {
  Token token{Token::Kind::quoted, {}, static_cast<std::uint32_t>(at + 1), false};
  for (++at; at < line.size(); ++at) {
    if (line[at] != '"') {
      token.text += line[at];
    } else if (at + 1 < line.size() && line[at + 1] == '"') {
      token.text += '"';
      ++at;
    } else {
      ++at;
      token.closed = true;
      break;
    }
  }
  return token;
}

}  // namespace

std::optional<Line> LineReader::next() {
  if (rest_.empty()) return std::nullopt;
  const std::string_view window = rest_.substr(0, limits::config_line_bytes);
  const std::size_t newline = window.find('\n');
  Line line;
  line.number = ++number_;
  line.text = newline == std::string_view::npos ? window : window.substr(0, newline);
  line.continues = newline == std::string_view::npos && window.size() < rest_.size();
  rest_.remove_prefix(newline == std::string_view::npos ? window.size() : newline + 1);
  // The reference keeps a line in a C string, so a NUL byte ends it just as a carriage return does.
  if (const std::size_t nul = line.text.find('\0'); nul != std::string_view::npos) {
    line.text = line.text.substr(0, nul);
    line.cut_at_nul = true;
  }
  line.text = line.text.substr(0, line.text.find('\r'));
  return line;
}

TokenizedLine tokenize(std::string_view line) {
  TokenizedLine result;
  std::size_t at = 0;
  while (at < line.size()) {
    const char c = line[at];
    const auto column = static_cast<std::uint32_t>(at + 1);
    if (is_foreign(c)) {
      if (result.foreign_byte_column == 0) result.foreign_byte_column = column;
      ++at;
    } else if (is_space(c)) {
      ++at;
    } else if (is_comment_mark(c)) {
      const bool touches = at > 0 && !is_space(line[at - 1]) && !result.tokens.empty();
      result.comment = {column, c, touches};
      break;
    } else if (c == '"') {
      result.tokens.push_back(read_quoted(line, at));
    } else if (c == '{' || c == '}') {
      result.tokens.push_back({c == '{' ? Token::Kind::open_brace : Token::Kind::close_brace, {c}, column});
      ++at;
    } else {
      const std::size_t start = at;
      while (at < line.size() && !ends_word(line[at])) ++at;
      result.tokens.push_back({Token::Kind::word, std::string(line.substr(start, at - start)), column});
    }
  }
  return result;
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (char c : text) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted += '"';
}

}  // namespace mpath::config
