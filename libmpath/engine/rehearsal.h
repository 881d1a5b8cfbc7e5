// SPDX-License-Identifier: LGPL-2.1-or-later
// What a reconfiguration would do, without doing it: the engine itself is given a configuration, the state files, the kernel's maps and the
// disks as they are now, and what is known of each path; its table actions and messages are carried out on a copy of the kernel's maps.
// So the rehearsal decides as the daemon does, because it is the same code. A function of its inputs; any thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmpath/engine/engine.h"
#include "libmpath/model/discovery.h"
#include "libmpath/model/kernel_map.h"

namespace mpath::engine {

/// The world as a reconfiguration would find it. Whole, even if reading some of it failed: `errors` say what is missing.
struct RehearsalInputs {
  ConfigurationLoaded configuration;     ///< of the files as they are, or as the client brought them
  StateLoaded state;
  std::vector<KernelMap> maps;
  TargetVersion target_version{};
  std::vector<DiscoveredPath> paths;
  std::unordered_map<DevNum, std::vector<std::string>> users;  ///< who uses a disk, of those that a request asks about
  std::unordered_map<std::string, std::vector<std::string>> reassignable;  ///< with reassign_maps: by WWID, dm devices that use its paths directly
  std::vector<Wwid> failed_wwids;        ///< whose last map could not be made, says the mark in /run
  std::vector<std::string> errors;
  MonoTime now{std::chrono::hours{1}};   ///< of the snapshot: what the state file counts by
  bool bindings_read_only = false;
};

/// What the snapshot says of its paths, for EngineOptions::known.
[[nodiscard]] std::shared_ptr<const KnownPaths> known_paths(const Snapshot& snapshot);

struct RehearsedMap {
  Wwid wwid;
  std::optional<KernelMap> before;      ///< nothing: the kernel has no such map
  std::optional<KernelMap> after;       ///< nothing: it is removed
  std::vector<TableAction> actions;     ///< in their order
  std::vector<MapMessage> messages;
  std::vector<std::string> reassigned;  ///< dm devices that would be put onto it
};

struct Rehearsal {
  std::vector<RehearsedMap> maps;             ///< those there are or would be; first the kernel's, in its order
  std::shared_ptr<const Snapshot> outcome;    ///< how everything would stand afterwards
  std::vector<std::string> messages;          ///< warnings and errors that the engine would log
  bool finished = false;                      ///< false: it was still at work after rehearsal_limit
};

/// The configuration in `inputs` comes to a daemon that runs with `running`, or is the first one if that is null. `all`: as `reconfigure
/// all`, which loads every map.
[[nodiscard]] Rehearsal rehearse(const RehearsalInputs& inputs, std::shared_ptr<const KnownPaths> known,
                                 std::shared_ptr<const config::Config> running = nullptr, bool all = false);

/// Virtual time that a rehearsal may take.
inline constexpr Duration rehearsal_limit = seconds{60};

}  // namespace mpath::engine
