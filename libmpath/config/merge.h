// SPDX-License-Identifier: LGPL-2.1-or-later
// What happens when several files or entries speak of the same thing. Only for parser.cc.
#pragma once

#include <cstddef>

#include "libmpath/config/config.h"
#include "libmpath/config/reader.h"

namespace mpath::config {

/// Entries with equal vendor, product and revision strings become one, at the later place. The first `built_in` entries are not
/// compared with each other. Returns how many of the entries still come from the hardware table.
std::size_t merge_devices(std::vector<Entry>& devices, std::size_t built_in, DiagnosticList& diagnostics);
/// Sorts by WWID and makes one entry of those with the same WWID.
void merge_multipaths(std::vector<Entry>& multipaths, DiagnosticList& diagnostics);
/// One entry for each transport.
void merge_protocols(std::vector<Entry>& protocols, DiagnosticList& diagnostics);
/// Adds the built-in rules and the product_blacklist of the device entries, then drops repeated rules.
void complete_rules(Config& config, bool nvme_native_multipath);

}  // namespace mpath::config
