// SPDX-License-Identifier: LGPL-2.1-or-later
// Everything of one run together: world, kernel, files, the daemon (the product's engine and executor over simulated ports), the I/O of the
// maps' users, and the oracle. One thread, virtual time, repeatable from the seed.
#pragma once

#include <deque>
#include <memory>
#include <string>

#include "libmpath/engine/engine.h"
#include "libmpath/runtime/executor.h"
#include "tests/sim/coverage.h"
#include "tests/sim/mutations.h"
#include "tests/sim/oracle.h"
#include "tests/sim/ports.h"
#include "tests/sim/settings.h"

namespace mpath::sim {

class Simulation;

/// The product in its simulated process. Destroying it is SIGKILL.
class Daemon final : public runtime::Host {
 public:
  Daemon(Simulation& simulation, Mutation mutation, std::uint64_t seed);
  ~Daemon() override;

  // runtime::Host
  void reply(const engine::Reply& reply) override;
  void render(engine::RenderReply) override {}
  void daemon_state(engine::DaemonState state) override;
  void exit(bool failed) override;

  void request(RequestId id, Request request);
  /// Turns as long as there is work. Called after everything that may have made some.
  void work();

  Simulation& simulation;
  MutantClock clock;
  VirtualLanes lanes;
  SimCommands commands;
  SimDeviceMapper device_mapper;
  MutantDeviceMapper mutant_mapper;
  MutantCommands mutant_commands;
  MutantDiscovery discovery;
  SimFiles files;
  SimLog log;
  engine::Engine engine;
  runtime::Executor executor;
  std::map<RequestId, RequestResult> replies;
  engine::DaemonState state = engine::DaemonState::init;
  bool exited = false;
  bool replies_waiting = false;
  bool stopped = false;  ///< the process gets no time (SIGSTOP); the machine goes on
};

class Simulation {
 public:
  Simulation(std::uint64_t seed, Settings settings, Mutation mutation = Mutation::none);
  ~Simulation();
  Simulation(const Simulation&) = delete;
  Simulation& operator=(const Simulation&) = delete;

  void start_daemon();
  void kill_daemon();
  /// The configuration file is edited; nothing reads it before a reconfiguration or a start.
  void configure(const Settings& changed);
  /// Lets time pass.
  void run(Duration length);
  /// Until `condition` holds, checked after every step; false if it does not within `limit`.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  /// Sends a request and waits for its reply.
  std::optional<RequestResult> ask(Request request, Duration limit = seconds{30});
  /// Users read and write every map from now on, each request verified.
  void start_users(Duration pause_between, std::size_t depth);
  void trace(const std::string& text);
  /// How many daemons there have been.
  [[nodiscard]] std::uint64_t starts() const { return starts_; }
  /// When the daemon's loop wakes up by itself.
  [[nodiscard]] MonoTime daemon_deadline() const;

  // Looking at the kernel's state.
  [[nodiscard]] DmDevice* map_of(const Lun& lun) const;
  [[nodiscard]] const TargetPath* path_in_map(const Lun& lun, const Disk& disk) const;
  [[nodiscard]] bool is_active(const Disk& disk) const;

  EventQueue queue;
  Random random;
  Settings settings;
  World world;
  Kernel kernel;
  FileStore files;
  Coverage coverage;
  Oracle oracle;
  Mutation mutation;
  std::unique_ptr<Daemon> daemon;
  std::deque<std::string> recent;      ///< the last lines of the trace
  std::uint64_t trace_hash = 0;        ///< of all lines: equal seeds give equal hashes
  std::size_t keep_lines = 400;
  bool stop_on_violation = false;
  MonoTime volume_moved_at{};          ///< when an array last did what I/O or the kernel asked for
  std::set<std::string> unused;        ///< WWIDs of maps that nobody opens
  std::function<void(RequestId, const RequestResult&)> on_reply;

 private:
  class Users;
  void step();
  void tick();

  std::unique_ptr<Users> users_;
  std::uint64_t starts_ = 0;
  std::uint64_t last_request_ = 0;
};

}  // namespace mpath::sim
