// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of maps: of new ones, and the renaming of those that exist when the configuration gives them another one.
#include "libmpath/engine/core.h"

namespace mpath::engine {

bool Engine::Core::name_is_taken(const MapRecord& map, const MapName& name) const {
  if (foreign_names.contains(name)) return true;
  auto at = map_by_name.find(name);
  return at != map_by_name.end() && at->second != map.id;
}

policy::NameChoice Engine::Core::name_choice(MapRecord& map) {
  std::optional<MapName> kernel_name;
  if (map.kernel) kernel_name = map.kernel->name;
  policy::NameChoice choice = policy::choose_name(map.wwid, *map.settings, bindings, kernel_name, options.bindings_read_only,
                                                  [&](const MapName& name) { return name_is_taken(map, name); });
  if (choice.new_binding && bindings.add(choice.name, map.wwid)) emit(RememberBinding{choice.name, map.wwid});
  return choice;
}

void Engine::Core::take_name(MapRecord& map, const MapName& name) {
  if (!map.name.empty() && map.name != name) {
    if (auto at = map_by_name.find(map.name); at != map_by_name.end() && at->second == map.id) map_by_name.erase(at);
  }
  // Its paths are shown with it.
  for (PathRecord& path : members_of(map)) {
    if (map.name != name) path.view.reset();
  }
  map.name = name;
  map_by_name[map.name] = map.id;
  touch(map);
}

void Engine::Core::choose_name(MapRecord& map) { take_name(map, name_choice(map).name); }

/// What a map that exists should be called, asked at the start and after each reconfiguration. A name that is another device's is waited
/// for: the map takes it when it becomes free.
void Engine::Core::choose_new_name(MapRecord& map) {
  const std::optional<std::string>& alias = map.settings->alias.value;
  MapName wanted = alias ? MapName{*alias} : name_choice(map).name;
  if (wanted == map.wanted_name) return;
  map.wanted_name = wanted;
  if (wanted != map.kernel->name && name_is_taken(map, wanted)) {
    log(Severity::warning, map.name.text, "keeps its name, because another device is called " + wanted.text);
  }
}

/// Whether the kernel's map can be given the name it should have now.
bool Engine::Core::may_rename(const MapRecord& map) const {
  return map.kernel && !map.wanted_name.empty() && map.wanted_name != map.kernel->name && !name_is_taken(map, map.wanted_name);
}

void Engine::Core::kernel_renamed(MapRecord& map, const MapName& name) {
  auto kernel = std::make_shared<KernelMap>(*map.kernel);
  kernel->name = name;
  map.kernel = std::move(kernel);
}

/// The kernel has renamed it. Whoever waited for the old name may have it.
void Engine::Core::renamed(MapRecord& map) {
  MapName old = map.kernel->name;
  kernel_renamed(map, map.wanted_name);
  take_name(map, map.wanted_name);
  log(Severity::notice, map.name.text, "was called " + old.text + " before");
  for (auto& other : maps) {
    if (other->live && other->kernel && other->wanted_name == old) queue_map(*other);
  }
}

}  // namespace mpath::engine
