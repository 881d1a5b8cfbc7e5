// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/lint.h"

#include <algorithm>

#include <tuple>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/config/lexer.h"
#include "libmpath/config/lint_rules.h"

namespace mpath::config {

LintPass::LintPass(std::span<const SourceFile> files, const Config& config, DiagnosticList& out)
    : files_(files), config_(config), out_(out) {
  lines_.resize(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    LineReader reader(files[i].bytes);
    while (auto next = reader.next()) lines_[i].push_back(next->text);
  }
}

std::string_view LintPass::line(std::uint32_t file, std::uint32_t number) const {
  if (file >= lines_.size() || number == 0 || number > lines_[file].size()) return {};
  return lines_[file][number - 1];
}

bool LintPass::is_users(const Origin& origin) const { return origin.line != 0 && origin.file < files_.size(); }

void LintPass::add_at(std::uint32_t file, std::uint32_t line, std::uint32_t column, Severity severity,
                      std::string_view id, std::string text, std::string fix) {
  out_.add({file, line, column, severity, id, std::move(text), std::move(fix)});
}

std::uint32_t LintPass::column_of(const Origin& origin, bool value, std::size_t offset) const {
  const auto tokens = tokenize(line(origin.file, origin.line)).tokens;
  if (tokens.empty()) return 0;
  if (!value || tokens.size() < 2) return tokens.front().column;
  const bool quoted = tokens[1].kind == Token::Kind::quoted;
  return tokens[1].column + (offset == 0 ? 0 : static_cast<std::uint32_t>(offset) + (quoted ? 1 : 0));
}

void LintPass::add(const Setting& setting, Severity severity, std::string_view id, std::string text, std::string fix,
                   std::size_t offset) {
  add_at(setting.origin.file, setting.origin.line, column_of(setting.origin, true, offset), severity, id, std::move(text),
         std::move(fix));
}

void LintPass::add(const Origin& origin, Severity severity, std::string_view id, std::string text, std::string fix) {
  add_at(origin.file, origin.line, column_of(origin, false, 0), severity, id, std::move(text), std::move(fix));
}

std::string LintPass::place(const Origin& origin, const Origin& from) const {
  if (!is_users(origin)) return origin.line != 0 ? "the hardware table" : "the built-in default";
  if (origin.file == from.file) return fmt::format("line {}", origin.line);
  return fmt::format("{}:{}", files_[origin.file].name, origin.line);
}

namespace {

void lint_line(LintPass& pass, std::uint32_t file, std::uint32_t number, std::string_view text) {
  const TokenizedLine line = tokenize(text);
  if (line.foreign_byte_column != 0) {
    const bool typographic = text.find("\xe2\x80\x9c") != text.npos || text.find("\xe2\x80\x9d") != text.npos ||
                             text.find("\xe2\x80\x98") != text.npos || text.find("\xe2\x80\x99") != text.npos;
    pass.add_at(file, number, line.foreign_byte_column, Severity::warning, "foreign-byte",
                typographic ? "typographic quotes are no quotes: they separate words like blanks"
                            : "a byte outside ASCII separates words like a blank; inside double quotes it would be text",
                typographic ? "use plain double quotes" : "use plain blanks, or put the value in double quotes");
  }
  if (line.comment.column == 0) return;
  if (line.comment.touches_word) {
    pass.add_at(file, number, line.comment.column, Severity::warning, "comment-in-word",
                fmt::format("'{}' begins a comment here; the rest of the word is lost", line.comment.mark),
                "put the value in double quotes, or a blank before the comment");
  } else if (line.comment.mark == '!' && line.tokens.size() == 1 && line.tokens[0].kind == Token::Kind::word) {
    pass.add_at(file, number, line.comment.column, Severity::error, "comment-as-value",
                "'!' outside quotes begins a comment, so the keyword has no value",
                fmt::format("{} {}", escape(line.tokens[0].text), quote(escape(text.substr(line.comment.column - 1)))));
  }
}

}  // namespace

void lint_text(LintPass& pass) {
  for (std::uint32_t file = 0; file < pass.files().size(); ++file) {
    LineReader reader(pass.files()[file].bytes);
    while (auto line = reader.next()) lint_line(pass, file, line->number, line->text);
  }
}

LintReport lint(std::span<const SourceFile> files, const ParseOptions& options) {
  ParseOptions assumed = options;
  // Without knowledge of the machine the kernel's usual limit is taken.
  if (!assumed.context.most_open_files) assumed.context.most_open_files = 1u << 20;
  ParseResult parsed = parse(files, assumed);
  // The hardware table is ours; what it draws is no business of the user.
  std::erase_if(parsed.diagnostics, [&](const Diagnostic& d) { return d.file >= files.size(); });
  DiagnosticList found;
  LintPass pass(files, *parsed.config, found);
  lint_text(pass);
  lint_values(pass);
  lint_combinations(pass);
  lint_devices(pass);
  lint_multipaths(pass);
  lint_blacklist(pass);

  LintReport report;
  report.diagnostics = std::move(parsed.diagnostics);
  std::ranges::move(found.list(), std::back_inserter(report.diagnostics));
  for (Diagnostic& remark : report.diagnostics) {
    // About a whole line: editors want a column all the same.
    if (remark.line == 0 || remark.column != 0) continue;
    const std::string_view line = pass.line(remark.file, remark.line);
    remark.column = static_cast<std::uint32_t>(std::ranges::find_if_not(line, is_space) - line.begin()) + 1;
    if (remark.column > line.size()) remark.column = 1;
  }
  std::ranges::stable_sort(report.diagnostics, {}, [](const Diagnostic& d) { return std::tuple(d.file, d.line, d.column); });
  report.further_diagnostics = parsed.further_diagnostics + found.further();
  return report;
}

std::size_t LintReport::count(Severity severity) const {
  return static_cast<std::size_t>(std::ranges::count(diagnostics, severity, &Diagnostic::severity));
}

int LintReport::exit_status(bool warnings_are_errors) const {
  if (count(Severity::error) != 0) return 2;
  if (count(Severity::warning) == 0) return 0;
  return warnings_are_errors ? 2 : 1;
}

}  // namespace mpath::config
