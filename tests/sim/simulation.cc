// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/simulation.h"

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/runtime/configuration.h"

namespace mpath::sim {

namespace {
constexpr std::size_t livelock_turns = 50000;
constexpr std::size_t kept_configurations = 256;

/// The product's parser. What it makes of a text is kept: thousands of runs read the same few files.
engine::ConfigurationLoaded parse_configuration(const ports::ConfigFiles& files) {
  static std::map<std::string, engine::ConfigurationLoaded> parsed;
  auto found = parsed.find(files.files.at(0).bytes);
  if (found == parsed.end()) {
    if (parsed.size() >= kept_configurations) parsed.clear();
    found = parsed.emplace(files.files[0].bytes, runtime::parse_configuration(files)).first;
  }
  return found->second;
}

std::string_view word_of(engine::Bar bar) {
  switch (bar) {
    case engine::Bar::none: return "";
    case engine::Bar::disabled: return "disabled";
    case engine::Bar::quarantined: return "quarantined";
    case engine::Bar::suspect: return "suspect";
    case engine::Bar::unreliable: return "unreliable";
    case engine::Bar::drained: return "drained";
    case engine::Bar::unregistered: return "unregistered";
    case engine::Bar::standby: return "standby";
  }
  return "";
}

std::vector<ShownPath> shown_paths(const engine::Snapshot& picture) {
  std::vector<ShownPath> shown;
  for (const auto& path : picture.paths) {
    shown.push_back({path->facts->devnum, path->facts->disk_sequence, path->map_name, path->health.state, word_of(path->bar)});
  }
  return shown;
}

}  // namespace

std::string Settings::text() const {
  std::string text = "defaults {\n";
  auto line = [&](std::string_view keyword, const auto& value) { text += fmt::format("  {} {}\n", keyword, value); };
  line("find_multipaths", "greedy");
  line("polling_interval", polling_interval.count());
  line("max_polling_interval", max_polling_interval.count());
  if (checker_timeout.count() > 0) line("checker_timeout", checker_timeout.count());
  line("no_path_retry", to_string(no_path_retry));
  line("path_grouping_policy", grouping);
  line("failback", failback);
  line("path_selector", fmt::format("\"{}\"", selector));
  line("user_friendly_names", user_friendly_names ? "yes" : "no");
  line("recheck_wwid", "yes");
  // What the arrays are is what the settings say, not what the hardware table or detection does.
  line("detect_pgpolicy", "no");
  if (suspect_after != seconds{2}) line("suspect_after", suspect_after ? fmt::format("{}", suspect_after->count()) : "off");
  text += more_defaults;
  text += "}\n";
  if (!describes_arrays) return text;
  auto entry = [&](std::string_view vendor, std::string_view product, std::string_view checker, std::string_view prio) {
    text += fmt::format("  device {{\n    vendor \"{}\"\n    product \"{}\"\n    path_checker {}\n    prio {}\n"
                        "    path_grouping_policy group_by_prio\n    failback {}\n  }}\n", vendor, product, checker, prio, failback);
  };
  text += "devices {\n";
  entry("SIM", "RDAC", "rdac", "rdac");
  entry("SIM", "CLARIION", "emc_clariion", "emc");
  entry("NVME", "NVME", nvme_checker, "ana");
  return text + "}\n";
}

// --- the users of the maps ----------------------------------------------------------------------------------

class Simulation::Users {
 public:
  Users(Simulation& simulation, Duration pause, std::size_t depth)
      : simulation_(simulation), random_(simulation.random.fork()), pause_(pause), depth_(depth) {}

  void adopt_new_maps() {
    for (DmDevice* device : simulation_.kernel.devices()) {
      if (!device->is_multipath() || device->open_count > 0 || simulation_.unused.contains(device->wwid())) continue;
      device->open_count = 1;
      for (std::size_t at = 0; at < depth_; ++at) again(*device);
    }
  }

 private:
  void again(DmDevice& device) {
    if (device.removed) return;
    simulation_.queue.after(random_.duration(pause_ / 2, pause_ * 3 / 2), [this, &device] {
      MonoTime begun = simulation_.queue.awake();
      simulation_.kernel.submit(device, [this, &device, begun](IoResult result) {
        simulation_.oracle.request_ended(device, result, simulation_.queue.awake() - begun);
        again(device);
      });
    });
  }

  Simulation& simulation_;
  Random random_;
  Duration pause_;
  std::size_t depth_;
};

// --- the product's process ----------------------------------------------------------------------------------

Daemon::Daemon(Simulation& owner, Mutation mutation, std::uint64_t seed)
    : simulation(owner),
      clock(owner.queue, mutation),
      lanes(owner.queue, owner.random.fork()),
      commands(owner.world, owner.queue, owner.random.fork()),
      device_mapper(owner.kernel, lanes),
      mutant_mapper(device_mapper, owner.kernel, owner.queue, mutation),
      mutant_commands(commands, owner.queue, owner.random.fork(), mutation),
      discovery(owner.world, mutation),
      files(owner.files),
      engine(engine::EngineOptions{.seed = seed}),
      executor(engine,
               ports::Ports{clock, lanes,
                            mutation == Mutation::none ? static_cast<ports::DeviceMapper&>(device_mapper) : mutant_mapper,
                            mutation == Mutation::none ? static_cast<ports::Commands&>(commands) : mutant_commands,
                            discovery, files, log},
               *this, parse_configuration) {
  log.on_line = [this](const std::string& line) { simulation.trace(line); };
  log.on_text = [this](std::string_view text) { simulation.coverage.log_line(text); };
  commands.watcher = &simulation.oracle;
  discovery.udev_maps = [this] { return simulation.kernel.maps_not_ready(); };
  commands.on_replies = [this] { replies_waiting = true; };
  mutant_commands.on_replies = [this] { replies_waiting = true; };
}

Daemon::~Daemon() = default;

void Daemon::reply(const engine::Reply& reply) {
  replies[reply.id] = reply.result;
  if (simulation.on_reply) simulation.on_reply(reply.id, reply.result);
}

void Daemon::daemon_state(engine::DaemonState next) {
  state = next;
  simulation.trace(fmt::format("daemon: {}", engine::to_string(next)));
}

void Daemon::exit(bool failed) {
  exited = true;
  simulation.oracle.daemon_stopped();
  simulation.trace(failed ? "daemon: failed" : "daemon: ended");
}

void Daemon::request(RequestId id, Request request) {
  executor.post(engine::RequestArrived{id, distorted_request(std::move(request), simulation.mutation)});
}

void Daemon::work() {
  for (std::size_t turns = 0; !exited && !stopped; ++turns) {
    if (std::exchange(replies_waiting, false)) executor.collect_commands();
    if (!executor.has_work() && simulation.daemon_deadline() > simulation.queue.now()) return;
    executor.turn();
    if (turns > livelock_turns) {
      simulation.oracle.violate("livelock", "the daemon turns without end");
      exited = true;
    }
  }
}

// --- the run ------------------------------------------------------------------------------------------------

Simulation::Simulation(std::uint64_t seed, Settings given, Mutation given_mutation)
    : random(seed),
      settings(std::move(given)),
      world(queue, random.fork()),
      kernel(world, queue, random.fork()),
      oracle(world, kernel, queue, settings),
      mutation(given_mutation) {
  files.configuration = distorted_configuration(settings.text(), mutation);
  world.error_handling = settings.error_handling;
  kernel.watcher = &oracle;
  world.on_activated = [this](const Lun& lun) {
    volume_moved_at = queue.awake();
    oracle.changed(&lun);
  };
  world.on_conflict = [this](const Disk& disk) { oracle.conflicted(disk); };
  world.on_trace = [this](const std::string& text) { trace(text); };
  kernel.on_trace = [this](const std::string& text) { trace(text); };
  oracle.on_count = [this](std::string_view kind, std::string_view what) { coverage.count(kind, what); };
  oracle.on_violation = [this](const std::string& text) { trace("VIOLATION " + text); };
  world.on_uevent = [this](const DiskUevent& event) {
    if (!daemon) return;
    if (event.action == DiskUevent::Action::remove) {
      if (mutation == Mutation::keep_removed_paths) return;
      daemon->executor.post(engine::PathDisappeared{event.name, event.devnum});
    } else {
      daemon->executor.path_uevent(event.name, event.devnum);
    }
  };
  kernel.on_uevent = [this](const MapUevent& event) {
    if (daemon && event.uuid.starts_with("mpath-")) daemon->executor.post(engine::MapUeventSeen{event});
  };
  kernel.on_events_pending = [this] {
    if (daemon) daemon->executor.map_events_pending();
  };
  tick();
}

Simulation::~Simulation() { daemon.reset(); }

void Simulation::tick() {
  queue.after(seconds{1}, [this] {
    oracle.tick();
    if (daemon && !daemon->exited && !daemon->stopped && !daemon->executor.is_stopped()) oracle.compare_picture(shown_paths(*daemon->engine.snapshot(queue.now())));
    if (users_) users_->adopt_new_maps();
    tick();
  });
}

void Simulation::trace(const std::string& text) {
  trace_hash = fingerprint(text, trace_hash ^ static_cast<std::uint64_t>(queue.awake().time_since_epoch().count()));
  if (keep_lines == 0) return;
  double seconds_since_epoch = std::chrono::duration<double>(queue.awake().time_since_epoch()).count();
  recent.push_back(fmt::format("{:11.4f} {}", seconds_since_epoch, text));
  if (recent.size() > keep_lines) recent.pop_front();
}

void Simulation::start_daemon() {
  if (mutation == Mutation::forget_marks) files.run_state.clear();
  daemon = std::make_unique<Daemon>(*this, mutation, ++starts_);
  trace("daemon: started");
  oracle.daemon_started();
  oracle.changed_all();
  daemon->executor.post(engine::Started{});
  // The program arms the event poll when it starts.
  daemon->executor.map_events_pending();
  daemon->work();
}

void Simulation::kill_daemon() {
  trace("daemon: killed");
  daemon.reset();
  kernel.interrupt_swaps();
  oracle.daemon_stopped();
}

void Simulation::configure(const Settings& changed) {
  settings = changed;
  files.configuration = distorted_configuration(settings.text(), mutation);
  oracle.settings_changed();
}

MonoTime Simulation::daemon_deadline() const {
  if (!daemon || daemon->exited || daemon->stopped) return no_deadline;
  MonoTime deadline = daemon->executor.next_deadline();
  // It is not due before the daemon's own clock says so.
  if (deadline <= queue.now() && deadline > daemon->clock.now()) return queue.now() + seconds{1};
  return deadline;
}

void Simulation::step() {
  MonoTime deadline = daemon_deadline();
  if (deadline < queue.next()) {
    queue.advance(deadline);
  } else {
    queue.run_next();
  }
  if (daemon) daemon->work();
}

bool Simulation::run_until(const std::function<bool()>& condition, Duration limit) {
  MonoTime end = queue.awake() + limit;
  for (;;) {
    if (condition()) return true;
    if (stop_on_violation && !oracle.violations().empty()) return false;
    MonoTime next = std::min(queue.next(), daemon_deadline());
    if (next - queue.paused() > end) break;
    step();
  }
  queue.advance(end + queue.paused());
  return condition();
}

void Simulation::run(Duration length) {
  run_until([] { return false; }, length);
}

std::optional<RequestResult> Simulation::ask(Request request, Duration limit) {
  if (!daemon) return std::nullopt;
  auto id = static_cast<RequestId>(++last_request_);
  daemon->request(id, std::move(request));
  daemon->work();
  if (!run_until([&] { return !daemon || daemon->replies.contains(id); }, limit) || !daemon) return std::nullopt;
  return daemon->replies[id];
}

void Simulation::start_users(Duration pause_between, std::size_t depth) {
  users_ = std::make_unique<Users>(*this, pause_between, depth);
}

DmDevice* Simulation::map_of(const Lun& lun) const { return kernel.find_uuid("mpath-" + lun.wwid.text); }

const TargetPath* Simulation::path_in_map(const Lun& lun, const Disk& disk) const {
  const DmDevice* device = map_of(lun);
  if (device == nullptr || !device->live) return nullptr;
  for (const TargetPath& path : device->live->paths) {
    if (path.disk == &disk) return &path;
  }
  return nullptr;
}

bool Simulation::is_active(const Disk& disk) const {
  const TargetPath* path = disk.lun == nullptr ? nullptr : path_in_map(*disk.lun, disk);
  return path != nullptr && path->active;
}

}  // namespace mpath::sim
