// SPDX-License-Identifier: LGPL-2.1-or-later
// Asymmetric namespace access (NVMe Base Specification 2.0, 8.1 and 5.16.1.13): the commands that tell the state of a namespace behind a
// controller, and their answers. The bytes come from devices and may be hostile. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>

#include "libmpath/base/byte_reader.h"
#include "libmpath/base/error.h"
#include "libmpath/model/command_io.h"

namespace mpath::wire {

/// State of an ANA group; `reserved` stands for all values the standard does not assign.
enum class AnaState : std::uint8_t { optimized, non_optimized, inaccessible, persistent_loss, change, reserved };

[[nodiscard]] NvmeAdminCommand identify_controller(milliseconds timeout);
[[nodiscard]] NvmeAdminCommand identify_namespace(std::uint32_t namespace_id, milliseconds timeout);
/// The ANA log page without its lists of namespaces, long enough for `groups` groups, at most limits::ana_log_bytes.
[[nodiscard]] NvmeAdminCommand ana_log_page(std::uint32_t groups, milliseconds timeout);

/// Whether the command did what it was sent for.
[[nodiscard]] bool nvme_succeeded(const CommandOutcome& outcome);

/// What Identify Controller says of ANA.
struct AnaSupport {
  bool is_reported = false;         ///< CMIC bit 3
  bool group_ids_are_fixed = false; ///< a namespace stays in its group while it is attached
  std::uint32_t groups = 0;         ///< NANAGRPID
};
/// Nothing if the answer is cut off.
[[nodiscard]] std::optional<AnaSupport> parse_ana_support(Bytes identify_controller);
/// ANAGRPID of Identify Namespace; nothing if the answer is cut off or the namespace is in no group.
[[nodiscard]] std::optional<std::uint32_t> parse_ana_group(Bytes identify_namespace);
/// State of a group in the log page. Errors: corrupt, if there is not even the header; not_found, if the page does not name the group.
[[nodiscard]] Result<AnaState> find_ana_state(Bytes log_page, std::uint32_t group);

}  // namespace mpath::wire
