// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/intervals.h"

#include <algorithm>

#include "libmpath/config/config.h"

namespace mpath::config {

PollingIntervals polling_intervals(const Settings& defaults) {
  const auto read = [&](Key key) -> Effective<seconds> {
    const Setting* setting = defaults.find(key);
    if (!setting) return {seconds{0}, {}};
    return {seconds{std::get<std::int64_t>(setting->value)}, setting->origin};
  };
  const auto derived = [](seconds value, Origin origin) -> Effective<seconds> {
    origin.layer = Layer::derived;
    return {value, origin};
  };
  Effective<seconds> shortest = read(Key::polling_interval);
  Effective<seconds> longest = read(Key::max_polling_interval);
  const seconds most{keyword(Key::max_polling_interval).maximum};
  const bool shortest_set = shortest.value.count() > 0;
  const bool longest_set = longest.value.count() > 0;
  if (!shortest_set && !longest_set) {
    const seconds fallback{std::get<std::int64_t>(*default_value(Key::polling_interval))};
    return {{fallback, {}}, {4 * fallback, {}}};
  }
  if (!longest_set) return {shortest, derived(std::min(4 * shortest.value, most), shortest.origin)};
  if (!shortest_set) return {derived(std::max(longest.value / 4, seconds{1}), longest.origin), longest};
  if (shortest.value > longest.value) return {derived(longest.value, longest.origin), longest};
  return {shortest, longest};
}

}  // namespace mpath::config
