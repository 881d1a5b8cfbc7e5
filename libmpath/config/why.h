// SPDX-License-Identifier: LGPL-2.1-or-later
// Why a setting has the value it has: the value, where it stands, what it overrode, and what may still overrule it. Pure; any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/config/effective.h"
#include "libmpath/config/keywords.h"

namespace mpath::config {

struct WhyCandidate {
  std::string value;  ///< as in a dump
  Origin origin;
  std::string place;  ///< "/etc/multipath.conf:12 (devices)"
};

/// One keyword for one path or map.
struct WhyLine {
  Key key{};
  std::string value;  ///< as in a dump; empty: not set
  Origin origin;
  std::string place;
  std::vector<WhyCandidate> overridden;  ///< the nearest first; the built-in default last
  std::string note;                      ///< what the device or another setting makes of it; may be empty
};

/// Every keyword that concerns a path or its map, or only `key`. Works without hardware: vendor and product are enough, and a WWID
/// adds the multipaths entry. Daemon-wide keywords are answered when asked for by name.
[[nodiscard]] std::vector<WhyLine> why(Resolver& resolver, const PathIdentity& path, std::optional<Key> key = std::nullopt);

/// False for keywords that name an entry or a rule (vendor, wwid, devnode) or have no effect: there is nothing to explain.
[[nodiscard]] bool is_explained(Key key);

/// For people: "no_path_retry 12   /etc/multipath.conf:12 (devices)" with the overridden ones indented below. Keywords that nobody sets
/// are left out unless `with_defaults`.
[[nodiscard]] std::string render_why(const std::vector<WhyLine>& lines, bool with_defaults);
/// A JSON array of {keyword, value, origin, overridden: [{value, origin}...], note}.
[[nodiscard]] std::string render_why_json(const std::vector<WhyLine>& lines);

}  // namespace mpath::config
