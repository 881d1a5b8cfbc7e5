// SPDX-License-Identifier: LGPL-2.1-or-later
// A multipath map as the kernel has it: the table that was loaded and the status it reports (Documentation/admin-guide/
// device-mapper/dm-mpath.rst). Plain values, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/model/ids.h"

namespace mpath {

/// State letter of a path in the status line.
enum class KernelPathState { unknown, active, failed };
/// State letter of a group in the status line: A, E, D.
enum class KernelGroupState { unknown, active, enabled, disabled };

struct KernelPath {
  DevNum devnum;
  std::vector<std::string> arguments;  ///< per-path selector arguments of the table, e.g. the repeat count
  KernelPathState state = KernelPathState::unknown;
  std::uint32_t fail_count = 0;
  friend bool operator==(const KernelPath&, const KernelPath&) = default;
};

struct KernelGroup {
  std::string selector;  ///< name, argument count and arguments, as in the table: "service-time 0"
  KernelGroupState state = KernelGroupState::unknown;
  std::vector<KernelPath> paths;
  friend bool operator==(const KernelGroup&, const KernelGroup&) = default;
};

/// The one multipath target of a map.
struct MultipathTable {
  std::uint64_t size_sectors = 0;
  std::string features = "0";          ///< with its count: "1 queue_if_no_path"
  std::string hardware_handler = "0";  ///< with its count: "1 alua"
  std::uint32_t next_group = 0;        ///< 1-based; 0 if there is no group
  std::vector<KernelGroup> groups;
  std::uint32_t queued_ios = 0;        ///< from the status line
  friend bool operator==(const MultipathTable&, const MultipathTable&) = default;
};

/// device-mapper's uuid of a multipath map: this, then the WWID.
inline constexpr std::string_view map_uuid_prefix = "mpath-";
[[nodiscard]] inline std::string map_uuid(const Wwid& wwid) { return std::string(map_uuid_prefix) + wwid.text; }
[[nodiscard]] inline bool is_map_uuid(std::string_view uuid) { return uuid.starts_with(map_uuid_prefix); }
/// Empty for the uuid of another device.
[[nodiscard]] inline Wwid wwid_in(std::string_view uuid) {
  return is_map_uuid(uuid) ? Wwid{std::string(uuid.substr(map_uuid_prefix.size()))} : Wwid{};
}

/// Everything one read of a map gives.
struct KernelMap {
  MapName name;
  std::string uuid;                 ///< "mpath-<WWID>" for maps that are ours to manage
  DevNum devnum;
  MultipathTable table;
  std::uint64_t table_fingerprint = 0;  ///< of the table text as the kernel prints it; changes with every different table
  std::uint32_t event_number = 0;
  std::uint32_t open_count = 0;
  bool suspended = false;
  bool read_only = false;
  bool deferred_remove = false;     ///< it goes with its last opener
  bool has_inactive_table = false;  ///< a table was loaded and not yet resumed into place

  [[nodiscard]] bool is_multipath() const { return is_map_uuid(uuid); }
  [[nodiscard]] Wwid wwid() const { return wwid_in(uuid); }
};

/// Of the kernel's multipath target: major, minor, patch level. Zeros: not known.
using TargetVersion = std::array<std::uint32_t, 3>;

/// A process that was seen at work on device-mapper. Without a number: somebody of that user whose operation udev was working on.
struct DmActor {
  std::string command;
  std::uint32_t process = 0;
  std::uint32_t user = 0;
};

/// In the tables of other dm devices: `from` is to become `to`.
struct DeviceReplacement {
  DevNum from;
  DevNum to;
};
/// dm devices that used paths of a map directly.
struct ReassignedHolders {
  std::vector<std::string> changed;  ///< names of those that use the map now
  std::vector<Error> left;           ///< those that still do not, and why
};

/// A line of the kernel's device list.
struct KernelMapListing {
  MapName name;
  std::string uuid;  ///< empty where the kernel's list does not carry it
  DevNum devnum;
  std::uint32_t event_number = 0;
};

}  // namespace mpath
