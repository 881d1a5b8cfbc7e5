// SPDX-License-Identifier: LGPL-2.1-or-later
// Who a device is: its WWID by the source that the configuration names, its identity by what it says itself. Pure; any thread.
#pragma once

#include <memory>

#include "libmpath/base/byte_reader.h"
#include "libmpath/config/effective.h"
#include "libmpath/model/discovery.h"
#include "libmpath/model/settings.h"

namespace mpath::policy {

/// What the configuration is asked with for this device.
[[nodiscard]] config::PathIdentity identity_for_lookup(const PathFacts& facts);

/// Whether the device may say itself who it is where udev says nothing: with no udev property configured, or the usual one of its kind. A
/// property of somebody's own means that the volumes have other names than their devices say.
[[nodiscard]] bool may_name_itself(const PathFacts& facts, const config::PathSettings& settings, const config::DaemonSettings& daemon);

/// The facts with WWID, identity, target port group and TPG support filled in from the raw material. The WWID stays empty if the
/// udev property is empty and the fallback must not be used, yet (`allow_fallback`) or at all, or gives nothing either.
[[nodiscard]] PathFacts identify(const DiscoveredPath& path, const config::PathSettings& settings,
                                 const config::DaemonSettings& daemon, bool allow_fallback);

/// The facts with what a freshly read VPD page 0x83 says; the WWID is taken from it only if there is none yet and `may_name`.
[[nodiscard]] PathFacts with_vpd_page_83(const PathFacts& facts, Bytes page, bool may_name);

}  // namespace mpath::policy
