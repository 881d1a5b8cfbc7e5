// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/plan/reassign.h"

#include <algorithm>

#include "libmpath/base/text.h"

namespace mpath::plan {

std::optional<std::string> reassigned(std::string_view parameters, std::span<const DeviceReplacement> replacements) {
  std::string out;
  bool changed = false;
  while (!parameters.empty()) {
    const std::size_t blank = std::min(parameters.find(' '), parameters.size());
    const std::string_view word = parameters.substr(0, blank);
    const auto number = parse_devnum(word);
    const auto at = number ? std::ranges::find(replacements, *number, &DeviceReplacement::from) : replacements.end();
    if (at != replacements.end()) {
      out += to_string(at->to);
      changed = true;
    } else {
      out += word;
    }
    parameters.remove_prefix(blank);
    if (parameters.empty()) break;
    out += ' ';
    parameters.remove_prefix(1);
  }
  if (!changed) return std::nullopt;
  return out;
}

}  // namespace mpath::plan
