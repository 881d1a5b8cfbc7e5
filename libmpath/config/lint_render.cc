// SPDX-License-Identifier: LGPL-2.1-or-later
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"
#include "libmpath/config/lexer.h"
#include "libmpath/config/lint.h"

namespace mpath::config {

namespace {

constexpr std::size_t shown_bytes = 160;

std::string_view file_name(std::span<const SourceFile> files, std::uint32_t index) {
  return index < files.size() ? std::string_view(files[index].name) : std::string_view("hardware table");
}

/// The lines of all files, cut once for all remarks.
std::vector<std::vector<std::string_view>> lines_of(std::span<const SourceFile> files) {
  std::vector<std::vector<std::string_view>> lines(files.size());
  for (std::size_t i = 0; i < files.size(); ++i) {
    LineReader reader(files[i].bytes);
    while (auto line = reader.next()) lines[i].push_back(line->text);
  }
  return lines;
}

/// The line with a caret below it; tabs stay, what is not printable is escaped and the caret moves along.
void append_excerpt(std::string& out, std::string_view line, const Diagnostic& diagnostic) {
  if (line.empty()) return;
  std::string shown;
  std::string below;
  std::string caret;
  for (std::size_t i = 0; i < line.size() && i < shown_bytes; ++i) {
    const std::string piece = line[i] == '\t' ? "\t" : escape(line.substr(i, 1));
    if (i + 1 == diagnostic.column) caret = below + '^';
    shown += piece;
    below += line[i] == '\t' ? std::string("\t") : std::string(piece.size(), ' ');
  }
  if (caret.empty() && diagnostic.column > line.size() && line.size() < shown_bytes) caret = below + '^';
  out += fmt::format("{:5} | {}\n", diagnostic.line, shown);
  if (!caret.empty()) out += fmt::format("      | {}\n", caret);
}

}  // namespace

std::string render(const LintReport& report, std::span<const SourceFile> files) {
  std::string out;
  const auto lines = report.diagnostics.empty() ? decltype(lines_of(files)){} : lines_of(files);
  for (const Diagnostic& diagnostic : report.diagnostics) {
    out += escape(file_name(files, diagnostic.file));
    if (diagnostic.line != 0) out += fmt::format(":{}", diagnostic.line);
    if (diagnostic.column != 0) out += fmt::format(":{}", diagnostic.column);
    out += fmt::format(": {}: {} [{}]\n", to_string(diagnostic.severity), diagnostic.text, diagnostic.id);
    if (diagnostic.file < lines.size() && diagnostic.line != 0 && diagnostic.line <= lines[diagnostic.file].size()) {
      append_excerpt(out, lines[diagnostic.file][diagnostic.line - 1], diagnostic);
    }
    if (!diagnostic.fix.empty()) out += fmt::format("      = fix: {}\n", diagnostic.fix);
  }
  if (report.further_diagnostics != 0) out += fmt::format("{} further remarks are not shown\n", report.further_diagnostics);
  return out;
}

std::string render_json(const LintReport& report, std::span<const SourceFile> files) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Diagnostic& diagnostic : report.diagnostics) {
    list.push_back({{"file", file_name(files, diagnostic.file)},
                    {"line", diagnostic.line},
                    {"column", diagnostic.column},
                    {"severity", to_string(diagnostic.severity)},
                    {"id", diagnostic.id},
                    {"text", diagnostic.text},
                    {"fix", diagnostic.fix}});
  }
  nlohmann::ordered_json document;
  document["diagnostics"] = std::move(list);
  document["errors"] = report.count(Severity::error);
  document["warnings"] = report.count(Severity::warning);
  document["notes"] = report.count(Severity::note);
  document["not_shown"] = report.further_diagnostics;
  // Bytes that are no UTF-8 (a file name may hold any) must not throw.
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mpath::config
