// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/dry_run.h"

#include <algorithm>
#include <unordered_map>

#include "libmpath/base/text.h"

namespace mpath::view {

namespace {

bool makes_table(const TableAction& action) {
  return action.kind == TableActionKind::create || action.kind == TableActionKind::reload || action.kind == TableActionKind::resize;
}

}  // namespace

engine::MapView as_planned(const engine::MapView& outcome, const engine::RehearsedMap* rehearsed) {
  engine::MapView map = outcome;
  if (rehearsed == nullptr) return map;
  const KernelMap* before = rehearsed->before ? &*rehearsed->before : nullptr;
  const bool loads = std::ranges::any_of(rehearsed->actions, makes_table);
  std::unordered_map<DevNum, KernelPathState> states;
  if (before == nullptr) {
    map.devnum = {};
    map.read_only.reset();
    map.suspended.reset();
  } else {
    for (const KernelGroup& group : before->table.groups) {
      for (const KernelPath& path : group.paths) states.insert_or_assign(path.devnum, path.state);
    }
  }
  for (std::size_t at = 0; at < map.groups.size(); ++at) {
    engine::GroupView& group = map.groups[at];
    const bool is_known = !loads && before != nullptr && at < before->table.groups.size();
    group.state = is_known ? before->table.groups[at].state : KernelGroupState::unknown;
    for (auto& path : group.paths) {
      if (!path || !path->facts) continue;
      const auto state = states.find(path->facts->devnum);
      auto copy = std::make_shared<engine::PathView>(*path);
      copy->kernel_state = state == states.end() ? KernelPathState::unknown : state->second;
      path = std::move(copy);
    }
  }
  return map;
}

const engine::RehearsedMap* find_rehearsed(const engine::Rehearsal& rehearsal, const Wwid& wwid) {
  const auto at = std::ranges::find(rehearsal.maps, wwid, &engine::RehearsedMap::wwid);
  return at == rehearsal.maps.end() ? nullptr : &*at;
}

std::vector<std::string> planned_lines(const engine::RehearsedMap& rehearsed) {
  std::vector<std::string> lines;
  for (const TableAction& action : rehearsed.actions) {
    lines.push_back(fmt::format("{}: {}: {}", to_string(action.kind), to_string(action.reason.kind), escape(action.reason.text)));
  }
  for (const MapMessage& message : rehearsed.messages) lines.push_back("message " + to_string(message));
  return lines;
}

}  // namespace mpath::view
