// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/keywords.h"

namespace mpath::command {

namespace {

constexpr Spelling table[] = {
    {"list", Keyword::list},
    {"show", Keyword::list},
    {"add", Keyword::add},
    {"remove", Keyword::remove},
    {"del", Keyword::remove},
    {"switch", Keyword::switch_group},
    {"switchgroup", Keyword::switch_group},
    {"suspend", Keyword::suspend},
    {"resume", Keyword::resume},
    {"reinstate", Keyword::reinstate},
    {"fail", Keyword::fail},
    {"resize", Keyword::resize},
    {"reset", Keyword::reset},
    {"reload", Keyword::reload},
    {"forcequeueing", Keyword::force_queueing},
    {"disablequeueing", Keyword::disable_queueing},
    {"restorequeueing", Keyword::restore_queueing},
    {"paths", Keyword::paths},
    {"maps", Keyword::maps},
    {"multipaths", Keyword::maps},
    {"path", Keyword::path, true},
    {"map", Keyword::map, true},
    {"multipath", Keyword::map, true},
    {"group", Keyword::group, true},
    {"reconfigure", Keyword::reconfigure},
    {"daemon", Keyword::daemon},
    {"status", Keyword::status},
    {"stats", Keyword::stats},
    {"topology", Keyword::topology},
    {"config", Keyword::config},
    {"blacklist", Keyword::blacklist},
    {"devices", Keyword::devices},
    {"raw", Keyword::raw},
    {"wildcards", Keyword::wildcards},
    {"quit", Keyword::quit},
    {"exit", Keyword::quit},
    {"shutdown", Keyword::shutdown},
    {"getprstatus", Keyword::get_pr_status},
    {"setprstatus", Keyword::set_pr_status},
    {"unsetprstatus", Keyword::unset_pr_status},
    {"format", Keyword::format, true},
    {"json", Keyword::json},
    {"getprkey", Keyword::get_pr_key},
    {"setprkey", Keyword::set_pr_key},
    {"unsetprkey", Keyword::unset_pr_key},
    {"key", Keyword::key, true},
    {"local", Keyword::local},
    {"setmarginal", Keyword::set_marginal},
    {"unsetmarginal", Keyword::unset_marginal},
    {"all", Keyword::all},
    {"getprhold", Keyword::get_pr_hold},
    {"setprhold", Keyword::set_pr_hold},
    {"unsetprhold", Keyword::unset_pr_hold},
    {"pathlist", Keyword::path_list, true},
};
static_assert(std::size(table) == 54);

}  // namespace

std::span<const Spelling> spellings() { return table; }

const Spelling* find_spelling(std::string_view word) {
  const Spelling* found = nullptr;
  std::size_t beginnings = 0;
  for (const Spelling& spelling : table) {
    if (!spelling.text.starts_with(word)) continue;
    if (spelling.text.size() == word.size()) return &spelling;
    found = &spelling;
    ++beginnings;
  }
  return beginnings == 1 ? found : nullptr;
}

}  // namespace mpath::command
