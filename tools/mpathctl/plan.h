// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl plan` and `explain`: what a reconfiguration would do, and why things are as they are.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace mpath::ctl {

void add_plan(CLI::App& app, std::function<int()>& action);
void add_explain(CLI::App& app, std::function<int()>& action);

}  // namespace mpath::ctl
