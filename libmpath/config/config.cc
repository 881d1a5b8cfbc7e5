// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/config.h"

#include <algorithm>

namespace mpath::config {

const Setting* Settings::find(Key key) const {
  for (const Setting& setting : settings_) {
    if (setting.key == key) return &setting;
  }
  return nullptr;
}

std::string_view Settings::text(Key key) const {
  const Setting* setting = find(key);
  const auto* text = setting ? std::get_if<std::string>(&setting->value) : nullptr;
  return text ? std::string_view(*text) : std::string_view{};
}

void Settings::set(Setting setting) {
  for (Setting& present : settings_) {
    if (present.key != setting.key) continue;
    std::swap(present, setting);
    replaced_.push_back(std::move(setting));
    return;
  }
  settings_.push_back(std::move(setting));
}

void Settings::clear(Key key) {
  const auto found = std::ranges::find(settings_, key, &Setting::key);
  if (found == settings_.end()) return;
  replaced_.push_back(std::move(*found));
  settings_.erase(found);
}

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::note: return "note";
    case Severity::warning: return "warning";
    case Severity::error: return "error";
  }
  return "?";
}

}  // namespace mpath::config
