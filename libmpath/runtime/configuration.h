// SPDX-License-Identifier: LGPL-2.1-or-later
// From configuration files as they were read to what the engine takes. The daemon, the tools and the simulator use the same function.
// Any thread.
#pragma once

#include <vector>

#include "libmpath/config/parser.h"
#include "libmpath/config/source.h"
#include "libmpath/engine/event.h"
#include "libmpath/ports/ports.h"

namespace mpath::runtime {

/// What the machine contributes to the meaning of the files. Keeps a copy of the users.
[[nodiscard]] config::ParseOptions parse_options(const ports::ConfigFiles& files);
/// The files as the parser and the linter take them.
[[nodiscard]] std::vector<config::SourceFile> source_files(const ports::ConfigFiles& files);

/// Parses the files; every diagnostic becomes a line "FILE:LINE: text", escaped. Without `config` in the result the configuration must not
/// be used: the main file could not be read (though it exists) or holds something that must not be guessed at.
[[nodiscard]] engine::ConfigurationLoaded parse_configuration(const ports::ConfigFiles& files);

}  // namespace mpath::runtime
