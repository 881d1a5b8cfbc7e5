// SPDX-License-Identifier: LGPL-2.1-or-later
// The last transitions of a path or map: when, from what to what, why, what was done about it and how long that took. Plain values, small,
// because there may be 64 of them for each of 16,384 paths. Written by the engine, rendered by view; each snapshot has copies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/limits.h"
#include "libmpath/base/static_text.h"
#include "libmpath/base/time.h"
#include "libmpath/model/path.h"

namespace mpath::engine {

/// What stands against I/O on a path that answers its checks.
enum class Bar : std::uint8_t {
  none,
  disabled,      ///< by the command `fail path`
  quarantined,   ///< another logical unit answers behind this device
  suspect,       ///< its check is outstanding far longer than those of its siblings
  unreliable,    ///< it failed too often lately; the state is `delayed` or it is sampled
  drained,       ///< by the command `drain`
  unregistered,  ///< it waits for the registration of its map's reservation key
  standby,       ///< only the array can activate it, and no path of the map is active
};

/// Why, as a clause for people.
[[nodiscard]] StaticText reason_of(Bar bar);

/// How a path stands: its state, what bars it, and whether it is marked as marginal.
struct PathStanding {
  PathState state = PathState::unchecked;
  Bar bar = Bar::none;
  bool marginal = false;
  friend bool operator==(const PathStanding&, const PathStanding&) = default;
  [[nodiscard]] constexpr std::uint8_t packed() const {
    return static_cast<std::uint8_t>(static_cast<unsigned>(state) | static_cast<unsigned>(bar) << 4 | (marginal ? 0x80U : 0U));
  }
  [[nodiscard]] static constexpr PathStanding unpacked(std::uint8_t byte) {
    return {static_cast<PathState>(byte & 0x0f), static_cast<Bar>(byte >> 4 & 0x07), (byte & 0x80) != 0};
  }
};
/// "up", "up, suspect", "up, marginal"
[[nodiscard]] std::string to_string(const PathStanding& standing);

/// How a map stands.
enum class MapStanding : std::uint8_t {
  absent,    ///< the kernel has no such map
  serving,   ///< a path works
  queueing,  ///< none does; I/O waits
  failing,   ///< none does; I/O fails
};
[[nodiscard]] std::string_view to_string(MapStanding standing);

/// Where the news came from.
enum class Cause : std::uint8_t {
  start,    ///< found at the start or by a reconfiguration
  check,    ///< the outcome of a command to the device
  kernel,   ///< device-mapper tells of a path that failed I/O, or of a change of the map
  uevent,
  command,  ///< somebody asked for it
  rule,     ///< a deadline or rule of ours
  fabric,   ///< the transport tells of a link
  action,   ///< what we did to the map
};
[[nodiscard]] std::string_view to_string(Cause cause);

/// What was done about it.
enum class FollowUp : std::uint8_t {
  none, failed, reinstated, created, reloaded, resized, renamed, removed, switched, refused,
  suspended, resumed, dropped_table,
};
[[nodiscard]] std::string_view to_string(FollowUp follow_up);

/// One entry: 32 bytes.
struct Transition {
  MonoTime at{};                       ///< by the machine's clock
  const char* reason = "";             ///< static text, see reason_text()
  std::uint32_t took_microseconds = 0; ///< from the transition to the end of what was done about it, or of an action by itself
  std::uint32_t sense = 0;             ///< key, code, qualifier of the answer behind it, a byte each; 0: none
  std::uint16_t reason_bytes = 0;
  std::uint8_t before = 0;             ///< PathStanding::packed(), or MapStanding
  std::uint8_t after = 0;
  Cause cause = Cause::start;
  FollowUp follow_up = FollowUp::none;

  [[nodiscard]] std::string_view reason_text() const { return {reason, reason_bytes}; }
  /// "6/29/00"; empty without sense data.
  [[nodiscard]] std::string sense_text() const;
};
static_assert(sizeof(Transition) == 32);

/// The last limits::history_entries of them; takes memory only as they come.
class History {
 public:
  void add(const Transition& entry);
  [[nodiscard]] bool empty() const { return ring_.empty(); }
  /// The newest; only if there is one.
  [[nodiscard]] Transition& last() { return ring_[(first_ + ring_.size() - 1) % ring_.size()]; }
  /// Oldest first.
  [[nodiscard]] std::vector<Transition> entries() const;

 private:
  std::vector<Transition> ring_;
  std::size_t first_ = 0;  ///< index of the oldest
};

/// What a reply shows of one path or map.
struct HistoryView {
  std::string subject;     ///< kernel name, or name of the map
  std::string map;         ///< of a path: the map it belongs to, empty if none
  bool is_map = false;
  std::vector<Transition> entries;
};

}  // namespace mpath::engine
