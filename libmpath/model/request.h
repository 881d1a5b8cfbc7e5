// SPDX-License-Identifier: LGPL-2.1-or-later
// A client's request after parsing, and the kinds there are. The grammar is in command/; the engine acts on the values.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/base/time.h"
#include "libmpath/model/ids.h"

namespace mpath {

enum class RequestKind {
  // answered from a snapshot, in a lane
  show_paths, show_paths_format, show_path, show_maps, show_maps_status, show_maps_stats, show_maps_format,
  show_topology, show_maps_json, show_map_topology, show_map_format, show_map_json, show_status, show_daemon,
  show_config, show_config_local, show_blacklist, show_devices, show_wildcards,
  mpathctl_status, mpathctl_drains, mpathctl_what_if, mpathctl_history, mpathctl_plan, mpathctl_explain,
  // carried out by the engine
  reconfigure, reconfigure_all, shutdown, quit,
  fail_path, reinstate_path, add_path, remove_path, add_map, remove_map, switch_group,
  set_marginal, unset_marginal, unset_marginal_map,
  disable_queueing, restore_queueing, disable_queueing_all, restore_queueing_all,
  reset_stats, reset_all_stats, reload_map, reset_map, resize_map,
  mpathctl_drain, mpathctl_drain_confirm, mpathctl_undrain,
  remove_all_maps, suspend_map, resume_map, force_queueing, unforce_queueing,
  mpathctl_plan_with,
  get_pr_status, set_pr_status, unset_pr_status, get_pr_hold, set_pr_hold, unset_pr_hold, get_pr_key, set_pr_key, unset_pr_key,
};

/// Whether a request only reads; other users than root may make only such.
[[nodiscard]] constexpr bool is_read_only(RequestKind kind) { return kind <= RequestKind::mpathctl_explain; }

/// Whether it is answered from a snapshot. All that only read are, and a plan with a configuration that the client brings: reading one is
/// work, so it is for root.
[[nodiscard]] constexpr bool is_query(RequestKind kind) { return is_read_only(kind) || kind == RequestKind::mpathctl_plan_with; }
/// Whether the answer also needs the disks, maps and state files as they are at this moment.
[[nodiscard]] constexpr bool needs_inputs(RequestKind kind) {
  return kind == RequestKind::mpathctl_plan || kind == RequestKind::mpathctl_plan_with || kind == RequestKind::mpathctl_explain;
}

/// A file of a configuration that a client brings with it; the daemon opens no file that a client names.
struct BroughtFile {
  std::string name;  ///< as it is shown
  std::string bytes;
  bool is_drop_in = false;
};

struct Request {
  RequestKind kind = RequestKind::show_daemon;
  std::string path;      ///< $path as given, "/dev/" stripped
  std::string map;       ///< $map as given, "/dev/" stripped
  std::string format;    ///< $format
  std::uint32_t group = 0;
  std::uint64_t key = 0; ///< $key, of a persistent reservation
  bool aptpl = false;    ///< $key ends in ":aptpl": activate persist through power loss
  std::vector<DevNum> path_list;  ///< $pathlist
  bool raw = false;      ///< `raw format`: no header, no padding
  bool json = false;     ///< requests of mpathctl: the answer is for programs
  std::vector<std::string> subjects;     ///< requests of mpathctl: what they are about, in the words of policy::selects()
  std::optional<seconds> confirm_within; ///< mpathctl_drain: undone after so long unless it is confirmed
  std::shared_ptr<const std::vector<BroughtFile>> configuration;  ///< mpathctl_plan_with
  bool removed = false;                  ///< mpathctl_what_if: the paths go away, rather than fail
  std::string asked_by;                  ///< who sent it, as far as the socket tells: "multipath (1234) of user 0"
  std::uint32_t keep = 1;                ///< mpathctl_drain: good paths that every map must keep
};

/// How a request ended, for requests that the engine carries out. See "Reply rules" of the protocol.
enum class Outcome { ok, failed, not_found, in_use, blacklisted, delayed, timed_out };
struct RequestResult {
  Outcome outcome = Outcome::ok;
  std::string detail;  ///< one line for people and the log
  std::string output;  ///< what the command prints; instead of the word for its outcome
  bool for_mpathctl = false;  ///< the reply is mpathctl's JSON: `output` and exit status 0, or `detail` as the error
};

}  // namespace mpath
