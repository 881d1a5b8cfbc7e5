// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/failback.h"

namespace mpath::policy {

FailbackStep decide_failback(const Failback& failback, const FailbackFacts& facts) {
  if (!facts.better_group) return facts.timer_runs ? FailbackStep::stop_timer : FailbackStep::stay;
  if (facts.asked_for) return FailbackStep::switch_now;
  switch (failback.kind) {
    case Failback::Kind::manual: return FailbackStep::stay;
    case Failback::Kind::immediate: return FailbackStep::switch_now;
    case Failback::Kind::followover:
      // Its group was left for want of paths, not by decision.
      return facts.best_came_back ? FailbackStep::switch_now : FailbackStep::stay;
    case Failback::Kind::after:
      // What still moves is not gone back to: the time counts from the last path that came or went.
      if (facts.path_came_up || facts.path_failed) return FailbackStep::start_timer;
      if (facts.timer_expired) return FailbackStep::switch_now;
      return facts.timer_runs ? FailbackStep::stay : FailbackStep::start_timer;
  }
  return FailbackStep::stay;
}

LastPathStep after_last_path(FlushOnLastDel setting, bool queues) {
  switch (setting) {
    case FlushOnLastDel::never: return queues ? LastPathStep::keep : LastPathStep::remove_if_unused;
    case FlushOnLastDel::unused: return LastPathStep::remove_if_unused;
    case FlushOnLastDel::always: return queues ? LastPathStep::fail_and_remove : LastPathStep::remove_if_unused;
  }
  return LastPathStep::keep;
}

}  // namespace mpath::policy
