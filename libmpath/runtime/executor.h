// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries out the engine's effects over the ports and brings the results back as events. Used by multipathd, by multipath without a
// daemon and by the simulator. Owned and called by the engine's thread; continuations of lanes arrive there too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libmpath/engine/engine.h"
#include "libmpath/ports/ports.h"

namespace mpath::runtime {

/// What the program around the executor does itself: answering clients, telling systemd, ending.
class Host {
 public:
  virtual ~Host() = default;
  virtual void reply(const engine::Reply& reply) = 0;
  virtual void render(engine::RenderReply reply) = 0;
  virtual void daemon_state(engine::DaemonState state) = 0;
  virtual void exit() = 0;
};

/// Parses configuration files into what the engine takes; pure, runs in lane files.
using ConfigurationParser = std::function<engine::ConfigurationLoaded(const ports::ConfigFiles&)>;

class Executor {
 public:
  Executor(engine::Engine& engine, ports::Ports ports, Host& host, ConfigurationParser parser);

  /// Queue an event from outside: a kernel event or a request. It is taken in the next turn, after completions.
  void post(engine::Event event);

  /// One turn: completions, kernel events, requests, due timers, each class bounded (limits::events_per_turn); then the effects
  /// are carried out. True if more is waiting.
  bool turn();

  /// Something waits for a turn().
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] MonoTime next_deadline() const { return engine_.next_deadline(); }

  /// The device-mapper event poll fired: arm it again and list, in lane fast.
  void map_events_pending();
  /// udev says that a disk came or changed: read it in lane discovery, then tell the engine.
  void path_uevent(std::string device);
  /// The Commands port has replies.
  void collect_commands();

  /// Named mutations of the executor for the simulator: stop carrying out effects after so many.
  void stop_after_effects(std::uint64_t count) { effects_left_ = count; }
  [[nodiscard]] std::uint64_t effects_done() const { return effects_done_; }

 private:
  void carry_out(engine::Effect& effect);
  void complete(engine::Event event);
  void run_table_action(engine::RunTableAction effect);
  void swap_in(engine::RunTableAction effect, bool flush);
  void submit(ports::Lane lane, std::uint64_t key, ports::LaneTask task, engine::Event refused);

  engine::Engine& engine_;
  ports::Ports ports_;
  Host& host_;
  ConfigurationParser parser_;
  std::deque<engine::Event> completions_;
  std::deque<engine::Event> kernel_events_;
  std::deque<engine::Event> requests_;
  std::vector<engine::Effect> effects_;
  std::vector<ports::CommandReply> replies_;
  std::uint64_t effects_left_ = UINT64_MAX;
  std::uint64_t effects_done_ = 0;
};

}  // namespace mpath::runtime
