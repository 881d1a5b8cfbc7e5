// SPDX-License-Identifier: LGPL-2.1-or-later
// The words of the daemon's command language. All 54 are here, whether or not a command uses them yet, because what an abbreviation
// means depends on every one of them. Pure, any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mpath::command {

/// A keyword; synonyms are one.
enum class Keyword : std::uint8_t {
  none,
  list, add, remove, switch_group, suspend, resume, reinstate, fail, resize, reset, reload, force_queueing, disable_queueing,
  restore_queueing, paths, maps, path, map, group, reconfigure, daemon, status, stats, topology, config, blacklist, devices, raw,
  wildcards, quit, shutdown, get_pr_status, set_pr_status, unset_pr_status, format, json, get_pr_key, set_pr_key, unset_pr_key, key,
  local, set_marginal, unset_marginal, all, get_pr_hold, set_pr_hold, unset_pr_hold, path_list,
};

/// One way to write a keyword. The word after it is its parameter if it takes one.
struct Spelling {
  std::string_view text;
  Keyword keyword = Keyword::none;
  bool takes_parameter = false;
};

/// All of them, in the order of the reference's table: a synonym follows the word that names the keyword in help texts.
[[nodiscard]] std::span<const Spelling> spellings();

/// The spelling that `word` is, or is the beginning of; none if there is none or more than one. Synonyms compete like other words.
[[nodiscard]] const Spelling* find_spelling(std::string_view word);

}  // namespace mpath::command
