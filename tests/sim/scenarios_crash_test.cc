// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon dies after each single effect of a story, and another one is started: what it was doing is finished or undone, and the end is
// what the world and the configuration say. It dies in two ways: at once with all that its lanes were doing, or a while later, so that they
// come to their end.
#include <gmock/gmock.h>

#include "tests/sim/san.h"

namespace mpath::sim {
namespace {

/// A story that may lose its daemon at any point.
struct Crash {
  Crash(Settings settings, Alua alua, int luns) : san(std::move(settings), alua, luns) {
    san.sim.on_reply = [this](RequestId id, const RequestResult& result) {
      auto found = asked.find(id);
      if (found == asked.end() || result.outcome != Outcome::ok) return;
      san.sim.oracle.request_done(found->second);
      answered.push_back(found->second.kind);
    };
  }
  ~Crash() { san.sim.on_reply = {}; }

  /// Lets time pass; a daemon that dies at once is gone from then on.
  void pass(Duration length) {
    MonoTime end = san.sim.queue.awake() + length;
    bool dies = san.sim.daemon && san.sim.run_until([&] { return san.sim.daemon->executor.is_stopped(); }, length);
    if (dies && at_once) san.sim.kill_daemon();
    if (dies && !at_once) san.sim.oracle.daemon_stopped();
    if (end > san.sim.queue.awake()) san.sim.run(end - san.sim.queue.awake());
  }
  /// Gives a command, if there is somebody to hear it.
  void tell(Request request, Duration then = seconds{2}) {
    if (san.sim.daemon && !san.sim.daemon->executor.is_stopped()) {
      for (int reason = 0; reason < 3; ++reason) san.sim.oracle.changed_all();
      san.sim.oracle.request_sent(request);
      RequestId id{++last};
      asked.emplace(id, request);
      san.sim.daemon->request(id, std::move(request));
    }
    pass(then);
  }
  void tell(RequestKind kind, Duration then = seconds{2}) { tell(Request{.kind = kind, .map = map_name()}, then); }
  [[nodiscard]] std::string map_name() { return san.sim.map_of(san.lun()) == nullptr ? std::string() : san.map().name.text; }
  [[nodiscard]] bool was_done(RequestKind kind) const { return std::ranges::find(answered, kind) != answered.end(); }
  /// The answer, and the time in which marks are written.
  [[nodiscard]] bool is_settled(RequestKind kind) const { return was_done(kind) && settled; }
  void reconfigure(const Settings& changed) {
    san.sim.configure(changed);
    san.sim.oracle.reconfigured(false);
    tell(RequestKind::reconfigure, seconds{4});
  }
  [[nodiscard]] std::uint32_t group_in_use() {
    const Target& target = *san.map().live;
    return target.next_group.value_or(target.current_group.value_or(0));
  }

  San san;
  std::map<RequestId, Request> asked;
  std::vector<RequestKind> answered;
  std::uint64_t last = 5000;
  bool at_once = false;
  bool settled = false;  ///< the story had come to its end when the daemon died
};

struct Story {
  const char* name;
  Settings settings{};
  Alua alua = Alua::none;
  int luns = 1;
  bool is_unused = false;  ///< nobody opens the first map
  void (*before)(Crash&) = [](Crash&) {};
  void (*act)(Crash&) = [](Crash&) {};
  void (*soon)(Crash&) = [](Crash&) {};  ///< a few seconds after the new daemon was started
  void (*after)(Crash&) = [](Crash&) {};  ///< what is still to be put right for the end, and what must hold
};

Settings queueing(std::string grouping = "multibus", std::string failback = "manual") {
  Settings settings;
  settings.no_path_retry = {NoPathRetry::Kind::queue, 0};
  settings.grouping = std::move(grouping);
  settings.failback = std::move(failback);
  return settings;
}

void resized(Crash& crash, std::int64_t by) {
  crash.san.sim.world.resize(crash.san.lun(), static_cast<std::uint64_t>(static_cast<std::int64_t>(sectors) + by));
  crash.tell(RequestKind::resize_map, seconds{4});
}

void expect_size(Crash& crash) {
  if (crash.was_done(RequestKind::resize_map)) {
    EXPECT_EQ(crash.san.map().live->size_sectors, crash.san.lun().size_sectors) << "the answer was ok";
  } else if (crash.san.map().live->size_sectors != crash.san.lun().size_sectors) {
    crash.tell(RequestKind::resize_map, seconds{10});
  }
}

Request drain(Crash& crash, std::optional<seconds> confirm_within) {
  return {.kind = RequestKind::mpathctl_drain, .subjects = {crash.san.disk(0).name}, .confirm_within = confirm_within, .keep = 1};
}
Request undrain(Crash& crash) { return {.kind = RequestKind::mpathctl_undrain, .subjects = {crash.san.disk(0).name}}; }
Request about_path(RequestKind kind, const Disk& disk) { return {.kind = kind, .path = disk.name}; }

void expect_barred(Crash& crash, bool is_barred) { EXPECT_NE(crash.san.sim.is_active(crash.san.disk(0)), is_barred); }

/// kpartx has made one, and it holds its map open as long as it is there.
void add_partition(Crash& crash) { crash.san.sim.kernel.add_partition(crash.san.map()); }

const Story stories[] = {
    {.name = "rename",
     .settings = queueing(),
     .act =
         [](Crash& crash) {
           Settings changed = crash.san.sim.settings;
           changed.more_defaults = "}\nmultipaths {\nmultipath {\nwwid " + crash.san.lun().wwid.text + "\nalias data\n}\n";
           crash.reconfigure(changed);
         },
     .after = [](Crash& crash) { EXPECT_EQ(crash.map_name(), "data"); }},
    {.name = "a larger volume",
     .settings = queueing(),
     .act = [](Crash& crash) { resized(crash, 4096); },
     .after = expect_size},
    {.name = "a smaller volume",
     .settings = queueing(),
     .act = [](Crash& crash) { resized(crash, -4096); },
     .after = expect_size},
    {.name = "suspend and resume",
     .settings = queueing(),
     .act =
         [](Crash& crash) {
           crash.tell(RequestKind::suspend_map);
           crash.tell(RequestKind::resume_map);
         }},
    {.name = "suspended",
     .settings = queueing(),
     .act = [](Crash& crash) { crash.tell(RequestKind::suspend_map); }},
    {.name = "drain with a deadline",
     .settings = queueing(),
     .act = [](Crash& crash) { crash.tell(drain(crash, seconds{90})); },
     .soon =
         [](Crash& crash) {
           if (crash.is_settled(RequestKind::mpathctl_drain)) expect_barred(crash, true);
           crash.pass(seconds{60});
           if (crash.is_settled(RequestKind::mpathctl_drain)) expect_barred(crash, true);
           crash.pass(seconds{25});
           expect_barred(crash, false);
         }},
    {.name = "drain and undrain",
     .settings = queueing(),
     .act =
         [](Crash& crash) {
           crash.tell(drain(crash, {}));
           crash.tell(undrain(crash));
         },
     .soon =
         [](Crash& crash) {
           if (crash.is_settled(RequestKind::mpathctl_undrain)) expect_barred(crash, false);
         },
     .after = [](Crash& crash) { crash.tell(undrain(crash), crash.san.sim.settings.recovery_limit()); }},
    {.name = "flush with a partition on top",
     .settings = queueing(),
     .luns = 2,
     .is_unused = true,
     .before = add_partition,
     .act = [](Crash& crash) { crash.tell(RequestKind::remove_map, seconds{4}); },
     .after =
         [](Crash& crash) {
           for (const DmDevice* device : crash.san.sim.kernel.devices()) {
             EXPECT_FALSE(device->parent != nullptr && device->parent->removed) << device->name.text << " stands on nothing";
           }
         }},
    {.name = "failback",
     .settings = queueing("group_by_prio", "2"),
     .alua = Alua::both,
     .before =
         [](Crash& crash) {
           crash.san.sim.world.move_lun(crash.san.lun(), 1, seconds{0});
           crash.pass(seconds{30});
         },
     .act =
         [](Crash& crash) {
           crash.san.sim.world.move_lun(crash.san.lun(), 0, seconds{0});
           for (int reason = 0; reason < 3; ++reason) crash.san.sim.oracle.changed_all();
           crash.pass(seconds{25});
         },
     .after =
         [](Crash& crash) {
           const Target& target = *crash.san.map().live;
           EXPECT_EQ(target.paths[target.groups[crash.group_in_use()].paths.front()].disk->port->controller, 0U);
         }},
    {.name = "switch group",
     .settings = queueing("group_by_prio"),
     .alua = Alua::both,
     .act =
         [](Crash& crash) {
           crash.tell(Request{.kind = RequestKind::switch_group, .map = crash.map_name(), .group = 2});
           crash.tell(Request{.kind = RequestKind::switch_group, .map = crash.map_name(), .group = 1});
         }},
    {.name = "other settings",
     .settings = queueing(),
     .alua = Alua::both,
     .act =
         [](Crash& crash) {
           Settings changed = crash.san.sim.settings;
           changed.grouping = "group_by_prio";
           changed.selector = "round-robin 0";
           changed.failback = "immediate";
           changed.no_path_retry = {NoPathRetry::Kind::checks, 12};
           crash.reconfigure(changed);
         },
     .after = [](Crash& crash) { EXPECT_THAT(table_text(*crash.san.map().live), testing::HasSubstr("round-robin 0")); }},
    {.name = "queueing is disabled and restored",
     .settings = queueing(),
     .act =
         [](Crash& crash) {
           crash.tell(RequestKind::disable_queueing);
           crash.tell(RequestKind::restore_queueing);
         },
     .soon =
         [](Crash& crash) {
           EXPECT_TRUE(crash.san.map().live->queue_if_no_path || !crash.is_settled(RequestKind::restore_queueing));
         },
     .after = [](Crash& crash) { crash.tell(RequestKind::restore_queueing, seconds{10}); }},
    {.name = "queueing is disabled",
     .settings = queueing(),
     .act = [](Crash& crash) { crash.tell(RequestKind::disable_queueing); },
     .soon =
         [](Crash& crash) {
           EXPECT_FALSE(crash.san.map().live->queue_if_no_path && crash.is_settled(RequestKind::disable_queueing));
         },
     .after = [](Crash& crash) { crash.tell(RequestKind::restore_queueing, seconds{10}); }},
    {.name = "quarantine",
     .settings = queueing(),
     .luns = 2,
     .act =
         [](Crash& crash) {
           Disk& disk = crash.san.disk(0);
           crash.san.sim.world.unmap(disk);
           crash.pass(crash.san.sim.settings.max_polling_interval + seconds{5});
           crash.san.sim.world.remap(disk, crash.san.lun(1));
           crash.pass(seconds{10});
         },
     .soon =
         [](Crash& crash) {
           const TargetPath* path = crash.san.sim.path_in_map(crash.san.lun(), *crash.san.sim.world.disks().front());
           EXPECT_TRUE(path == nullptr || !path->active) << "another volume answers behind it";
         },
     .after =
         [](Crash& crash) {
           for (int reason = 0; reason < 3; ++reason) crash.san.sim.oracle.changed_all();
           crash.san.sim.world.trigger(*crash.san.sim.world.disks().front(), DiskUevent::Action::change);
           crash.pass(seconds{20});
         }},
    {.name = "failed by command and reinstated",
     .settings = queueing(),
     .act =
         [](Crash& crash) {
           crash.tell(about_path(RequestKind::fail_path, crash.san.disk(0)));
           crash.tell(about_path(RequestKind::reinstate_path, crash.san.disk(0)));
         },
     .soon =
         [](Crash& crash) {
           if (crash.is_settled(RequestKind::reinstate_path)) expect_barred(crash, false);
         },
     .after = [](Crash& crash) { crash.tell(about_path(RequestKind::reinstate_path, crash.san.disk(0)), crash.san.sim.settings.recovery_limit()); }},
    {.name = "failed by command",
     .settings = queueing(),
     .act = [](Crash& crash) { crash.tell(about_path(RequestKind::fail_path, crash.san.disk(0))); },
     .soon =
         [](Crash& crash) {
           if (crash.is_settled(RequestKind::fail_path)) expect_barred(crash, true);
         },
     .after = [](Crash& crash) { crash.tell(about_path(RequestKind::reinstate_path, crash.san.disk(0)), crash.san.sim.settings.recovery_limit()); }},
};

/// Planning again gives nothing to do.
void expect_empty_plan(Crash& crash) {
  std::uint64_t before = crash.san.sim.kernel.table_actions;
  crash.tell(RequestKind::reconfigure, seconds{20});
  EXPECT_EQ(crash.san.sim.kernel.table_actions, before) << "planning again leads to table actions";
}

/// True if the story came to its end before the daemon died.
bool dies(const Story& story, std::uint64_t effects, bool at_once) {
  Crash crash(story.settings, story.alua, story.luns);
  San& san = crash.san;
  if (story.is_unused) san.sim.unused.insert(san.lun().wwid.text);
  san.sim.start_users(milliseconds{250}, 1);
  san.up();
  story.before(crash);
  crash.at_once = at_once;
  san.sim.daemon->executor.stop_after_effects(effects);
  story.act(crash);
  crash.settled = san.sim.daemon && !san.sim.daemon->executor.is_stopped();
  for (int reason = 0; reason < 6; ++reason) san.sim.oracle.changed_all();
  if (san.sim.daemon) san.sim.kill_daemon();
  crash.at_once = false;
  san.sim.start_daemon();
  crash.pass(seconds{5});
  story.soon(crash);
  crash.pass(san.sim.settings.notice_limit() * 2 + seconds{30});
  story.after(crash);
  san.sim.oracle.check_final();
  expect_empty_plan(crash);
  EXPECT_EQ(san.sim.oracle.failures(), 0U);
  EXPECT_TRUE(san.sim.oracle.violations().empty());
  return crash.settled;
}

class DiesInStory : public testing::TestWithParam<const Story*> {};

TEST_P(DiesInStory, after_any_effect_and_the_next_daemon_puts_it_right) {
  for (bool at_once : {true, false}) {
    bool reached_end = false;
    for (std::uint64_t effects = 1; !reached_end; ++effects) {
      reached_end = dies(*GetParam(), effects, at_once);
      ASSERT_FALSE(HasFailure()) << GetParam()->name << ", " << (at_once ? "at once" : "later") << ", after " << effects << " effects";
      ASSERT_LT(effects, 1000U);
    }
  }
}

TEST(Crash, DuringGhostDelayTheMapIsAnnouncedBySomebody) {
  Settings settings;
  settings.no_path_retry = {NoPathRetry::Kind::queue, 0};
  settings.grouping = "group_by_prio";
  settings.more_defaults = "path_checker hp_sw\nprio hp_sw\nghost_delay 20\n";
  bool reached_end = false;
  for (std::uint64_t effects = 1; !reached_end; ++effects) {
    SCOPED_TRACE(fmt::format("after {} effects", effects));
    San san(settings, ArrayKind::hp);
    san.sim.unused.insert(san.lun().wwid.text);
    // The controller that owns the volume cannot be reached.
    san.sim.world.set_link(*san.array.ports[0], Link::down);
    san.sim.start_daemon();
    san.sim.daemon->executor.stop_after_effects(effects);
    san.sim.run(seconds{5});
    reached_end = !san.sim.daemon->executor.is_stopped();
    san.sim.kill_daemon();
    san.sim.run(seconds{2});
    san.sim.start_daemon();
    san.sim.run(seconds{1});
    auto ready = [&] {
      const DmDevice* map = san.sim.map_of(san.lun());
      return map != nullptr && san.sim.kernel.udev_ready(*map) == true;
    };
    EXPECT_FALSE(ready());
    EXPECT_TRUE(san.sim.run_until(ready, seconds{40}));
    std::uint64_t before = san.sim.kernel.table_actions;
    san.sim.run(minutes{1});
    EXPECT_EQ(san.sim.kernel.table_actions, before);
    ASSERT_FALSE(testing::Test::HasFailure());
    ASSERT_LT(effects, 1000U);
  }
}

std::vector<const Story*> all_stories() {
  std::vector<const Story*> all;
  for (const Story& story : stories) all.push_back(&story);
  return all;
}

INSTANTIATE_TEST_SUITE_P(Crash, DiesInStory, testing::ValuesIn(all_stories()), [](const auto& instance) {
  std::string name = instance.param->name;
  std::ranges::replace(name, ' ', '_');
  return name;
});

}  // namespace
}  // namespace mpath::sim
