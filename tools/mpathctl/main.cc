// SPDX-License-Identifier: LGPL-2.1-or-later
// mpathctl: what the old command line does not have. Some verbs make one request of the daemon, whose reply carries output and exit
// status; others look at configuration files by themselves.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "libmpath/base/text.h"
#include "libmpath/command/mpathctl.h"
#include "tools/client/connection.h"
#include "tools/mpathctl/lint.h"
#include "tools/mpathctl/output.h"
#include "tools/mpathctl/why.h"

namespace {

using namespace mpath;
using ctl::complain;

/// What the chosen verb does; gives the exit status.
using Action = std::function<int()>;

/// What a verb asks of the daemon.
struct Request {
  std::string text;
  int when_unreachable = command::exit_unavailable;
};

/// Exit statuses of `status` are its answer: 0 healthy, 1 degraded, 2 a map has no path, 3 nobody answers.
constexpr int status_when_unreachable = 3;

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
  return ctl::print(reply->output, reply->exit_status);
}

void add_status(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("status", "Show how the daemon and its maps are.\n"
                                                "Exit status: 0 healthy, 1 degraded, 2 a map has no usable path, 3 multipathd is not reachable.");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print one JSON object");
  verb->callback([&action, json] { action = [json] { return ask({command::status_request(*json), status_when_unreachable}); }; });
}

void add_lint(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("lint", "Say what is wrong, useless or contradictory in configuration files.\n"
                                              "Exit status: 0 clean, 1 warnings, 2 errors.");
  auto request = std::make_shared<ctl::LintRequest>();
  auto level = std::make_shared<std::string>();
  verb->add_option("FILE", request->files, "Main file and drop-ins; without any, the system's files");
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->add_option("-W", *level, "error: a warning counts as an error")->check(CLI::IsMember({"error"}));
  verb->callback([&action, request, level] {
    request->warnings_are_errors = !level->empty();
    action = [request] { return ctl::lint(*request); };
  });
}

void add_why(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("why", "Show each setting of a device or product, where it stands, and what it overrode.");
  auto request = std::make_shared<ctl::WhyRequest>();
  verb->add_option("DEVICE", request->subject, "A path (sda, /dev/sda), or VENDOR,PRODUCT[,REVISION] without hardware")->required();
  verb->add_option("KEYWORD", request->keyword, "Only this keyword");
  verb->add_option("--config", request->files, "Read this main file and drop-ins instead of the system's files")->type_name("FILE")->allow_extra_args(false);
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->add_flag("--set", request->set_only, "Leave out what neither a file nor the hardware table sets");
  verb->callback([&action, request] { action = [request] { return ctl::why(*request); }; });
}

int run(int argc, char** argv) {
  CLI::App app("Ask the multipath daemon, check its configuration.", "mpathctl");
  app.require_subcommand(1);
  Action action;
  add_status(app, action);
  add_lint(app, action);
  add_why(app, action);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : command::exit_usage;
  }
  return action();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& error) {
    return complain(mpath::command::exit_internal, error.what());
  }
}
