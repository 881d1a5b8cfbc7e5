// SPDX-License-Identifier: LGPL-2.1-or-later
// The text forms of the multipath target: table parameters, which are read and written, and the status line,
// which is read (Documentation/admin-guide/device-mapper/dm-mpath.rst). Pure, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "libmpath/base/error.h"
#include "libmpath/model/kernel_map.h"

namespace mpath::wire {

inline constexpr std::string_view multipath_target = "multipath";

/// The target's parameters:
///   <features> <hardware handler> <groups> <next group> { <selector> <paths> <arguments> { <path>
///   <argument>… }… }…
/// A group has one argument count; arguments beyond those of its poorest path are left out.
[[nodiscard]] std::string format_table(const MultipathTable& table);

/// The parameters as the kernel prints them, without start, length and target name. States are unknown until
/// apply_status(). Errors: corrupt, for counts that do not fit the text, unreadable numbers and words left
/// over.
[[nodiscard]] Result<MultipathTable> parse_table(std::string_view parameters, std::uint64_t size_sectors);

/// Take group states, path states, fail counts, queued I/Os and the next group from the target's status line;
/// selector arguments of any number are skipped. Errors leave the table as it was: corrupt, for a line that
/// makes no sense; conflict, for the line of another table (it was changed between the two reads: read both
/// again).
[[nodiscard]] Status apply_status(MultipathTable& table, std::string_view status);

/// Fingerprint of the parameters without regard to blanks.
[[nodiscard]] std::uint64_t table_fingerprint(std::string_view parameters, std::uint64_t size_sectors);

}  // namespace mpath::wire
