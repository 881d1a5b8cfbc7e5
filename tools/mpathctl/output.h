// SPDX-License-Identifier: LGPL-2.1-or-later
// How every verb of mpathctl speaks and ends.
#pragma once

#include <string_view>

namespace mpath::ctl {

/// Says it on standard error and gives `exit_status`.
int complain(int exit_status, std::string_view what);
/// Writes it to standard output and gives `exit_status`, or command::exit_internal if it cannot be written.
int print(std::string_view text, int exit_status);

}  // namespace mpath::ctl
