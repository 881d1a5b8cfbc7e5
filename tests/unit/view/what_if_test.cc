// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/what_if.h"

#include <gtest/gtest.h>

#include "libmpath/view/drains.h"
#include "tests/unit/view/fixture.h"

namespace mpath::view {
namespace {

TEST(WhatIf, a_map_that_would_have_a_single_path) {
  const auto snapshot = test::sample_snapshot();
  const WhatIf answer = what_if(snapshot, Loss::failed, {"host0"});
  EXPECT_EQ(answer.worst, Redundancy::single_path);
  EXPECT_EQ(what_if_text(snapshot, answer),
            "If 1 path(s) failed: 1 map(s) concerned, 1 with a single path, 0 without a path\n"
            "mpatha dm-3: 1 of 4 paths left without sda: would have a single path\n");
}

TEST(WhatIf, a_map_that_would_have_no_path_and_what_becomes_of_its_io) {
  auto snapshot = test::sample_snapshot();
  const WhatIf answer = what_if(snapshot, Loss::removed, {"sda", "10:0:0:16385"});
  EXPECT_EQ(answer.worst, Redundancy::no_path);
  EXPECT_EQ(what_if_text(snapshot, answer),
            "If 2 path(s) were removed: 1 map(s) concerned, 0 with a single path, 1 without a path\n"
            "mpatha dm-3: 0 of 4 paths left without sda sdc: would have NO path; I/O is queued, then fails (no_path_retry 5)\n");
  const std::pair<NoPathRetry, const char*> cases[] = {
      {{NoPathRetry::Kind::fail, 0}, "I/O fails at once (no_path_retry fail)"},
      {{NoPathRetry::Kind::queue, 0}, "I/O is queued until a path returns (no_path_retry queue)"},
      {{NoPathRetry::Kind::undefined, 0}, "I/O fails at once (no_path_retry is not set)"},
  };
  for (const auto& [retry, text] : cases) {
    test::change_map(snapshot, [&](auto& map) { map.no_path_retry = retry; });
    EXPECT_EQ(without_path_text(snapshot, *snapshot.maps[0]), text);
  }
}

TEST(WhatIf, a_path_that_is_down_is_no_loss) {
  const auto snapshot = test::sample_snapshot();
  const WhatIf answer = what_if(snapshot, Loss::failed, {"sdb"});
  EXPECT_EQ(answer.worst, Redundancy::kept);
  EXPECT_EQ(what_if_text(snapshot, answer),
            "If 1 path(s) failed: 1 map(s) concerned, 0 with a single path, 0 without a path\n"
            "mpatha dm-3: 2 of 4 paths left without sdb: loses nothing: those paths carry no I/O now\n");
}

TEST(WhatIf, names_what_it_does_not_know) {
  EXPECT_EQ(what_if(test::sample_snapshot(), Loss::failed, {"sda", "sdz"}).unknown, std::vector<std::string>{"sdz"});
}

TEST(WhatIf, is_json_for_programs) {
  const auto snapshot = test::sample_snapshot();
  EXPECT_EQ(what_if_json(snapshot, what_if(snapshot, Loss::failed, {"sda"})),
            "{\n  \"paths\": 1,\n  \"maps\": [\n    {\n      \"name\": \"mpatha\",\n      \"uuid\": \"3600a\",\n      \"paths\": 4,\n"
            "      \"good_paths\": 2,\n      \"left\": 1,\n      \"losing\": [\n        \"sda\"\n      ],\n"
            "      \"verdict\": \"would have a single path\"\n    }\n  ]\n}\n");
}

TEST(WhatIf, survives_any_bytes) {
  test::RandomSnapshots random(7);
  for (int i = 0; i < 300; ++i) {
    const auto snapshot = random.next();
    const WhatIf answer = what_if(snapshot, Loss::removed, {random.bytes(), "sda"});
    const std::string text = what_if_text(snapshot, answer) + drains_text(snapshot, report_drains(snapshot, {}));
    for (char c : text) ASSERT_TRUE(c == '\n' || (c >= ' ' && c < '\x7f'));
    EXPECT_FALSE(what_if_json(snapshot, answer).empty());
  }
}

TEST(Drains, say_how_far_each_path_is) {
  auto snapshot = test::sample_snapshot();
  auto change = [&](std::size_t at, std::optional<std::uint64_t> in_flight, KernelPathState state, MonoTime undo_at) {
    auto path = std::make_shared<engine::PathView>(*snapshot.paths[at]);
    path->drain_asked_for = "host0";
    path->in_flight = in_flight;
    path->kernel_state = state;
    path->drain_undo_at = undo_at;
    snapshot.paths[at] = path;
  };
  EXPECT_EQ(drains_text(snapshot, report_drains(snapshot, {})), "no path is drained\n");
  change(0, 3, KernelPathState::failed, test::now + seconds{90});
  change(1, 0, KernelPathState::failed, no_deadline);
  change(2, std::nullopt, KernelPathState::active, no_deadline);
  const DrainReport report = report_drains(snapshot, {});
  EXPECT_EQ(report.emptying, 2u);
  EXPECT_EQ(drains_text(snapshot, report),
            "sda 0:0:0:1 mpatha: being drained, 3 I/Os under way; undone in 90 s unless confirmed (asked for: host0)\n"
            "sdb 1:0:0:1 mpatha: drained, no I/O is under way (asked for: host0)\n"
            "sdc 10:0:0:16385 mpatha: drained, its I/O is not known (asked for: host0)\n");
  EXPECT_EQ(report_drains(snapshot, std::vector<std::string>{"sdb"}).emptying, 0u);
}

}  // namespace
}  // namespace mpath::view
