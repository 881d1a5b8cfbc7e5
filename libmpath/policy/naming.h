// SPDX-License-Identifier: LGPL-2.1-or-later
// The name of a map: alias, user-friendly name from the bindings, or WWID (multipath.conf reference, sections 5.2 and 9). Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "libmpath/config/effective.h"
#include "libmpath/model/ids.h"

namespace mpath::policy {

/// The number n (1, 2, …) as letters: a … z, aa … (bijective base 26).
[[nodiscard]] std::string friendly_suffix(std::uint64_t number);
/// Back: nothing unless it is 1 to 7 lower-case letters and below INT_MAX.
[[nodiscard]] std::optional<std::uint64_t> parse_friendly_suffix(std::string_view letters);

/// Names bound to WWIDs, as the bindings file has them and as they were given since.
class Bindings {
 public:
  /// False, and nothing changes, if the name is bound to another WWID already.
  bool add(const MapName& name, const Wwid& wwid);
  void clear();
  [[nodiscard]] const MapName* name_of(const Wwid& wwid) const;
  [[nodiscard]] const Wwid* wwid_of(const MapName& name) const;
  /// Lowest prefix+letters that is neither bound nor `taken`.
  [[nodiscard]] MapName first_free(std::string_view prefix, const std::function<bool(const MapName&)>& taken) const;

 private:
  std::unordered_map<MapName, Wwid> by_name_;
  /// For each prefix: all numbers below are bound. Names are never unbound one by one.
  mutable std::unordered_map<std::string, std::uint64_t> bound_below_;
  std::unordered_map<Wwid, MapName> by_wwid_;
};

struct NameChoice {
  MapName name;
  bool new_binding = false;  ///< to be written to the bindings file
};

/// `kernel_name`: the name under which the map exists, if it does. `taken`: a device of that name exists or another map uses it.
[[nodiscard]] NameChoice choose_name(const Wwid& wwid, const config::MapSettings& settings, const Bindings& bindings,
                                     const std::optional<MapName>& kernel_name, bool bindings_read_only,
                                     const std::function<bool(const MapName&)>& taken);

}  // namespace mpath::policy
