// SPDX-License-Identifier: LGPL-2.1-or-later
// From the bytes of the configuration files to a Config. Never fails as a whole: what cannot be obeyed is skipped and reported.
// For the daemon, the tools and the linter; any thread.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "libmpath/config/config.h"
#include "libmpath/config/source.h"
#include "libmpath/config/value.h"

namespace mpath::config {

struct ParseOptions {
  ValueContext context;
  /// The kernel's own NVMe multipathing is on, so NVMe disks are blacklisted unless a file says otherwise.
  bool nvme_native_multipath = false;
  /// Without it only the given files count; for tests.
  bool hardware_table = true;
};

struct ParseResult {
  std::shared_ptr<const Config> config;
  std::vector<Diagnostic> diagnostics;   ///< in the order of the files and lines
  std::size_t further_diagnostics = 0;   ///< beyond limits::config_diagnostics
  /// The main file holds something that must not be guessed at (a bad blacklist expression, a bad reservation key): do not start with
  /// this configuration, and keep the running one.
  bool fatal = false;
};

/// `files`: the main file (if there is one), then the drop-ins in their order. The built-in hardware table is read before them.
[[nodiscard]] ParseResult parse(std::span<const SourceFile> files, const ParseOptions& options = {});

}  // namespace mpath::config
