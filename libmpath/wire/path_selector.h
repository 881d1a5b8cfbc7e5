// SPDX-License-Identifier: LGPL-2.1-or-later
// How the kernel's path selectors print what they were given, so that a table that is right is known as right: defaults are filled in,
// some arguments are not kept, a CPU mask gets another form (the status functions of drivers/md/dm-ps-*.c). Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace mpath::wire {

/// Whether a group with the selector `printed` is one that was loaded with `wanted` ("historical-service-time 1 10"): the same name, and
/// every argument that was given. What was left to the kernel's default is taken as printed.
[[nodiscard]] bool selector_matches(std::string_view wanted, std::string_view printed);

/// Whether a path's arguments of the selector `selector` are those that were wanted. Arguments beyond the wanted ones are the kernel's
/// defaults (service-time: relative throughput). historical-service-time prints no repeat count; io-affinity's CPU masks are compared by value.
[[nodiscard]] bool path_arguments_match(std::string_view selector, std::span<const std::string> wanted,
                                        std::span<const std::string> printed);

}  // namespace mpath::wire
