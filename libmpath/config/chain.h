// SPDX-License-Identifier: LGPL-2.1-or-later
// The sections that have a say about one path or map, in the order in which they are asked. For effective.cc and why.cc.
#pragma once

#include <string_view>
#include <vector>

#include "libmpath/config/config.h"

namespace mpath::config {

/// The first section of the chain that sets a keyword decides it.
class Chain {
 public:
  void add(const Settings* settings) {
    if (settings) sections_.push_back(settings);
  }
  [[nodiscard]] const Setting* find(Key key) const;
  /// Every setting of the keyword: the one that decides first, then those that it overrides, down to replaced ones.
  [[nodiscard]] std::vector<const Setting*> all(Key key) const;
  [[nodiscard]] const std::vector<const Settings*>& sections() const { return sections_; }

 private:
  std::vector<const Settings*> sections_;
};

/// The chain of a path or a map: overrides/protocol, multipaths, overrides, devices, defaults. Null pointers are left out.
[[nodiscard]] Chain make_chain(const Config& config, const Entry* protocol, const Entry* multipath,
                               const std::vector<std::size_t>& devices);

/// The multipaths entry of a WWID, the protocol block of a transport; null when there is none.
[[nodiscard]] const Entry* multipath_entry(const Config& config, std::string_view wwid);
[[nodiscard]] const Entry* protocol_entry(const Config& config, std::string_view protocol);

}  // namespace mpath::config
