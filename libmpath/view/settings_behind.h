// SPDX-License-Identifier: LGPL-2.1-or-later
// The settings behind a decision, as plans and explanations show them. Pure, any thread.
#pragma once

#include <initializer_list>
#include <nlohmann/json_fwd.hpp>
#include <span>
#include <string>
#include <vector>

#include "libmpath/config/why.h"

namespace mpath::view {

/// Those of these keywords that have a value for the path or its map, with the place where each was set.
[[nodiscard]] std::vector<config::WhyLine> settings_behind(config::Resolver& resolver, const config::PathIdentity& path,
                                                           std::span<const config::Key> keys);

/// One line for people, without indentation and line end: "no_path_retry 12   /etc/multipath.conf:12 (devices)".
[[nodiscard]] std::string setting_text(const config::WhyLine& setting);

/// [{keyword, value, origin}…]
[[nodiscard]] nlohmann::ordered_json settings_json(std::span<const config::WhyLine> settings);

}  // namespace mpath::view
