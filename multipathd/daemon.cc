// SPDX-License-Identifier: LGPL-2.1-or-later
#include "multipathd/daemon.h"

#include <signal.h>
#include <sys/epoll.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "libmpath/base/limits.h"
#include "libmpath/command/reply.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/sys/process.h"
#include "libmpath/sys/unix_socket.h"
#include "multipathd/block_devices.h"
#include "tools/client/connection.h"

namespace mpath::daemon {

namespace {
constexpr Duration stuck_age = seconds{1};
constexpr Duration told_stall = seconds{2};           ///< a host that takes no command for so long is named in the log
constexpr Duration stall_look_interval = seconds{1};
constexpr int default_verbosity = 2;
}  // namespace

Result<std::unique_ptr<Daemon>> Daemon::create(const DaemonOptions& options) {
  std::unique_ptr<Daemon> daemon(new Daemon(options));
  if (Status status = daemon->open_ports(); !status) return std::unexpected(status.error());
  if (Status status = daemon->start_watching(); !status) return std::unexpected(status.error());
  return daemon;
}

Daemon::~Daemon() {
  if (server_) server_->close_all();
  // A task that is stuck in the kernel keeps its thread; everything it may still touch is leaked on purpose by ending the process.
  if (lanes_) lanes_->stop(limits::lane_stop);
}

Status Daemon::open_ports() {
  auto loop = sys::EpollLoop::create();
  if (!loop) return std::unexpected(loop.error());
  loop_ = std::move(*loop);
  Status signals = loop_->watch_signals({SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2}, [this](int signal) { on_signal(signal); });
  if (!signals) return signals;
  ::signal(SIGPIPE, SIG_IGN);
  log_ = std::make_unique<DaemonLog>(options_.log_target, options_.verbosity.value_or(default_verbosity), *loop_);

  auto device_mapper = sys::DeviceMapper::open();
  if (!device_mapper) return std::unexpected(device_mapper.error());
  device_mapper_ = std::move(*device_mapper);
  if (Status usable = device_mapper_->probe(); !usable) return usable;
  auto discovery = sys::UdevDiscovery::create();
  if (!discovery) return std::unexpected(discovery.error());
  discovery_ = std::move(*discovery);
  // Listening before anything is enumerated: what comes meanwhile is not missed.
  auto monitor = sys::UdevMonitor::open();
  if (!monitor) return std::unexpected(monitor.error());
  monitor_ = std::move(*monitor);
  files_ = std::make_unique<sys::Files>(sys::FilePaths{});
  auto lanes = runtime::ThreadLanes::create(*loop_, [this](ports::Continuation done) { loop_->post(std::move(done)); });
  if (!lanes) return std::unexpected(lanes.error());
  lanes_ = std::move(*lanes);
  std::function<Result<UniqueFd>()> new_reader;
  if (options_.read_helper) new_reader = [helper = options_.read_helper] { return helper->new_reader(); };
  auto commands = sys::DeviceCommands::create(*lanes_, *loop_, std::move(new_reader));
  if (!commands) return std::unexpected(commands.error());
  commands_ = std::move(*commands);

  engine_ = std::make_unique<engine::Engine>(engine::EngineOptions{.bindings_read_only = options_.bindings_read_only});
  ports::Ports ports{*loop_, *lanes_, *device_mapper_, *commands_, *discovery_, *files_, *log_};
  executor_ = std::make_unique<runtime::Executor>(*engine_, ports, *this,
                                                  [this](const ports::ConfigFiles& files) { return load_configuration(files); });
  server_ = std::make_unique<Server>(
      *loop_, [this](RequestId id, const Request& request) { executor_->post(engine::RequestArrived{id, request}); },
      seconds{4});
  return {};
}

Status Daemon::start_watching() {
  auto sockets = sys::open_listening_sockets(sd_listen_fds(1), client::socket_names());
  if (!sockets) return std::unexpected(sockets.error());
  if (Status status = server_->listen(std::move(*sockets)); !status) return status;
  if (Status status = loop_->watch(monitor_->fd(), EPOLLIN, [this](std::uint32_t) { on_uevents(); }); !status) return status;
  if (Status status = commands_->watch(*loop_); !status) return status;
  watch_fabric();
  watch_clock();
  event_poll_ = device_mapper_->capabilities().event_poll;
  if (event_poll_) {
    Status status = loop_->watch(device_mapper_->event_fd(), EPOLLIN | EPOLLPRI,
                                 [this](std::uint32_t) { executor_->map_events_pending(); }, sys::EpollLoop::Trigger::edge);
    if (!status) return status;
  } else {
    degraded_.push_back("kernel without device-mapper event poll: a path that I/O failed is noticed at its next check");
  }
  if (!options_.read_helper) degraded_.push_back("no child process for reads past the page cache: checker directio cannot work");
  std::uint64_t watchdog_microseconds = 0;
  if (sd_watchdog_enabled(0, &watchdog_microseconds) > 0) {
    watchdog_period_ = microseconds{watchdog_microseconds} / 2;
    watchdog_due_ = loop_->now();
  }
  return {};
}

/// Lane files.
engine::ConfigurationLoaded Daemon::load_configuration(const ports::ConfigFiles& files) {
  engine::ConfigurationLoaded loaded = runtime::parse_configuration(files);
  if (loaded.config) {
    config::Resolver resolver(loaded.config);
    if (!options_.verbosity) log_->set_verbosity(resolver.daemon().verbosity.value);
    Duration patience = resolver.daemon().uxsock_timeout.value;
    loop_->post([this, patience] { server_->set_patience(patience); });
  }
  return loaded;
}

int Daemon::run() {
  for (const Error& error : sys::harden_process()) {
    log_->write(ports::LogLevel::warning, error.subject, error.what + ": " + error.cause);
  }
  executor_->post(engine::Started{});
  loop_->run([this] { return turn(); });
  server_->close_all();
  return failed_ ? 1 : 0;
}

bool Daemon::turn() {
  bool more = executor_->turn();
  MonoTime now = loop_->now();
  feed_watchdog(now);
  tell_of_stalled_hosts(now);
  if (server_->next_deadline() <= now) server_->expire(now);
  MonoTime next = std::min({executor_->next_deadline(), server_->next_deadline(), watchdog_due_});
  // Replies that are gathered bring the next turn, and with it this question, without a timer of the loop.
  if (MonoTime lanes = lanes_->tend(); lanes < commands_->scsi().wakes_at()) next = std::min(next, lanes);
  loop_->set_deadline(next);
  if (exiting_ && !more) loop_->stop();
  return more && !exiting_;
}

void Daemon::feed_watchdog(MonoTime now) {
  if (watchdog_period_ == Duration{0} || watchdog_due_ > now) return;
  log_->notify("WATCHDOG=1");
  watchdog_due_ = now + watchdog_period_;
}

/// Needs no deadline of its own: while a command is outstanding the engine has one, and other hosts' checks come meanwhile.
void Daemon::tell_of_stalled_hosts(MonoTime now) {
  if (now < stalls_due_) return;
  stalls_due_ = now + stall_look_interval;
  for (const sys::StalledHosts::Remark& remark : stalled_hosts_.compare(commands_->scsi().stalled(told_stall), now)) {
    log_->write(remark.stalls ? ports::LogLevel::warning : ports::LogLevel::notice, fmt::format("host {}", remark.host), remark.text);
  }
}

void Daemon::request(RequestKind kind) {
  executor_->post(engine::RequestArrived{RequestId::none, Request{.kind = kind}});
}

void Daemon::on_signal(int signal) {
  if (signal == SIGHUP) request(RequestKind::reconfigure);
  if (signal == SIGUSR1) log_->reopen();
  if (signal == SIGINT || signal == SIGTERM) request(RequestKind::shutdown);
}

void Daemon::on_uevents() {
  uevents_.clear();
  if (!monitor_->receive(uevents_)) {
    log_->write(ports::LogLevel::warning, "udev", "the kernel dropped events; everything is compared anew");
    request(RequestKind::reconfigure);
  }
  sys::filter_uevents(uevents_);
  for (sys::Uevent& event : uevents_) {
    if (event.map) {
      executor_->post(engine::MapUeventSeen{*event.map});
    } else if (!event.is_dm && event.action == sys::Uevent::Action::remove) {
      executor_->post(engine::PathDisappeared{event.kernel_name, event.devnum});
    } else if (!event.is_dm && event.action != sys::Uevent::Action::other) {
      executor_->path_uevent(event.kernel_name, event.devnum);
    }
    if (event.is_dm && !event_poll_) executor_->map_events_pending();
  }
}

/// What happened before a jump of the clock keeps its time. Without it a jump is noticed with the next query.
void Daemon::watch_clock() {
  utc_.note(loop_->now(), sys::utc_offset());
  auto opened = sys::ClockSteps::open();
  if (!opened) return;
  clock_.emplace(std::move(*opened));
  Status watched = loop_->watch(clock_->fd(), EPOLLIN, [this](std::uint32_t) {
    clock_->take();
    utc_.note(loop_->now(), sys::utc_offset());
  });
  if (!watched) clock_.reset();
}

/// Without it a lost link is noticed at the next check.
void Daemon::watch_fabric() {
  auto opened = sys::FabricEvents::open();
  Status watched;
  if (opened) {
    fabric_.emplace(std::move(*opened));
    watched = loop_->watch(fabric_->fd(), EPOLLIN, [this](std::uint32_t) { on_fabric_events(); });
  } else if (opened.error().code != ErrorCode::unsupported) {
    watched = std::unexpected(opened.error());
  }
  if (!watched) degraded_.push_back("no events of links and fabrics: " + watched.error().message());
}

void Daemon::on_fabric_events() {
  using Kind = wire::FcEvent::Kind;
  std::vector<wire::FcEvent> events;
  if (!fabric_->receive(events)) log_->write(ports::LogLevel::warning, "fabric events", "the kernel dropped some");
  for (const wire::FcEvent& event : events) {
    if (event.kind == Kind::link_integrity) {
      engine::FabricNotice notice{.host = event.host, .target_ports = {}};
      for (std::uint64_t port : event.ports) notice.target_ports.push_back(wire::port_name_text(port));
      executor_->post(std::move(notice));
      continue;
    }
    // What it told of the old link says nothing of the new one.
    if (event.kind == Kind::link_up || event.kind == Kind::state_change) {
      executor_->post(engine::FabricNotice{.host = event.host, .target_ports = {}, .holds = false});
    }
    auto kind = event.kind == Kind::link_up     ? engine::LinkEvent::Kind::up
                : event.kind == Kind::link_down ? engine::LinkEvent::Kind::down
                                                : engine::LinkEvent::Kind::changed;
    executor_->post(engine::LinkEvent{.host = event.host, .target_port = {}, .kind = kind});
  }
}

// --- runtime::Host ---------------------------------------------------------------------------------------------

void Daemon::reply(const engine::Reply& reply) { server_->send(reply.id, command::reply_text(reply.result)); }

std::vector<engine::StuckView> Daemon::stuck_now() const {
  std::vector<engine::StuckView> stuck;
  for (const sys::StalledHost& host : commands_->scsi().stalled(stuck_age)) {
    stuck.push_back({.what = fmt::format("host {}{}", host.host, host.in_kernel ? " (the kernel holds the submission)" : " (full)"),
                     .since = host.since,
                     .waiting = host.waiting});
  }
  for (const runtime::BusyLane& lane : lanes_->busy(stuck_age)) {
    stuck.push_back({.what = fmt::format("lane {} ({})", runtime::to_string(lane.lane), lane.key),
                     .since = lane.since,
                     .waiting = lane.waiting_behind});
  }
  return stuck;
}

void Daemon::render(engine::RenderReply reply) {
  auto picture = std::make_shared<engine::Snapshot>(*reply.snapshot);
  picture->process_id = static_cast<std::uint32_t>(::getpid());
  picture->stuck = stuck_now();
  picture->degraded = degraded_;
  if (std::size_t count = commands_->scsi().degraded(); count > 0) {
    picture->degraded.push_back(fmt::format("{} device(s) without an sg node (modprobe sg): their checks hold a thread while they last", count));
  }
  picture->counters.log_lines_dropped = log_->dropped();
  RequestId id = reply.id;
  utc_.note(loop_->now(), sys::utc_offset());
  bool taken = lanes_->submit(ports::Lane::view, 0,
                              [this, id, request = std::move(reply.request), picture, utc = utc_, inputs = std::move(reply.inputs)]() -> ports::Continuation {
                                std::vector<view::BlockDevice> devices;
                                if (request.kind == RequestKind::show_devices) devices = list_block_devices(*picture);
                                std::string text = command::render(request, *picture, {.devices = devices, .utc = utc, .inputs = inputs.get()});
                                return [this, id, text = std::move(text)] { server_->send(id, text); };
                              });
  if (!taken) server_->send(id, command::timeout_reply);
}

void Daemon::daemon_state(engine::DaemonState state) {
  using engine::DaemonState;
  switch (state) {
    case DaemonState::idle:
      log_->notify("READY=1\nSTATUS=up");
      ready_told_ = true;
      break;
    case DaemonState::configure:
      log_->notify(ready_told_ ? "RELOADING=1\nSTATUS=configure" : "STATUS=configure");
      break;
    case DaemonState::shutdown: log_->notify(ready_told_ ? "READY=1\nSTOPPING=1\nSTATUS=shutdown" : "STOPPING=1\nSTATUS=shutdown"); break;
    case DaemonState::init:
    case DaemonState::startup: log_->notify("STATUS=startup"); break;
    case DaemonState::running: log_->notify("STATUS=up"); break;
  }
}

void Daemon::exit(bool failed) {
  failed_ = failed;
  exiting_ = true;
}

}  // namespace mpath::daemon
