// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/hardware.h"

namespace mpath::config {

HardwareMatcher::HardwareMatcher(std::shared_ptr<const Config> config) : config_(std::move(config)) {
  patterns_.reserve(config_->devices.size());
  for (const Entry& device : config_->devices) {
    patterns_.push_back({expression_for(device.settings, Key::vendor), expression_for(device.settings, Key::product),
                         expression_for(device.settings, Key::revision)});
  }
}

std::size_t HardwareMatcher::expression_for(const Settings& settings, Key key) {
  const Setting* setting = settings.find(key);
  if (!setting) return none;
  const std::string& pattern = std::get<std::string>(setting->value);
  const auto [place, added] = expression_of_.try_emplace(pattern, expressions_.size());
  if (added) expressions_.emplace_back(pattern);
  return place->second;
}

bool HardwareMatcher::matches(std::size_t expression, const std::string& text, std::vector<signed char>& tried) {
  if (expression == none) return true;
  signed char& result = tried[expression];
  if (result < 0) result = expressions_[expression].matches(text) ? 1 : 0;
  return result == 1;
}

const std::vector<std::size_t>& HardwareMatcher::matches(const std::string& vendor, const std::string& product,
                                                         const std::optional<std::string>& revision) {
  std::string key;
  key.reserve(vendor.size() + product.size() + (revision ? revision->size() : 0) + 3);
  key.append(vendor).append(1, '\0').append(product).append(1, '\0');
  if (revision) key.append(*revision).append(1, '\1');
  const auto [place, added] = remembered_.try_emplace(std::move(key));
  if (!added) return place->second;

  // The same vendor expression stands in many entries; a product and a vendor text need results of their own.
  std::vector<signed char> tried_vendor(expressions_.size(), -1);
  std::vector<signed char> tried_product(expressions_.size(), -1);
  std::vector<signed char> tried_revision(revision ? expressions_.size() : 0, -1);
  for (std::size_t i = patterns_.size(); i-- > 0;) {
    const Patterns& entry = patterns_[i];
    if (!matches(entry.vendor, vendor, tried_vendor)) continue;
    if (!matches(entry.product, product, tried_product)) continue;
    if (revision && !matches(entry.revision, *revision, tried_revision)) continue;
    place->second.push_back(i);
  }
  return place->second;
}

}  // namespace mpath::config
