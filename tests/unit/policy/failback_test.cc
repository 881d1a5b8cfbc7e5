// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/failback.h"

#include <gtest/gtest.h>

namespace mpath::policy {
namespace {

using Kind = Failback::Kind;
using Step = FailbackStep;

TEST(Failback, FollowsTheKeyword) {
  struct Row {
    const char* what;
    Kind kind;
    FailbackFacts facts;
    Step step;
  };
  const Row rows[] = {
      {"nothing better", Kind::immediate, {}, Step::stay},
      {"nothing better any more", Kind::after, {.timer_runs = true}, Step::stop_timer},
      {"manual stays", Kind::manual, {.better_group = true, .path_came_up = true}, Step::stay},
      {"manual obeys a command", Kind::manual, {.better_group = true, .asked_for = true}, Step::switch_now},
      {"immediate goes", Kind::immediate, {.better_group = true}, Step::switch_now},
      {"followover: its one path came back", Kind::followover, {.better_group = true, .best_came_back = true}, Step::switch_now},
      {"followover: a path of another group", Kind::followover, {.better_group = true, .path_came_up = true}, Step::stay},
      {"N: begins to wait", Kind::after, {.better_group = true}, Step::start_timer},
      {"N: waits", Kind::after, {.better_group = true, .timer_runs = true}, Step::stay},
      {"N: another path came up", Kind::after, {.better_group = true, .path_came_up = true, .timer_runs = true}, Step::start_timer},
      {"N: a path failed", Kind::after, {.better_group = true, .path_failed = true, .timer_runs = true}, Step::start_timer},
      {"N: time is up", Kind::after, {.better_group = true, .timer_expired = true}, Step::switch_now},
      {"N: time is up in the instant a path fails", Kind::after, {.better_group = true, .path_failed = true, .timer_expired = true},
       Step::start_timer},
      {"N: asked for", Kind::after, {.better_group = true, .asked_for = true, .timer_runs = true}, Step::switch_now},
  };
  for (const Row& row : rows) EXPECT_EQ(decide_failback({row.kind, seconds{5}}, row.facts), row.step) << row.what;
}

TEST(LastPath, FollowsFlushOnLastDel) {
  using enum LastPathStep;
  EXPECT_EQ(after_last_path(FlushOnLastDel::never, true), keep);
  EXPECT_EQ(after_last_path(FlushOnLastDel::never, false), remove_if_unused);
  EXPECT_EQ(after_last_path(FlushOnLastDel::unused, true), remove_if_unused);
  EXPECT_EQ(after_last_path(FlushOnLastDel::unused, false), remove_if_unused);
  EXPECT_EQ(after_last_path(FlushOnLastDel::always, true), fail_and_remove);
  EXPECT_EQ(after_last_path(FlushOnLastDel::always, false), remove_if_unused);
}

}  // namespace
}  // namespace mpath::policy
