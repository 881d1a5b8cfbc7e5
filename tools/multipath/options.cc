// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/multipath/options.h"

#include <getopt.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "libmpath/base/text.h"
#include "libmpath/command/commands.h"
#include "libmpath/config/keywords.h"
#include "libmpath/config/value.h"

namespace mpath::tool {

namespace {

constexpr std::size_t device_bytes = 255;  ///< a longer argument is cut, as it always was

void usage() {
  fmt::print(stderr, "{}\n", command::version_line);
  std::fputs(
      "Usage:\n"
      "  multipath [-v level] -l|-ll [device]  show maps: from the kernel's tables, or with one check of each path\n"
      "  multipath [-v level] -d [-r] [-p policy] [-B] [device]  show what would be done, and do nothing\n"
      "  multipath [-v level] -t               print the configuration that is in force\n"
      "  multipath [-v level] -T               the same with only the device entries that are used, and every map\n"
      "  multipath -r                          let the daemon reload every map\n"
      "  multipath [-R n] -f map | -F          remove a map, or all that are not in use; with n further attempts\n"
      "  multipath -h                          print this text\n"
      "Where:\n"
      "  level   0 nothing, 1 names only, 2 the default, 3 and 4 for diagnosis\n"
      "  policy  failover, multibus, group_by_prio, group_by_serial, group_by_node_name or group_by_tpg, for this run\n"
      "  device  a map's name, alias or WWID, /dev/sdX, /dev/dm-N, or MAJOR:MINOR\n",
      stderr);
}

ParsedOptions refuse(std::string_view text) {
  if (!text.empty()) fmt::print(stderr, "{}\n", text);
  usage();
  return {.options = std::nullopt, .exit_status = 1};
}

}  // namespace

std::optional<PathGroupingPolicy> parse_policy(std::string_view word) {
  config::ParsedValue parsed = config::parse_value(config::keyword(config::Key::path_grouping_policy), word, {});
  const auto* number = std::get_if<std::int64_t>(&parsed.value);
  if (parsed.outcome != config::ParsedValue::Outcome::accepted || number == nullptr) return std::nullopt;
  return static_cast<PathGroupingPolicy>(*number);
}

ParsedOptions parse_options(int argc, char** argv) {
  Options options;
  opterr = 0;
  // The optional argument of -l is a second l; other text there has never meant anything. The last mode counts, but for -d, which is one
  // of creating maps only.
  for (int option; (option = ::getopt(argc, argv, ":l::tTdfFrBp:R:v:h")) != -1;) {
    switch (option) {
      case 'l': options.mode = optarg != nullptr && optarg[0] == 'l' ? Mode::list_long : Mode::list_short; break;
      case 'd':
        if (options.mode == Mode::create) options.mode = Mode::dry_run;
        break;
      case 't':
        // Printed at once: what follows on the command line is not looked at.
        options.mode = Mode::dump_config;
        return {.options = options};
      case 'T': options.mode = Mode::dump_used; break;
      case 'f': options.mode = Mode::flush_one; break;
      case 'F': options.mode = Mode::flush_all; break;
      case 'r': options.reload = true; break;
      case 'B': options.bindings_read_only = true; break;
      case 'p':
        options.grouping_policy = parse_policy(optarg);
        if (!options.grouping_policy) {
          fmt::print("'{}' is not a valid policy\n", escape(optarg));
          return refuse({});
        }
        break;
      case 'R': options.remove_retries = static_cast<std::uint32_t>(std::max(0, std::atoi(optarg))); break;
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
  if (options.mode == Mode::create && !options.reload) return refuse("multipath: maps are made by multipathd; say what to show or to do");
  if (options.mode == Mode::flush_one && options.device.empty()) return refuse("the -f option requires a map name to remove");
  return {.options = options};
}

}  // namespace mpath::tool
