// SPDX-License-Identifier: LGPL-2.1-or-later
// The choice among the prioritizers, and those that need no array of a kind.
#include "libmpath/policy/prioritizer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/base/words.h"
#include "libmpath/policy/prioritizer_steps.h"
#include "libmpath/wire/alua.h"

namespace mpath::policy {

namespace {

constexpr std::pair<PriorityMethod, std::string_view> names[] = {
    {PriorityMethod::constant, "const"},       {PriorityMethod::alua, "alua"},
    {PriorityMethod::sysfs, "sysfs"},          {PriorityMethod::ana, "ana"},
    {PriorityMethod::emc, "emc"},              {PriorityMethod::hds, "hds"},
    {PriorityMethod::hp_sw, "hp_sw"},          {PriorityMethod::rdac, "rdac"},
    {PriorityMethod::ontap, "ontap"},          {PriorityMethod::datacore, "datacore"},
    {PriorityMethod::iet, "iet"},              {PriorityMethod::path_latency, "path_latency"},
    {PriorityMethod::random, "random"},        {PriorityMethod::weightedpath, "weightedpath"},
};

PriorityTurn judge_sysfs(const Prioritizer& prioritizer, const CommandOutcome& outcome) {
  if (outcome.failure != CommandFailure::none) return unchanged_priority();
  std::vector<std::string_view> lines = split(outcome.text(), '\n');
  std::string_view state = trim(lines.front());
  if (state.empty()) return undefined_priority();
  wire::AccessState access = wire::parse_access_state(state);
  bool preferred = lines.size() > 1 && trim(lines[1]) == "1";
  int priority = wire::alua_priority(access, preferred, prioritizer.arguments.exclusive_pref_bit);
  return access == wire::AccessState::transitioning ? unchanged_priority(priority) : known_priority(priority);
}

/// The IPv4 address in the name of a link; empty if there is none.
std::string_view address_in(std::string_view link) {
  for (std::size_t at = 0; at < link.size(); ++at) {
    if (!is_digit(link[at]) || (at > 0 && is_digit(link[at - 1]))) continue;
    std::size_t end = at;
    int dots = 0;
    while (end < link.size() && (is_digit(link[end]) || (link[end] == '.' && is_digit(link[end - 1]) && dots < 3))) {
      dots += link[end] == '.' ? 1 : 0;
      ++end;
    }
    if (dots == 3 && is_digit(link[end - 1])) return link.substr(at, end - at);
  }
  return {};
}

PriorityTurn judge_iet(const Prioritizer& prioritizer, const CommandOutcome& outcome) {
  if (outcome.failure != CommandFailure::none) return unchanged_priority();
  for (std::string_view link : split(outcome.text(), '\n')) {
    std::string_view address = address_in(link);
    if (!address.empty() && prioritizer.arguments.preferred.starts_with(address)) return known_priority(20);
  }
  return known_priority(10);
}

PriorityTurn judge_latency(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context,
                           const CommandOutcome& outcome) {
  if (outcome.failure != CommandFailure::none) return undefined_priority();
  const double scale = 1 / std::log(prioritizer.arguments.base);
  auto length = std::chrono::duration_cast<microseconds>(outcome.round_trip).count();
  if (length > 0) memory.sum += static_cast<float>(std::log(static_cast<double>(length)) * scale);
  if (++memory.count < prioritizer.arguments.reads) return ask_for_priority(BlockRead{.timeout = context.timeout});
  const double longest = std::log(1e8) * scale;
  double mean = static_cast<double>(memory.sum) / prioritizer.arguments.reads;
  if (mean > longest) return known_priority(0);
  // A hair more, so that a whole number that the logarithms miss by rounding is reached.
  return known_priority(static_cast<int>(longest - std::max(mean, 0.0) + 1e-4));
}

std::string attribute_text(config::PrioArguments::Attribute attribute, const PathFacts& facts) {
  switch (attribute) {
    case config::PrioArguments::Attribute::address: return facts.address ? to_string(*facts.address) : std::string{};
    case config::PrioArguments::Attribute::kernel_name: return facts.kernel_name;
    case config::PrioArguments::Attribute::serial: return facts.serial;
    case config::PrioArguments::Attribute::port_names:
      return fmt::format("{}:{}:{}:{}", facts.host_node, facts.host_port, facts.target_node, facts.target_port);
  }
  return {};
}

int weight(const Prioritizer& prioritizer, const PathFacts& facts) {
  std::string text = attribute_text(prioritizer.arguments.attribute, facts);
  for (const config::PrioArguments::Weight& candidate : prioritizer.arguments.weights) {
    if (candidate.expression.matches(text)) return candidate.priority;
  }
  return 0;
}

}  // namespace

std::string_view to_string(PriorityMethod method) { return word_of(names, method); }

PriorityMethod parse_priority_method(std::string_view name) {
  return value_of_word(names, name).value_or(PriorityMethod::missing);
}

bool asks_device(PriorityMethod method) {
  switch (method) {
    case PriorityMethod::missing:
    case PriorityMethod::constant:
    case PriorityMethod::random:
    case PriorityMethod::weightedpath: return false;
    case PriorityMethod::alua: case PriorityMethod::sysfs: case PriorityMethod::ana: case PriorityMethod::emc:
    case PriorityMethod::hds: case PriorityMethod::hp_sw: case PriorityMethod::rdac: case PriorityMethod::ontap:
    case PriorityMethod::datacore: case PriorityMethod::iet: case PriorityMethod::path_latency: return true;
  }
  return false;
}

bool follows_array(PriorityMethod method) {
  switch (method) {
    case PriorityMethod::sysfs: case PriorityMethod::ana: case PriorityMethod::emc: case PriorityMethod::hds:
    case PriorityMethod::hp_sw: case PriorityMethod::rdac: return true;
    case PriorityMethod::missing: case PriorityMethod::constant: case PriorityMethod::alua: case PriorityMethod::ontap:
    case PriorityMethod::datacore: case PriorityMethod::iet: case PriorityMethod::path_latency: case PriorityMethod::random:
    case PriorityMethod::weightedpath: return false;
  }
  return false;
}

std::shared_ptr<const Prioritizer> make_prioritizer(PriorityMethod method, std::string_view arguments) {
  auto result = std::make_shared<Prioritizer>();
  result->method = method;
  result->arguments = config::parse_prio_arguments(to_string(method), arguments);
  return result;
}

PriorityTurn begin_priority(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context) {
  switch (prioritizer.method) {
    case PriorityMethod::missing: return undefined_priority();
    case PriorityMethod::constant: return known_priority(1);
    case PriorityMethod::alua: return unchanged_priority();
    case PriorityMethod::sysfs: return ask_for_priority(SystemRead{SystemRead::What::access_state});
    case PriorityMethod::ana: return begin_ana(memory, context);
    case PriorityMethod::datacore:
      if (prioritizer.arguments.preferred.empty()) return known_priority(0);
      return begin_array_priority(prioritizer, memory, context);
    case PriorityMethod::emc:
    case PriorityMethod::hds:
    case PriorityMethod::hp_sw:
    case PriorityMethod::rdac:
    case PriorityMethod::ontap: return begin_array_priority(prioritizer, memory, context);
    case PriorityMethod::iet:
      if (prioritizer.arguments.preferred.empty()) return known_priority(0);
      return ask_for_priority(SystemRead{SystemRead::What::by_path_links});
    case PriorityMethod::path_latency:
      memory.count = 0;
      memory.sum = 0;
      return ask_for_priority(BlockRead{.timeout = context.timeout});
    case PriorityMethod::random: return known_priority(static_cast<int>(context.chance % 10) + 1);
    case PriorityMethod::weightedpath: return known_priority(weight(prioritizer, context.facts));
  }
  return undefined_priority();
}

PriorityTurn continue_priority(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context,
                               const CommandOutcome& outcome) {
  switch (prioritizer.method) {
    case PriorityMethod::sysfs: return judge_sysfs(prioritizer, outcome);
    case PriorityMethod::ana: return continue_ana(memory, context, outcome);
    case PriorityMethod::emc:
    case PriorityMethod::hds:
    case PriorityMethod::hp_sw:
    case PriorityMethod::rdac:
    case PriorityMethod::ontap:
    case PriorityMethod::datacore: return continue_array_priority(prioritizer, memory, context, outcome);
    case PriorityMethod::iet: return judge_iet(prioritizer, outcome);
    case PriorityMethod::path_latency: return judge_latency(prioritizer, memory, context, outcome);
    case PriorityMethod::missing:
    case PriorityMethod::constant:
    case PriorityMethod::alua:
    case PriorityMethod::random:
    case PriorityMethod::weightedpath: return unchanged_priority();
  }
  return undefined_priority();
}

}  // namespace mpath::policy
