// SPDX-License-Identifier: LGPL-2.1-or-later
// Hanging and slow paths in a whole SAN, in virtual time: who is avoided, when, and who is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/simulation.h"

namespace mpath::sim {
namespace {

constexpr std::uint64_t sectors = 204800;

/// Two host ports, one array with two controllers; every LUN has four paths. At rest, with checks 20 s apart.
struct San {
  Simulation sim;
  Array& array;
  std::vector<Lun*> luns;

  explicit San(int lun_count, Alua alua = Alua::none, Settings settings = {}, std::uint32_t hosts = 2)
      : sim(1, std::move(settings)), array(sim.world.add_array(alua, 2, 1)) {
    for (std::uint32_t host = 0; host < hosts; ++host) sim.world.add_host();
    for (int at = 0; at < lun_count; ++at) {
      luns.push_back(&sim.world.add_lun(array, sectors, 0));
      sim.world.connect(*luns.back(), hosts);
    }
    sim.start_daemon();
    sim.run(minutes{2});
  }
  ~San() {
    for (const Violation& violation : sim.oracle.violations()) ADD_FAILURE() << violation.rule << ": " << violation.text;
  }
  [[nodiscard]] std::vector<Disk*> disks_of(const TargetPort& port, const HostPort& host) const {
    std::vector<Disk*> found;
    for (const auto& disk : sim.world.disks()) {
      if (disk->port == &port && disk->host == &host) found.push_back(disk.get());
    }
    return found;
  }
  [[nodiscard]] std::size_t inactive() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sim.world.disks(), [&](const auto& disk) { return !sim.is_active(*disk); }));
  }
  [[nodiscard]] std::uint64_t suspicions() const { return sim.daemon->engine.snapshot(sim.queue.now())->counters.suspicions; }
};

TEST(SuspicionScenario, APortThatHangsIsOutOfServiceInFiveSecondsWhileUsersGoOn) {
  San san(16);
  san.sim.start_users(milliseconds{50}, 2);
  san.sim.run(seconds{5});
  std::vector<Disk*> port = san.disks_of(*san.array.ports[0], *san.sim.world.hosts()[0]);
  ASSERT_EQ(port.size(), 16U);
  for (Disk* disk : port) san.sim.world.set_hang(*disk, true);
  EXPECT_TRUE(san.sim.run_until([&] { return san.inactive() == port.size(); }, seconds{5}));
  for (Disk* disk : port) EXPECT_FALSE(san.sim.is_active(*disk));
  san.sim.run(seconds{5});
  EXPECT_EQ(san.inactive(), port.size()) << "no other path is touched";
  for (Disk* disk : port) san.sim.world.set_hang(*disk, false);
  EXPECT_TRUE(san.sim.run_until([&] { return san.inactive() == 0; }, milliseconds{100})) << "back with the first good answer";
  EXPECT_EQ(san.sim.oracle.failures(), 0U);
}

TEST(SuspicionScenario, AnArrayThatIsSlowOnEveryPathIsLeftAlone) {
  San san(4);
  for (const auto& disk : san.sim.world.disks()) san.sim.world.set_latency(*disk, milliseconds{2500});
  san.sim.run(minutes{3});
  EXPECT_EQ(san.suspicions(), 0U);
  EXPECT_EQ(san.inactive(), 0U);
}

TEST(SuspicionScenario, APausedMachineSuspectsNobody) {
  San san(16);
  for (int time = 0; time < 10; ++time) {
    san.sim.run(seconds{7} + milliseconds{130} * time);
    san.sim.queue.pause(seconds{30});
  }
  san.sim.run(seconds{30});
  EXPECT_EQ(san.suspicions(), 0U);
}

TEST(SuspicionScenario, WhatWasAnsweredWhileTheDaemonDidNotRunIsNotLate) {
  // More answers than one turn takes, and ages that would be too old by then.
  San san(130);
  san.sim.world.hosts()[0]->can_queue = 1000;
  for (const auto& port : san.array.ports) {
    for (Disk* disk : san.disks_of(*port, *san.sim.world.hosts()[0])) san.sim.world.set_latency(*disk, milliseconds{1800});
  }
  san.sim.daemon->executor.post(engine::LinkEvent{.host = san.sim.world.hosts()[0]->number,
                                                  .target_port = {},
                                                  .kind = engine::LinkEvent::Kind::changed});
  san.sim.daemon->work();
  san.sim.run(milliseconds{1700});
  san.sim.daemon->stopped = true;
  san.sim.run(milliseconds{450});
  san.sim.daemon->stopped = false;
  san.sim.daemon->work();
  EXPECT_EQ(san.suspicions(), 0U);
}

TEST(SuspicionScenario, NoTrespassForAStallOfTheOnlyPathToTheOwner) {
  Settings settings;
  settings.grouping = "group_by_prio";
  San san(1, Alua::both, settings, 1);
  san.sim.start_users(milliseconds{50}, 1);
  san.sim.run(seconds{30});
  Disk* owner = san.disks_of(*san.array.ports[0], *san.sim.world.hosts()[0]).at(0);
  ASSERT_EQ(san.sim.world.access(*owner), Access::optimized);
  san.sim.world.set_hang(*owner, true);
  san.sim.run(seconds{25});
  EXPECT_TRUE(san.sim.is_active(*owner));
  EXPECT_EQ(san.suspicions(), 0U) << "reported only";
  san.sim.world.set_hang(*owner, false);
  san.sim.run(seconds{10});
}

TEST(SuspicionScenario, AFlappingPathIsAvoidedWhileItHangsOnly) {
  San san(1);
  san.sim.start_users(milliseconds{50}, 2);
  Disk& disk = *san.sim.world.disks().front();
  for (int time = 0; time < 10; ++time) {
    san.sim.world.set_hang(disk, true);
    san.sim.run(seconds{4});
    san.sim.world.set_hang(disk, false);
    san.sim.run(milliseconds{200});
    EXPECT_TRUE(san.sim.is_active(disk));
    san.sim.run(seconds{7} + milliseconds{700});
  }
  EXPECT_EQ(san.sim.oracle.failures(), 0U);
  EXPECT_EQ(san.inactive(), 0U);
}

}  // namespace
}  // namespace mpath::sim
