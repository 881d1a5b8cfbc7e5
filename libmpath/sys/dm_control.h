// SPDX-License-Identifier: LGPL-2.1-or-later
// The device-mapper control device without libdevmapper, which keeps process-wide state: each function is one ioctl of
// <linux/dm-ioctl.h> (a few when the answer did not fit). No state but the descriptor: any thread, any number at once.
// Functions block as long as the kernel does; only suspend() and resume() do so for long.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/unique_fd.h"
#include "libmpath/model/ids.h"
#include "libmpath/model/kernel_map.h"

struct dm_ioctl;

namespace mpath::sys {

using DmVersion = std::array<std::uint32_t, 3>;

/// What every answer about one device carries.
struct DmInfo {
  std::string name;
  std::string uuid;
  DevNum devnum;
  std::uint32_t event_number = 0;
  std::uint32_t open_count = 0;
  std::uint32_t target_count = 0;
  bool suspended = false;
  bool read_only = false;
  bool deferred_remove = false;
  bool has_live_table = false;
  bool has_inactive_table = false;
};

/// One target of a table.
struct DmTarget {
  std::uint64_t start_sector = 0;
  std::uint64_t length_sectors = 0;
  std::string type;
  std::string text;  ///< parameters or status line
};
struct DmTable {
  DmInfo info;
  std::vector<DmTarget> targets;
};

class DmControl {
 public:
  /// Opens /dev/mapper/control. Errors: permission, unavailable (module dm-mod is missing), with the remedy in the text.
  [[nodiscard]] static Result<DmControl> open();

  /// The descriptor that becomes readable after arm_poll() when the event number of any device moves.
  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Version of the ioctl interface.
  [[nodiscard]] const DmVersion& version() const { return version_; }

  [[nodiscard]] Result<std::vector<KernelMapListing>> list() const;
  /// Version of a target; the kernel may load its module. not_found if there is none.
  [[nodiscard]] Result<DmVersion> target_version(std::string_view target) const;

  /// Devices are addressed by name, or by uuid. Errors: not_found, invalid_argument for names that cannot be.
  [[nodiscard]] Result<DmInfo> info(const MapName& name) const;
  [[nodiscard]] Result<DmInfo> info_by_uuid(std::string_view uuid) const;
  /// The live table's parameters, without flushing anything.
  [[nodiscard]] Result<DmTable> table(const MapName& name) const;
  /// The live table's status lines, likewise.
  [[nodiscard]] Result<DmTable> status(const MapName& name) const;

  /// Message to sector 0 of the device with this uuid. busy while it is suspended.
  [[nodiscard]] Status message(std::string_view uuid, std::string_view text) const;

  /// Load a table into the inactive slot.
  [[nodiscard]] Status load(const MapName& name, const std::vector<DmTarget>& targets, bool read_only) const;
  /// Swap an inactive table in, if there is one, and resume. `udev_flags`: DM_UDEV_* bits for the change uevent.
  [[nodiscard]] Status resume(const MapName& name, std::uint16_t udev_flags, bool flush) const;
  /// Hold I/O back, without a flush and without freezing file systems.
  [[nodiscard]] Status suspend(const MapName& name) const;
  /// Drop the inactive table.
  [[nodiscard]] Status clear(const MapName& name) const;

  /// From now on a moved event number makes fd() readable; what moved before does not. unsupported before Linux 4.13.
  [[nodiscard]] Status arm_poll() const;

 private:
  enum class By { name, uuid };
  struct Call;
  explicit DmControl(UniqueFd fd) : fd_(std::move(fd)) {}
  [[nodiscard]] Status run(Call& call) const;
  [[nodiscard]] Result<DmTable> read_targets(const MapName& name, std::uint32_t flags) const;

  UniqueFd fd_;
  DmVersion version_{};
};

}  // namespace mpath::sys
