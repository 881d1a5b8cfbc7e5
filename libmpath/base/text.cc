// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/base/text.h"

#include <charconv>

namespace mpath {

namespace {

constexpr bool is_padding(char c) { return is_space(c) || c == '\0'; }

template <typename T>
std::optional<T> parse_whole(std::string_view text, int base) {
  T value{};
  const char* end = text.data() + text.size();
  auto [stop, error] = std::from_chars(text.data(), end, value, base);
  if (text.empty() || error != std::errc{} || stop != end) return std::nullopt;
  return value;
}

constexpr char hex_digits[] = "0123456789abcdef";

void append_hex_byte(std::string& out, char c) {
  auto byte = static_cast<unsigned char>(c);
  out += hex_digits[byte >> 4];
  out += hex_digits[byte & 15];
}

}  // namespace

std::string_view trim_right(std::string_view text) {
  while (!text.empty() && is_padding(text.back())) text.remove_suffix(1);
  return text;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && is_padding(text.front())) text.remove_prefix(1);
  return trim_right(text);
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_space(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && !is_space(text[end])) ++end;
    words.push_back(text.substr(at, end - at));
    at = end;
  }
  return words;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    std::size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  return parse_whole<std::uint64_t>(text, 10);
}

std::optional<std::int64_t> parse_signed_decimal(std::string_view text) {
  return parse_whole<std::int64_t>(text, 10);
}

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  return parse_whole<std::uint64_t>(text, 16);
}

std::string escape(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (char c : text) {
    if (c >= ' ' && c <= '~') {
      out += c;
    } else {
      out += "\\x";
      append_hex_byte(out, c);
    }
  }
  return out;
}

std::string to_hex(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size() * 2);
  for (char c : bytes) append_hex_byte(out, c);
  return out;
}

}  // namespace mpath
