// SPDX-License-Identifier: LGPL-2.1-or-later
// A configuration file, cut in two at the first form feed: main file and drop-in. Whatever it holds, its dump is a fixpoint, the linter
// and the resolver answer, and nothing takes long.
#include <cstdlib>

#include "libmpath/base/limits.h"
#include "libmpath/config/dump.h"
#include "libmpath/config/effective.h"
#include "libmpath/config/lint.h"
#include "libmpath/config/parser.h"

namespace {

bool has_long_line(std::string_view text) {
  std::size_t start = 0;
  while (start < text.size()) {
    const std::size_t end = std::min(text.find('\n', start), text.size());
    // A dump may need a few bytes more than the line it came from.
    if (end - start > mpath::limits::config_line_bytes / 2) return true;
    start = end + 1;
  }
  return false;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath::config;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::size_t cut = std::min(text.find('\f'), text.size());
  const SourceFile files[] = {{"main.conf", std::string(text.substr(0, cut)), FileKind::main},
                              {"drop.conf", std::string(text.substr(cut)), FileKind::drop_in}};
  ParseOptions options;
  options.hardware_table = false;
  const ParseResult parsed = parse(files, options);
  const std::string dump = dump_config(*parsed.config);
  if (!has_long_line(dump)) {
    const SourceFile again{"dump.conf", dump, FileKind::main};
    const ParseResult reread = parse(std::span(&again, 1), options);
    if (reread.fatal || dump_config(*reread.config) != dump) std::abort();
  }
  Resolver resolver(parsed.config);
  const PathIdentity path{"ACME", "Disk", "1", "scsi:fcp", "sda", "3600"};
  if (!resolver.path(path) || !resolver.map("3600", path)) std::abort();
  const LintReport report = lint(files, options);
  if (render(report, files).empty() != (report.diagnostics.empty() && report.further_diagnostics == 0)) std::abort();
  (void)format_blacklist(*parsed.config);
  return 0;
}
