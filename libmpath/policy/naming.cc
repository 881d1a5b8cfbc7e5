// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/naming.h"

#include <limits>

namespace mpath::policy {

std::string friendly_suffix(std::uint64_t number) {
  std::string letters;
  while (number > 0) {
    --number;
    letters.insert(letters.begin(), static_cast<char>('a' + number % 26));
    number /= 26;
  }
  return letters;
}

std::optional<std::uint64_t> parse_friendly_suffix(std::string_view letters) {
  if (letters.empty() || letters.size() > 7) return std::nullopt;
  std::uint64_t number = 0;
  for (char c : letters) {
    if (c < 'a' || c > 'z') return std::nullopt;
    number = number * 26 + static_cast<std::uint64_t>(c - 'a' + 1);
  }
  if (number >= static_cast<std::uint64_t>(std::numeric_limits<int>::max())) return std::nullopt;
  return number;
}

bool Bindings::add(const MapName& name, const Wwid& wwid) {
  auto [at, fresh] = by_name_.try_emplace(name, wwid);
  if (!fresh) return at->second == wwid;
  by_wwid_.try_emplace(wwid, name);
  return true;
}

void Bindings::clear() {
  by_name_.clear();
  by_wwid_.clear();
  bound_below_.clear();
}

const MapName* Bindings::name_of(const Wwid& wwid) const {
  auto at = by_wwid_.find(wwid);
  return at == by_wwid_.end() ? nullptr : &at->second;
}

const Wwid* Bindings::wwid_of(const MapName& name) const {
  auto at = by_name_.find(name);
  return at == by_name_.end() ? nullptr : &at->second;
}

MapName Bindings::first_free(std::string_view prefix, const std::function<bool(const MapName&)>& taken) const {
  std::uint64_t& bound_below = bound_below_.try_emplace(std::string(prefix), 1).first->second;
  for (std::uint64_t number = bound_below;; ++number) {
    MapName name{std::string(prefix) + friendly_suffix(number)};
    bool bound = by_name_.contains(name);
    if (bound && number == bound_below) ++bound_below;
    if (!bound && !taken(name)) return name;
  }
}

NameChoice choose_name(const Wwid& wwid, const config::MapSettings& settings, const Bindings& bindings,
                       const std::optional<MapName>& kernel_name, bool bindings_read_only,
                       const std::function<bool(const MapName&)>& taken) {
  const MapName by_wwid{wwid.text};
  // A map that exists keeps the name it has rather than take one that nobody asked for.
  const MapName otherwise = kernel_name.value_or(by_wwid);
  auto usable = [&](const MapName& name) { return (kernel_name && *kernel_name == name) || !taken(name); };
  if (settings.alias.value) {
    MapName alias{*settings.alias.value};
    return {usable(alias) ? alias : otherwise, false};
  }
  if (!settings.user_friendly_names.value) return {by_wwid, false};

  const MapName* bound = bindings.name_of(wwid);
  if (kernel_name) {
    const Wwid* owner = bindings.wwid_of(*kernel_name);
    if (owner != nullptr && *owner == wwid) return {*kernel_name, false};
    if (owner == nullptr && bound == nullptr && kernel_name->text.starts_with(settings.alias_prefix.value) &&
        parse_friendly_suffix(std::string_view(kernel_name->text).substr(settings.alias_prefix.value.size()))) {
      return {*kernel_name, !bindings_read_only};
    }
  }
  if (bound != nullptr) return {usable(*bound) ? *bound : otherwise, false};
  if (bindings_read_only) return {by_wwid, false};
  return {bindings.first_free(settings.alias_prefix.value, taken), true};
}

}  // namespace mpath::policy
