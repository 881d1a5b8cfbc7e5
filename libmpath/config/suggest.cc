// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/suggest.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace mpath::config {

namespace {

/// Words of very old versions, and what became of them.
struct Former {
  std::string_view word;
  std::string_view successor;
};
constexpr Former formers[] = {
    {"devnode_blacklist", "blacklist"},
    {"default_selector", "path_selector"},
    {"default_path_grouping_policy", "path_grouping_policy"},
    {"default_getuid_callout", "uid_attribute"},
    {"default_prio_callout", "prio"},
    {"default_features", "features"},
    {"selector", "path_selector"},
    {"prio_callout", "prio"},
    {"hwhandler", "hardware_handler"},
    {"bl_product", "product_blacklist"},
    {"udev_dir", ""},
    {"multipath_tool", ""},
    {"default_selector_args", ""},
    {"daemon", ""},
};

std::string sections_of(Key key) {
  std::string list;
  for (std::size_t i = 0; i < section_count; ++i) {
    const auto section = static_cast<Section>(i);
    if (!allowed(section, key)) continue;
    list += list.empty() ? "" : ", ";
    list += path_name(section);
  }
  return list;
}

std::string parents_of(std::string_view word) {
  std::string list;
  for (const Block& block : all_blocks()) {
    if (block.name != word) continue;
    list += list.empty() ? "" : ", ";
    list += block.parent == Section::root ? "the top level" : path_name(block.parent);
  }
  return list;
}

}  // namespace

std::size_t edit_distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (a.size() > b.size() + limit || b.size() > a.size() + limit) return limit + 1;
  std::vector<std::size_t> before_last(b.size() + 1), last(b.size() + 1), current(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    current[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      current[j] = std::min({replaced, last[j] + 1, current[j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        current[j] = std::min(current[j], before_last[j - 2] + 1);
      }
    }
    std::swap(before_last, last);
    std::swap(last, current);
  }
  return std::min(last[b.size()], limit + 1);
}

Suggestion suggest(Section section, std::string_view word) {
  if (const auto key = find_key(word)) {
    return {"wrong-section", fmt::format("it belongs in {}", sections_of(*key)), {}};
  }
  if (const std::string parents = parents_of(word); !parents.empty()) {
    return {"wrong-section", fmt::format("it belongs in {}", parents), {}};
  }
  if (const auto* former = std::ranges::find(formers, word, &Former::word); former != std::end(formers)) {
    if (former->successor.empty()) return {"unknown-keyword", "very old versions knew it", "remove the line"};
    return {"unknown-keyword", fmt::format("its successor is {}", former->successor), std::string(former->successor)};
  }
  // The nearest word that may stand here, else the nearest anywhere. A third of the letters may be wrong.
  const std::size_t limit = std::min<std::size_t>(3, (word.size() + 2) / 3);
  std::size_t best = limit + 1;
  bool best_here = false;
  std::string_view nearest;
  const auto consider = [&](std::string_view candidate, bool here) {
    const std::size_t distance = edit_distance(word, candidate, limit);
    if (distance < best || (distance == best && distance <= limit && here && !best_here)) {
      best = distance;
      best_here = here;
      nearest = candidate;
    }
  };
  if (word.size() <= 64) {
    for (const Keyword& row : all_keywords()) consider(row.name, allowed(section, row.key));
    for (const Block& block : all_blocks()) consider(block.name, block.parent == section);
  }
  if (best > limit) return {"unknown-keyword", {}, {}};
  return {"unknown-keyword", fmt::format("did you mean {}?", nearest), std::string(nearest)};
}

}  // namespace mpath::config
