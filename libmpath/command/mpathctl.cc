// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/mpathctl.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"

namespace mpath::command {

namespace {

using nlohmann::json;

std::unexpected<ParseFailure> refuse(std::string what) {
  return std::unexpected(ParseFailure{encode_reply({exit_usage, {}, std::move(what)})});
}

/// Never throws: bytes that are not UTF-8 are replaced.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::expected<Request, ParseFailure> parse_mpathctl(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return refuse("the request is not a JSON object");
  const auto command = document.find("command");
  if (command == document.end() || !command->is_string()) return refuse("the request names no \"command\"");
  if (*command != "status") {
    return refuse(fmt::format("unknown command '{}'", escape(command->get_ref<const std::string&>())));
  }
  Request request{.kind = RequestKind::mpathctl_status};
  for (const auto& [key, value] : document.items()) {
    if (key == "command") continue;
    if (key != "json") return refuse(fmt::format("unknown member '{}' of the command status", escape(key)));
    if (!value.is_boolean()) return refuse("\"json\" is neither true nor false");
    request.json = value.get<bool>();
  }
  return request;
}

std::string status_request(bool json_output) {
  return std::string(mpathctl_prefix) + dump({{"command", "status"}, {"json", json_output}});
}

std::string encode_reply(const MpathctlReply& reply) {
  json document = {{"exit_status", reply.exit_status}};
  if (reply.error.empty()) {
    document["output"] = reply.output;
  } else {
    document["error"] = reply.error;
  }
  return dump(document) + '\n';
}

std::optional<MpathctlReply> decode_reply(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return std::nullopt;
  const auto status = document.find("exit_status");
  if (status == document.end() || !status->is_number_integer()) return std::nullopt;
  MpathctlReply reply{.exit_status = status->get<int>()};
  if (const auto output = document.find("output"); output != document.end() && output->is_string()) reply.output = *output;
  if (const auto error = document.find("error"); error != document.end() && error->is_string()) reply.error = *error;
  return reply;
}

}  // namespace mpath::command
