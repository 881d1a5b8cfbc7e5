// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/commands.h"

namespace mpath::command {

namespace {

using enum Keyword;
using Kind = RequestKind;

constexpr Command table[] = {
    {{list, paths}, Kind::show_paths, "table of all paths"},
    {{list, paths, format}, Kind::show_paths_format, "table of all paths with chosen columns"},
    {{list, paths, raw, format}, Kind::show_paths_format, "chosen values of all paths, without header and padding"},
    {{list, path}, Kind::show_path, "state of one device"},
    {{list, maps}, Kind::show_maps, "table of all maps"},
    {{list, maps, status}, Kind::show_maps_status, "table of all maps: failback, queueing, paths, state"},
    {{list, maps, stats}, Kind::show_maps_stats, "table of all maps: counters"},
    {{list, maps, format}, Kind::show_maps_format, "table of all maps with chosen columns"},
    {{list, maps, raw, format}, Kind::show_maps_format, "chosen values of all maps, without header and padding"},
    {{list, maps, topology}, Kind::show_topology, "topology of all maps"},
    {{list, topology}, Kind::show_topology, "topology of all maps"},
    {{list, maps, json}, Kind::show_maps_json, "all maps for programs"},
    {{list, map, topology}, Kind::show_map_topology, "topology of one map"},
    {{list, map, format}, Kind::show_map_format, "chosen values of one map"},
    {{list, map, raw, format}, Kind::show_map_format, "chosen values of one map"},
    {{list, map, json}, Kind::show_map_json, "one map for programs"},
    {{list, status}, Kind::show_status, "how many paths are in which state, and whether events wait"},
    {{list, daemon}, Kind::show_daemon, "process and state of the daemon"},
    {{list, config}, Kind::show_config, "the whole configuration in the language of the file"},
    {{list, config, local}, Kind::show_config_local, "the configuration as far as it is in use here"},
    {{list, blacklist}, Kind::show_blacklist, "rules that say which devices are left alone"},
    {{list, devices}, Kind::show_devices, "all block devices, and which are watched"},
    {{list, wildcards}, Kind::show_wildcards, "wildcards of the formats"},
    {{reset, maps, stats}, Kind::reset_all_stats, "set the counters of all maps to zero"},
    {{reset, map, stats}, Kind::reset_stats, "set the counters of one map to zero"},
    {{reset, map}, Kind::reset_map, "let devices that use a path of a map directly use the map"},
    {{add, path}, Kind::add_path, "take a device as a path"},
    {{remove, path}, Kind::remove_path, "forget a path"},
    {{add, map}, Kind::add_map, "create or take over a map"},
    {{remove, map}, Kind::remove_map, "remove a map that is not in use"},
    {{remove, maps}, Kind::remove_all_maps, "remove all maps that are not in use"},
    {{switch_group, map, group}, Kind::switch_group, "send I/O through another path group"},
    {{reconfigure}, Kind::reconfigure, "read the configuration again"},
    {{reconfigure, all}, Kind::reconfigure_all, "read the configuration again and reload every map"},
    {{suspend, map}, Kind::suspend_map, "hold the I/O of a map back"},
    {{resume, map}, Kind::resume_map, "let the I/O of a map go on"},
    {{resize, map}, Kind::resize_map, "give a map the size that its paths have now"},
    {{reload, map}, Kind::reload_map, "load the table of a map again"},
    {{reinstate, path}, Kind::reinstate_path, "use a path again that was failed by hand"},
    {{fail, path}, Kind::fail_path, "fail a path until it is reinstated"},
    {{disable_queueing, map}, Kind::disable_queueing, "give up queueing on one map"},
    {{disable_queueing, maps}, Kind::disable_queueing_all, "give up queueing on all maps"},
    {{restore_queueing, map}, Kind::restore_queueing, "queue again as configured on one map"},
    {{restore_queueing, maps}, Kind::restore_queueing_all, "queue again as configured on all maps"},
    {{force_queueing, daemon}, Kind::force_queueing, "let maps go on queueing when the daemon ends"},
    {{restore_queueing, daemon}, Kind::unforce_queueing, "do at the daemon's end what queue_without_daemon says"},
    {{set_marginal, path}, Kind::set_marginal, "use a path after all others where marginal_pathgroups says so"},
    {{unset_marginal, path}, Kind::unset_marginal, "take a path for as good as the others again"},
    {{unset_marginal, map}, Kind::unset_marginal_map, "take all paths of a map for equally good again"},
    {{quit}, Kind::quit, "end an interactive session"},
    {{shutdown}, Kind::shutdown, "end the daemon; maps stay as they are"},
    {{get_pr_status, map}, Kind::get_pr_status, "whether this host is registered for the reservation of a map"},
    {{set_pr_status, map}, Kind::set_pr_status, "it is registered: register the key on every path"},
    {{set_pr_status, map, path_list}, Kind::set_pr_status, "it is registered, on the listed paths already"},
    {{unset_pr_status, map}, Kind::unset_pr_status, "it is not registered any more"},
    {{get_pr_key, map}, Kind::get_pr_key, "the reservation key of a map"},
    {{set_pr_key, map, key}, Kind::set_pr_key, "keep the reservation key of a map in the prkeys file"},
    {{unset_pr_key, map}, Kind::unset_pr_key, "remove the reservation key of a map from the prkeys file"},
    {{get_pr_hold, map}, Kind::get_pr_hold, "whether this host holds the reservation of a map"},
    {{set_pr_hold, map}, Kind::set_pr_hold, "it holds the reservation"},
    {{unset_pr_hold, map}, Kind::unset_pr_hold, "it does not hold the reservation"},
};

}  // namespace

std::span<const Command> commands() { return table; }

std::string syntax(const Command& command) {
  std::string text;
  for (Keyword keyword : command.keywords) {
    if (keyword == none) break;
    std::string names;
    std::string parameter;
    for (const Spelling& spelling : spellings()) {
      if (spelling.keyword != keyword) continue;
      if (spelling.takes_parameter && names.empty()) parameter = fmt::format(" ${}", spelling.text);
      names += names.empty() ? "" : "|";
      names += spelling.text;
    }
    text += text.empty() ? "" : " ";
    text += names;
    text += parameter;
  }
  return text;
}

std::string help_text() {
  std::string text = fmt::format("{}\nCLI commands reference:\n", version_line);
  for (const Command& command : table) text += ' ' + syntax(command) + '\n';
  return text;
}

}  // namespace mpath::command
