// SPDX-License-Identifier: LGPL-2.1-or-later
// How long the engine waits for what, where the configuration does not say. For the files of engine/ only; engine time.
#pragma once

#include "libmpath/base/limits.h"
#include "libmpath/base/time.h"

namespace mpath::engine {

/// When the first answer of a path is waited for before a map is made without it.
inline constexpr Duration first_answer_limit = seconds{3};
/// A burst of arriving or leaving paths is answered by one load after it has been quiet for so long, …
inline constexpr Duration settle_time = milliseconds{200};
/// … at the latest after this.
inline constexpr Duration settle_time_most = seconds{2};
/// Paths that move between groups one after the other are moved by one load in this time: none of them is missing meanwhile.
inline constexpr Duration regroup_pause = seconds{5};
/// Before a load every path in the table must have answered within this time.
inline constexpr Duration fresh_answer = seconds{1};
/// … and a slow one within this.
inline constexpr Duration fresh_answer_most = seconds{5};
/// After I/O has failed on a path of a map that queues no flush is begun for so long.
inline constexpr Duration pause_before_flush = seconds{5};
/// A load during which the map stood still for longer than the first of these is followed by another one when it has carried I/O for as long
/// as it stood still, at most for the second.
inline constexpr Duration long_standstill = seconds{1};
inline constexpr Duration pause_after_standstill_most = seconds{60};
/// How long a load waits for what there is to know of a device in the table.
inline constexpr Duration stranger_patience = seconds{10};
/// REPORT TARGET PORT GROUPS: one path asks for all of its map; after so long without an answer another one may.
inline constexpr Duration groups_answer_limit = seconds{1};
/// A map's last path on which I/O failed more than once returns after this.
inline constexpr Duration last_path_hold = seconds{1};
/// How often a drained path is asked whether I/O is still under way, and after drain_patience how often.
inline constexpr Duration drain_poll = milliseconds{250};
inline constexpr Duration drain_slow_poll = seconds{2};
inline constexpr Duration drain_patience = seconds{30};
/// A turn later than this is a machine that stood still.
inline constexpr Duration standstill_threshold = milliseconds{500};
/// How far engine time advances over such a turn at most: not at all would let a machine that is always late do nothing.
inline constexpr Duration standstill_credit = seconds{1};
/// How long the first configuration may keep the daemon from being ready.
inline constexpr Duration configuration_limit = seconds{15};
/// How long `multipath -ll` waits for answers; a path that hangs is shown as pending.
inline constexpr Duration observer_limit = seconds{3};
/// Disks that are read together. So many are judged without anything else being looked at meanwhile, and what is known of them before
/// that, some 5 KiB each, is in memory.
inline constexpr std::size_t disks_per_portion = 64;

}  // namespace mpath::engine
