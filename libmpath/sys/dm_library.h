// SPDX-License-Identifier: LGPL-2.1-or-later
// The few operations that go through libdevmapper. It keeps process-wide state: one thread at a time (lane table). Its messages become
// the cause of the Error; it prints nothing.
#pragma once

#include <cstdint>
#include <string>

#include "libmpath/base/error.h"
#include "libmpath/base/time.h"
#include "libmpath/model/action.h"
#include "libmpath/sys/dm_control.h"

namespace mpath::sys::dm_library {

/// Once, before anything else: names as they are, no node of ours in /dev, cookies or not.
void set_up(bool udev_sync);

/// DM_UDEV_* bits of an operation.
[[nodiscard]] std::uint16_t udev_bits(UdevFlags flags);

/// An operation's wait for udev: none, or at most so long.
struct UdevWait {
  bool on = false;
  Duration limit{};
};

/// Create with table and resume. exists, if libdevmapper or the kernel says so; a device that got no table is removed.
[[nodiscard]] Status create(const MapSpec& spec, const std::string& parameters, std::uint16_t udev_bits, UdevWait wait);
/// Create any device with its targets and resume; one that got no table is removed.
[[nodiscard]] Status create_device(const MapName& name, const std::string& uuid, const std::vector<DmTarget>& targets, bool read_only,
                                   UdevWait wait);
/// Load into the inactive slot. Read-write first, read-only after EROFS.
[[nodiscard]] Status load(const MapName& name, const MapSpec& spec, const std::string& parameters);
/// Only for UdevSync::on: the direct ioctl has no cookie.
[[nodiscard]] Status resume(const MapName& name, std::uint16_t udev_bits, bool flush, UdevWait wait);
[[nodiscard]] Status rename(const MapName& name, const MapName& new_name, UdevWait wait);
[[nodiscard]] Status remove(const MapName& name, bool deferred, UdevWait wait);

}  // namespace mpath::sys::dm_library
