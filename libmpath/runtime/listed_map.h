// SPDX-License-Identifier: LGPL-2.1-or-later
// A device of device-mapper's list, read. Lane fast.
#pragma once

#include <optional>

#include "libmpath/model/kernel_map.h"
#include "libmpath/ports/ports.h"

namespace mpath::runtime {

/// Of a device that is no multipath map only the name and number. Nothing if it is gone by now, or is a multipath map that cannot be read:
/// one whose making was cut short has no table, and its name is not another's.
[[nodiscard]] inline std::optional<KernelMap> read_listed(ports::DeviceMapper& device_mapper, const KernelMapListing& entry) {
  auto map = device_mapper.read(entry.name);
  if (map) return std::move(*map);
  if (map.error().code == ErrorCode::not_found || is_map_uuid(entry.uuid)) return std::nullopt;
  return KernelMap{.name = entry.name, .uuid = {}, .devnum = entry.devnum, .table = {}};
}

}  // namespace mpath::runtime
