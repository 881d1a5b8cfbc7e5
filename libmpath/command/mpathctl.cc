// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/command/mpathctl.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::command {

namespace {

using nlohmann::json;

std::unexpected<ParseFailure> refuse(std::string what) {
  return std::unexpected(ParseFailure{encode_reply({exit_usage, {}, std::move(what)})});
}

constexpr unsigned json_bit = 1;
constexpr unsigned subjects_bit = 2;
constexpr unsigned confirm_bit = 4;
constexpr unsigned keep_bit = 8;
constexpr unsigned removed_bit = 16;
constexpr unsigned configuration_bit = 32;

/// What the daemon is asked for, and which members its request may have.
struct Verb {
  std::string_view name;
  RequestKind kind;
  unsigned members = 0;
  bool needs_subjects = false;
};
constexpr Verb verbs[] = {
    {"status", RequestKind::mpathctl_status, json_bit},
    {"history", RequestKind::mpathctl_history, json_bit | subjects_bit},
    {"drains", RequestKind::mpathctl_drains, json_bit | subjects_bit},
    {"what-if", RequestKind::mpathctl_what_if, json_bit | subjects_bit | removed_bit, true},
    {"plan", RequestKind::mpathctl_plan, json_bit | subjects_bit},
    {"plan-with", RequestKind::mpathctl_plan_with, json_bit | subjects_bit | configuration_bit},
    {"explain", RequestKind::mpathctl_explain, json_bit | subjects_bit, true},
    {"drain", RequestKind::mpathctl_drain, subjects_bit | confirm_bit | keep_bit, true},
    {"drain-confirm", RequestKind::mpathctl_drain_confirm, subjects_bit, true},
    {"undrain", RequestKind::mpathctl_undrain, subjects_bit, true},
};

template <bool Request::*flag>
bool take_flag(Request& request, const json& value) {
  if (!value.is_boolean()) return false;
  request.*flag = value.get<bool>();
  return true;
}

bool take_subjects(Request& request, const json& value) {
  if (!value.is_array() || value.size() > limits::mpathctl_subjects) return false;
  for (const json& item : value) {
    if (!item.is_string()) return false;
    request.subjects.push_back(item.get<std::string>());
  }
  return true;
}

bool take_confirm(Request& request, const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() == 0) return false;
  if (value.get<std::uint64_t>() > static_cast<std::uint64_t>(limits::drain_confirm_most.count())) return false;
  request.confirm_within = seconds{value.get<std::uint32_t>()};
  return true;
}

bool take_keep(Request& request, const json& value) {
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > UINT32_MAX) return false;
  request.keep = value.get<std::uint32_t>();
  return true;
}

/// A list of {"name", "bytes", "drop_in"}.
bool take_configuration(Request& request, const json& value) {
  if (!value.is_array() || value.size() > limits::mpathctl_subjects) return false;
  auto files = std::make_shared<std::vector<BroughtFile>>();
  for (const json& item : value) {
    if (!item.is_object() || !item.contains("name") || !item.contains("bytes")) return false;
    if (!item["name"].is_string() || !item["bytes"].is_string()) return false;
    const bool is_drop_in = item.contains("drop_in") && item["drop_in"].is_boolean() && item["drop_in"].get<bool>();
    files->push_back({.name = item["name"], .bytes = item["bytes"], .is_drop_in = is_drop_in});
  }
  request.configuration = std::move(files);
  return true;
}

struct Member {
  std::string_view name;
  unsigned bit;
  bool (*take)(Request&, const json&);
  std::string_view fault;
};
constexpr Member members[] = {
    {"json", json_bit, take_flag<&Request::json>, "neither true nor false"},
    {"removed", removed_bit, take_flag<&Request::removed>, "neither true nor false"},
    {"subjects", subjects_bit, take_subjects, "no list of names, or too long a one"},
    {"confirm_within", confirm_bit, take_confirm, "no number of seconds up to a week"},
    {"configuration", configuration_bit, take_configuration, "no list of files"},
    {"keep", keep_bit, take_keep, "no number of paths"},
};

/// Never throws: bytes that are not UTF-8 are replaced.
std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

}  // namespace

std::expected<Request, ParseFailure> parse_mpathctl(std::string_view text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object()) return refuse("the request is not a JSON object");
  const auto name = document.find("command");
  if (name == document.end() || !name->is_string()) return refuse("the request names no \"command\"");
  const std::string& word = name->get_ref<const std::string&>();
  const auto verb = std::ranges::find(verbs, word, &Verb::name);
  if (verb == std::end(verbs)) return refuse(fmt::format("unknown command '{}'", escape(word)));
  Request request{.kind = verb->kind};
  for (const auto& [key, value] : document.items()) {
    if (key == "command") continue;
    const auto member = std::ranges::find(members, key, &Member::name);
    if (member == std::end(members) || (verb->members & member->bit) == 0) {
      return refuse(fmt::format("unknown member '{}' of the command {}", escape(key), word));
    }
    if (!member->take(request, value)) return refuse(fmt::format("\"{}\" is {}", key, member->fault));
  }
  if (request.kind == RequestKind::mpathctl_plan_with && !request.configuration) return refuse("the command plan-with brings no \"configuration\"");
  if (verb->needs_subjects && request.subjects.empty()) return refuse(fmt::format("the command {} names no \"subjects\"", word));
  return request;
}

std::string mpathctl_request(const Request& request) {
  const auto verb = std::ranges::find(verbs, request.kind, &Verb::kind);
  if (verb == std::end(verbs)) return {};
  json document = {{"command", verb->name}};
  if (request.json) document["json"] = true;
  if (request.removed) document["removed"] = true;
  if (!request.subjects.empty()) document["subjects"] = request.subjects;
  if (request.confirm_within) document["confirm_within"] = request.confirm_within->count();
  if ((verb->members & keep_bit) != 0) document["keep"] = request.keep;
  if (request.configuration) {
    json files = json::array();
    for (const BroughtFile& file : *request.configuration) {
      files.push_back({{"name", file.name}, {"bytes", file.bytes}, {"drop_in", file.is_drop_in}});
    }
    document["configuration"] = std::move(files);
  }
  return std::string(mpathctl_prefix) + dump(document);
}

std::string status_request(bool json_output) {
  return mpathctl_request({.kind = RequestKind::mpathctl_status, .json = json_output});
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
