// SPDX-License-Identifier: LGPL-2.1-or-later
// multipath(8): shows the maps of this machine, and asks the daemon for what only it may do.
#include <unistd.h>

#include <cstdio>
#include <string>

#include "libmpath/command/local_use.h"
#include "libmpath/config/dump.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/sys/files.h"
#include "tools/client/connection.h"
#include "tools/multipath/dry_run.h"
#include "tools/multipath/flush.h"
#include "tools/multipath/observer.h"
#include "tools/multipath/options.h"
#include "tools/multipath/output.h"
#include "tools/multipath/wanted.h"

namespace {

using namespace mpath;
using namespace mpath::tool;

int dump() {
  sys::Files files{sys::FilePaths{}};
  engine::ConfigurationLoaded loaded = runtime::parse_configuration(files.read_configuration());
  for (const std::string& message : loaded.messages) fmt::print(stderr, "{}\n", message);
  if (!loaded.config) {
    std::fputs("multipath: error parsing config file\n", stderr);
    return 1;
  }
  std::fputs(config::dump_config(*loaded.config).c_str(), stdout);
  return end_of_output();
}

/// The same for what is there: entries that no path uses are left out.
int dump_used(const Options& options) {
  auto seen = observe(engine::Mode::list, options.verbosity);
  if (!seen) return complain(seen.error());
  if (!seen->snapshot->config) {
    std::fputs("multipath: error parsing config file\n", stderr);
    return 1;
  }
  std::fputs(config::dump_local(*seen->snapshot->config, command::local_use(*seen->snapshot)).c_str(), stdout);
  return end_of_output();
}

int list(const Options& options) {
  auto wanted = resolve(options.device);
  if (!wanted) return complain(wanted.error());
  auto seen = observe(options.mode == tool::Mode::list_long ? engine::Mode::observe : engine::Mode::list, options.verbosity);
  if (!seen) return complain(seen.error());
  print_path_table(*seen->snapshot, options);
  for (const auto& map : seen->snapshot->maps) {
    if (is_wanted(*map, *wanted)) print_map(*map, options);
  }
  const bool any = !seen->snapshot->maps.empty();
  if (any && options.verbosity.value_or(default_verbosity) >= 2 && !client::connect_to_daemon(client::default_time_limit)) {
    std::fputs("Warning: multipath devices exist, but multipathd service is not running\n", stderr);
  }
  return end_of_output();
}

int run(const Options& options) {
  if (options.mode == tool::Mode::dump_config) return dump();
  if (::geteuid() != 0) {
    std::fputs("need to be root\n", stderr);
    return 1;
  }
  switch (options.mode) {
    case tool::Mode::list_short:
    case tool::Mode::list_long: return list(options);
    case tool::Mode::dump_used: return dump_used(options);
    case tool::Mode::dry_run: return dry_run(options);
    case tool::Mode::create: return reload_all();
    case tool::Mode::flush_one: return flush_one(options);
    case tool::Mode::flush_all: return flush_all(options);
    case tool::Mode::dump_config: break;
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  ParsedOptions parsed = parse_options(argc, argv);
  return parsed.options ? run(*parsed.options) : parsed.exit_status;
}
