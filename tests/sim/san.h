// SPDX-License-Identifier: LGPL-2.1-or-later
// A small SAN with the daemon in it, for the scenarios. The oracle watches all of them.
#pragma once

#include <gtest/gtest.h>

#include <iostream>
#include <stdexcept>

#include "tests/sim/scenario.h"

namespace mpath::sim {

inline constexpr std::uint64_t sectors = 204800;

/// Two host ports, one array with two controllers of one port each: four paths for each LUN.
struct San {
  Simulation sim;
  Array& array;
  std::vector<Lun*> luns;

  explicit San(Settings settings = {}, Alua alua = Alua::none, int lun_count = 1, std::uint64_t seed = 1)
      : sim(seed, std::move(settings)), array(sim.world.add_array(alua, 2, 1)) {
    build(lun_count);
  }
  San(Settings settings, ArrayKind kind, int lun_count = 1)
      : sim(1, std::move(settings)), array(sim.world.add_array(kind)) {
    build(lun_count);
  }
  void build(int lun_count) {
    sim.oracle.tolerated_loads = 1;
    sim.world.add_host();
    sim.world.add_host();
    for (int at = 0; at < lun_count; ++at) {
      luns.push_back(&sim.world.add_lun(array, sectors, 0));
      sim.world.connect(*luns.back(), 2);
    }
  }
  ~San() {
    for (const Violation& violation : sim.oracle.violations()) ADD_FAILURE() << violation.rule << ": " << violation.text;
    if (testing::Test::HasFailure()) {
      for (const std::string& line : sim.recent) std::cerr << line << '\n';
    }
  }
  Lun& lun(std::size_t at = 0) { return *luns.at(at); }
  Disk& disk(std::size_t at, std::size_t of_lun = 0) { return *sim.world.disks_of(lun(of_lun)).at(at); }
  DmDevice& map(std::size_t at = 0) {
    DmDevice* found = sim.map_of(lun(at));
    if (found == nullptr) throw std::runtime_error("the map does not exist");
    return *found;
  }
  std::size_t active_paths(std::size_t at = 0) { return map(at).live->valid_paths(); }
  /// Started and at rest.
  San& up() {
    sim.start_daemon();
    sim.run(seconds{10});
    EXPECT_TRUE(sim.daemon->state == engine::DaemonState::idle);
    return *this;
  }
  /// A new request to the map, which must end in half a second.
  void expect_quick_request() {
    auto ended = std::make_shared<bool>(false);
    sim.kernel.submit(map(), [ended](IoResult) { *ended = true; });
    EXPECT_TRUE(sim.run_until([&] { return *ended; }, milliseconds{500})) << "stalls for more than 0.5 s";
  }
  Duration time_until(const std::function<bool()>& condition, Duration limit) {
    MonoTime begun = sim.queue.awake();
    EXPECT_TRUE(sim.run_until(condition, limit)) << "not within the limit";
    return sim.queue.awake() - begun;
  }
};

}  // namespace mpath::sim
