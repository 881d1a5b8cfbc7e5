// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration as text: `multipath -t`, `-T`, `show config`, `show config local`, `show blacklist`. Pure; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "libmpath/config/config.h"
#include "libmpath/config/intervals.h"

namespace mpath::config {

/// The whole configuration in the language of the file; reading it back gives the same settings.
[[nodiscard]] std::string dump_config(const Config& config);

/// A map that exists, for dump_local().
struct MapInUse {
  std::string wwid;
  std::string alias;
};
/// What is in use on this machine.
struct LocalUse {
  std::vector<std::size_t> devices;  ///< indexes into Config::devices of the entries that match a path, in order of first use
  std::vector<MapInUse> maps;
};
/// The same with the entries that are in use only, and with a block for every map.
[[nodiscard]] std::string dump_local(const Config& config, const LocalUse& use);

/// `show blacklist`: all rules, criterion by criterion.
[[nodiscard]] std::string format_blacklist(const Config& config);

}  // namespace mpath::config
