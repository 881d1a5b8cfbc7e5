// SPDX-License-Identifier: LGPL-2.1-or-later
// What a wrong keyword was probably meant to be. For the reader and the linter; any thread.
#pragma once

#include <string>
#include <string_view>

#include "libmpath/config/keywords.h"

namespace mpath::config {

struct Suggestion {
  std::string_view id;  ///< "unknown-keyword" or "wrong-section"
  std::string reason;   ///< a clause to add to the message, may be empty
  std::string fix;      ///< may be empty
};

/// About a word that is no keyword of `section`.
[[nodiscard]] Suggestion suggest(Section section, std::string_view word);

/// How many single-byte edits (insert, delete, replace, swap neighbours) make one word of the other, or `limit` + 1 when more.
[[nodiscard]] std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit);

}  // namespace mpath::config
