// SPDX-License-Identifier: LGPL-2.1-or-later
// Text that lives as long as the program. What keeps a reason beyond the call that gave it takes one of these and copies nothing. Any thread.
#pragma once

#include <string_view>

#include <fmt/format.h>

namespace mpath {

/// Made by the compiler, of literals and constants: no text that somebody may free becomes one.
class StaticText {
 public:
  constexpr StaticText() = default;
  consteval StaticText(const char* literal) : text_(literal) {}
  consteval StaticText(std::string_view constant) : text_(constant) {}
  /// Of text that its owner keeps for as long as the program lives: Core::keep_text() alone.
  [[nodiscard]] static constexpr StaticText kept(std::string_view text) {
    StaticText made;
    made.text_ = text;
    return made;
  }
  constexpr operator std::string_view() const { return text_; }
  [[nodiscard]] constexpr bool empty() const { return text_.empty(); }
  friend constexpr bool operator==(StaticText a, std::string_view b) { return a.text_ == b; }

 private:
  std::string_view text_;
};

}  // namespace mpath

template <>
struct fmt::formatter<mpath::StaticText> : fmt::formatter<std::string_view> {
  auto format(mpath::StaticText text, fmt::format_context& context) const {
    return fmt::formatter<std::string_view>::format(std::string_view(text), context);
  }
};
