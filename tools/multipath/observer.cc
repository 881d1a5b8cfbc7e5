// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/multipath/observer.h"

#include <sys/epoll.h>

#include <cstdio>

#include "libmpath/base/text.h"
#include "libmpath/config/effective.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/runtime/executor.h"
#include "libmpath/runtime/rehearsal_inputs.h"
#include "libmpath/runtime/thread_lanes.h"
#include "libmpath/sys/device_commands.h"
#include "libmpath/sys/device_mapper.h"
#include "libmpath/sys/direct_read_helper.h"
#include "libmpath/sys/epoll_loop.h"
#include "libmpath/sys/files.h"
#include "libmpath/sys/udev_discovery.h"
#include "tools/multipath/output.h"

namespace mpath::tool {

namespace {

/// Longest stay of a thread that a device holds in the kernel after everything has been printed.
constexpr Duration parting_patience = milliseconds{50};

class StderrLog final : public ports::Log {
 public:
  explicit StderrLog(const ports::Clock& clock) : clock_(clock) {}
  void write(ports::LogLevel level, std::string_view subject, std::string_view text) override {
    if (static_cast<int>(level) > verbosity_) return;
    auto micro = std::chrono::duration_cast<microseconds>(clock_.now().time_since_epoch()).count();
    fmt::print(stderr, "{}.{:06} | {}{}{}\n", micro / 1000000, micro % 1000000, escape(subject), subject.empty() ? "" : ": ",
               escape(text));
  }
  void set_verbosity(int verbosity) { verbosity_ = verbosity; }

 private:
  const ports::Clock& clock_;
  std::atomic<int> verbosity_ = default_verbosity;
};

/// Waits for the engine to know all there is to know.
class Watcher final : public runtime::Host {
 public:
  void reply(const engine::Reply&) override {}
  void render(engine::RenderReply) override {}
  void daemon_state(engine::DaemonState state) override { done = done || state == engine::DaemonState::idle; }
  void exit(bool exit_failed) override {
    done = true;
    failed = exit_failed;
  }
  bool done = false;
  bool failed = false;
};

}  // namespace

Result<Observation> observe(engine::Mode mode, std::optional<int> verbosity) {
  // Before there is a thread.
  std::function<Result<UniqueFd>()> new_reader;
  if (mode == engine::Mode::observe || mode == engine::Mode::survey) {
    if (auto helper = sys::DirectReadHelper::start(nullptr)) {
      new_reader = [shared = std::make_shared<const sys::DirectReadHelper>(std::move(*helper))] { return shared->new_reader(); };
    }
  }
  auto loop = sys::EpollLoop::create();
  if (!loop) return std::unexpected(loop.error());
  StderrLog log(**loop);
  // Errors of the configuration count at every level, its remarks and the engine's news only when they are asked for.
  log.set_verbosity(verbosity.value_or(default_verbosity) >= 3 ? *verbosity : 1);
  auto device_mapper = sys::DeviceMapper::open();
  if (!device_mapper) return std::unexpected(device_mapper.error());
  auto discovery = sys::UdevDiscovery::create();
  if (!discovery) return std::unexpected(discovery.error());
  sys::Files files{sys::FilePaths{}};
  auto lanes = runtime::ThreadLanes::create(**loop, [&loop](ports::Continuation done) { (*loop)->post(std::move(done)); });
  if (!lanes) return std::unexpected(lanes.error());
  auto commands = sys::DeviceCommands::create(**lanes, **loop, std::move(new_reader));
  if (!commands) return std::unexpected(commands.error());
  if (Status watched = (*commands)->watch(**loop); !watched) return std::unexpected(watched.error());

  engine::Engine engine({.mode = mode, .bindings_read_only = true});
  Watcher watcher;
  ports::Ports ports{**loop, **lanes, **device_mapper, **commands, **discovery, files, log};
  runtime::Executor executor(engine, ports, watcher, runtime::parse_configuration);
  executor.post(engine::Started{});
  (*loop)->run([&] {
    bool more = executor.turn();
    (*loop)->set_deadline(std::min({executor.next_deadline(), (*lanes)->tend()}));
    if (watcher.done) (*loop)->stop();
    return more && !watcher.done;
  });
  Observation seen;
  seen.snapshot = engine.snapshot((*loop)->now());
  if (mode == engine::Mode::survey && !watcher.failed) {
    seen.inputs.now = seen.snapshot->now;
    runtime::read_files(files, nullptr, seen.inputs);
    runtime::read_maps(**device_mapper, seen.inputs);
    runtime::read_paths(**discovery, seen.inputs);
  }
  (*lanes)->stop(parting_patience);
  if (watcher.failed) return fail(ErrorCode::invalid_argument, {}, "error parsing config file");
  return seen;
}

}  // namespace mpath::tool
