// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/admission.h"

namespace mpath::policy {

namespace {

Admission refuse(std::string why) { return {false, std::move(why)}; }

}  // namespace

Admission admit(const config::Config&, const DiscoveredPath& path, const PathFacts& facts, const config::PathSettings&,
                const config::DaemonSettings& daemon) {
  if (path.is_hidden) return refuse("the kernel hides it");
  if (facts.protocol == Protocol::scsi_usb && !daemon.allow_usb_devices.value) {
    return refuse("it is a USB device (allow_usb_devices is no)");
  }
  if (facts.bus == Bus::unknown) return refuse("it is neither a SCSI, NVMe, DASD nor CCISS device");
  return {true, {}};
}

}  // namespace mpath::policy
