// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/what_if.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"
#include "libmpath/policy/selection.h"
#include "libmpath/view/format.h"
#include "libmpath/view/words.h"
#include "libmpath/wire/features.h"

namespace mpath::view {

namespace {

bool is_good(const engine::PathView& path) {
  return is_usable(path.health.state) && path.bar == engine::Bar::none && path.kernel_state != KernelPathState::failed;
}

std::string_view verb(Loss loss) { return loss == Loss::failed ? "failed" : "were removed"; }

std::string path_names(const AffectedMap& affected) {
  std::string text;
  for (const engine::PathView* path : affected.losing) text += (text.empty() ? "" : " ") + escape(facts_of(*path).kernel_name);
  return text;
}

AffectedMap look_at(const engine::MapView& map, const std::vector<std::string>& words) {
  AffectedMap affected{.map = &map, .losing = {}};
  for (const auto& group : map.groups) {
    for (const auto& path : group.paths) {
      if (!path) continue;
      ++affected.paths;
      const bool good = is_good(*path);
      affected.good += good ? 1 : 0;
      if (policy::selected_by_any(words, facts_of(*path))) {
        affected.losing.push_back(path.get());
      } else {
        affected.left += good ? 1 : 0;
      }
    }
  }
  return affected;
}

std::string verdict(const engine::Snapshot& snapshot, const AffectedMap& affected, Loss loss) {
  if (affected.left == affected.good && affected.left > 0) return "loses nothing: those paths carry no I/O now";
  if (affected.left > 1) return "stays redundant";
  if (affected.left == 1) return "would have a single path";
  std::string text = "would have NO path";
  if (affected.good == 0) text = "has no path now";
  text += "; " + without_path_text(snapshot, *affected.map);
  if (loss == Loss::removed && affected.losing.size() == affected.paths) text += "; the map itself goes with its last path when it may";
  return text;
}

}  // namespace

std::string without_path_text(const engine::Snapshot& snapshot, const engine::MapView& map) {
  switch (map.no_path_retry.kind) {
    case NoPathRetry::Kind::fail: return "I/O fails at once (no_path_retry fail)";
    case NoPathRetry::Kind::queue: return "I/O is queued until a path returns (no_path_retry queue)";
    case NoPathRetry::Kind::undefined:
      return wire::features_has(map.features, wire::queue_if_no_path)
                 ? "I/O is queued until a path returns (the kernel's flag; no_path_retry is not set)"
                 : "I/O fails at once (no_path_retry is not set)";
    case NoPathRetry::Kind::checks: break;
  }
  std::string text = "I/O is queued";
  if (snapshot.config) {
    const auto interval = config::Resolver(snapshot.config).daemon().polling_interval.value;
    text += fmt::format(" for {} s", (interval * map.no_path_retry.checks).count());
  }
  return text + fmt::format(", then fails (no_path_retry {})", map.no_path_retry.checks);
}

WhatIf what_if(const engine::Snapshot& snapshot, Loss loss, const std::vector<std::string>& words) {
  WhatIf answer{.loss = loss, .maps = {}};
  for (const std::string& word : words) {
    std::size_t meant = 0;
    for (const auto& path : snapshot.paths) meant += path && policy::selects(word, facts_of(*path)) ? 1 : 0;
    if (meant == 0) answer.unknown.push_back(word);
  }
  for (const auto& path : snapshot.paths) {
    answer.paths += path && policy::selected_by_any(words, facts_of(*path)) ? 1 : 0;
  }
  for (const auto& map : snapshot.maps) {
    if (!map) continue;
    AffectedMap affected = look_at(*map, words);
    if (affected.losing.empty()) continue;
    Redundancy redundancy = affected.left == 0 ? Redundancy::no_path : Redundancy::kept;
    if (affected.left == 1 && affected.good > 1) redundancy = Redundancy::single_path;
    answer.worst = std::max(answer.worst, redundancy);
    answer.maps.push_back(std::move(affected));
  }
  return answer;
}

std::string what_if_text(const engine::Snapshot& snapshot, const WhatIf& answer) {
  std::size_t single = 0;
  std::size_t none = 0;
  for (const AffectedMap& affected : answer.maps) {
    single += affected.left == 1 && affected.good > 1 ? 1 : 0;
    none += affected.left == 0 ? 1 : 0;
  }
  std::string out = fmt::format("If {} path(s) {}: {} map(s) concerned, {} with a single path, {} without a path\n", answer.paths,
                                verb(answer.loss), answer.maps.size(), single, none);
  for (const AffectedMap& affected : answer.maps) {
    out += fmt::format("{} {}: {} of {} paths left without {}: {}\n", value_of('n', *affected.map, snapshot.now),
                       value_of('d', *affected.map, snapshot.now), affected.left, affected.paths, path_names(affected),
                       verdict(snapshot, affected, answer.loss));
  }
  return out;
}

std::string what_if_json(const engine::Snapshot& snapshot, const WhatIf& answer) {
  using nlohmann::ordered_json;
  ordered_json maps = ordered_json::array();
  for (const AffectedMap& affected : answer.maps) {
    ordered_json losing = ordered_json::array();
    for (const engine::PathView* path : affected.losing) losing.push_back(escape(facts_of(*path).kernel_name));
    maps.push_back({{"name", value_of('n', *affected.map, snapshot.now)},
                    {"uuid", value_of('w', *affected.map, snapshot.now)},
                    {"paths", affected.paths},
                    {"good_paths", affected.good},
                    {"left", affected.left},
                    {"losing", std::move(losing)},
                    {"verdict", verdict(snapshot, affected, answer.loss)}});
  }
  const ordered_json document = {{"paths", answer.paths}, {"maps", std::move(maps)}};
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mpath::view
