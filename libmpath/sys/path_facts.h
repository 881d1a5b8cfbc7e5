// SPDX-License-Identifier: LGPL-2.1-or-later
// What sysfs says of one block device (behaviour of 0.14, sections 3.3 and 3.5). No command is sent to it and it is not opened.
// Lane discovery.
#pragma once

#include <string>

#include "libmpath/base/error.h"
#include "libmpath/model/discovery.h"

namespace mpath::sys {

/// Facts, VPD page 0x83 and the hidden flag of the block device whose directory is `sysfs_path`; udev's part is left empty.
/// `sysfs_root`: "/sys", or a copy of it for tests. Errors: not_found; unsupported, for devices that cannot be paths (NVMe
/// multipath heads); unavailable, while the transport has not told who the target is.
[[nodiscard]] Result<DiscoveredPath> read_path_facts(const std::string& sysfs_root, const std::string& sysfs_path);

/// I/O of the block device that is under way (Documentation/ABI/stable/sysfs-block, inflight). Errors: not_found; unsupported where the
/// kernel does not count (queue/iostats is 0).
[[nodiscard]] Result<IoCounters> read_io_counters(const std::string& sysfs_path);

/// Bus by kernel name: sd SCSI, nvme NVMe, dasd CCW, cciss CCISS.
[[nodiscard]] Bus bus_of(std::string_view kernel_name);

}  // namespace mpath::sys
