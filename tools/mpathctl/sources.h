// SPDX-License-Identifier: LGPL-2.1-or-later
// The configuration that `lint` and `why` speak of: the system's files, or those of the command line.
#pragma once

#include <string>
#include <vector>

#include "libmpath/ports/ports.h"

namespace mpath::ctl {

/// Without names the system's files; else the first is read as the main file and the others as drop-ins in their order. What cannot be
/// read is among the errors.
[[nodiscard]] ports::ConfigFiles read_sources(const std::vector<std::string>& names);

}  // namespace mpath::ctl
