// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/mpathctl/drain.h"

#include <fmt/format.h>

#include <thread>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "tools/mpathctl/daemon.h"
#include "tools/mpathctl/output.h"

namespace mpath::ctl {

namespace {

constexpr milliseconds poll_interval{250};
constexpr std::string_view subject_help =
    "Paths: a name (sda), number (8:0) or address (1:0:0:3), hostN, or the port or node name of a host or target";

struct DrainRequest {
  std::vector<std::string> subjects;
  std::string confirm_within;
  std::string wait = "60s";
  std::uint32_t keep = 1;
  bool confirm = false;
  bool json = false;
};

/// "90", "90s", "10m", "2h"; nothing for other text.
std::optional<seconds> parse_span(std::string_view text) {
  std::int64_t unit = 1;
  if (text.ends_with('s') || text.ends_with('m') || text.ends_with('h')) {
    unit = text.ends_with('h') ? 3600 : text.ends_with('m') ? 60 : 1;
    text.remove_suffix(1);
  }
  const auto number = parse_decimal(text);
  if (!number || *number > static_cast<std::uint64_t>(limits::drain_confirm_most.count() / unit)) return std::nullopt;
  return seconds{static_cast<std::int64_t>(*number) * unit};
}

Request report_of(const DrainRequest& wanted) {
  return {.kind = RequestKind::mpathctl_drains, .json = wanted.json, .subjects = wanted.subjects};
}

/// Until no I/O is under way on any of the paths, or the time is over; then how it is.
int wait_until_quiet(const DrainRequest& wanted, seconds patience) {
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) {
    const Answer answer = ask_daemon(report_of(wanted));
    if (!answer.arrived) return answer.reply.exit_status;
    if (answer.reply.exit_status != command::exit_emptying || std::chrono::steady_clock::now() >= end) {
      if (!answer.reply.error.empty()) return complain(answer.reply.exit_status, escape(answer.reply.error));
      return print(answer.reply.output, answer.reply.exit_status);
    }
    std::this_thread::sleep_for(poll_interval);
  }
}

int drain(const DrainRequest& wanted) {
  if (wanted.subjects.empty() && !wanted.confirm) return ask_and_print(report_of(wanted));
  if (wanted.subjects.empty()) return complain(command::exit_usage, "say what is confirmed");
  if (wanted.confirm) return ask_and_print({.kind = RequestKind::mpathctl_drain_confirm, .subjects = wanted.subjects});
  std::optional<seconds> confirm_within;
  if (!wanted.confirm_within.empty()) {
    confirm_within = parse_span(wanted.confirm_within);
    if (!confirm_within || confirm_within->count() == 0) {
      return complain(command::exit_usage, "--confirm-within wants a time such as 90s, 10m or 2h, at most a week");
    }
  }
  const auto patience = parse_span(wanted.wait);
  if (!patience) return complain(command::exit_usage, "--wait wants a time such as 30s or 5m");
  const Answer answer = ask_daemon({.kind = RequestKind::mpathctl_drain,
                                    .subjects = wanted.subjects,
                                    .confirm_within = confirm_within,
                                    .keep = wanted.keep});
  if (!answer.arrived) return answer.reply.exit_status;
  if (!answer.reply.error.empty()) return complain(answer.reply.exit_status, escape(answer.reply.error));
  return wait_until_quiet(wanted, *patience);
}

}  // namespace

void add_drain(CLI::App& app, std::function<int()>& action) {
  auto wanted = std::make_shared<DrainRequest>();
  CLI::App* verb = app.add_subcommand("drain", "Take paths out of service and wait until no I/O is under way on them. Without names: what is drained.\n"
                                               "Exit status: 0 no I/O is under way, 1 refused, 2 drained but I/O is still under way.");
  verb->add_option("NAME", wanted->subjects, std::string(subject_help));
  verb->add_option("--confirm-within", wanted->confirm_within, "Undo it by itself after this time unless it is confirmed")->type_name("TIME");
  verb->add_flag("--confirm", wanted->confirm, "Let it stay until it is undrained");
  verb->add_option("--keep", wanted->keep, "Good paths that every map must keep, 1 unless given")->type_name("N");
  verb->add_option("--wait", wanted->wait, "How long to wait for I/O to end, 60s unless given; 0 not at all")->type_name("TIME");
  verb->add_flag("--json", wanted->json, "Print one JSON object");
  verb->callback([&action, wanted] { action = [wanted] { return drain(*wanted); }; });

  auto question = std::make_shared<Request>(Request{.kind = RequestKind::mpathctl_what_if});
  auto loss = std::make_shared<std::string>();
  CLI::App* what_if = app.add_subcommand("what-if", "Show which maps would lose good paths if paths failed or were removed.\n"
                                                    "Exit status: 0 every map stays redundant, 1 a map would have a single path, 2 a map would have none.");
  what_if->add_option("LOSS", *loss, "fail or remove")->required()->check(CLI::IsMember({"fail", "remove"}));
  what_if->add_option("NAME", question->subjects, std::string(subject_help))->required();
  what_if->add_flag("--json", question->json, "Print one JSON object");
  what_if->callback([&action, question, loss] {
    question->removed = *loss == "remove";
    action = [question] { return ask_and_print(*question); };
  });

  auto back = std::make_shared<std::vector<std::string>>();
  CLI::App* undrain = app.add_subcommand("undrain", "Take drained paths back into service.");
  undrain->add_option("NAME", *back, std::string(subject_help))->required();
  undrain->callback([&action, back] {
    action = [back] { return ask_and_print({.kind = RequestKind::mpathctl_undrain, .subjects = *back}); };
  });
}

}  // namespace mpath::ctl
