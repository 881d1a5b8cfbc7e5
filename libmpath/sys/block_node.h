// SPDX-License-Identifier: LGPL-2.1-or-later
// Opening a path's block device and making sure that it is still the device of the facts. Opening may sleep (the kernel's error
// handling holds it): lane submit.
#pragma once

#include <string>

#include "libmpath/base/error.h"
#include "libmpath/base/unique_fd.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/path.h"

namespace mpath::sys {

/// "/dev/sda"; a '!' of a kernel name is a '/'.
[[nodiscard]] std::string block_node_name(const PathFacts& facts);

/// Whether both are facts of one device: the same node, address and disk sequence number.
[[nodiscard]] bool same_device(const PathFacts& a, const PathFacts& b);

/// The disk sequence number in sysfs must be that of the facts, where both are known. ErrorCode::conflict if not.
[[nodiscard]] Status verify_disk_sequence(const PathFacts& facts);

/// Opens the block node read-only with these further open(2) flags. Device number and disk sequence number of what was opened must be
/// those of the facts: ErrorCode::conflict if not.
[[nodiscard]] Result<UniqueFd> open_block_node(const PathFacts& facts, int flags);

/// What this errno of an ioctl or write that hands a command to the kernel means for the command.
[[nodiscard]] CommandFailure failure_of(int error);

}  // namespace mpath::sys
