// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl drain` and `undrain`: take paths out of service before work on a host, a cable or an array, and back.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace mpath::ctl {

void add_drain(CLI::App& app, std::function<int()>& action);

}  // namespace mpath::ctl
