// SPDX-License-Identifier: LGPL-2.1-or-later
// A bench that has settled: the map of the first volume is in the kernel, its paths have answered, nothing is left to do.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "tests/unit/engine/fixture.h"

namespace mpath::engine {

struct Settled : Bench {
  using Groups = std::vector<std::vector<std::string>>;
  explicit Settled(std::string defaults = {}, const Groups& groups = {{"sda"}, {"sdb"}}, EngineOptions options = {},
                   Duration after = seconds{30})
      : Bench(std::move(defaults), options) {
    for (const auto& group : groups) {
      for (const std::string& name : group) disk(name);
    }
    kernel_map(groups);
    start();
    run(after);
    forget();
  }
  bool queues() { return wire::features_has(map().table.features, wire::queue_if_no_path); }
  /// I/O over sda and sdb fails, and their checks do from now on.
  void lose_both() {
    for (const char* name : {"sda", "sdb"}) {
      disks.at(name).answer = Answer::dead;
      kernel_fails(name);
    }
  }
};

}  // namespace mpath::engine
