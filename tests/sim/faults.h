// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens by chance to a SAN, its host and its daemon. Each fault takes itself back after a while.
#pragma once

#include "tests/sim/simulation.h"

namespace mpath::sim {

class Faults {
 public:
  Faults(Simulation& simulation, Random random) : sim_(simulation), random_(random) {}
  void inject();
  /// Everything that has a way back takes it now, except for cables that stay cut; there is a daemon again.
  void heal();
  void keep_one_cable_cut();
  /// Somebody gave a map another name, which it keeps until the next reconfiguration.
  [[nodiscard]] bool has_renamed() const { return renames_ > 0; }

 private:
  struct Kind;
  static const Kind kinds[];

  Array& array() { return *random_.pick(sim_.world.arrays()); }
  Disk* any_disk();
  Duration a_while();
  /// Both the fault and its end may be worth a load.
  void later(Duration delay, std::function<void()> action);
  template <typename Port>
  void cut(Port& port);
  void cut_host() { cut(*random_.pick(sim_.world.hosts())); }
  void cut_port() { cut(*random_.pick(array().ports)); }
  void hang();
  void hang(Disk& disk);
  void slow();
  void answer_badly();
  void attention();
  void offline();
  void remove_and_return();
  void return_disk(Disk& gone, Lun& lun);
  void exchange();
  void rescan(Disk& disk);
  void failover();
  void refuse_loads();
  void restart();
  void crash();
  void stop_daemon();
  void stand_still();
  void rescan_all();
  void burst();
  void outage();
  void reset_bus();
  void meddle();
  void preempt();
  void rename_from_outside();
  void suspend_from_outside();
  void resize();
  void protect();
  void hang_and_add();
  void flap();
  void flap_again(Disk& disk, int times);

  Simulation& sim_;
  Random random_;
  bool keep_cut_ = false;
  std::uint64_t renames_ = 0;
};

}  // namespace mpath::sim
