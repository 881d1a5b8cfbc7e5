// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/settings_behind.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"
#include "libmpath/config/keywords.h"

namespace mpath::view {

std::vector<config::WhyLine> settings_behind(config::Resolver& resolver, const config::PathIdentity& path,
                                             std::span<const config::Key> keys) {
  std::vector<config::WhyLine> settings;
  for (config::Key key : keys) {
    for (config::WhyLine& line : config::why(resolver, path, key)) {
      if (!line.value.empty()) settings.push_back(std::move(line));
    }
  }
  return settings;
}

std::string setting_text(const config::WhyLine& setting) {
  return fmt::format("{:<32} {}", fmt::format("{} {}", config::keyword(setting.key).name, escape(setting.value)), escape(setting.place));
}

nlohmann::ordered_json settings_json(std::span<const config::WhyLine> settings) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const config::WhyLine& setting : settings) {
    list.push_back({{"keyword", config::keyword(setting.key).name}, {"value", escape(setting.value)}, {"origin", escape(setting.place)}});
  }
  return list;
}

}  // namespace mpath::view
