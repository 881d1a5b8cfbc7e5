// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/draw.h"

#include <fmt/format.h>

namespace mpath::sim {

namespace {

bool is_grouped(const Settings& settings) { return settings.grouping == "group_by_prio" || settings.grouping == "failover"; }

/// Paths that failed too often are not trusted at once.
void draw_distrust(Random& random, Settings& settings) {
  if (random.chance(15)) settings.more_defaults += "marginal_pathgroups on\n";
  if (!random.chance(30)) return;
  switch (random.below(3)) {
    case 0:
      settings.more_defaults += "san_path_err_threshold 2\nsan_path_err_forget_rate 20\nsan_path_err_recovery_time 30\n";
      settings.distrust = seconds{30};
      break;
    case 1:
      settings.more_defaults += "marginal_path_double_failed_time 60\nmarginal_path_err_sample_time 120\n"
                                "marginal_path_err_rate_threshold 10\nmarginal_path_err_recheck_gap_time 30\n";
      // A rest, then a sample that begins and ends with a check.
      settings.distrust = seconds{30 + 120 + 5} + 2 * settings.max_polling_interval;
      break;
    default:
      settings.more_defaults += "delay_watch_checks 8\ndelay_wait_checks 3\n";
      settings.distrust = 4 * settings.max_polling_interval;
      break;
  }
}

}  // namespace

Settings draw_settings(Random& random) {
  Settings settings;
  settings.describes_arrays = true;
  if (random.chance(30)) {
    settings.polling_interval = seconds{2};
    settings.max_polling_interval = seconds{8};
  }
  if (random.chance(40)) settings.checker_timeout = seconds{random.between(5, 30)};
  switch (random.below(3)) {
    case 0: settings.no_path_retry = {NoPathRetry::Kind::fail, 0}; break;
    case 1: settings.no_path_retry = {NoPathRetry::Kind::queue, 0}; break;
    default: settings.no_path_retry = {NoPathRetry::Kind::checks, static_cast<std::uint32_t>(random.between(1, 6))}; break;
  }
  static const std::string groupings[] = {"failover", "multibus", "group_by_prio", "group_by_prio", "group_by_node_name"};
  settings.grouping = random.pick(groupings);
  static const std::string failbacks[] = {"immediate", "immediate", "manual", "5", "followover"};
  settings.failback = random.pick(failbacks);
  static const std::string selectors[] = {"service-time 0", "round-robin 0", "queue-length 0"};
  settings.selector = random.pick(selectors);
  settings.user_friendly_names = random.chance(50);
  if (random.chance(40)) settings.error_handling = random.duration(seconds{1}, seconds{12});
  static const std::string checkers[] = {"", "", "path_checker directio\n", "path_checker alua\n", "path_checker readsector0\n"};
  settings.more_defaults += random.pick(checkers);
  static const std::string nvme_checkers[] = {"none", "directio"};
  settings.nvme_checker = random.pick(nvme_checkers);
  if (random.chance(20)) settings.more_defaults += "detect_prio no\nprio sysfs\n";
  if (random.chance(40)) {
    static const std::optional<seconds> ages[] = {std::nullopt, seconds{1}, seconds{5}};
    settings.suspect_after = random.pick(ages);
  }
  static const std::string resizes[] = {"", "", "", "auto_resize grow_only\n", "auto_resize grow_shrink\n"};
  settings.more_defaults += random.pick(resizes);
  draw_distrust(random, settings);
  if (random.chance(25)) settings.more_defaults += fmt::format("reservation_key {:#x}\n", own_key);
  return settings;
}

Settings redraw_settings(Random& random, const Settings& present, const World& world) {
  Settings changed = draw_settings(random);
  changed.polling_interval = present.polling_interval;
  changed.max_polling_interval = present.max_polling_interval;
  changed.checker_timeout = present.checker_timeout;
  changed.error_handling = present.error_handling;
  changed.more_defaults = present.more_defaults;
  changed.distrust = present.distrust;
  changed.nvme_checker = present.nvme_checker;
  bool has_standby = std::ranges::any_of(world.arrays(), [](const auto& known) {
    return known->kind == ArrayKind::plain && known->other_access == Access::standby;
  });
  if (has_standby && !is_grouped(changed)) changed.grouping = "group_by_prio";
  return changed;
}

void draw_world(Simulation& sim, Random& random) {
  std::uint32_t hosts = static_cast<std::uint32_t>(random.between(1, 3));
  for (std::uint32_t host = 0; host < hosts; ++host) sim.world.add_host();
  for (int arrays = random.between(1, 2); arrays > 0; --arrays) {
    static const ArrayKind kinds[] = {ArrayKind::plain, ArrayKind::plain, ArrayKind::plain, ArrayKind::plain,
                                      ArrayKind::rdac,  ArrayKind::clariion, ArrayKind::nvme};
    static const Alua access[] = {Alua::none, Alua::implicit_only, Alua::both, Alua::explicit_only};
    ArrayKind kind = random.pick(kinds);
    Alua alua = random.pick(access);
    auto ports = static_cast<std::uint32_t>(random.between(1, 2));
    Array& array = kind == ArrayKind::plain ? sim.world.add_array(alua, 2, ports) : sim.world.add_array(kind);
    // One group of active and standby paths cannot work well with any path manager.
    if (array.alua == Alua::both && is_grouped(sim.settings) && random.chance(40)) array.other_access = Access::standby;
    for (int luns = random.between(1, 3); luns > 0; --luns) {
      Lun& lun = sim.world.add_lun(array, lun_sectors, static_cast<std::uint32_t>(random.below(2)));
      sim.world.connect(lun, hosts);
      if (random.chance(10)) sim.unused.insert(lun.wwid.text);
    }
  }
  sim.kernel.add_foreign("vg0-root", "LVM-abcdef");
}

void count_methods(Simulation& sim) {
  for (const auto& array : sim.world.arrays()) sim.coverage.count("array", product_name(array->kind));
  sim.coverage.count("failback", sim.settings.failback);
  sim.coverage.count("grouping", sim.settings.grouping);
  sim.coverage.count("suspect_after", sim.settings.suspect_after ? fmt::format("{}", sim.settings.suspect_after->count()) : "off");
  for (std::string_view keyword : {"marginal_pathgroups", "san_path_err_threshold", "marginal_path_err_sample_time", "delay_wait_checks", "auto_resize"}) {
    if (sim.settings.more_defaults.find(keyword) != std::string::npos) sim.coverage.count("keyword", keyword);
  }
  if (!sim.daemon) return;
  auto picture = sim.daemon->engine.snapshot(sim.queue.now());
  for (const auto& path : picture->paths) {
    sim.coverage.count("checker", path->checker);
    sim.coverage.count("prioritizer", path->prioritizer);
  }
}

}  // namespace mpath::sim
