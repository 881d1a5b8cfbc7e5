// SPDX-License-Identifier: LGPL-2.1-or-later
// The priority of a path: asked for by its own prioritizer at the end of a check, or told by another path's report of target port groups.
#include <utility>

#include "libmpath/engine/core.h"

namespace mpath::engine {

namespace {

/// Paths of a volume whose priority is older than this are asked again when that of one has changed.
constexpr Duration priority_freshness = seconds{1};

/// The next number of a sequence that its seed decides (SplitMix64).
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15ULL;
  std::uint64_t mixed = state;
  mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9ULL;
  mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111ebULL;
  return mixed ^ mixed >> 31;
}

}  // namespace

policy::PriorityContext Engine::Core::priority_context(const PathRecord& path) {
  std::uint32_t chance = 0;
  if (path.priority_method() == policy::PriorityMethod::random) chance = static_cast<std::uint32_t>(next_random(random_state) >> 32);
  return {.facts = *path.facts, .timeout = check_timeout(path), .chance = chance};
}

/// A path that does not work is not asked: it would be waited for. `alua` is asked for the whole map, see port_groups.cc.
bool Engine::Core::needs_priority(const PathRecord& path) {
  policy::PriorityMethod method = path.priority_method();
  if (method == policy::PriorityMethod::constant || method == policy::PriorityMethod::alua) return false;
  if (method == policy::PriorityMethod::missing || path.quarantined || path.facts->wwid.empty()) return false;
  return is_usable(path.check.verdict) || path.check.verdict == PathState::pending;
}

void Engine::Core::judge_priority(PathRecord& path, const CommandOutcome& outcome) {
  take_turn(path, policy::continue_priority(*path.prioritizer, path.priority_memory, priority_context(path), outcome));
}

void Engine::Core::take_turn(PathRecord& path, policy::PriorityTurn turn) {
  switch (turn.kind) {
    case policy::PriorityTurn::Kind::ask: submit_step(path, CheckStep::prioritize, std::move(*turn.command)); return;
    case policy::PriorityTurn::Kind::known: set_priority(path, turn.priority, policy::to_string(path.priority_method())); break;
    case policy::PriorityTurn::Kind::undefined: set_priority(path, std::nullopt, "the device does not tell it"); break;
    case policy::PriorityTurn::Kind::unchanged:
      if (!path.priority) set_priority(path, turn.priority, policy::to_string(path.priority_method()));
      break;
  }
  finish_check(path);
}

/// `why`: for the log. Nothing: undefined.
void Engine::Core::set_priority(PathRecord& path, std::optional<int> priority, std::string_view why) {
  MapRecord* map = find_map(path.map);
  path.priority_refused = !priority;
  // A map that is to be made waits for it.
  if (map != nullptr && !path.priority) queue_map(*map);
  if (path.priority == priority) return;
  std::optional<int> before = std::exchange(path.priority, priority);
  touch(path);
  if (map == nullptr) return;
  queue_map(*map);
  if (!before) return;
  bool follows = policy::follows_array(path.priority_method()) || path.priority_method() == policy::PriorityMethod::alua;
  log(follows ? Severity::notice : Severity::debug, path.facts->kernel_name,
      priority ? fmt::format("priority {} becomes {} ({})", *before, *priority, why) : fmt::format("priority {} is undefined now ({})", *before, why));
  if (!policy::follows_array(path.priority_method())) return;
  for (PathRecord& member : paths_of(*map)) {
    bool asks = &member != &path && is_usable(member.health.state) &&
                member.check.step == CheckStep::idle && member.last_answer + priority_freshness <= now;
    if (asks) check_now(member);
  }
}

}  // namespace mpath::engine
