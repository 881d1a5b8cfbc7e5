// SPDX-License-Identifier: LGPL-2.1-or-later
// Devices that udev has not told of, or not enough: paths of a kernel's table that nobody has announced yet, and paths without a WWID.
#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {

/// A path known from its table only: when udev is asked to look at it.
constexpr Duration partial_patience = seconds{180};

}  // namespace

/// A load would drop what stands in the kernel's table and is not known yet, so it is asked for first. Gives what is still awaited.
std::optional<std::string> Engine::Core::awaited_stranger(MapRecord& map) {
  std::optional<std::string> awaited;
  for (const KernelGroup& group : map.kernel->table.groups) {
    for (const KernelPath& member : group.paths) {
      if (find_path(member.devnum) != nullptr) continue;
      auto known = std::ranges::find(map.strangers, member.devnum, &Stranger::devnum);
      if (known == map.strangers.end()) {
        emit(GatherPath{"/sys/dev/block/" + to_string(member.devnum), member.devnum});
        map.strangers.push_back({member.devnum, now});
        maps_awaiting.emplace(member.devnum, map.id);
        known = map.strangers.end() - 1;
      }
      if (!known->answered && now < known->asked + stranger_patience) {
        awaited = to_string(member.devnum) + " is in the table, and udev has not told of it";
      }
    }
  }
  return awaited;
}

/// Something was learnt of a device, be it that it is gone.
void Engine::Core::stranger_answered(DevNum devnum) {
  auto [first, last] = maps_awaiting.equal_range(devnum);
  for (auto waiting = first; waiting != last; ++waiting) {
    MapRecord* map = find_map(waiting->second);
    if (map == nullptr) continue;
    auto known = std::ranges::find(map->strangers, devnum, &Stranger::devnum);
    if (known == map->strangers.end() || known->answered) continue;
    known->answered = true;
    queue_map(*map);
  }
  maps_awaiting.erase(first, last);
}

/// With its checks: udev is asked again for a path of which it has not said whose it is (retrigger_tries, retrigger_delay).
void Engine::Core::retrigger(PathRecord& path) {
  if (options.mode != Mode::manage) return;
  if (path.facts->wwid.empty()) {
    if (path.triggers >= daemon().retrigger_tries.value || now < path.triggered_at + daemon().retrigger_delay.value) return;
  } else if (path.facts->udev_initialized || path.triggers > 0 || now < path.triggered_at + partial_patience) {
    return;
  }
  ++path.triggers;
  path.triggered_at = now;
  path.view.reset();
  emit(TriggerUevent{path.facts->sysfs_path, path.facts->udev_initialized ? "change" : "add"});
}

InitState Engine::Core::init_state_of(const PathRecord& path) const {
  if (path.removed) return InitState::removed;
  if (!path.facts->wwid.empty()) return path.facts->udev_initialized ? InitState::ok : InitState::partial;
  if (!resolver || path.triggers >= daemon().retrigger_tries.value) return InitState::failed;
  return path.triggers == 0 ? InitState::udev_missing : InitState::udev_requested;
}

}  // namespace mpath::engine
