// SPDX-License-Identifier: LGPL-2.1-or-later
// The linter: everything that can be told about configuration files without looking at the machine. Pure; any thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "libmpath/config/parser.h"
#include "libmpath/config/source.h"

namespace mpath::config {

struct LintReport {
  std::vector<Diagnostic> diagnostics;  ///< by file and line
  std::size_t further_diagnostics = 0;  ///< beyond limits::config_diagnostics
  [[nodiscard]] std::size_t count(Severity severity) const;
  /// 0 clean or notes only, 1 warnings, 2 errors; with `warnings_are_errors` a warning gives 2 as well.
  [[nodiscard]] int exit_status(bool warnings_are_errors = false) const;
};

/// `files`: the main file (if there is one), then the drop-ins in their order. What the parser says, and what the parsed whole shows:
/// settings without effect, contradictions, entries that never decide anything, names that clash.
[[nodiscard]] LintReport lint(std::span<const SourceFile> files, const ParseOptions& options = {});

/// Compiler style: "file:line:column: severity: text", the line with a caret, and the fix. Bytes of the files are escaped.
[[nodiscard]] std::string render(const LintReport& report, std::span<const SourceFile> files);
/// A JSON object: {"diagnostics": [{file, line, column, severity, id, text, fix}...], "errors": n, "warnings": n, "notes": n}.
[[nodiscard]] std::string render_json(const LintReport& report, std::span<const SourceFile> files);

}  // namespace mpath::config
