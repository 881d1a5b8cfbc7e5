// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/summary.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"
#include "libmpath/view/explain.h"
#include "libmpath/view/format.h"
#include "libmpath/view/words.h"

namespace mpath::view {

namespace {

using nlohmann::ordered_json;

/// A path that is out of order by a verdict. One whose first answer is still awaited is not.
bool is_bad(const engine::PathView& path) {
  if (path.kernel_state == KernelPathState::failed) return true;
  switch (path.health.state) {
    case PathState::wild:
    case PathState::down:
    case PathState::shaky:
    case PathState::timeout:
    case PathState::removed:
    case PathState::delayed:
    case PathState::disconnected: return true;
    case PathState::unchecked:
    case PathState::up:
    case PathState::ghost:
    case PathState::pending: return false;
  }
  return false;
}

std::int64_t seconds_since(MonoTime now, MonoTime since) {
  return since < now ? std::chrono::duration_cast<seconds>(now - since).count() : 0;
}

std::int64_t in_microseconds(Duration duration) { return std::chrono::duration_cast<microseconds>(duration).count(); }

struct MapSummary {
  const engine::MapView* map = nullptr;
  std::size_t paths = 0;
  std::vector<const engine::PathView*> bad;
  Health health = Health::healthy;
};

MapSummary summarize(const engine::MapView& map) {
  MapSummary summary{&map};
  for (const auto& group : map.groups) {
    for (const auto& path : group.paths) {
      if (!path) continue;
      ++summary.paths;
      if (is_bad(*path)) summary.bad.push_back(path.get());
    }
  }
  if (map.usable_paths == 0) {
    summary.health = Health::without_path;
  } else if (!summary.bad.empty() || map.failed) {
    summary.health = Health::degraded;
  }
  return summary;
}

struct Summary {
  std::vector<MapSummary> maps;
  std::size_t healthy_maps = 0;
  std::size_t degraded_maps = 0;
  std::size_t maps_without_path = 0;
  std::size_t paths = 0;
  std::size_t orphans = 0;
  std::vector<std::pair<PathState, std::size_t>> states;  ///< those that occur, in their own order
  Health health = Health::healthy;
};

Summary summarize(const engine::Snapshot& snapshot) {
  Summary summary;
  for (const auto& map : snapshot.maps) {
    if (!map) continue;
    summary.maps.push_back(summarize(*map));
    const Health health = summary.maps.back().health;
    summary.healthy_maps += health == Health::healthy;
    summary.degraded_maps += health == Health::degraded;
    summary.maps_without_path += health == Health::without_path;
    summary.health = std::max(summary.health, health);
  }
  std::map<PathState, std::size_t> states;
  for (const auto& path : snapshot.paths) {
    if (!path) continue;
    ++summary.paths;
    summary.orphans += path->map_name.empty();
    ++states[path->health.state];
  }
  summary.states.assign(states.begin(), states.end());
  const bool lacks_map = std::ranges::any_of(snapshot.absent_maps, [](const auto& map) { return map.failed.has_value(); });
  if (lacks_map || !snapshot.stuck.empty()) summary.health = std::max(summary.health, Health::degraded);
  return summary;
}

std::string path_line(const engine::PathView& path, MonoTime now) {
  const PathRow row{path, true};
  std::string line = fmt::format("    {} {} {} for {} s", value_of('d', row, now), value_of('T', row, now),
                                 value_of('o', row, now), seconds_since(now, path.health.since));
  if (!path.health.reason.empty()) line += fmt::format(": {}", escape(path.health.reason));
  if (path.check_outstanding_since) {
    line += fmt::format(", no answer for {} s", seconds_since(now, *path.check_outstanding_since));
  }
  return line + '\n';
}

void append_troubled_maps(std::string& out, const Summary& summary, MonoTime now) {
  for (const MapSummary& map : summary.maps) {
    if (map.health == Health::healthy && map.map->deferred.empty()) continue;
    out += fmt::format("\n{} {}: {} of {} paths usable\n", value_of('n', *map.map, now), value_of('d', *map.map, now),
                       map.map->usable_paths, map.paths);
    if (!map.map->deferred.empty()) out += fmt::format("    {}\n", escape(map.map->deferred));
    if (map.map->failed) out += fmt::format("    {}\n", failed_text(*map.map->failed, now));
    for (const engine::PathView* path : map.bad) out += path_line(*path, now);
  }
}

/// Volumes with paths and without a map.
void append_absent_maps(std::string& out, const engine::Snapshot& snapshot) {
  for (const engine::AbsentMapView& map : snapshot.absent_maps) {
    if (map.failed) {
      out += fmt::format("\n{}: has no map\n    {}\n", escape(map.wwid.text), failed_text(*map.failed, snapshot.now));
    } else if (!map.removed.empty()) {
      out += fmt::format("\n{}: has no map, it was {}\n", escape(map.wwid.text), escape(map.removed));
    }
  }
}

ordered_json absent_maps_json(const engine::Snapshot& snapshot) {
  ordered_json list = ordered_json::array();
  for (const engine::AbsentMapView& map : snapshot.absent_maps) {
    list.push_back({{"uuid", escape(map.wwid.text)},
                    {"removed", escape(map.removed)},
                    {"failed", map.failed ? failed_text(*map.failed, snapshot.now) : std::string()}});
  }
  return list;
}

/// Suspect, far worse than its siblings, or not registered; in the first two cases it may be in use.
bool is_remarkable(const engine::PathView& path) { return path.suspect || path.outlier || path.bar == engine::Bar::unregistered; }

void append_remarkable_paths(std::string& out, const engine::Snapshot& snapshot) {
  for (const auto& path : snapshot.paths) {
    if (!path || !is_remarkable(*path)) continue;
    const std::string name = value_of('d', PathRow{*path, true}, snapshot.now);
    if (path->suspect) {
      out += fmt::format("suspect   {}: its check has not been answered for {} s, usual for its siblings are {}; {}\n", name,
                         seconds_since(snapshot.now, path->suspect->asked_at), engine::span_text(path->suspect->siblings_p99),
                         path->suspect->avoided ? "new I/O avoids it" : "it stays in use");
    }
    if (path->bar == engine::Bar::unregistered) out += fmt::format("waits     {}: {}\n", name, bar_text(*path, snapshot.now));
    if (path->outlier) out += fmt::format("outlier   {}: {}\n", name, engine::to_text(*path->outlier));
  }
}

ordered_json remarkable_paths_json(const engine::Snapshot& snapshot) {
  ordered_json list = ordered_json::array();
  for (const auto& path : snapshot.paths) {
    if (!path || !is_remarkable(*path)) continue;
    ordered_json json = {{"dev", value_of('d', PathRow{*path, true}, snapshot.now)},
                         {"checks", path->checks.answers},
                         {"late", path->checks.late},
                         {"errors", path->checks.errors},
                         {"p50_microseconds", in_microseconds(path->checks.p50)},
                         {"p99_microseconds", in_microseconds(path->checks.p99)}};
    if (path->suspect) {
      json["suspect"] = {{"avoided", path->suspect->avoided},
                         {"no_answer_seconds", seconds_since(snapshot.now, path->suspect->asked_at)},
                         {"siblings_p99_microseconds", in_microseconds(path->suspect->siblings_p99)}};
    }
    if (path->bar == engine::Bar::unregistered) json["unregistered"] = bar_text(*path, snapshot.now);
    if (path->outlier) {
      json["outlier"] = {{"evidence", engine::to_text(*path->outlier)},
                         {"siblings_p99_microseconds", in_microseconds(path->outlier->siblings_p99)}};
    }
    list.push_back(std::move(json));
  }
  return list;
}

ordered_json path_json(const engine::PathView& path, MonoTime now) {
  const PathRow row{path, true};
  ordered_json json = {
      {"dev", value_of('d', row, now)},
      {"dev_t", value_of('D', row, now)},
      {"hcil", value_of('i', row, now)},
      {"chk_st", value_of('T', row, now)},
      {"dm_st", value_of('t', row, now)},
      {"state_seconds", seconds_since(now, path.health.since)},
      {"reason", escape(path.health.reason)},
  };
  if (path.check_outstanding_since) json["no_answer_seconds"] = seconds_since(now, *path.check_outstanding_since);
  return json;
}

ordered_json map_object(const MapSummary& map, MonoTime now) {
  ordered_json bad = ordered_json::array();
  for (const engine::PathView* path : map.bad) bad.push_back(path_json(*path, now));
  ordered_json suspects = ordered_json::array();
  ordered_json outliers = ordered_json::array();
  for (const auto& group : map.map->groups) {
    for (const auto& path : group.paths) {
      if (path && path->suspect) suspects.push_back(value_of('d', PathRow{*path, true}, now));
      if (path && path->outlier) outliers.push_back(value_of('d', PathRow{*path, true}, now));
    }
  }
  return {
      {"name", value_of('n', *map.map, now)},  {"uuid", value_of('w', *map.map, now)},
      {"sysfs", value_of('d', *map.map, now)}, {"health", to_string(map.health)},
      {"paths", map.paths},                    {"usable_paths", map.map->usable_paths},
      {"deferred", escape(map.map->deferred)}, {"failed", map.map->failed ? failed_text(*map.map->failed, now) : std::string()},
      {"bad_paths", std::move(bad)},
      {"suspect_paths", std::move(suspects)},  {"outlier_paths", std::move(outliers)},
  };
}

ordered_json counters_json(const engine::Counters& counters) {
  return {
      {"events", counters.events},
      {"effects", counters.effects},
      {"turns", counters.turns},
      {"slow_turns", counters.slow_turns},
      {"longest_turn_microseconds", in_microseconds(counters.longest_turn)},
      {"checks_started", counters.checks_started},
      {"checks_finished", counters.checks_finished},
      {"checks_outstanding", counters.checks_outstanding},
      {"actions", counters.actions},
      {"table_loads", counters.table_loads},
      {"table_failures", counters.table_failures},
      {"messages", counters.messages},
      {"message_failures", counters.message_failures},
      {"loads_deferred", counters.loads_deferred},
      {"suspicions", counters.suspicions},
      {"stale_completions", counters.stale_completions},
      {"log_lines_dropped", counters.log_lines_dropped},
  };
}

std::string counters_text(const engine::Counters& counters) {
  std::string out;
  out += fmt::format("checks    {} started, {} finished, {} outstanding\n", counters.checks_started, counters.checks_finished,
                     counters.checks_outstanding);
  out += fmt::format("tables    {} loaded, {} failed, {} deferred\n", counters.table_loads, counters.table_failures,
                     counters.loads_deferred);
  out += fmt::format("messages  {} sent, {} failed\n", counters.messages, counters.message_failures);
  out += fmt::format("engine    {} events, {} effects, {} stale completions\n", counters.events, counters.effects,
                     counters.stale_completions);
  out += fmt::format("turns     {}, longest {} us, {} over 1 ms\n", counters.turns, in_microseconds(counters.longest_turn),
                     counters.slow_turns);
  if (counters.log_lines_dropped > 0) out += fmt::format("log       {} lines dropped\n", counters.log_lines_dropped);
  return out;
}

}  // namespace

std::string_view to_string(Health health) {
  switch (health) {
    case Health::healthy: return "healthy";
    case Health::degraded: return "degraded";
    case Health::without_path: return "map without path";
  }
  return "healthy";
}

Health health_of(const engine::Snapshot& snapshot) { return summarize(snapshot).health; }

std::string summary_text(const engine::Snapshot& snapshot) {
  const Summary summary = summarize(snapshot);
  std::string out = fmt::format("health    {}\n", to_string(summary.health));
  out += fmt::format("daemon    {}, pid {}{}{}\n", engine::to_string(snapshot.state), snapshot.process_id,
                     snapshot.reconfigure_pending ? ", reconfigure pending" : "",
                     snapshot.events_waiting ? ", events waiting" : "");
  if (snapshot.configuration_actions) out += fmt::format("configured with {} actions\n", *snapshot.configuration_actions);
  out += fmt::format("maps      {}: {} healthy, {} degraded, {} without a path\n", summary.maps.size(), summary.healthy_maps,
                     summary.degraded_maps, summary.maps_without_path);
  out += fmt::format("paths     {}:", summary.paths);
  for (const auto& [state, count] : summary.states) out += fmt::format(" {} {},", count, to_string(state));
  out += fmt::format(" {} in no map\n", summary.orphans);
  out += counters_text(snapshot.counters);
  for (const engine::StuckView& stuck : snapshot.stuck) {
    out += fmt::format("stuck     {}: no progress for {} s, {} waiting\n", escape(stuck.what),
                       seconds_since(snapshot.now, stuck.since), stuck.waiting);
  }
  append_remarkable_paths(out, snapshot);
  for (const std::string& lack : snapshot.degraded) out += fmt::format("platform  {}\n", escape(lack));
  append_troubled_maps(out, summary, snapshot.now);
  append_absent_maps(out, snapshot);
  return out;
}

std::string summary_json(const engine::Snapshot& snapshot) {
  const Summary summary = summarize(snapshot);
  ordered_json states = ordered_json::object();
  for (const auto& [state, count] : summary.states) states[std::string(to_string(state))] = count;
  ordered_json maps = ordered_json::array();
  for (const MapSummary& map : summary.maps) maps.push_back(map_object(map, snapshot.now));
  ordered_json stuck = ordered_json::array();
  for (const engine::StuckView& view : snapshot.stuck) {
    stuck.push_back({{"what", escape(view.what)},
                     {"seconds", seconds_since(snapshot.now, view.since)},
                     {"waiting", view.waiting}});
  }
  ordered_json platform = ordered_json::array();
  for (const std::string& lack : snapshot.degraded) platform.push_back(escape(lack));
  const ordered_json document = {
      {"version", 1},
      {"health", to_string(summary.health)},
      {"daemon",
       {{"state", engine::to_string(snapshot.state)},
        {"pid", snapshot.process_id},
        {"reconfigure_pending", snapshot.reconfigure_pending},
        {"events_waiting", snapshot.events_waiting}}},
      {"maps",
       {{"total", summary.maps.size()},
        {"healthy", summary.healthy_maps},
        {"degraded", summary.degraded_maps},
        {"without_path", summary.maps_without_path},
        {"list", std::move(maps)},
        {"absent", absent_maps_json(snapshot)}}},
      {"paths", {{"total", summary.paths}, {"orphans", summary.orphans}, {"states", std::move(states)}}},
      {"remarkable_paths", remarkable_paths_json(snapshot)},
      {"counters", counters_json(snapshot.counters)},
      {"stuck", std::move(stuck)},
      {"platform", std::move(platform)},
  };
  return document.dump(2) + '\n';
}

}  // namespace mpath::view
