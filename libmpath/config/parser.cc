// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/parser.h"

#include <algorithm>

#include "libmpath/config/merge.h"
#include "libmpath/config/reader.h"

namespace mpath::config {

ParseResult parse(std::span<const SourceFile> files, const ParseOptions& options) {
  auto config = std::make_shared<Config>();
  DiagnosticList diagnostics;
  ParseResult result;
  for (const SourceFile& file : files) config->files.push_back({file.name, file.kind});
  config->files.push_back({std::string(hardware_table_name), FileKind::built_in});

  std::size_t built_in = 0;
  if (options.hardware_table) {
    const SourceFile table{std::string(hardware_table_name), std::string(hardware_table_text()), FileKind::built_in};
    const bool good = read_file(table, static_cast<std::uint32_t>(files.size()), {}, *config, diagnostics);
    result.fatal = !good;
    built_in = config->devices.size();
  }
  for (std::uint32_t i = 0; i < files.size(); ++i) {
    const bool good = read_file(files[i], i, options.context, *config, diagnostics);
    if (!good && files[i].kind == FileKind::main) result.fatal = true;
    built_in = merge_devices(config->devices, built_in, diagnostics);
    merge_multipaths(config->multipaths, diagnostics);
    merge_protocols(config->protocols, diagnostics);
  }
  complete_rules(*config, options.nvme_native_multipath);

  result.diagnostics = std::move(diagnostics.list());
  std::ranges::stable_sort(result.diagnostics, {}, [](const Diagnostic& d) { return std::pair(d.file, d.line); });
  result.further_diagnostics = diagnostics.further();
  result.config = std::move(config);
  return result;
}

}  // namespace mpath::config
