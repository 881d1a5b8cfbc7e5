// SPDX-License-Identifier: LGPL-2.1-or-later
// The lexical grammar of multipath.conf: lines, words, quoted strings, braces, comments. It knows no keyword. Used by the parser and the
// linter; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpath::config {

struct Token {
  enum class Kind : std::uint8_t { word, quoted, open_brace, close_brace };
  Kind kind = Kind::word;
  std::string text;          ///< without quotes; doubled quotes undone
  std::uint32_t column = 0;  ///< of the first byte (the quote of a quoted string), from 1
  bool closed = true;        ///< for `quoted`: the closing quote was there
};

/// How the rest of a line was lost, for the linter.
struct Comment {
  std::uint32_t column = 0;  ///< of the `#` or `!`; 0 when there is none
  char mark = 0;
  bool touches_word = false;  ///< no white space before it, so it was probably meant as text
};

/// One physical line, or a piece of one: at most limits::config_line_bytes are taken at a time and what follows counts as the next line.
struct Line {
  std::uint32_t number = 0;
  std::string_view text;      ///< without the line end
  bool continues = false;     ///< the line buffer was full, the next Line is the rest of the same physical line
  bool cut_at_nul = false;    ///< a NUL byte hid the rest
};

/// Gives the lines of a file one after the other. The bytes must outlive the reader.
class LineReader {
 public:
  explicit LineReader(std::string_view bytes) : rest_(bytes) {}
  /// The next line, or nothing at the end.
  [[nodiscard]] std::optional<Line> next();

 private:
  std::string_view rest_;
  std::uint32_t number_ = 0;
};

/// The tokens of a line; none for a blank or comment line. Words end at white space, any byte above 0x7f, quotes, braces, `#` and `!`.
struct TokenizedLine {
  std::vector<Token> tokens;
  Comment comment;
  std::uint32_t foreign_byte_column = 0;  ///< first byte above 0x7f outside quotes and comments, 0: none
};
[[nodiscard]] TokenizedLine tokenize(std::string_view line);

/// Text as a quoted string of the language: in double quotes, embedded ones doubled.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace mpath::config
