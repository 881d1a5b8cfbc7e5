// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/reply.h"

#include "libmpath/base/text.h"
#include "libmpath/command/local_use.h"
#include "libmpath/command/mpathctl.h"
#include "libmpath/config/dump.h"
#include "libmpath/policy/selection.h"
#include "libmpath/view/drains.h"
#include "libmpath/view/explain.h"
#include "libmpath/view/format.h"
#include "libmpath/view/history.h"
#include "libmpath/view/json.h"
#include "libmpath/view/plan_report.h"
#include "libmpath/view/summary.h"
#include "libmpath/view/topology.h"
#include "libmpath/view/what_if.h"

namespace mpath::command {

namespace {

using engine::MapView;
using engine::PathView;
using engine::Snapshot;

constexpr std::string_view unknown_device = "fail\ndevice not found\n";

/// By "dm-N", then by name, then by WWID.
const MapView* find_map(const Snapshot& snapshot, const std::string& name) {
  const MapView* by_name = nullptr;
  const MapView* by_wwid = nullptr;
  for (const auto& map : snapshot.maps) {
    if (!map) continue;
    if (map->devnum.valid() && name == fmt::format("dm-{}", map->devnum.minor)) return map.get();
    if (!by_name && map->name.text == name) by_name = map.get();
    if (!by_wwid && map->wwid.text == name) by_wwid = map.get();
  }
  return by_name ? by_name : by_wwid;
}

/// By "MAJOR:MINOR", then by kernel name.
const PathView* find_path(const Snapshot& snapshot, const std::string& name) {
  const auto number = parse_devnum(name);
  const PathView* by_name = nullptr;
  for (const auto& path : snapshot.paths) {
    if (!path || !path->facts) continue;
    if (number && path->facts->devnum == *number) return path.get();
    if (!by_name && path->facts->kernel_name == name) by_name = path.get();
  }
  return by_name;
}

std::string all_topology(const Snapshot& snapshot, const RenderContext& context) {
  const view::PathColumns columns = view::measure_paths(snapshot.paths);
  std::string out;
  for (const auto& map : snapshot.maps) {
    if (map) out += view::topology(*map, columns, {.bold = context.bold});
  }
  return out;
}

std::string one_map(const Request& request, const Snapshot& snapshot, const RenderContext& context) {
  const MapView* map = find_map(snapshot, request.map);
  if (!map) return std::string(unknown_device);
  if (request.kind == RequestKind::show_map_json) return view::map_json(snapshot, *map);
  if (request.kind == RequestKind::show_map_format) return view::map_line(snapshot, *map, request.format);
  return view::topology(*map, view::measure_paths(snapshot.paths), {.bold = context.bold});
}

std::string one_path(const Request& request, const Snapshot& snapshot) {
  const PathView* path = find_path(snapshot, request.path);
  if (!path) return std::string(unknown_device);
  return view::value_of('o', view::PathRow{*path, !path->map_name.empty()}, snapshot.now) + '\n';
}

std::string configuration(const Request& request, const Snapshot& snapshot) {
  if (!snapshot.config) return "fail\n";
  if (request.kind == RequestKind::show_blacklist) return config::format_blacklist(*snapshot.config);
  if (request.kind == RequestKind::show_config) return config::dump_config(*snapshot.config);
  return config::dump_local(*snapshot.config, local_use(snapshot));
}

std::string mpathctl_status(const Request& request, const Snapshot& snapshot) {
  return encode_reply({static_cast<int>(view::health_of(snapshot)),
                       request.json ? view::summary_json(snapshot) : view::summary_text(snapshot), {}});
}

MpathctlReply drains(const Request& request, const Snapshot& snapshot) {
  const view::DrainReport report = view::report_drains(snapshot, request.subjects);
  return {report.emptying > 0 ? exit_emptying : 0, request.json ? view::drains_json(snapshot, report) : view::drains_text(snapshot, report), {}};
}

MpathctlReply what_if(const Request& request, const Snapshot& snapshot) {
  const auto answer = view::what_if(snapshot, request.removed ? view::Loss::removed : view::Loss::failed, request.subjects);
  if (!answer.unknown.empty()) {
    return {exit_usage, {}, fmt::format("{}: {}", escape(answer.unknown.front()), policy::selects_nothing)};
  }
  return {static_cast<int>(answer.worst), request.json ? view::what_if_json(snapshot, answer) : view::what_if_text(snapshot, answer), {}};
}

std::string mpathctl_history(const Request& request, const Snapshot& snapshot, const RenderContext& context) {
  if (!request.subjects.empty() && snapshot.history.empty()) {
    return encode_reply({exit_refused, {}, fmt::format("there is no path or map '{}'", escape(request.subjects.front()))});
  }
  return encode_reply({0, request.json ? view::history_json(snapshot, context.utc) : view::history_text(snapshot, context.utc), {}});
}

MpathctlReply plan(const Request& request, const Snapshot& snapshot, const RenderContext& context) {
  if (context.inputs == nullptr) return {exit_internal, {}, "what is there was not read"};
  const engine::ConfigurationLoaded& loaded = context.inputs->configuration;
  if (!loaded.config) {
    std::string text = "the configuration cannot be used";
    for (const std::string& message : loaded.messages) text += "; " + message;
    return {exit_refused, {}, std::move(text)};
  }
  const view::PlanReport report = view::plan_report(snapshot, *context.inputs, request.subjects);
  if (!report.unknown.empty()) return {exit_usage, {}, escape(report.unknown.front()) + ": there is no such map, and none would be made"};
  return {report.has_changes() ? exit_changes : 0, request.json ? view::plan_json(report) : view::plan_text(report), {}};
}

MpathctlReply explain(const Request& request, const Snapshot& snapshot, const RenderContext& context) {
  if (context.inputs == nullptr) return {exit_internal, {}, "what is there was not read"};
  std::vector<view::Explained> all;
  std::string text;
  for (const std::string& word : request.subjects) {
    auto explained = view::explain(snapshot, *context.inputs, word);
    if (!explained) return {exit_refused, {}, escape(word) + ": there is no such map, and udev knows no such disk"};
    text += view::explain_text(*explained);
    all.push_back(std::move(*explained));
  }
  return {0, request.json ? view::explain_json(all) : text, {}};
}

std::string output_of(const Request& request, const Snapshot& snapshot, const RenderContext& context) {
  const view::TableStyle style = request.raw ? view::TableStyle::raw : view::TableStyle::aligned;
  switch (request.kind) {
    case RequestKind::show_paths: return view::paths_table(snapshot, view::paths_columns, style);
    case RequestKind::show_paths_format: return view::paths_table(snapshot, request.format, style);
    case RequestKind::show_path: return one_path(request, snapshot);
    case RequestKind::show_maps: return view::maps_table(snapshot, view::maps_columns, style);
    case RequestKind::show_maps_status: return view::maps_table(snapshot, view::maps_status_columns, style);
    case RequestKind::show_maps_stats: return view::maps_table(snapshot, view::maps_stats_columns, style);
    case RequestKind::show_maps_format: return view::maps_table(snapshot, request.format, style);
    case RequestKind::show_topology: return all_topology(snapshot, context);
    case RequestKind::show_maps_json: return view::maps_json(snapshot);
    case RequestKind::show_map_topology:
    case RequestKind::show_map_format:
    case RequestKind::show_map_json: return one_map(request, snapshot, context);
    case RequestKind::show_status: return view::status(snapshot);
    case RequestKind::show_daemon: return view::daemon_line(snapshot);
    case RequestKind::show_devices: return view::devices(context.devices);
    case RequestKind::show_wildcards: return view::wildcards_list();
    case RequestKind::mpathctl_history: return mpathctl_history(request, snapshot, context);
    case RequestKind::mpathctl_status: return mpathctl_status(request, snapshot);
    case RequestKind::mpathctl_what_if: return encode_reply(what_if(request, snapshot));
    case RequestKind::mpathctl_plan:
    case RequestKind::mpathctl_plan_with: return encode_reply(plan(request, snapshot, context));
    case RequestKind::mpathctl_explain: return encode_reply(explain(request, snapshot, context));
    case RequestKind::mpathctl_drains: return encode_reply(drains(request, snapshot));
    case RequestKind::show_config:
    case RequestKind::show_config_local:
    case RequestKind::show_blacklist: return configuration(request, snapshot);
    case RequestKind::reconfigure:
    case RequestKind::reconfigure_all:
    case RequestKind::shutdown:
    case RequestKind::quit:
    case RequestKind::fail_path:
    case RequestKind::reinstate_path:
    case RequestKind::add_path:
    case RequestKind::remove_path:
    case RequestKind::set_marginal:
    case RequestKind::unset_marginal:
    case RequestKind::unset_marginal_map:
    case RequestKind::add_map:
    case RequestKind::remove_map:
    case RequestKind::switch_group:
    case RequestKind::disable_queueing:
    case RequestKind::restore_queueing:
    case RequestKind::disable_queueing_all:
    case RequestKind::restore_queueing_all:
    case RequestKind::reset_stats:
    case RequestKind::reset_all_stats:
    case RequestKind::reload_map:
    case RequestKind::reset_map:
    case RequestKind::remove_all_maps:
    case RequestKind::suspend_map:
    case RequestKind::resume_map:
    case RequestKind::force_queueing:
    case RequestKind::unforce_queueing:
    case RequestKind::resize_map:
    case RequestKind::get_pr_status:
    case RequestKind::set_pr_status:
    case RequestKind::unset_pr_status:
    case RequestKind::get_pr_hold:
    case RequestKind::set_pr_hold:
    case RequestKind::unset_pr_hold:
    case RequestKind::get_pr_key:
    case RequestKind::set_pr_key:
    case RequestKind::unset_pr_key:
    case RequestKind::mpathctl_drain:
    case RequestKind::mpathctl_drain_confirm:
    case RequestKind::mpathctl_undrain: return "fail\n";
  }
  return "fail\n";
}

}  // namespace

std::string render(const Request& request, const Snapshot& snapshot, const RenderContext& context) {
  std::string output = output_of(request, snapshot, context);
  return output.empty() ? "ok\n" : output;
}

std::string reply_text(const RequestResult& result) {
  if (result.for_mpathctl) {
    bool worked = result.outcome == Outcome::ok;
    return encode_reply({worked ? 0 : exit_refused, result.output, worked ? std::string() : result.detail});
  }
  if (!result.output.empty()) return result.output;
  std::string detail;
  for (std::string_view line : split(result.detail, '\n')) {
    if (!line.empty()) detail += escape(line) + '\n';
  }
  switch (result.outcome) {
    case Outcome::ok: return "ok\n";
    case Outcome::failed: return detail.empty() ? "fail\n" : "fail\nfailed: " + detail;
    case Outcome::not_found: return std::string(unknown_device);
    case Outcome::in_use: return "fail\nmap or partition in use\n" + detail;
    case Outcome::blacklisted: return "blacklisted\n";
    case Outcome::delayed: return "delayed\n";
    case Outcome::timed_out: return std::string(timeout_reply);
  }
  return "fail\n";
}

}  // namespace mpath::command
