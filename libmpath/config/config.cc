// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/config.h"

#include <algorithm>

#include "libmpath/base/limits.h"

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
    note_replaced(std::move(setting));
    return;
  }
  settings_.push_back(std::move(setting));
}

void Settings::clear(Key key) {
  const auto found = std::ranges::find(settings_, key, &Setting::key);
  if (found == settings_.end()) return;
  note_replaced(std::move(*found));
  settings_.erase(found);
}

void Settings::note_replaced(Setting setting) {
  // Without the limit a file of equal entries would cost the square of its length.
  if (replaced_.size() >= limits::replaced_settings) replaced_.erase(replaced_.begin());
  replaced_.push_back(std::move(setting));
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
