// SPDX-License-Identifier: LGPL-2.1-or-later
// What the parts of the linter share. Only for lint*.cc.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/config/chain.h"
#include "libmpath/config/config.h"
#include "libmpath/config/reader.h"
#include "libmpath/config/source.h"

namespace mpath::config {

/// The files, the parsed whole, and where remarks go.
class LintPass {
 public:
  LintPass(std::span<const SourceFile> files, const Config& config, DiagnosticList& out);

  [[nodiscard]] const Config& config() const { return config_; }
  [[nodiscard]] std::span<const SourceFile> files() const { return files_; }
  /// A line of a file as text; empty when there is none.
  [[nodiscard]] std::string_view line(std::uint32_t file, std::uint32_t number) const;
  /// Whether a setting stands in a file of the user (and not in the hardware table or nowhere).
  [[nodiscard]] bool is_users(const Origin& origin) const;
  [[nodiscard]] bool is_users(const Setting* setting) const { return setting && is_users(setting->origin); }

  void add_at(std::uint32_t file, std::uint32_t line, std::uint32_t column, Severity severity, std::string_view id,
              std::string text, std::string fix = {});
  /// At the value of a setting; `offset` bytes into it.
  void add(const Setting& setting, Severity severity, std::string_view id, std::string text, std::string fix = {},
           std::size_t offset = 0);
  /// At the first word of a line.
  void add(const Origin& origin, Severity severity, std::string_view id, std::string text, std::string fix = {});

  /// "line 12", or "FILE:12" when it is in another file than `from`, or "the hardware table".
  [[nodiscard]] std::string place(const Origin& origin, const Origin& from) const;

 private:
  /// Column of the second token (the value) or of the first.
  [[nodiscard]] std::uint32_t column_of(const Origin& origin, bool value, std::size_t offset) const;

  std::span<const SourceFile> files_;
  const Config& config_;
  DiagnosticList& out_;
  std::vector<std::vector<std::string_view>> lines_;
};

/// Lexical traps: quotes that are no quotes, comments that were meant as text.
void lint_text(LintPass& pass);
/// Single settings: expressions, names of checkers and the like, settings that lost to a later file.
void lint_values(LintPass& pass);
/// Settings that contradict each other, section by section.
void lint_combinations(LintPass& pass);
/// Device entries: shadowed, unmatched, empty.
void lint_devices(LintPass& pass);
/// Multipath entries: names that clash, WWIDs that are none.
void lint_multipaths(LintPass& pass);
/// Blacklist and exceptions: what hides everything, and what hides nothing.
void lint_blacklist(LintPass& pass);

}  // namespace mpath::config
