// SPDX-License-Identifier: LGPL-2.1-or-later
// Plans, explanations, what-if and requests for maps in odd states: odd names, no path, a load that waits, suspended, two requests at once.
#include <gtest/gtest.h>

#include "libmpath/view/explain.h"
#include "libmpath/view/plan_report.h"
#include "libmpath/view/what_if.h"
#include "tests/unit/engine/fixture.h"
#include "tests/unit/view/seen.h"

namespace mpath::view {
namespace {

using engine::Answer;
using engine::Bench;
using engine::wwid_of;

class OddInput : public ::testing::Test {
 protected:
  OddInput() {
    bench.disk("sda");
    bench.disk("sdb");
    bench.kernel_map({{"sda"}, {"sdb"}});
  }
  engine::RehearsalInputs inputs() { return seen_on(bench); }
  std::string plan() { return plan_text(plan_report(*bench.picture(), inputs(), {})); }
  std::string explained(std::string_view word) {
    const auto found = explain(*bench.picture(), inputs(), word);
    return found ? explain_text(*found) : "nothing";
  }
  static void expect_clean(std::string_view text) {
    for (char c : text) ASSERT_TRUE(c == '\n' || (c >= ' ' && c != 127)) << text;
  }

  Bench bench;
};

TEST_F(OddInput, names_of_any_bytes_are_found_and_shown_escaped) {
  for (const std::string name : {"my data", "it's \"data\"", "a\nb", "\x1b[31mred", "%n%s", "\xff\xfe", "-", "--help"}) {
    Bench odd;
    odd.disk("sda");
    KernelMap device = odd.kernel_map({{"sda"}});
    odd.kernel.clear();
    device.name = {name};
    odd.kernel.emplace(device.name, device);
    odd.configure("", "multipaths {\nmultipath {\nwwid " + wwid_of(1) + "\nalias other\n}\n}\n");
    odd.hold<engine::RunTableAction>();
    odd.start();
    odd.run(seconds{5});
    const auto found = explain(*odd.picture(), engine::RehearsalInputs{}, name);
    ASSERT_TRUE(found) << name;
    expect_clean(explain_text(*found));
    expect_clean(explain_json({*found}));
    engine::RehearsalInputs seen;
    config::SourceFile file{"/etc/multipath.conf", odd.config_text, config::FileKind::main};
    seen.configuration.config = config::parse(std::span(&file, 1), {}).config;
    seen.now = odd.now;
    seen.maps.push_back(device);
    seen.paths.push_back(odd.disks.at("sda").found);
    const PlanReport report = plan_report(*odd.picture(), seen, {name});
    EXPECT_TRUE(report.unknown.empty()) << name;
    expect_clean(plan_text(report));
    expect_clean(plan_json(report));
  }
}

TEST_F(OddInput, words_that_mean_nothing_are_not_found) {
  bench.start();
  for (const std::string_view word : {"", " ", "/", "/dev/", "/dev/mapper/", "dm-", "dm-9999999999999999999", ":", "8:", ":0", "0:0:0:", "%", "\n", "sda ", "SDA"}) {
    EXPECT_EQ(explained(word), "nothing") << word;
    EXPECT_EQ(plan_report(*bench.picture(), inputs(), {std::string(word)}).unknown.size(), 1u) << word;
  }
  EXPECT_EQ(explained(std::string(100000, 'x')), "nothing");
}

TEST_F(OddInput, a_map_without_any_path_is_explained_and_planned) {
  bench.configure("no_path_retry queue\nflush_on_last_del never");
  bench.start();
  bench.run(seconds{5});
  for (const char* name : {"sda", "sdb"}) {
    bench.disappear(name);
    bench.disks.erase(name);
  }
  bench.run(seconds{30});
  ASSERT_TRUE(bench.has_map());
  const std::string text = explained(wwid_of(1));
  EXPECT_TRUE(text.contains("0 of ")) << text;
  EXPECT_TRUE(text.contains("without a path I/O is queued")) << text;
  (void)plan();
}

TEST_F(OddInput, while_a_load_waits_a_removal_does_not) {
  bench.start();
  bench.run(seconds{5});
  bench.disks.at("sda").answer = Answer::none;
  bench.run(seconds{25});
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{5});
  EXPECT_TRUE(explained(wwid_of(1)).contains("waits       reload deferred: ")) << explained(wwid_of(1));
  EXPECT_TRUE(plan().contains("would wait: ")) << plan();
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::ok);
  EXPECT_FALSE(bench.has_map());
  EXPECT_FALSE(plan().contains("would wait: ")) << plan();
}

TEST_F(OddInput, a_suspended_map_is_planned_without_waking_it) {
  bench.start();
  bench.run(seconds{5});
  bench.map_uevent();
  (void)bench.ask(RequestKind::suspend_map);
  bench.run(seconds{5});
  ASSERT_TRUE(bench.map().suspended);
  bench.configure("path_grouping_policy multibus");
  (void)plan();
  EXPECT_TRUE(explained(wwid_of(1)).contains("suspended   all I/O is held back")) << explained(wwid_of(1));
  bench.run(minutes{1});
  EXPECT_TRUE(bench.map().suspended) << "as it was asked for";
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::ok) << "what is suspended by us can be removed";
  bench.run(seconds{5});
}

TEST_F(OddInput, requests_that_cross_each_other_are_all_answered) {
  const std::vector<RequestKind> kinds = {RequestKind::remove_map,  RequestKind::resize_map, RequestKind::reset_map,  RequestKind::suspend_map,
                                          RequestKind::resume_map,  RequestKind::reload_map, RequestKind::remove_all_maps, RequestKind::reconfigure,
                                          RequestKind::reconfigure_all};
  for (RequestKind first : kinds) {
    for (RequestKind second : kinds) {
      Bench crossed;
      crossed.disk("sda");
      crossed.disk("sdb");
      crossed.kernel_map({{"sda", "sdb"}});
      crossed.start();
      crossed.run(seconds{5});
      crossed.hold<engine::RunTableAction>();
      crossed.hold<engine::ReassignHolders>();
      crossed.hold<engine::RescanPath>();
      auto one = static_cast<RequestId>(101);
      auto two = static_cast<RequestId>(102);
      crossed.step(engine::RequestArrived{one, Request{.kind = first, .map = wwid_of(1)}});
      crossed.step(engine::RequestArrived{two, Request{.kind = second, .map = wwid_of(1)}});
      crossed.release<engine::RescanPath>();
      crossed.release<engine::ReassignHolders>();
      crossed.release<engine::RunTableAction>();
      crossed.run(minutes{2});
      EXPECT_TRUE(crossed.replies.contains(one)) << static_cast<int>(first) << ' ' << static_cast<int>(second);
      EXPECT_TRUE(crossed.replies.contains(two)) << static_cast<int>(first) << ' ' << static_cast<int>(second);
    }
  }
}

TEST_F(OddInput, a_drain_of_what_is_drained_removed_or_nowhere_is_answered) {
  bench.start();
  bench.run(seconds{5});
  auto drain = [&](std::vector<std::string> names) {
    return bench.ask(Request{.kind = RequestKind::mpathctl_drain, .subjects = std::move(names), .confirm_within = seconds{60}});
  };
  EXPECT_NE(drain({"nowhere"}).outcome, Outcome::ok);
  EXPECT_NE(drain({""}).outcome, Outcome::ok);
  EXPECT_EQ(drain({"sda", "sda"}).outcome, Outcome::ok);
  EXPECT_EQ(drain({"sda"}).outcome, Outcome::ok) << "once more";
  EXPECT_NE(drain({"sdb"}).outcome, Outcome::ok) << "it is the last one";
  bench.disappear("sda");
  bench.run(seconds{5});
  bench.run(minutes{2});
  EXPECT_EQ(bench.health("sdb"), PathState::up);
}

}  // namespace
}  // namespace mpath::view
