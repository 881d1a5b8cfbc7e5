// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/mpathctl/lint.h"

#include "libmpath/base/text.h"
#include "libmpath/config/lint.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/sys/files.h"
#include "tools/mpathctl/output.h"
#include "tools/mpathctl/sources.h"

namespace mpath::ctl {

namespace {

/// A remark about a file as a whole, which joins the list of files for its name only.
void add_remark(config::LintReport& report, std::vector<config::SourceFile>& sources, std::string name, config::Diagnostic remark) {
  remark.file = static_cast<std::uint32_t>(sources.size());
  sources.push_back({.name = std::move(name), .bytes = {}, .kind = config::FileKind::drop_in});
  report.diagnostics.push_back(std::move(remark));
}

void add_unreadable(config::LintReport& report, std::vector<config::SourceFile>& sources, const Error& error) {
  std::string text = escape(error.what);
  if (!error.cause.empty()) text += ": " + escape(error.cause);
  add_remark(report, sources, error.subject,
             {.severity = config::Severity::error, .id = "unreadable-file", .text = std::move(text), .fix = {}});
}

}  // namespace

int lint(const LintRequest& request) {
  const ports::ConfigFiles files = read_sources(request.files);
  std::vector<config::SourceFile> sources = runtime::source_files(files);
  config::LintReport report = config::lint(sources, runtime::parse_options(files));
  for (const Error& error : files.errors) add_unreadable(report, sources, error);
  if (request.files.empty() && sources.empty()) {
    add_remark(report, sources, sys::FilePaths{}.main_file,
               {.severity = config::Severity::note, .id = "no-file", .text = "there is no such file: built-in values are in force", .fix = {}});
  }
  const std::string text = request.json ? config::render_json(report, sources) : config::render(report, sources);
  return print(text, report.exit_status(request.warnings_are_errors));
}

}  // namespace mpath::ctl
