// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/chain.h"

#include <algorithm>

namespace mpath::config {

const Setting* Chain::find(Key key) const {
  for (const Settings* settings : sections_) {
    if (const Setting* setting = settings->find(key)) return setting;
  }
  return nullptr;
}

std::vector<const Setting*> Chain::all(Key key) const {
  std::vector<const Setting*> found;
  for (const Settings* settings : sections_) {
    if (const Setting* setting = settings->find(key)) found.push_back(setting);
    const auto& replaced = settings->replaced();
    for (auto it = replaced.rbegin(); it != replaced.rend(); ++it) {
      if (it->key == key) found.push_back(&*it);
    }
  }
  return found;
}

Chain make_chain(const Config& config, const Entry* protocol, const Entry* multipath,
                 const std::vector<std::size_t>& devices) {
  Chain chain;
  if (protocol) chain.add(&protocol->settings);
  if (multipath) chain.add(&multipath->settings);
  chain.add(&config.overrides);
  for (std::size_t index : devices) chain.add(&config.devices[index].settings);
  chain.add(&config.defaults);
  return chain;
}

const Entry* multipath_entry(const Config& config, std::string_view wwid) {
  const auto wwid_of = [](const Entry& entry) { return entry.settings.text(Key::wwid); };
  const auto found = std::ranges::lower_bound(config.multipaths, wwid, {}, wwid_of);
  return found != config.multipaths.end() && wwid_of(*found) == wwid ? &*found : nullptr;
}

const Entry* protocol_entry(const Config& config, std::string_view protocol) {
  const auto found = std::ranges::find(config.protocols, protocol,
                                       [](const Entry& entry) { return entry.settings.text(Key::type); });
  return found == config.protocols.end() ? nullptr : &*found;
}

}  // namespace mpath::config
