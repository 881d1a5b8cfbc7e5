// SPDX-License-Identifier: LGPL-2.1-or-later
// Small text tools. All are locale-free and treat bytes above 0x7f as opaque.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpath {

/// ASCII blank, tab, newline, carriage return, form feed, vertical tab.
[[nodiscard]] constexpr bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}
[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// Without leading and trailing white space and NUL bytes.
[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] std::string_view trim_right(std::string_view text);

/// The words of `text`, separated by runs of white space.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);
/// The parts of `text` between `separator` bytes, empty ones included.
[[nodiscard]] std::vector<std::string_view> split(std::string_view text, char separator);

/// The whole of `text` as a decimal number; nothing for an empty text, a sign, other bytes or overflow.
[[nodiscard]] std::optional<std::uint64_t> parse_decimal(std::string_view text);
/// Same for a signed number with an optional leading minus.
[[nodiscard]] std::optional<std::int64_t> parse_signed_decimal(std::string_view text);
/// Same for hexadecimal digits without a prefix.
[[nodiscard]] std::optional<std::uint64_t> parse_hex(std::string_view text);

/// Text that came from a device, a file or a client, made safe for a terminal, a log or a message:
/// printable ASCII stays, everything else becomes \xNN.
[[nodiscard]] std::string escape(std::string_view text);

/// Lower-case hexadecimal digits of the bytes.
[[nodiscard]] std::string to_hex(std::string_view bytes);

/// FNV-1a, 64 bits: a stable fingerprint of text (tables, configurations). Not for hostile keys of a hash table.
[[nodiscard]] constexpr std::uint64_t fingerprint(std::string_view text,
                                                  std::uint64_t seed = 0xcbf29ce484222325ULL) {
  std::uint64_t hash = seed;
  for (char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001b3ULL;
  }
  return hash;
}

}  // namespace mpath
