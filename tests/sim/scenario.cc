// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/scenario.h"

#include <fmt/format.h>

#include "tests/sim/administrator.h"
#include "tests/sim/draw.h"
#include "tests/sim/faults.h"

namespace mpath::sim {

namespace {

void reconfigure(Simulation& sim) {
  Request request;
  request.kind = RequestKind::reconfigure;
  sim.oracle.reconfigured(false);
  if (!sim.ask(request, seconds{60})) sim.oracle.violate("final plan", "reconfigure was not answered");
  sim.run(seconds{20});
}

/// Planning again what was planned before must give nothing to do. Without failback, an order of groups that has grown old is put right by
/// the first reconfiguration, and only the second has nothing left; unless an array moves its volume to and fro all the time, because that
/// order has both its controllers in one group, and what the groups should be is another thing each time.
void check_reconfigure_changes_nothing(Simulation& sim) {
  MonoTime begun = sim.queue.awake();
  if (sim.settings.failback != "immediate") {
    sim.oracle.changed_all();
    reconfigure(sim);
  }
  std::uint64_t before = sim.kernel.table_actions;
  reconfigure(sim);
  bool at_rest = sim.settings.failback == "immediate" || sim.volume_moved_at < begun;
  if (sim.kernel.table_actions != before && at_rest) {
    sim.oracle.violate("final plan", fmt::format("planning again led to {} table actions", sim.kernel.table_actions - before));
  }
}

}  // namespace

Report run_scenario(std::uint64_t seed, Mutation mutation, std::size_t keep_lines) {
  Random random(seed ^ 0x6d756c7469706174ULL);
  Settings settings = draw_settings(random);
  Simulation sim(seed, settings, mutation);
  sim.stop_on_violation = true;
  sim.keep_lines = keep_lines;
  draw_world(sim, random);
  Faults faults(sim, random.fork());
  Administrator administrator(sim, random.fork());
  sim.start_users(random.duration(milliseconds{100}, milliseconds{600}), 1 + random.below(2));
  sim.start_daemon();
  sim.run(seconds{10});
  administrator.reserve();
  int count = random.between(1, 10);
  auto disturb = [&] {
    if (random.chance(35)) {
      administrator.act();
    } else {
      faults.inject();
    }
  };
  for (int index = 0; index < count && sim.oracle.violations().empty(); ++index) {
    disturb();
    if (random.chance(30)) disturb();
    sim.run(random.chance(30) ? random.duration(milliseconds{1}, milliseconds{500}) : random.duration(seconds{1}, seconds{25}));
  }
  // What is under way comes to its end first: an exchange and its rescan take longest.
  sim.run(settings.notice_limit() + seconds{150});
  if (random.chance(25)) faults.keep_one_cable_cut();
  faults.heal();
  administrator.put_right();
  // Disks behind ports that have only just come back return by then, with the drains that they had.
  sim.run(seconds{20});
  administrator.put_right();
  if (faults.has_renamed()) administrator.reconfigure();
  sim.run(settings.notice_limit() * 2 + seconds{90} + settings.distrust);
  administrator.resize_the_rest();
  sim.oracle.changed_all();
  sim.run(settings.recovery_limit());
  count_methods(sim);
  if (sim.oracle.violations().empty()) sim.oracle.check_final();
  if (sim.oracle.violations().empty()) check_reconfigure_changes_nothing(sim);

  Report report;
  report.seed = seed;
  report.violations = sim.oracle.violations();
  report.trace.assign(sim.recent.begin(), sim.recent.end());
  report.configuration = sim.settings.text();
  report.coverage = sim.coverage;
  report.trace_hash = sim.trace_hash;
  report.requests = sim.oracle.requests();
  report.failures = sim.oracle.failures();
  report.table_loads = sim.kernel.table_loads;
  report.actions = sim.queue.actions_run();
  return report;
}

}  // namespace mpath::sim
