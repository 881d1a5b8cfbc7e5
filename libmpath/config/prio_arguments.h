// SPDX-License-Identifier: LGPL-2.1-or-later
// prio_args: what each prioritizer takes. Parsed once for a configuration and by the linter; the compiled expressions belong to one thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/config/expression.h"

namespace mpath::config {

struct PrioArguments {
  enum class Attribute : std::uint8_t { address, kernel_name, serial, port_names };
  struct Weight {
    Expression expression;
    int priority = 0;
  };

  bool exclusive_pref_bit = false;       ///< alua, sysfs
  std::string preferred;                 ///< datacore: the server; iet: the address. Empty: bad arguments
  std::uint16_t reads = 100;             ///< path_latency
  double base = 1.7782794100389228;      ///< path_latency: 10 to the power of 1/4
  Attribute attribute = Attribute::address;
  std::vector<Weight> weights;           ///< weightedpath: the first that matches counts
  std::vector<std::string> remarks;      ///< what could not be used, and what is done instead
};

/// `prio`: the name of the prioritizer; those that are not named here take no arguments.
[[nodiscard]] PrioArguments parse_prio_arguments(std::string_view prio, std::string_view text);

}  // namespace mpath::config
