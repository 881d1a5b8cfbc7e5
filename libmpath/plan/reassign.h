// SPDX-License-Identifier: LGPL-2.1-or-later
// dm devices that use a path of a map directly: their table with the map in the path's place (reassign_maps, `reset map`). Pure.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libmpath/model/kernel_map.h"

namespace mpath::plan {

/// The parameters of a target that is not multipath, with every word that is the number of a device to be replaced. Nothing if there is
/// none. Blanks stay as they are.
[[nodiscard]] std::optional<std::string> reassigned(std::string_view parameters, std::span<const DeviceReplacement> replacements);

}  // namespace mpath::plan
