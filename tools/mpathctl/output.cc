// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/mpathctl/output.h"

#include <fmt/format.h>

#include <cstdio>

#include "libmpath/command/mpathctl.h"

namespace mpath::ctl {

int complain(int exit_status, std::string_view what) {
  fmt::print(stderr, "mpathctl: {}\n", what);
  return exit_status;
}

int print(std::string_view text, int exit_status) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return complain(command::exit_internal, "cannot write the output");
  return exit_status;
}

}  // namespace mpath::ctl
