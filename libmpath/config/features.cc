// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/features.h"

#include <algorithm>

#include <fmt/format.h>

#include "libmpath/base/text.h"

namespace mpath::config {

bool remove_feature(std::string& features, std::string_view word) {
  if (features.find(word) == std::string::npos) return false;
  auto words = split_words(features);
  if (words.empty()) return false;
  const std::size_t removed = std::erase_if(
      words, [&](std::string_view w) { return w.data() != words.front().data() && w.find(word) != w.npos; });
  if (removed == 0) return false;
  std::string shorter = fmt::to_string(words.size() - 1);
  for (std::size_t i = 1; i < words.size(); ++i) shorter.append(" ").append(words[i]);
  features = std::move(shorter);
  return true;
}

}  // namespace mpath::config
