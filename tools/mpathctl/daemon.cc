// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/mpathctl/daemon.h"

#include <fmt/format.h>
#include <unistd.h>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "tools/client/connection.h"
#include "tools/mpathctl/output.h"

namespace mpath::ctl {

namespace {

Answer unreachable(int exit_status, std::string_view what) {
  return {.arrived = false, .reply = {.exit_status = complain(exit_status, what), .output = {}, .error = {}}};
}

}  // namespace

Answer ask_daemon(const Request& request, int when_unreachable) {
  const std::string asked = command::mpathctl_request(request);
  if (asked.size() >= limits::user_request_bytes && ::geteuid() != 0) {
    return unreachable(command::exit_usage, fmt::format("a request of users other than root has at most {} bytes", limits::user_request_bytes - 1));
  }
  const auto fd = client::connect_to_daemon(client::default_time_limit);
  if (!fd) return unreachable(when_unreachable, "multipathd is not reachable: " + fd.error().message());
  const auto text = client::exchange(fd->get(), asked, client::default_time_limit);
  if (!text) return unreachable(when_unreachable, "multipathd does not answer: " + text.error().message());
  auto reply = command::decode_reply(*text);
  if (!reply) {
    const std::string_view first_line = std::string_view(*text).substr(0, text->find('\n', text->find('\n') + 1));
    return unreachable(when_unreachable, fmt::format("multipathd does not know mpathctl, or refused: {}", escape(first_line)));
  }
  return {.arrived = true, .reply = std::move(*reply)};
}

int ask_and_print(const Request& request, int when_unreachable) {
  const Answer answer = ask_daemon(request, when_unreachable);
  if (!answer.arrived) return answer.reply.exit_status;
  if (!answer.reply.error.empty()) return complain(answer.reply.exit_status, escape(answer.reply.error));
  return print(answer.reply.output, answer.reply.exit_status);
}

}  // namespace mpath::ctl
