// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/multipath/options.h"

#include <getopt.h>

#include <cstdio>
#include <cstdlib>

#include "libmpath/base/text.h"
#include "libmpath/command/commands.h"

namespace mpath::tool {

namespace {

constexpr std::size_t device_bytes = 255;  ///< a longer argument is cut, as it always was

void usage() {
  fmt::print(stderr, "{}\n", command::version_line);
  std::fputs(
      "Usage:\n"
      "  multipath [-v level] -l|-ll [device]  show maps: from the kernel's tables, or with one check of each path\n"
      "  multipath [-v level] -t               print the configuration that is in force\n"
      "  multipath [-v level] -T               the same with only the device entries that are used, and every map\n"
      "  multipath -r                          let the daemon reload every map\n"
      "  multipath -f map | -F                 let the daemon remove a map, or all that are not in use\n"
      "  multipath -h                          print this text\n"
      "Where:\n"
      "  level   0 nothing, 1 names only, 2 the default, 3 and 4 for diagnosis\n"
      "  device  a map's name, alias or WWID, /dev/sdX, /dev/dm-N, or MAJOR:MINOR\n",
      stderr);
}

ParsedOptions refuse(std::string_view text) {
  if (!text.empty()) fmt::print(stderr, "{}\n", text);
  usage();
  return {.options = std::nullopt, .exit_status = 1};
}

}  // namespace

ParsedOptions parse_options(int argc, char** argv) {
  Options options;
  bool has_mode = false;
  auto choose = [&](Mode mode) {
    options.mode = mode;
    has_mode = true;
  };
  opterr = 0;
  // The optional argument of -l is a second l; other text there has never meant anything.
  for (int option; (option = ::getopt(argc, argv, ":l::tTfFrv:h")) != -1;) {
    switch (option) {
      case 'l': choose(optarg != nullptr && optarg[0] == 'l' ? Mode::list_long : Mode::list_short); break;
      case 't':
        // Printed at once: what follows on the command line is not looked at.
        options.mode = Mode::dump_config;
        return {.options = options};
      case 'T': choose(Mode::dump_used); break;
      case 'r': choose(Mode::reload); break;
      case 'f': choose(Mode::flush_one); break;
      case 'F': choose(Mode::flush_all); break;
      case 'v':
        if (!is_digit(optarg[0])) return refuse({});
        options.verbosity = std::atoi(optarg);
        break;
      case 'h': usage(); return {};
      case ':': return refuse("Missing option argument");
      default: return refuse(fmt::format("Unknown switch: -{}", static_cast<char>(optopt > 0 && optopt < 127 ? optopt : '?')));
    }
  }
  if (optind < argc) options.device = std::string(argv[optind]).substr(0, device_bytes);
  if (!has_mode) return refuse("multipath: maps are made by multipathd; say what to show or to do");
  if (options.mode == Mode::flush_one && options.device.empty()) return refuse("the -f option requires a map name to remove");
  return {.options = options};
}

}  // namespace mpath::tool
