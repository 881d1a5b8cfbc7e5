// SPDX-License-Identifier: LGPL-2.1-or-later
// The running daemon: the ports' Linux implementations, the engine, the executor and the socket server, tied together on one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libmpath/base/utc_offsets.h"
#include "libmpath/engine/engine.h"
#include "libmpath/runtime/executor.h"
#include "libmpath/runtime/thread_lanes.h"
#include "libmpath/sys/clock_steps.h"
#include "libmpath/sys/device_commands.h"
#include "libmpath/sys/device_mapper.h"
#include "libmpath/sys/direct_read_helper.h"
#include "libmpath/sys/epoll_loop.h"
#include "libmpath/sys/fabric_events.h"
#include "libmpath/sys/files.h"
#include "libmpath/sys/stalled_hosts.h"
#include "libmpath/sys/udev_discovery.h"
#include "libmpath/sys/udev_monitor.h"
#include "multipathd/daemon_log.h"
#include "multipathd/server.h"

namespace mpath::daemon {

struct DaemonOptions {
  LogTarget log_target = LogTarget::syslog;
  std::optional<int> verbosity;  ///< overrides the configuration's
  bool bindings_read_only = false;
  std::shared_ptr<const sys::DirectReadHelper> read_helper;  ///< null: no reads past the page cache
};

class Daemon final : public runtime::Host {
 public:
  /// Opens everything and listens. Errors: what is missing and what to do about it.
  [[nodiscard]] static Result<std::unique_ptr<Daemon>> create(const DaemonOptions& options);
  ~Daemon() override;

  /// Runs until a request or signal ends it. Gives the exit status.
  int run();

  void reply(const engine::Reply& reply) override;
  void render(engine::RenderReply reply) override;
  void daemon_state(engine::DaemonState state) override;
  void exit(bool failed) override;

 private:
  explicit Daemon(const DaemonOptions& options) : options_(options) {}
  [[nodiscard]] Status open_ports();
  [[nodiscard]] Status start_watching();
  [[nodiscard]] engine::ConfigurationLoaded load_configuration(const ports::ConfigFiles& files);
  void on_signal(int signal);
  void on_uevents();
  void watch_fabric();
  void watch_clock();
  void on_fabric_events();
  void request(RequestKind kind);
  bool turn();
  void feed_watchdog(MonoTime now);
  void tell_of_stalled_hosts(MonoTime now);
  [[nodiscard]] std::vector<engine::StuckView> stuck_now() const;

  DaemonOptions options_;
  std::unique_ptr<sys::EpollLoop> loop_;
  std::unique_ptr<DaemonLog> log_;
  std::unique_ptr<sys::DeviceMapper> device_mapper_;
  std::unique_ptr<sys::UdevDiscovery> discovery_;
  std::unique_ptr<sys::UdevMonitor> monitor_;
  std::optional<sys::FabricEvents> fabric_;
  std::optional<sys::ClockSteps> clock_;
  UtcOffsets utc_;
  std::unique_ptr<sys::Files> files_;
  std::unique_ptr<runtime::ThreadLanes> lanes_;
  std::unique_ptr<sys::DeviceCommands> commands_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<runtime::Executor> executor_;
  std::unique_ptr<Server> server_;
  std::vector<std::string> degraded_;
  std::vector<sys::Uevent> uevents_;
  bool event_poll_ = false;
  bool ready_told_ = false;
  bool exiting_ = false;
  bool failed_ = false;
  Duration watchdog_period_{0};
  MonoTime watchdog_due_ = no_deadline;
  sys::StalledHosts stalled_hosts_;
  MonoTime stalls_due_{};
};

}  // namespace mpath::daemon
