// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/runtime/configuration.h"

#include "libmpath/base/text.h"
#include "libmpath/config/parser.h"

namespace mpath::runtime {

engine::ConfigurationLoaded parse_configuration(const ports::ConfigFiles& files) {
  engine::ConfigurationLoaded loaded;
  std::vector<config::SourceFile> sources;
  for (const ports::ConfigFile& file : files.files) {
    sources.push_back({.name = file.name,
                       .bytes = file.bytes,
                       .kind = file.is_drop_in ? config::FileKind::drop_in : config::FileKind::main});
  }
  config::ParseOptions options;
  options.context.most_open_files = files.most_open_files;
  options.nvme_native_multipath = files.nvme_native_multipath;
  config::ParseResult parsed = config::parse(sources, options);
  for (const Error& error : files.errors) loaded.messages.push_back(error.message());
  for (const config::Diagnostic& diagnostic : parsed.diagnostics) {
    if (diagnostic.severity == config::Severity::note) continue;
    std::string_view name = diagnostic.file < sources.size() ? sources[diagnostic.file].name : std::string_view("configuration");
    loaded.messages.push_back(fmt::format("{}:{}: {}", escape(name), diagnostic.line, diagnostic.text));
  }
  if (parsed.further_diagnostics > 0) {
    loaded.messages.push_back(fmt::format("and {} more remarks", parsed.further_diagnostics));
  }
  if (!parsed.fatal && !files.main_file_failed) loaded.config = parsed.config;
  return loaded;
}

}  // namespace mpath::runtime
