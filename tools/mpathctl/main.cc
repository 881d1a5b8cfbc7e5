// SPDX-License-Identifier: LGPL-2.1-or-later
// mpathctl: what the old command line does not have. Some verbs make one request of the daemon, whose reply carries output and exit
// status; others look at configuration files by themselves.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <functional>

#include "libmpath/command/mpathctl.h"
#include "tools/mpathctl/daemon.h"
#include "tools/mpathctl/drain.h"
#include "tools/mpathctl/lint.h"
#include "tools/mpathctl/output.h"
#include "tools/mpathctl/plan.h"
#include "tools/mpathctl/why.h"

namespace {

using namespace mpath;
using ctl::complain;

/// What the chosen verb does; gives the exit status.
using Action = std::function<int()>;

/// Exit statuses of `status` are its answer: 0 healthy, 1 degraded, 2 a map has no path, 3 nobody answers.
constexpr int status_when_unreachable = 3;

void add_status(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("status", "Show how the daemon and its maps are.\n"
                                                "Exit status: 0 healthy, 1 degraded, 2 a map has no usable path, 3 multipathd is not reachable.");
  auto json = std::make_shared<bool>(false);
  verb->add_flag("--json", *json, "Print one JSON object");
  verb->callback([&action, json] {
    action = [json] { return ctl::ask_and_print({.kind = RequestKind::mpathctl_status, .json = *json}, status_when_unreachable); };
  });
}

void add_history(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("history", "Show the last transitions of a path, of a map with its paths, or the newest of all.");
  auto device = std::make_shared<std::string>();
  auto json = std::make_shared<bool>(false);
  verb->add_option("DEVICE", *device, "A path (sda, 8:16) or a map (name, WWID, dm-N)");
  verb->add_flag("--json", *json, "Print one JSON object");
  verb->callback([&action, device, json] {
    action = [device, json] {
      std::string name = *device;
      for (std::string_view prefix : {"/dev/mapper/", "/dev/"}) {
        if (name.starts_with(prefix)) name.erase(0, prefix.size());
      }
      std::vector<std::string> names;
      if (!name.empty()) names.push_back(name);
      return ctl::ask_and_print({.kind = RequestKind::mpathctl_history, .json = *json, .subjects = names});
    };
  });
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
  ctl::add_plan(app, action);
  ctl::add_explain(app, action);
  ctl::add_drain(app, action);
  add_history(app, action);
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
