// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl why`: which value each setting has for a device or a product, where it stands, and what it overrode. Without the daemon, and
// without root where sysfs can be read.
#pragma once

#include <string>
#include <vector>

namespace mpath::ctl {

struct WhyRequest {
  std::string subject;             ///< "sda", "/dev/disk/by-id/…", or "VENDOR,PRODUCT[,REVISION]"
  std::string keyword;             ///< empty: all that concern a path or its map
  std::vector<std::string> files;  ///< as read_sources() takes them
  bool json = false;
  bool set_only = false;           ///< leave out what nobody sets
};

/// Prints the answer. Exit status 0; 1 if there is no such device or the configuration cannot be used; command::exit_usage for a word
/// that is no keyword.
[[nodiscard]] int why(const WhyRequest& request);

}  // namespace mpath::ctl
