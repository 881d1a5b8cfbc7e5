// SPDX-License-Identifier: LGPL-2.1-or-later
// What the daemon of a bench would find if it looked at its machine anew.
#pragma once

#include "libmpath/config/parser.h"
#include "libmpath/engine/rehearsal.h"
#include "tests/unit/engine/fixture.h"

namespace mpath::view {

/// Without the table of known hardware.
inline engine::RehearsalInputs seen_on(const engine::Bench& bench) {
  engine::RehearsalInputs seen;
  config::SourceFile file{"/etc/multipath.conf", bench.config_text, config::FileKind::main};
  config::ParseOptions options;
  options.hardware_table = false;
  seen.configuration.config = config::parse(std::span(&file, 1), options).config;
  seen.state.wwids = bench.wwids_file;
  seen.state.bindings = bench.bindings_file;
  seen.state.run_state = bench.run_state_file;
  seen.now = bench.now;
  for (const auto& [name, map] : bench.kernel) seen.maps.push_back(map);
  for (const auto& [name, disk] : bench.disks) seen.paths.push_back(disk.found);
  return seen;
}

}  // namespace mpath::view
