// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl lint`: what can be told about configuration files, without the daemon and without root.
#pragma once

#include <string>
#include <vector>

namespace mpath::ctl {

struct LintRequest {
  std::vector<std::string> files;  ///< as read_sources() takes them
  bool json = false;
  bool warnings_are_errors = false;
};

/// Prints the remarks and gives the exit status: 0 clean, 1 warnings, 2 errors (a file that cannot be read is one).
[[nodiscard]] int lint(const LintRequest& request);

}  // namespace mpath::ctl
