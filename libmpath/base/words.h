// SPDX-License-Identifier: LGPL-2.1-or-later
// Tables of values and their words: std::pair<Value, std::string_view>[]. Used by anybody, on any thread.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

namespace mpath {

/// The word for a value, empty if the table has none. The result lives as long as the table's words.
template <typename Value, std::size_t count>
[[nodiscard]] constexpr std::string_view word_of(const std::pair<Value, std::string_view> (&table)[count], Value value) {
  for (const auto& [known, word] : table) {
    if (known == value) return word;
  }
  return {};
}

/// The value that a word stands for, exactly as it is written.
template <typename Value, std::size_t count>
[[nodiscard]] constexpr std::optional<Value> value_of_word(const std::pair<Value, std::string_view> (&table)[count], std::string_view word) {
  for (const auto& [value, known] : table) {
    if (known == word) return value;
  }
  return std::nullopt;
}

}  // namespace mpath
