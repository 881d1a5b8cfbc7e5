// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel's SCSI transports are told about a path: how long a lost port may stay lost, when its I/O fails, how long error handling
// may take. From the configuration to wishes, and from wishes to writes into sysfs. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmpath/config/effective.h"
#include "libmpath/model/path.h"

namespace mpath::policy {

/// A remark about settings that were changed to fit each other.
struct TransportRemark {
  bool is_notice = false;  ///< for everybody; else for those who ask for more
  std::string text;
};

/// What the transport of a path shall be told; the same for every path with the same settings.
struct TransportWishes {
  TransportLimit fast_io_fail_tmo;
  std::optional<seconds> dev_loss_tmo;
  TransportLimit eh_deadline;
  TransportLimit max_retries;
  bool queues_for_ever = false;  ///< no_path_retry queue
  bool empty = true;             ///< nothing is configured
  friend bool operator==(const TransportWishes&, const TransportWishes&) = default;
};

/// A port must stay known for as long as its map queues I/O: dev_loss_tmo is at least that, and a fast_io_fail_tmo that is not below
/// dev_loss_tmo is switched off. `remarks` are appended.
[[nodiscard]] TransportWishes transport_wishes(const config::PathSettings& path, const NoPathRetry& no_path_retry,
                                               seconds polling_interval, std::vector<TransportRemark>& remarks);

/// One attribute to be written, in order.
struct SysfsWrite {
  std::string object;     ///< relative to /sys: "class/fc_remote_ports/rport-2:0-1"
  std::string attribute;  ///< "dev_loss_tmo"
  std::string value;
  friend bool operator==(const SysfsWrite&, const SysfsWrite&) = default;
};

/// Whether the transport has timeouts that can be set: Fibre Channel, iSCSI, SAS.
[[nodiscard]] bool has_transport_timeouts(Protocol protocol);

/// Where the remote port's dev_loss_tmo is read, as an object and attribute without a value; nothing for other transports.
[[nodiscard]] std::optional<SysfsWrite> dev_loss_attribute(const PathFacts& facts);

/// The writes for a path. `dev_loss_now` is the remote port's dev_loss_tmo, where it is known: fast_io_fail_tmo must be below it at all
/// times. `remarks` are appended.
[[nodiscard]] std::vector<SysfsWrite> transport_writes(const PathFacts& facts, const TransportWishes& wishes,
                                                       std::optional<seconds> dev_loss_now, std::vector<TransportRemark>& remarks);

}  // namespace mpath::policy
