// SPDX-License-Identifier: LGPL-2.1-or-later
// Why a volume has no map, and what to do about it.
#include "libmpath/view/explain.h"

#include <gtest/gtest.h>

#include "libmpath/view/summary.h"
#include "tests/unit/engine/fixture.h"

namespace mpath::view {
namespace {

using engine::Bench;
using engine::wwid_of;

class ExplainTest : public ::testing::Test {
 protected:
  ExplainTest() { bench.disk("sda"); }

  std::string text(std::string_view word) {
    inputs.paths.clear();
    for (const auto& [name, disk] : bench.disks) inputs.paths.push_back(disk.found);
    const auto explained = explain(*bench.picture(), inputs, word);
    return explained ? explain_text(*explained) : "nothing";
  }
  void expect(std::string_view word, std::string_view part) { EXPECT_TRUE(text(word).contains(part)) << part << "\n-- is not in --\n" << text(word); }

  Bench bench;
  engine::RehearsalInputs inputs;
};

TEST_F(ExplainTest, a_map_that_could_not_be_made_says_why_and_when_it_is_tried_again) {
  bench.table_error = Error{ErrorCode::busy, wwid_of(1), "the map cannot be created", "8:0 is mounted on /srv"};
  bench.start();
  bench.run(seconds{30});
  for (const std::string& word : {std::string("sda"), wwid_of(1)}) {
    expect(word, "  map         none: create failed: ");
    expect(word, "8:0 is mounted on /srv; tried again in ");
  }
  EXPECT_EQ(health_of(*bench.picture()), Health::degraded);
  EXPECT_TRUE(summary_text(*bench.picture()).contains(wwid_of(1) + ": has no map\n    create failed: ")) << summary_text(*bench.picture());
  EXPECT_TRUE(summary_json(*bench.picture()).contains("\"failed\": \"create failed: ")) << summary_json(*bench.picture());
  bench.table_error.reset();
  bench.run(minutes{2});
  EXPECT_FALSE(text("sda").contains("failed:")) << text("sda");
  EXPECT_EQ(health_of(*bench.picture()), Health::healthy);
}

TEST_F(ExplainTest, the_mark_of_a_failed_map_is_named_with_the_remedy) {
  bench.configure("find_multipaths strict");
  bench.start();
  bench.run(seconds{5});
  EXPECT_FALSE(text("sda").contains("failed")) << text("sda");
  inputs.failed_wwids = {Wwid{wwid_of(1)}, Wwid{wwid_of(9)}};
  for (const std::string& word : {std::string("sda"), wwid_of(1), wwid_of(9)}) {
    expect(word, "  failed      the last attempt to make its map failed");
    expect(word, "(the log says what it was); then: multipathd add map " + (word == "sda" ? wwid_of(1) : word));
  }
  EXPECT_EQ(text(wwid_of(7)), "nothing");
}

TEST_F(ExplainTest, a_map_that_was_removed_says_by_whom_and_how_it_comes_back) {
  bench.start();
  bench.map_uevent();
  Request request{.kind = RequestKind::remove_map, .map = wwid_of(1)};
  request.asked_by = "multipath (55) of user 0";
  ASSERT_EQ(bench.ask(request).outcome, Outcome::ok);
  bench.run(seconds{5});
  expect("sda", "none: it was removed by command of multipath (55) of user 0. It is made again when one of its paths appears, on reconfigure, and at once "
                "by: multipathd add map " + wwid_of(1));
  EXPECT_EQ(health_of(*bench.picture()), Health::healthy) << "that is what was wanted";
  EXPECT_TRUE(summary_text(*bench.picture()).contains("has no map, it was removed by command of multipath")) << summary_text(*bench.picture());
  bench.ask(RequestKind::add_map);
  bench.run(seconds{30});
  EXPECT_TRUE(bench.has_map());
  EXPECT_FALSE(text("sda").contains("removed")) << text("sda");
}

TEST_F(ExplainTest, who_uses_a_path_past_its_map_is_named) {
  bench.start();
  inputs.users[bench.number("sda")] = {"held by " + wwid_of(1) + " (dm-1)"};
  EXPECT_FALSE(text("sda").contains("also used")) << text("sda");
  inputs.users[bench.number("sda")].push_back("held by vg-data (dm-2)");
  expect("sda", "  also used   held by vg-data (dm-2), past the map (multipathd reset map " + wwid_of(1) + " puts dm devices onto it)");
}

TEST_F(ExplainTest, a_load_that_fails_shows_until_it_works) {
  bench.disk("sdb");
  bench.start();
  bench.map_uevent();
  bench.run(seconds{5});
  bench.table_error = Error{ErrorCode::io, wwid_of(1), "the table cannot be loaded", "no memory"};
  bench.configure("path_grouping_policy multibus");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{10});
  expect(wwid_of(1), "  failed      reload failed: " + wwid_of(1) + ": the table cannot be loaded");
  EXPECT_EQ(health_of(*bench.picture()), Health::degraded);
  EXPECT_EQ(bench.map().suspended, false);
  bench.table_error.reset();
  bench.run(minutes{2});
  EXPECT_FALSE(text(wwid_of(1)).contains("failed")) << text(wwid_of(1));
}

TEST_F(ExplainTest, what_was_asked_for_and_failed_is_not_tried_again_and_does_not_say_so) {
  bench.start();
  bench.map_uevent();
  bench.run(seconds{5});
  bench.used_map = wwid_of(1);
  (void)bench.ask(RequestKind::remove_map);
  bench.run(minutes{1});
  EXPECT_EQ(bench.times_logged("remove failed: "), 1);
  EXPECT_EQ(bench.times_logged("tried again in"), 0);
  EXPECT_EQ(health_of(*bench.picture()), Health::healthy);
}

}  // namespace
}  // namespace mpath::view
