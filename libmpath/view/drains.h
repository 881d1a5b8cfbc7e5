// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl drain` as it goes on: which paths are drained, until when, and whether I/O is still under way on them. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

struct DrainReport {
  std::vector<const engine::PathView*> paths;  ///< of the snapshot, which must outlive the report
  std::size_t emptying = 0;                    ///< so many are not known to be quiet yet
};

/// Drained paths that one of the words selects; all of them without any.
[[nodiscard]] DrainReport report_drains(const engine::Snapshot& snapshot, std::span<const std::string> words);

/// Whether no I/O is under way and none can come: the kernel has failed the path.
[[nodiscard]] bool is_quiet(const engine::PathView& path);

[[nodiscard]] std::string drains_text(const engine::Snapshot& snapshot, const DrainReport& report);
/// One JSON object: the list "paths", and "emptying".
[[nodiscard]] std::string drains_json(const engine::Snapshot& snapshot, const DrainReport& report);

}  // namespace mpath::view
