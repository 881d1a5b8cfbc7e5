// SPDX-License-Identifier: LGPL-2.1-or-later
// mpathctl: what the old command line does not have. Each verb makes one request; the daemon's reply carries output and exit status.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>

#include "libmpath/base/text.h"
#include "libmpath/command/mpathctl.h"
#include "tools/client/connection.h"

namespace {

using namespace mpath;

/// What the chosen verb asks for.
struct Request {
  std::string text;
  int when_unreachable = command::exit_unavailable;
};

/// Exit statuses of `status` are its answer: 0 healthy, 1 degraded, 2 a map has no path, 3 nobody answers.
constexpr int status_when_unreachable = 3;

void add_status(CLI::App& app, Request& request) {
  CLI::App* verb = app.add_subcommand("status", "Show how the daemon and its maps are.\n"
                                                "Exit status: 0 healthy, 1 degraded, 2 a map has no usable path, 3 multipathd is not reachable.");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print one JSON object");
  verb->callback([&request, json] { request = {command::status_request(*json), status_when_unreachable}; });
}

int complain(int exit_status, std::string_view what) {
  fmt::print(stderr, "mpathctl: {}\n", what);
  return exit_status;
}

int ask(const Request& request) {
  const auto fd = client::connect_to_daemon(client::default_time_limit);
  if (!fd) return complain(request.when_unreachable, "multipathd is not reachable: " + fd.error().message());
  const auto text = client::exchange(fd->get(), request.text, client::default_time_limit);
  if (!text) return complain(request.when_unreachable, "multipathd does not answer: " + text.error().message());
  const auto reply = command::decode_reply(*text);
  if (!reply) {
    const std::string_view first_line = std::string_view(*text).substr(0, text->find('\n', text->find('\n') + 1));
    return complain(request.when_unreachable, fmt::format("multipathd does not know mpathctl, or refused: {}", escape(first_line)));
  }
  if (!reply->error.empty()) return complain(reply->exit_status, escape(reply->error));
  std::fwrite(reply->output.data(), 1, reply->output.size(), stdout);
  if (std::fflush(stdout) != 0) return complain(command::exit_internal, "cannot write the output");
  return reply->exit_status;
}

int run(int argc, char** argv) {
  CLI::App app("Ask and direct the multipath daemon.", "mpathctl");
  app.require_subcommand(1);
  Request request;
  add_status(app, request);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : command::exit_usage;
  }
  return ask(request);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return complain(mpath::command::exit_internal, error.what());
  }
}
