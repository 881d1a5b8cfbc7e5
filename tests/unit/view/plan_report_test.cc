// SPDX-License-Identifier: LGPL-2.1-or-later
// A daemon on the bench, and what it would do with another configuration; the bench then does it, and the plan must have told the truth.
#include "libmpath/view/plan_report.h"

#include <gtest/gtest.h>

#include "libmpath/view/explain.h"
#include "tests/unit/engine/fixture.h"
#include "tests/unit/view/seen.h"

namespace mpath::view {
namespace {

using engine::Bench;
using engine::wwid_of;

class PlanTest : public ::testing::Test {
 protected:
  PlanTest() {
    bench.alua_disk("sda", 1);
    bench.alua_disk("sdb", 2);
    bench.access[2] = 1;
    bench.disk("sdc", 2, 3);
    bench.disk("sdd", 2, 4);
    bench.start();
    bench.map_uevent(1);
    bench.map_uevent(2);
    bench.run(seconds{10});
    (void)bench.take_actions();
    (void)bench.take_messages();
  }

  engine::RehearsalInputs inputs() { return seen_on(bench); }
  PlanReport plan(const std::vector<std::string>& words = {}) { return plan_report(*bench.picture(), inputs(), words); }

  Bench bench{"path_grouping_policy multibus\npath_selector \"service-time 0\""};
};

TEST_F(PlanTest, the_same_configuration_asks_for_nothing) {
  const PlanReport report = plan();
  EXPECT_FALSE(report.has_changes());
  EXPECT_EQ(plan_text(report), "0 actions on 0 of 2 maps; 0 disks judged otherwise\n");
}

TEST_F(PlanTest, shows_each_action_with_its_reason_its_line_and_a_diff) {
  bench.configure("path_grouping_policy failover\nno_path_retry queue");
  EXPECT_EQ(plan_text(plan({wwid_of(2)})),
            "360000000000000000000000000000002 dm-101\n"
            "  reload: order of groups: paths move between groups\n"
            "    path_grouping_policy \"failover\"  /etc/multipath.conf:4 (defaults)\n"
            "    detect_pgpolicy \"yes\"            built-in default\n"
            "    prio \"const\"                     built-in default\n"
            "    no_path_retry \"queue\"            /etc/multipath.conf:5 (defaults)\n"
            "   size 2048 sectors\n"
            "  -features 0\n"
            "  +features 1 queue_if_no_path\n"
            "   hwhandler 0\n"
            "   first group 1\n"
            "   group 1: service-time 0\n"
            "     8:32 sdc 1\n"
            "  +group 2: service-time 0\n"
            "     8:48 sdd 1\n"
            "1 action on 1 of 1 map; 0 disks judged otherwise\n");
}

TEST_F(PlanTest, the_daemon_then_does_what_the_plan_said) {
  const char* configurations[] = {
      "path_grouping_policy failover", "path_selector \"queue-length 0\"", "no_path_retry queue", "detect_pgpolicy no\npath_grouping_policy multibus",
      "user_friendly_names yes", "rr_min_io_rq 7", "features \"1 pg_init_retries\"",
  };
  for (const char* text : configurations) {
    bench.configure(text);
    const PlanReport report = plan();
    std::vector<std::string> planned;
    for (const PlannedMap& map : report.maps) {
      for (const PlannedAction& action : map.actions) {
        // What a load brings with it the daemon also says by message while the load waits for fresh answers.
        if (!action.what.starts_with("message")) planned.push_back(action.what);
      }
    }
    bench.ask(RequestKind::reconfigure);
    for (const auto& [name, map] : std::map(bench.kernel)) {
      bench.step(engine::MapUeventSeen{{.action = MapUevent::Action::change, .name = name, .uuid = map.uuid, .devnum = map.devnum, .ready = true}});
    }
    bench.run(seconds{10});
    std::vector<std::string> done;
    for (const TableAction& action : bench.take_actions()) done.emplace_back(to_string(action.kind));
    std::ranges::sort(planned);
    std::ranges::sort(done);
    EXPECT_EQ(planned, done) << text;
    EXPECT_FALSE(plan().has_changes()) << text;
  }
}

TEST_F(PlanTest, names_disks_that_would_be_judged_otherwise_and_the_rule) {
  bench.configure("", "blacklist {\ndevnode \"^sd[cd]$\"\n}\n");
  const PlanReport report = plan();
  ASSERT_EQ(report.paths.size(), 2u);
  EXPECT_EQ(report.paths[0].name, "sdc");
  EXPECT_FALSE(report.paths[0].becomes_path);
  EXPECT_TRUE(report.paths[0].reason.contains("/etc/multipath.conf:7")) << report.paths[0].reason;
  ASSERT_EQ(report.maps.size(), 1u);
  EXPECT_EQ(report.maps[0].name, wwid_of(2));
}

TEST_F(PlanTest, a_disk_that_came_meanwhile_and_a_map_that_would_be_made) {
  bench.disk("sde", 3, 5);
  const PlanReport report = plan();
  EXPECT_EQ(plan_text(report),
            "360000000000000000000000000000003\n"
            "  create: map missing: the kernel has no map with this WWID\n"
            "    find_multipaths \"off\"            /etc/multipath.conf:2 (defaults)\n"
            "  +size 2048 sectors\n"
            "  +features 0\n"
            "  +hwhandler 0\n"
            "  +first group 1\n"
            "  +group 1: service-time 0\n"
            "  +  8:64 sde 1\n"
            "sde would become a path: path to 360000000000000000000000000000003\n"
            "1 action on 1 of 3 maps; 1 disk judged otherwise\n");
}

TEST_F(PlanTest, shows_devices_that_reassign_maps_would_put_onto_a_map) {
  engine::RehearsalInputs seen = inputs();
  seen.reassignable[wwid_of(2)] = {"vg-data"};
  EXPECT_FALSE(plan_report(*bench.picture(), seen, {}).has_changes()) << "not asked for";
  bench.configure("path_grouping_policy multibus\npath_selector \"service-time 0\"\nreassign_maps yes");
  seen = inputs();
  EXPECT_FALSE(plan_report(*bench.picture(), seen, {}).has_changes());
  seen.reassignable[wwid_of(2)] = {"vg-data"};
  EXPECT_EQ(plan_text(plan_report(*bench.picture(), seen, {})),
            "360000000000000000000000000000002 dm-101\n"
            "  put vg-data onto the map: it uses a path of the map directly\n"
            "    reassign_maps \"yes\"              /etc/multipath.conf:6 (defaults)\n"
            "1 action on 1 of 2 maps; 0 disks judged otherwise\n");
}

TEST_F(PlanTest, says_what_a_load_would_wait_for) {
  bench.disks.at("sdd").answer = engine::Answer::none;
  bench.run(seconds{25});
  bench.configure("path_grouping_policy failover");
  const PlanReport report = plan({wwid_of(2)});
  ASSERT_EQ(report.maps.size(), 1u);
  EXPECT_TRUE(report.maps[0].deferred.contains("sdd has not answered for ")) << report.maps[0].deferred;
}

TEST_F(PlanTest, changes_nothing_in_the_daemon) {
  bench.configure("path_grouping_policy failover");
  const auto before = bench.kernel;
  (void)plan();
  bench.run(seconds{60});
  EXPECT_EQ(bench.groups(2), "sdc sdd");
  EXPECT_TRUE(bench.take_actions().empty());
}

TEST_F(PlanTest, is_json_for_programs) {
  bench.configure("path_grouping_policy multibus\nno_path_retry queue");
  const std::string json = plan_json(plan({wwid_of(2)}));
  EXPECT_TRUE(json.contains("\"changes\": true")) << json;
  EXPECT_TRUE(json.contains("\"action\": \"message queue_if_no_path\"")) << json;
  EXPECT_TRUE(json.contains("\"keyword\": \"no_path_retry\"")) << json;
}

TEST(UnifiedDiff, keeps_what_both_have) {
  using Lines = std::vector<std::string>;
  EXPECT_EQ(unified_diff({"a", "b"}, {"a", "b"}), Lines{});
  EXPECT_EQ(unified_diff({"a", "b", "c"}, {"a", "c", "d"}), (Lines{" a", "-b", " c", "+d"}));
  EXPECT_EQ(unified_diff({}, {"a"}), Lines{"+a"});
  EXPECT_EQ(unified_diff({"a"}, {}), Lines{"-a"});
}

TEST_F(PlanTest, explains_a_map) {
  const auto explained = explain(*bench.picture(), inputs(), wwid_of(1));
  ASSERT_TRUE(explained);
  const std::string text = explain_text(*explained);
  EXPECT_TRUE(text.starts_with(wwid_of(1) + " dm-102\n  paths       2 of 2 may carry I/O\n")) << text;
  EXPECT_TRUE(text.contains("  groups      group_by_prio: paths with the same priority are a group (detected, because every path's priority comes "
                            "from ALUA; path_grouping_policy does not count)\n")) << text;
  EXPECT_TRUE(text.contains("path_grouping_policy \"multibus\"   /etc/multipath.conf:4 (defaults)") ||
              text.contains("path_grouping_policy \"multibus\"  multipath.conf:4 (defaults)")) << text;
  EXPECT_TRUE(text.contains("  group 1     active, priority 50: sda 50\n")) << text;
  EXPECT_TRUE(text.contains("without a path I/O fails at once (no_path_retry fail)")) << text;
}

TEST_F(PlanTest, explains_a_path_that_is_kept_out) {
  bench.ask(Request{.kind = RequestKind::mpathctl_drain, .subjects = {"sdc"}, .confirm_within = seconds{60}});
  bench.run(seconds{10});
  const auto explained = explain(*bench.picture(), inputs(), "sdc");
  ASSERT_TRUE(explained);
  const std::string text = explain_text(*explained);
  EXPECT_TRUE(text.contains("  kept out    drained (asked for: sdc), undone in 50 s unless confirmed\n")) << text;
  EXPECT_TRUE(text.contains("in its table failed")) << text;
}

TEST_F(PlanTest, explains_a_path_that_new_io_avoids_with_the_evidence) {
  Bench other("path_grouping_policy multibus");
  other.disk("sda");
  other.disk("sdb");
  other.kernel_map({{"sda", "sdb"}});
  other.start();
  other.run(minutes{1});
  other.disks.at("sda").answer = engine::Answer::none;
  other.run(seconds{25});
  const auto path = explain(*other.picture(), engine::RehearsalInputs{}, "sda");
  ASSERT_TRUE(path);
  EXPECT_TRUE(explain_text(*path).contains("  kept out    new I/O avoids it until it answers: its check has not been answered for ")) << explain_text(*path);
  EXPECT_TRUE(explain_text(*path).contains("suspect_after 2")) << explain_text(*path);
  const auto map = explain(*other.picture(), engine::RehearsalInputs{}, wwid_of(1));
  ASSERT_TRUE(map);
  EXPECT_FALSE(explain_text(*map).contains("than those of its siblings; ")) << "it is said once: " << explain_text(*map);
}

TEST_F(PlanTest, explains_what_a_path_lacks) {
  Bench other("path_checker nosuch\nprio nosuch\ndetect_checker no\ndetect_prio no\nuid_attribute MY_ID");
  other.disk("sda");
  other.start();
  const auto explained = explain(*other.picture(), engine::RehearsalInputs{}, "sda");
  ASSERT_TRUE(explained);
  const std::string text = explain_text(*explained);
  EXPECT_TRUE(text.contains("there is none of the configured name: whether the path works is not known")) << text;
  EXPECT_TRUE(text.contains("not known (there is no prioritizer of the configured name)")) << text;
  EXPECT_TRUE(text.contains("udev does not tell the property that uid_attribute or uid_attrs names")) << text;
}

TEST_F(PlanTest, explains_what_is_known_of_a_reservation) {
  Bench other("reservation_key 0x123abc");
  other.array = [](const std::string&, const ScsiCommand& command) -> std::optional<CommandOutcome> {
    if (command.cdb[0] != 0x5e) return std::nullopt;
    CommandOutcome no_keys;
    no_keys.data.resize(8);
    return no_keys;
  };
  other.disk("sda");
  other.start();
  const auto explained = explain(*other.picture(), engine::RehearsalInputs{}, wwid_of(1));
  ASSERT_TRUE(explained);
  EXPECT_TRUE(explain_text(*explained).contains("  reservation this host is not registered, so no path has to be (mpathpersist registers it)\n"))
      << explain_text(*explained);
  EXPECT_FALSE(explain_text(*explain(*bench.picture(), inputs(), wwid_of(1))).contains("reservation "));
}

TEST_F(PlanTest, explains_a_disk_that_is_not_used) {
  Bench other{"", {}};
  other.configure("find_multipaths strict", "blacklist {\ndevnode \"^sdc\"\n}\n");
  other.disk("sdc", 2, 1);
  other.disk("sdd", 2, 2);
  other.start();
  other.run(seconds{10});
  engine::RehearsalInputs seen;
  for (const auto& [name, disk] : other.disks) seen.paths.push_back(disk.found);
  const auto blacklisted = explain(*other.picture(), seen, "sdc");
  ASSERT_TRUE(blacklisted);
  EXPECT_TRUE(explain_text(*blacklisted).contains("not used    ")) << explain_text(*blacklisted);
  EXPECT_TRUE(explain_text(*blacklisted).contains("^sdc")) << explain_text(*blacklisted);
  const auto lonely = explain(*other.picture(), seen, "sdd");
  ASSERT_TRUE(lonely);
  EXPECT_TRUE(explain_text(*lonely).contains("none: find_multipaths is strict, 1 path(s) known, not in the wwids file; no map is made by itself"))
      << explain_text(*lonely);
  EXPECT_FALSE(explain(*other.picture(), seen, "sdx"));
}

}  // namespace
}  // namespace mpath::view
