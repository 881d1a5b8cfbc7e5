// SPDX-License-Identifier: LGPL-2.1-or-later
// multipathd(8): the daemon, or a client of the running one.
#include <getopt.h>
#include <malloc.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/sys/direct_read_helper.h"
#include "libmpath/sys/process.h"
#include "multipathd/daemon.h"
#include "tools/client/client.h"
#include "tools/client/connection.h"

namespace {

using namespace mpath;

struct CommandLine {
  bool foreground = false;
  bool plain_log = false;
  bool bindings_read_only = false;
  bool client = false;
  std::optional<int> verbosity;
  std::string command;  ///< of the client; empty: interactive
  std::vector<std::string> words;
};

/// Nothing if an exit status says it all; what is wrong has been printed then.
std::optional<CommandLine> parse(int argc, char** argv) {
  CommandLine line;
  opterr = 0;
  for (int option; (option = ::getopt(argc, argv, ":dfsv:k::Bnw")) != -1;) {
    switch (option) {
      case 'd':
      case 'f': line.foreground = true; break;
      case 's': line.plain_log = true; break;
      case 'v':
        if (!is_digit(optarg[0])) return std::nullopt;
        line.verbosity = std::atoi(optarg);
        break;
      case 'k':
        line.client = true;
        if (optarg != nullptr) line.words.emplace_back(optarg);
        break;
      case 'B': line.bindings_read_only = true; break;
      case 'n': std::fputs("multipathd: option -n is ignored\n", stderr); break;
      case 'w': break;  // waiter threads are not needed: events come through the poll interface
      default:
        fmt::print(stderr, "Invalid argument '-{}'\n", static_cast<char>(optopt > 0 && optopt < 127 ? optopt : '?'));
        return std::nullopt;
    }
  }
  for (int i = optind; i < argc; ++i) {
    line.client = true;
    line.words.emplace_back(argv[i]);
  }
  return line;
}

int run_as_client(const CommandLine& line) {
  if (line.words.empty()) return client::run_interactive(client::default_time_limit);
  auto command = client::join_words(line.words);
  if (!command) {
    fmt::print(stderr, "{}\n", command.error().what);
    return 1;
  }
  return client::run_client(*command, client::default_time_limit);
}

int complain(const Error& error) {
  fmt::print(stderr, "multipathd: {}\n", error.message());
  return 1;
}

/// Of threads that ask for nothing else, here and in the helper: the usual 8 MiB would be locked from the first to the last byte.
void limit_stacks() {
  pthread_attr_t attributes;
  ::pthread_attr_init(&attributes);
  ::pthread_attr_setstacksize(&attributes, limits::thread_stack_bytes);
  ::pthread_setattr_default_np(&attributes);
  ::pthread_attr_destroy(&attributes);
}

int run_as_daemon(const CommandLine& line, char** arguments) {
  if (::geteuid() != 0) {
    std::fputs("need to be root\n", stderr);
    return 1;
  }
  ::umask(::umask(0) | 022);
  // Each thread's own heap would reserve 64 MiB, which count as locked.
  ::mallopt(M_ARENA_MAX, 1);
  limit_stacks();
  if (::chdir("/") != 0) return 1;
  daemon::DaemonOptions options;
  options.verbosity = line.verbosity && *line.verbosity > 0 ? line.verbosity : std::nullopt;
  options.bindings_read_only = line.bindings_read_only;
  options.log_target = line.plain_log    ? daemon::LogTarget::stderr_plain
                       : line.foreground ? daemon::LogTarget::stderr_with_time
                                         : daemon::LogTarget::syslog;
  if (!line.foreground) {
    if (Status status = sys::daemonise(); !status) return complain(status.error());
  }
  // Before there is anything that it could inherit.
  if (auto helper = sys::DirectReadHelper::start(arguments)) {
    options.read_helper = std::make_shared<const sys::DirectReadHelper>(std::move(*helper));
  } else {
    (void)complain(helper.error());
  }
  auto pid_file = sys::PidFile::take(std::string(sys::pid_file_path));
  if (!pid_file) return complain(pid_file.error());
  auto running = daemon::Daemon::create(options);
  if (!running) return complain(running.error());
  return (*running)->run();
}

}  // namespace

int main(int argc, char** argv) {
  auto line = parse(argc, argv);
  if (!line) return 1;
  return line->client ? run_as_client(*line) : run_as_daemon(*line, argv);
}
