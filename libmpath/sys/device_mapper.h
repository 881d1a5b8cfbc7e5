// SPDX-License-Identifier: LGPL-2.1-or-later
// ports::DeviceMapper on Linux. Functions of lane table go through libdevmapper, which keeps process-wide state and is therefore used
// on one thread at a time; all others are ioctls of their own. Nothing waits for udev unless UdevSync::on says so.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "libmpath/ports/ports.h"
#include "libmpath/sys/dm_control.h"

namespace mpath::sys {

/// Whether create, resume, rename and remove wait until udev has worked on the device.
enum class UdevSync {
  off,  ///< daemon: the map's own change uevent is the completion
  on,   ///< multipath(8): udev cookies, at most DeviceMapperOptions::udev_wait
};

struct DeviceMapperOptions {
  UdevSync udev_sync = UdevSync::off;
  Duration udev_wait = seconds{30};
};

/// What the kernel's device-mapper can do.
struct DmCapabilities {
  DmVersion interface{};
  DmVersion multipath{};    ///< 0.0.0 if the target is missing
  bool event_poll = false;  ///< else events are found by listing only
};

class DeviceMapper final : public ports::DeviceMapper {
 public:
  using ChangeParameters = std::function<std::optional<std::string>(std::string_view, std::span<const DeviceReplacement>)>;

  /// Errors: permission, unavailable (module dm-mod). One object for a process.
  [[nodiscard]] static Result<std::unique_ptr<DeviceMapper>> open(DeviceMapperOptions options = {});

  /// Whether maps can be made: unavailable with the remedy if the multipath target is missing.
  [[nodiscard]] Status probe();
  [[nodiscard]] const DmCapabilities& capabilities() const { return capabilities_; }

  /// Readable after arm_events() when an event number has moved. Watch it edge-triggered.
  [[nodiscard]] int event_fd() const { return control_.fd(); }

  Result<DevNum> create(const MapSpec& spec, UdevFlags flags) override;
  Status load(const MapName& name, const MapSpec& spec, const Precondition& expected) override;
  Status resume(const MapName& name, UdevFlags flags, bool flush) override;
  Status suspend(const MapName& name, const Precondition& expected) override;
  Status drop_table(const MapName& name, const Precondition& expected) override;
  /// Renames the map's partition maps too.
  Status rename(const MapName& name, const MapName& new_name, const std::optional<std::string>& delimiter,
                const Precondition& expected) override;
  /// Removes the map's partition maps first, if none of them is in use.
  Status remove(const MapName& name, bool deferred, const Precondition& expected) override;
  Status message(const MapName& name, std::string_view uuid, const MapMessage& message) override;
  Result<std::vector<KernelMapListing>> list() override;
  Result<KernelMap> read(const MapName& name) override;
  std::vector<DmActor> actors() override;
  Result<ReassignedHolders> change_holders(const MapName& map, DevNum number, std::span<const DevNum> paths, const ChangeParameters& change,
                                           bool apply) override;
  TargetVersion target_version() override { return capabilities_.multipath; }
  Status arm_events() override;

 private:
  DeviceMapper(DmControl control, DeviceMapperOptions options);
  [[nodiscard]] Status check(const MapName& name, const Precondition& expected) const;
  void remove_unfinished(const std::string& uuid) const;
  /// A dm device that stands on a path: false if its table has to stay.
  [[nodiscard]] Result<bool> change_holder(const DmInfo& holder, std::span<const DeviceReplacement> replacements,
                                           const ChangeParameters& change, bool apply) const;
  /// Partition maps that were removed for a map which then stayed are made again; what became of them for the failure's cause.
  [[nodiscard]] std::string restore(const std::vector<DmTable>& removed) const;
  /// The partition maps of the device with this uuid: kpartx gives them the uuid "part<N>-" + uuid.
  [[nodiscard]] Result<std::vector<DmInfo>> partitions(const std::string& uuid) const;

  DmControl control_;
  const DeviceMapperOptions options_;
  DmCapabilities capabilities_;
};

}  // namespace mpath::sys
