// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/multipath/output.h"

#include <unistd.h>

#include <cstdio>

#include "libmpath/view/format.h"
#include "libmpath/view/topology.h"

namespace mpath::tool {

namespace {

constexpr int verbose = 3;

void print(std::string_view text) { std::fwrite(text.data(), 1, text.size(), stdout); }

}  // namespace

int complain(const Error& error) {
  fmt::print(stderr, "multipath: {}\n", error.message());
  return 1;
}

int end_of_output() { return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? 0 : 1; }

void print_path_table(const engine::Snapshot& snapshot, const Options& options) {
  if (options.verbosity.value_or(default_verbosity) < verbose) return;
  if (snapshot.paths.empty()) return print("===== no paths =====\n");
  print("===== paths list =====\n");
  print(view::paths_table(snapshot, "%w %i %d %D %p %t %T %s %o", view::TableStyle::aligned));
}

void print_map(const engine::MapView& map, const Options& options, bool dry_run) {
  const view::TopologyOptions look{
      .verbosity = options.verbosity.value_or(default_verbosity), .bold = ::isatty(STDOUT_FILENO) == 1, .dry_run = dry_run};
  print(view::topology(map, view::measure_paths(map), look));
}

}  // namespace mpath::tool
