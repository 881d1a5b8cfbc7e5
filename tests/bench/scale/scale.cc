// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon's engine and executor with very many paths, over simulated ports.
//   bench_scale --cold-start PATHS   real time from the start until every map is made and every path was checked
//   bench_scale --count PATHS        the same; then events of paths, counted by callgrind (see measure.py), which must collect in
//                                    Engine::step only. Prints how many events each phase had.
#include <fmt/format.h>

#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>

#include "tests/sim/simulation.h"

#if __has_include(<valgrind/callgrind.h>)
#include <valgrind/callgrind.h>
#else
#define CALLGRIND_START_INSTRUMENTATION
#define CALLGRIND_STOP_INSTRUMENTATION
#define CALLGRIND_ZERO_STATS
#define CALLGRIND_DUMP_STATS_AT(name)
#endif

namespace {

using namespace mpath;

constexpr std::uint32_t paths_per_map = 16;

/// Four host ports, one array with two controllers of two ports each.
class Scale {
 public:
  explicit Scale(std::uint32_t paths) : paths_(paths), sim_(1, settings()) {
    sim_.keep_lines = 0;
    sim_.kernel.watcher = nullptr;
    sim::Array& array = sim_.world.add_array(sim::Alua::both, 2, 2);
    for (int host = 0; host < 4; ++host) sim_.world.add_host().can_queue = 16384;
    for (std::uint32_t lun = 0; lun < paths / paths_per_map; ++lun) {
      sim_.world.connect(sim_.world.add_lun(array, 204800, lun % 2), 4);
    }
  }

  /// Seconds of real time.
  double cold_start() {
    auto begun = std::chrono::steady_clock::now();
    sim_.start_daemon();
    sim_.daemon->commands.watcher = nullptr;
    bool done = sim_.run_until([this] { return is_up(); }, minutes{5});
    double taken = std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
    if (!done) {
      fmt::print(stderr, "the maps were not made\n");
      std::exit(1);
    }
    return taken;
  }

  void count() {
    // All maps at rest: their own uevents have come, the paths' have been read again.
    sim_.run(minutes{2});
    phase("good_check", [this] { sim_.run(sim_.settings.max_polling_interval); }, [this] { return checks(); });
    phase("failure", [this] { set_offline(true); sim_.run(sim_.settings.max_polling_interval); },
          [this] { return checks(); });
    phase("recovery", [this] { set_offline(false); sim_.run(sim_.settings.polling_interval); }, [this] { return checks(); });
  }

 private:
  static sim::Settings settings() {
    sim::Settings settings;
    settings.grouping = "group_by_prio";
    settings.failback = "immediate";
    return settings;
  }
  bool is_up() {
    if (sim_.daemon->state != engine::DaemonState::idle || sim_.kernel.table_actions < paths_ / paths_per_map) return false;
    return sim_.daemon->engine.snapshot(sim_.queue.now())->counters.checks_finished >= paths_;
  }
  std::uint64_t checks() { return sim_.daemon->engine.snapshot(sim_.queue.now())->counters.checks_finished; }
  /// One path of every map.
  void set_offline(bool offline) {
    for (std::size_t at = 5; at < sim_.world.disks().size(); at += paths_per_map) {
      sim_.world.set_offline(*sim_.world.disks()[at], offline);
    }
  }
  template <typename Work, typename Events>
  void phase(const char* name, Work work, Events events) {
    std::uint64_t before = events();
    CALLGRIND_START_INSTRUMENTATION;
    CALLGRIND_ZERO_STATS;
    work();
    CALLGRIND_DUMP_STATS_AT(name);
    CALLGRIND_STOP_INSTRUMENTATION;
    fmt::print("{} {}\n", name, events() - before);
    std::fflush(stdout);
  }

  std::uint32_t paths_;
  sim::Simulation sim_;
};

}  // namespace

int main(int argc, char** argv) {
  std::uint32_t paths = 0;
  bool valid = argc == 3 && (std::strcmp(argv[1], "--cold-start") == 0 || std::strcmp(argv[1], "--count") == 0);
  if (valid) {
    auto [end, error] = std::from_chars(argv[2], argv[2] + std::strlen(argv[2]), paths);
    valid = error == std::errc{} && *end == 0 && paths >= paths_per_map && paths <= 65536;
  }
  if (!valid) {
    fmt::print(stderr, "usage: bench_scale --cold-start PATHS | --count PATHS\n");
    return 64;
  }
  Scale scale(paths);
  double taken = scale.cold_start();
  if (std::strcmp(argv[1], "--count") == 0) {
    scale.count();
  } else {
    fmt::print("{:.3f}\n", taken);
  }
  return 0;
}
