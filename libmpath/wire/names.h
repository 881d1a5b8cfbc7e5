// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of devices: the natural order of kernel names, and the encoding of map names in /dev/mapper. Pure,
// any thread.
#pragma once

#include <compare>
#include <string>
#include <string_view>

namespace mpath::wire {

/// The order in which disks are numbered: sda, sdb, … sdz, sdaa; nvme2n1 before nvme10n1. A total order:
/// equal only if the names are the same bytes.
[[nodiscard]] std::strong_ordering compare_kernel_names(std::string_view left, std::string_view right);
[[nodiscard]] inline bool kernel_name_less(std::string_view left, std::string_view right) {
  return compare_kernel_names(left, right) < 0;
}

/// A map name as libdevmapper writes it into the kernel and /dev/mapper: letters, digits and #+-.:=@_ stay,
/// every other byte becomes \xNN.
[[nodiscard]] std::string encode_dm_name(std::string_view name);
/// The other way; a backslash that begins no \xNN stays.
[[nodiscard]] std::string decode_dm_name(std::string_view encoded);

}  // namespace mpath::wire
