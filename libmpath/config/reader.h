// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads one file of the configuration into a Draft. Only for parser.cc.
#pragma once

#include <cstddef>
#include <vector>

#include "libmpath/base/limits.h"
#include "libmpath/config/config.h"
#include "libmpath/config/source.h"
#include "libmpath/config/value.h"

namespace mpath::config {

/// Collects diagnostics up to the limit.
class DiagnosticList {
 public:
  void add(Diagnostic diagnostic);
  [[nodiscard]] std::vector<Diagnostic>& list() { return list_; }
  [[nodiscard]] std::size_t further() const { return further_; }
  /// Nothing more is kept, so a message need not be worked out.
  [[nodiscard]] bool is_full() const { return list_.size() >= limits::config_diagnostics; }
  void count_one() { ++further_; }

 private:
  std::vector<Diagnostic> list_;
  std::size_t further_ = 0;
};

/// Adds the contents of `file` to `config`: flat sections and rule lists directly, entries at the end of their lists, unmerged.
/// Returns false when something in it is fatal for a main file.
[[nodiscard]] bool read_file(const SourceFile& file, std::uint32_t index, const ValueContext& context, Config& config,
                             DiagnosticList& diagnostics);

}  // namespace mpath::config
