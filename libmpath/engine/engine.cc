// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/engine/engine.h"

#include "libmpath/base/limits.h"
#include "libmpath/engine/core.h"

namespace mpath::engine {

std::string_view to_string(DaemonState state) {
  switch (state) {
    case DaemonState::init: return "init";
    case DaemonState::startup: return "startup";
    case DaemonState::configure: return "configure";
    case DaemonState::idle: return "idle";
    case DaemonState::running: return "running";
    case DaemonState::shutdown: return "shutdown";
  }
  return "init";
}

Engine::Engine(EngineOptions options) : core_(std::make_unique<Core>(options)) {}
Engine::~Engine() = default;

void Engine::step(const Event& event, MonoTime now, std::vector<Effect>& effects) { core_->step(event, now, effects); }

MonoTime Engine::next_deadline() const {
  MonoTime next = core_->timers.next();
  return next == no_deadline ? no_deadline : next + core_->standstill;
}

std::shared_ptr<const Snapshot> Engine::snapshot(MonoTime now) {
  core_->enter_time(now);
  return core_->snapshot();
}

void Engine::count_turn(Duration length) {
  Counters& counters = core_->counters;
  ++counters.turns;
  counters.longest_turn = std::max(counters.longest_turn, length);
  if (length > limits::turn_defect) ++counters.slow_turns;
}

bool Engine::Core::completes(OpId* awaited, OpId op) {
  if (awaited == nullptr || *awaited != op) {
    ++counters.stale_completions;
    return false;
  }
  *awaited = OpId::none;
  return true;
}

void Engine::Core::step(const Event& event, MonoTime wall, std::vector<Effect>& out) {
  out_ = &out;
  ++counters.events;
  enter_time(wall);
  current_ = &event;
  std::visit([this](const auto& happened) { on(happened); }, event);
  drain_map_queue();
  save_run_state();
  current_ = nullptr;
  out_ = nullptr;
}

void Engine::Core::enter_time(MonoTime wall) {
  MonoTime engine_time = wall - standstill;
  MonoTime next = timers.next();
  if (next != no_deadline && engine_time - standstill_threshold > next) {
    // When between the last step and now the machine stopped is not known. To take all of it for sleep costs patience; to take it for
    // time in which a device did not answer would cost paths.
    MonoTime woken = std::min(next, now + standstill_credit);
    standstill += engine_time - woken;
    engine_time = woken;
  }
  now = std::max(now, engine_time);
}

void Engine::Core::on(const Started&) {
  engine_timer.owner = TimerOwner::engine;
  run_state_timer.owner = TimerOwner::run_state;
  drain_timer.owner = TimerOwner::drain;
  enter_state(DaemonState::startup);
  begin_configuration();
}

void Engine::Core::on(const TimeAdvanced&) {
  run_timers();
}

void Engine::Core::run_timers() {
  for (std::size_t i = 0; i < limits::events_per_turn; ++i) {
    TimerNode* node = timers.take_due(now);
    if (node == nullptr) return;
    switch (node->owner) {
      case TimerOwner::path: {
        PathRecord& path = *paths[node->slot];
        if (path.check.step != CheckStep::idle) {
          outstanding_due(path);
        } else {
          planned_check(path);
        }
        break;
      }
      case TimerOwner::map: map_timer(*maps[node->slot]); break;
      case TimerOwner::engine: run_engine_timer(); break;
      case TimerOwner::sampling: sampling_due(*paths[node->slot]); break;
      case TimerOwner::run_state: break;  // what is to be saved is saved at the end of each step
      case TimerOwner::drain: drain_timer_due(); break;
    }
  }
}

void Engine::Core::run_engine_timer() {
  if (exiting) {
    // What has not been answered by now is not waited for.
    emit(Exit{});
    return;
  }
  idle_deadline = no_deadline;
  maybe_become_idle();
}

void Engine::Core::queue_map(MapRecord& map) {
  if (map.queued) return;
  map.queued = true;
  map_queue.push_back(map.id);
}

void Engine::Core::drain_map_queue() {
  // Reconciling may queue the map again (a name that became free); each pass is bounded by what is there when it begins.
  for (std::size_t i = 0; i < map_queue.size(); ++i) {
    MapRecord* map = find_map(map_queue[i]);
    if (map == nullptr) continue;
    map->queued = false;
    reconcile(*map);
  }
  map_queue.clear();
  if (configuring) maybe_become_idle();
}

void Engine::Core::log(Severity severity, std::string subject, std::string text) {
  emit(LogLine{severity, std::move(subject), std::move(text), {}});
}

void Engine::Core::enter_state(DaemonState next) {
  if (daemon_state == next) return;
  daemon_state = next;
  emit(DaemonStateChanged{next});
}

}  // namespace mpath::engine
