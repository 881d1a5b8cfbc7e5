// SPDX-License-Identifier: LGPL-2.1-or-later
// When I/O goes over to a better path group that came back, and what becomes of a map that has lost its last path. Pure; any thread.
#pragma once

#include <cstdint>

#include "libmpath/model/settings.h"

namespace mpath::policy {

/// What is known when the groups are compared.
struct FailbackFacts {
  bool better_group = false;     ///< the best group is not the one that the kernel begins with
  bool asked_for = false;        ///< a (re)configuration or a command: without delay, whatever the keyword says
  bool path_came_up = false;     ///< some path of the map, since the groups were compared last
  bool path_failed = false;      ///< likewise
  bool best_came_back = false;   ///< the one path of the best group that works has just come up
  bool timer_runs = false;
  bool timer_expired = false;    ///< and the map was not compared since
};

enum class FailbackStep : std::uint8_t {
  stay,
  switch_now,
  start_timer,  ///< anew if it runs already
  stop_timer,
};

/// Behaviour of 0.14, section 7.5, in seconds instead of ticks.
[[nodiscard]] FailbackStep decide_failback(const Failback& failback, const FailbackFacts& facts);

/// What to do with a map whose last path was removed.
enum class LastPathStep : std::uint8_t {
  keep,             ///< its I/O waits for a path
  remove_if_unused, ///< queueing stays as it is; a map that is in use stays
  fail_and_remove,  ///< what waits is failed first, so that its users let go
};
/// Behaviour of 0.14, section 10.5. `queues`: the kernel's map has queue_if_no_path.
[[nodiscard]] LastPathStep after_last_path(FlushOnLastDel setting, bool queues);

}  // namespace mpath::policy
