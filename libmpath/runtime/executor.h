// SPDX-License-Identifier: LGPL-2.1-or-later
// Carries out the engine's effects over the ports and brings the results back as events. Used by multipathd, by multipath without a
// daemon and by the simulator. Owned and called by the engine's thread; continuations of lanes arrive there too.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "libmpath/engine/engine.h"
#include "libmpath/ports/ports.h"
#include "libmpath/runtime/event_queue.h"

namespace mpath::runtime {

/// What the program around the executor does itself: answering clients, telling systemd, ending.
class Host {
 public:
  virtual ~Host() = default;
  virtual void reply(const engine::Reply& reply) = 0;
  virtual void render(engine::RenderReply reply) = 0;
  virtual void daemon_state(engine::DaemonState state) = 0;
  virtual void exit(bool failed) = 0;
};

/// Parses configuration files into what the engine takes; pure, runs in lane files.
using ConfigurationParser = std::function<engine::ConfigurationLoaded(const ports::ConfigFiles&)>;

class Executor {
 public:
  Executor(engine::Engine& engine, ports::Ports ports, Host& host, ConfigurationParser parser);
  ~Executor();
  Executor(const Executor&) = delete;
  Executor& operator=(const Executor&) = delete;

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
  void path_uevent(std::string kernel_name, DevNum devnum);
  /// The Commands port has replies.
  void collect_commands();

  /// For the simulator: after so many effects none is carried out any more, as if the process had been killed there.
  void stop_after_effects(std::uint64_t count) { effects_left_ = count; }
  [[nodiscard]] bool is_stopped() const { return effects_left_ == 0; }
  [[nodiscard]] std::uint64_t effects_done() const { return effects_done_; }

 private:
  using Lane = ports::Lane;
  /// The device list of the time before; touched in lane fast only.
  struct Listing;

  // One for each effect; see effect.h for where it runs and what answers it.
  void carry_out(engine::LoadConfiguration& effect);
  void carry_out(engine::LoadState& effect);
  void carry_out(engine::ListDisks& effect);
  void carry_out(engine::ReadDisks& effect);
  void carry_out(engine::ListMaps& effect);
  void carry_out(engine::ReadMap& effect);
  void carry_out(engine::AttachPath& effect);
  void carry_out(engine::DetachPath& effect);
  void carry_out(engine::SubmitCommand& effect);
  void carry_out(engine::RunTableAction& effect);
  void carry_out(engine::SendMessage& effect);
  void carry_out(engine::RememberWwid& effect);
  void carry_out(engine::RememberBinding& effect);
  void carry_out(engine::MarkFailedWwid& effect);
  void carry_out(engine::ReassignHolders& effect);
  void carry_out(engine::SaveRunState& effect);
  void carry_out(engine::SaveReservationKey& effect);
  void carry_out(engine::GatherPath& effect);
  void carry_out(engine::ReadIoCounters& effect);
  void carry_out(engine::TriggerUevent& effect);
  void carry_out(engine::DeletePath& effect);
  void carry_out(engine::ApplyTransportSettings& effect);
  void carry_out(engine::MarkRemotePort& effect);
  void log_remark(const std::string& object, const policy::TransportRemark& remark);
  void set_queue_limits(std::shared_ptr<engine::RunTableAction> effect);
  void run_table(std::shared_ptr<engine::RunTableAction> effect);
  void carry_out(engine::RescanPath& effect);
  void carry_out(engine::Reply& effect);
  void carry_out(engine::RenderReply& effect);
  void carry_out(engine::LogLine& effect);
  void carry_out(engine::DaemonStateChanged& effect);
  void carry_out(engine::Exit& effect);

  /// Of a request that needs more than the snapshot; rehearsal_inputs.cc.
  struct Gathering;
  void gather_inputs(std::shared_ptr<engine::RenderReply> reply);
  void gather_maps(std::shared_ptr<Gathering> gathering);
  void gather_paths(std::shared_ptr<Gathering> gathering);
  void render_gathered(const std::shared_ptr<Gathering>& gathering);
  void gather(Lane lane, const std::shared_ptr<Gathering>& gathering, std::move_only_function<void()> read,
              std::move_only_function<void()> then);

  void complete(engine::Event event);
  void take(EventQueue& events, MonoTime now);
  void hold_or_let_go(std::shared_ptr<engine::RunTableAction> effect);
  void swap_in(std::shared_ptr<engine::RunTableAction> effect);
  void finish_table(const engine::RunTableAction& effect, Result<DevNum> result);
  void submit(Lane lane, std::uint64_t key, ports::LaneTask task, std::optional<engine::Event> refused = std::nullopt);
  void log_failure(const Error& error);
  /// Logs the failure, if it is one, on the loop's thread.
  [[nodiscard]] ports::Continuation told(Status status);

  engine::Engine& engine_;
  ports::Ports ports_;
  Host& host_;
  ConfigurationParser parser_;
  EventQueue completions_;
  EventQueue kernel_events_;
  EventQueue requests_;
  std::vector<engine::Effect> effects_;
  std::vector<ports::CommandReply> replies_;
  std::vector<std::uint32_t> busy_hosts_;
  std::shared_ptr<Listing> listing_;
  std::unordered_set<std::string> said_;  ///< remarks that need not be repeated
  std::uint64_t effects_left_ = UINT64_MAX;
  std::uint64_t effects_done_ = 0;
};

}  // namespace mpath::runtime
