// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/runtime/configuration.h"

#include <algorithm>

#include "libmpath/base/text.h"

namespace mpath::runtime {

namespace {

/// Without users (no such file yet, early at boot) the parser's own "root" remains.
config::UserLookup user_lookup(const std::vector<ports::SystemUser>& users) {
  if (users.empty()) return {};
  return [users](std::string_view name) -> std::optional<config::UserIds> {
    const auto found = std::ranges::find(users, name, &ports::SystemUser::name);
    if (found == users.end()) return std::nullopt;
    return config::UserIds{.uid = found->uid, .gid = found->gid};
  };
}

}  // namespace

config::ParseOptions parse_options(const ports::ConfigFiles& files) {
  config::ParseOptions options;
  options.context.lookup_user = user_lookup(files.users);
  options.context.most_open_files = files.most_open_files;
  options.nvme_native_multipath = files.nvme_native_multipath;
  return options;
}

std::vector<config::SourceFile> source_files(const ports::ConfigFiles& files) {
  std::vector<config::SourceFile> sources;
  for (const ports::ConfigFile& file : files.files) {
    sources.push_back({.name = file.name,
                       .bytes = file.bytes,
                       .kind = file.is_drop_in ? config::FileKind::drop_in : config::FileKind::main});
  }
  return sources;
}

engine::ConfigurationLoaded parse_configuration(const ports::ConfigFiles& files) {
  engine::ConfigurationLoaded loaded;
  const std::vector<config::SourceFile> sources = source_files(files);
  config::ParseResult parsed = config::parse(sources, parse_options(files));
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
