// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/mpathctl/plan.h"

#include "tools/mpathctl/daemon.h"
#include "tools/mpathctl/output.h"
#include "tools/mpathctl/sources.h"

namespace mpath::ctl {

namespace {

/// The daemon opens no file that a client names, so it gets the text.
int plan(Request request, const std::vector<std::string>& files) {
  if (files.empty()) return ask_and_print(request);
  auto brought = std::make_shared<std::vector<BroughtFile>>();
  const ports::ConfigFiles sources = read_sources(files);
  for (const Error& error : sources.errors) return complain(command::exit_usage, error.message());
  for (const ports::ConfigFile& file : sources.files) {
    brought->push_back({.name = file.name, .bytes = file.bytes, .is_drop_in = file.is_drop_in});
  }
  request.kind = RequestKind::mpathctl_plan_with;
  request.configuration = std::move(brought);
  return ask_and_print(request);
}

}  // namespace

void add_plan(CLI::App& app, std::function<int()>& action) {
  CLI::App* verb = app.add_subcommand("plan", "Show what a reconfigure would do, with the system's configuration or another one. Nothing is changed.\n"
                                              "Exit status: 0 nothing, 2 changes.");
  auto request = std::make_shared<Request>(Request{.kind = RequestKind::mpathctl_plan});
  auto files = std::make_shared<std::vector<std::string>>();
  verb->add_option("MAP", request->subjects, "Only these maps: names, WWIDs or dm-N");
  verb->add_option("--config", *files, "Main file and drop-ins to plan with, instead of the system's files; for root")
      ->type_name("FILE")
      ->allow_extra_args(false);
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->callback([&action, request, files] { action = [request, files] { return plan(*request, *files); }; });
}

void add_explain(CLI::App& app, std::function<int()>& action) {
  CLI::App* verb = app.add_subcommand("explain", "Show why a map looks as it does, why a path is in its state, or why a disk is not multipathed.");
  auto request = std::make_shared<Request>(Request{.kind = RequestKind::mpathctl_explain});
  verb->add_option("NAME", request->subjects, "A map (name, WWID, dm-N), or a path or disk (sda, 8:0, 1:0:0:3)")->required();
  verb->add_flag("--json", request->json, "Print one JSON object");
  verb->callback([&action, request] { action = [request] { return ask_and_print(*request); }; });
}

}  // namespace mpath::ctl
