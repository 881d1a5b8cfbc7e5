// SPDX-License-Identifier: LGPL-2.1-or-later
// The deterministic heart: all paths and maps, and what to do about them. It reads no clock, opens nothing, calls no kernel; the same
// events at the same times give the same effects. Owned and called by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "libmpath/engine/effect.h"
#include "libmpath/engine/event.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::engine {

/// How much the engine does. Observers read and never change anything; they are idle as soon as they know what there is.
enum class Mode {
  manage,   ///< the daemon
  observe,  ///< multipath -ll: maps, and one check of each of their paths
  survey,   ///< multipath -d: the same of every path, whether it belongs to a map or not
  list,     ///< multipath -l: maps only, no command to any device
};

/// What is known of a path that a rehearsal does not ask.
struct KnownPath {
  std::uint64_t disk_sequence = 0;
  PathState state = PathState::unchecked;
  std::optional<int> priority;
  bool disabled = false;  ///< by the command `fail path`
  bool unregistered = false;  ///< it waits for the registration of its map's reservation key
};
using KnownPaths = std::unordered_map<DevNum, KnownPath>;

struct EngineOptions {
  Mode mode = Mode::manage;
  std::uint64_t seed = 1;        ///< of every random choice
  bool bindings_read_only = false;
  /// A rehearsal (rehearsal.h): nothing is asked of any path; it is what this says, and one that it does not name is taken as working.
  std::shared_ptr<const KnownPaths> known;
};

class Engine {
 public:
  explicit Engine(EngineOptions options);
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  /// Takes one event that happens at `now` (never earlier than before) and appends what is to be done to `effects`.
  /// A good result of a check allocates nothing.
  void step(const Event& event, MonoTime now, std::vector<Effect>& effects);

  /// When the next deadline is due, no_deadline if none is. The rim arms one timer for it.
  [[nodiscard]] MonoTime next_deadline() const;

  /// The picture for queries; shared with earlier callers as far as nothing changed.
  [[nodiscard]] std::shared_ptr<const Snapshot> snapshot(MonoTime now);

  /// The executor counts turns here, so that one place shows all.
  void count_turn(Duration length);

 private:
  struct Core;
  std::unique_ptr<Core> core_;
};

}  // namespace mpath::engine
