// SPDX-License-Identifier: LGPL-2.1-or-later
// multipath(8): shows the maps of this machine, and asks the daemon for what only it may do.
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cstdio>
#include <string>

#include "libmpath/base/text.h"
#include "libmpath/command/local_use.h"
#include "libmpath/config/dump.h"
#include "libmpath/runtime/configuration.h"
#include "libmpath/sys/files.h"
#include "libmpath/view/topology.h"
#include "tools/client/connection.h"
#include "tools/multipath/observer.h"
#include "tools/multipath/options.h"

namespace {

using namespace mpath;
using namespace mpath::tool;

constexpr milliseconds daemon_patience{60000};

int complain(const Error& error) {
  fmt::print(stderr, "multipath: {}\n", error.message());
  return 1;
}

int dump() {
  sys::Files files{sys::FilePaths{}};
  engine::ConfigurationLoaded loaded = runtime::parse_configuration(files.read_configuration());
  for (const std::string& message : loaded.messages) fmt::print(stderr, "{}\n", message);
  if (!loaded.config) {
    std::fputs("multipath: error parsing config file\n", stderr);
    return 1;
  }
  std::fputs(config::dump_config(*loaded.config).c_str(), stdout);
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? 0 : 1;
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
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? 0 : 1;
}

/// What the positional argument names.
struct Wanted {
  std::string name;       ///< map name, alias or WWID
  DevNum devnum;          ///< of a block device
  bool everything = true;
};

Result<Wanted> resolve(const std::string& argument) {
  if (argument.empty()) return Wanted{};
  Wanted wanted{.everything = false};
  struct stat information{};
  if (::stat(argument.c_str(), &information) == 0 && S_ISBLK(information.st_mode)) {
    wanted.devnum = {major(information.st_rdev), minor(information.st_rdev)};
    return wanted;
  }
  if (auto devnum = parse_devnum(argument)) {
    wanted.devnum = *devnum;
    return wanted;
  }
  if (argument.contains('/')) {
    return fail(ErrorCode::invalid_argument, {}, "'" + argument + "' is not a valid argument");
  }
  wanted.name = argument;
  return wanted;
}

bool is_wanted(const engine::MapView& map, const Wanted& wanted) {
  if (wanted.everything) return true;
  if (!wanted.name.empty()) {
    return map.name.text == wanted.name || map.wwid.text == wanted.name ||
           wanted.name == fmt::format("dm-{}", map.devnum.minor);
  }
  if (map.devnum == wanted.devnum) return true;
  for (const engine::GroupView& group : map.groups) {
    for (const auto& path : group.paths) {
      if (path->facts->devnum == wanted.devnum) return true;
    }
  }
  return false;
}

int list(const Options& options) {
  auto wanted = resolve(options.device);
  if (!wanted) return complain(wanted.error());
  auto seen = observe(options.mode == tool::Mode::list_long ? engine::Mode::observe : engine::Mode::list, options.verbosity);
  if (!seen) return complain(seen.error());
  view::TopologyOptions look{.verbosity = options.verbosity.value_or(2), .bold = ::isatty(STDOUT_FILENO) == 1};
  bool any = false;
  for (const auto& map : seen->snapshot->maps) {
    any = true;
    if (!is_wanted(*map, *wanted)) continue;
    std::string text = view::topology(*map, view::measure_paths(*map), look);
    std::fwrite(text.data(), 1, text.size(), stdout);
  }
  if (any && look.verbosity >= 2 && !client::connect_to_daemon(client::default_time_limit)) {
    std::fputs("Warning: multipath devices exist, but multipathd service is not running\n", stderr);
  }
  return std::fflush(stdout) == 0 && std::ferror(stdout) == 0 ? 0 : 1;
}

/// Only the daemon changes maps; its reply is ours.
int ask_daemon(std::string_view command) {
  auto connection = client::connect_to_daemon(client::default_time_limit);
  if (!connection) return complain(connection.error());
  auto text = client::exchange(connection->get(), command, daemon_patience);
  if (!text) return complain(text.error());
  std::string_view reply = *text;
  if (reply == "ok\n") return 0;
  bool failed = reply.starts_with("fail\n");
  if (failed) reply.remove_prefix(5);
  fmt::print("{}", failed && reply.empty() ? "fail\n" : reply);
  return failed ? 1 : 0;
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
    case tool::Mode::reload: return ask_daemon("reconfigure all");
    case tool::Mode::flush_one: return ask_daemon("del map " + options.device);
    case tool::Mode::flush_all: return ask_daemon("del maps");
    case tool::Mode::dump_config: break;
  }
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  ParsedOptions parsed = parse_options(argc, argv);
  return parsed.options ? run(*parsed.options) : parsed.exit_status;
}
