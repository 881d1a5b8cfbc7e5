// SPDX-License-Identifier: LGPL-2.1-or-later
// Reserved volumes in a whole SAN, in virtual time. That no I/O goes through a path that is not registered, and that a preempted host is
// not registered again, the oracle sees to in all of them.
#include <gmock/gmock.h>

#include "tests/sim/san.h"

namespace mpath::sim {
namespace {

constexpr std::uint64_t ours = 0x123abc;
constexpr std::uint64_t theirs = 0x777;

Settings with_key() {
  Settings settings;
  settings.more_defaults = "reservation_key 0x123abc\n";
  return settings;
}

/// Registered and reserved, as mpathpersist does it, with users at work.
struct ReservedSan : San {
  explicit ReservedSan(Settings settings = with_key()) : San(std::move(settings)) {
    up();
    sim.world.reserve(lun(), ours);
    EXPECT_EQ(said(RequestKind::set_pr_status), "");
    EXPECT_EQ(said(RequestKind::get_pr_status), "set\n");
    sim.start_users(milliseconds{20}, 2);
    sim.run(seconds{2});
  }
  std::string said(RequestKind kind) {
    auto result = sim.ask(Request{.kind = kind, .map = map().name.text});
    return result ? result->output : "no reply";
  }
  void leaves_and_forgets(Disk& disk) {
    sim.oracle.changed_all();
    sim.world.delete_disk(disk);
    sim.run(seconds{5});
    sim.world.forget_registration(lun(), disk);
  }
  Disk& returns(const Disk& disk) {
    sim.oracle.changed_all();
    return sim.world.add_disk(*disk.host, *disk.port, lun());
  }
};

TEST(ReservationScenario, APathThatReturnsIsRegisteredBeforeItCarriesIo) {
  ReservedSan san;
  Disk& gone = san.disk(3);
  san.leaves_and_forgets(gone);
  EXPECT_EQ(san.active_paths(), 3U);
  Disk& again = san.returns(gone);
  san.time_until([&] { return san.sim.is_active(again); }, seconds{5});
  EXPECT_TRUE(is_registered(again));
  san.sim.run(minutes{1});
  EXPECT_EQ(san.sim.oracle.failures(), 0U);
}

TEST(ReservationScenario, AHangDuringTheRegistrationKeepsThatPathOutOnly) {
  ReservedSan san;
  Disk& gone = san.disk(3);
  san.leaves_and_forgets(gone);
  Disk& again = san.returns(gone);
  san.sim.run_until([&] { return !san.sim.recent.empty() && san.sim.recent.back().contains(again.name); }, seconds{1});
  san.sim.world.set_hang(again, true);
  for (int probe = 0; probe < 20; ++probe) san.expect_quick_request();
  EXPECT_FALSE(san.sim.is_active(again));
  san.sim.world.set_hang(again, false);
  san.time_until([&] { return san.sim.is_active(again) && is_registered(again); }, san.sim.settings.recovery_limit());
}

TEST(ReservationScenario, ARestartLoadsNothingAndKeepsEveryPath) {
  ReservedSan san;
  std::uint64_t before = san.sim.kernel.table_actions;
  san.sim.kill_daemon();
  san.sim.run(seconds{2});
  san.sim.start_daemon();
  bool kept_all = !san.sim.run_until([&] { return san.active_paths() < 4; }, minutes{1});
  EXPECT_TRUE(kept_all);
  EXPECT_EQ(san.sim.kernel.table_actions, before);
  EXPECT_EQ(san.said(RequestKind::get_pr_status), "set\n");
  EXPECT_EQ(san.said(RequestKind::get_pr_hold), "set\n");
}

TEST(ReservationScenario, TheDaemonMayDieAtAnyPointOfARegistration) {
  for (std::uint64_t effects = 0; effects < 60; effects += 1) {
    ReservedSan san;
    Disk& gone = san.disk(3);
    san.leaves_and_forgets(gone);
    san.sim.daemon->executor.stop_after_effects(effects);
    Disk& again = san.returns(gone);
    san.sim.run(seconds{3});
    san.sim.kill_daemon();
    san.sim.start_daemon();
    san.time_until([&] { return san.sim.is_active(again) && is_registered(again); }, seconds{15});
    if (testing::Test::HasFailure()) {
      ADD_FAILURE() << "died after " << effects << " effects";
      return;
    }
  }
}

TEST(ReservationScenario, APreemptedHostStaysOut) {
  ReservedSan san;
  san.sim.world.preempt(san.lun(), ours, theirs);
  san.sim.oracle.preempted(san.lun());
  san.sim.run(seconds{10});
  Disk& gone = san.disk(3);
  san.leaves_and_forgets(gone);
  Disk& again = san.returns(gone);
  san.sim.run(seconds{20});
  EXPECT_EQ(san.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_FALSE(is_registered(again));
  san.sim.kill_daemon();
  san.sim.start_daemon();
  san.sim.run(seconds{30});
  EXPECT_EQ(san.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_EQ(san.lun().reservations.keys.size(), 1U);
}

TEST(ReservationScenario, APreemptionInTheMiddleOfARegistrationIsNoticed) {
  for (int delay = 0; delay < 40; ++delay) {
    ReservedSan san;
    Disk& gone = san.disk(3);
    san.leaves_and_forgets(gone);
    san.returns(gone);
    san.sim.run(milliseconds{1} * delay);
    san.sim.world.preempt(san.lun(), ours, theirs);
    san.sim.oracle.preempted(san.lun());
    san.sim.run(seconds{20});
    EXPECT_EQ(san.lun().reservations.keys.size(), 1U) << delay;
  }
}

}  // namespace
}  // namespace mpath::sim
