// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/coverage.h"

#include <fmt/format.h>

#include "libmpath/model/action.h"
#include "libmpath/model/path.h"

namespace mpath::sim {

namespace {

struct Rule {
  std::string_view name;
  std::string_view text;  ///< part of what the engine logs when it is applied
};

constexpr Rule rules[] = {
    {"path found", "found, WWID "},
    {"path removed", "removed"},
    {"kernel failed path", "I/O failed on it"},
    {"check overdue", "the check was not answered within its timeout"},
    {"command timed out", "the command timed out"},
    {"logical unit gone", "the logical unit does not exist any more"},
    {"quarantine", "another volume answers behind this device"},
    {"wwid changed", "its WWID changed"},
    {"size changed", "its size is "},
    {"priority changed", "priority "},
    {"reinstated", "reinstated in "},
    {"failed", "failed in "},
    {"no path, queues", "no usable path left; I/O is queued"},
    {"no path, fails", "no usable path left; I/O fails"},
    {"retries used up", "no path came back within no_path_retry"},
    {"path returns", "has a usable path again"},
    {"group switch", "switch to path group "},
    {"action retried", "tried again in "},
    {"path registered", "is registered with the reservation key"},
    {"host preempted", "this host is not registered for it any more"},
    {"message refused", " failed: "},
};

constexpr TableActionKind action_kinds[] = {TableActionKind::create, TableActionKind::reload, TableActionKind::resize,
                                            TableActionKind::rename, TableActionKind::remove};
constexpr ReasonKind action_reasons[] = {
    ReasonKind::map_missing,  ReasonKind::name_differs,  ReasonKind::size_differs,     ReasonKind::forced,
    ReasonKind::queueing_differs, ReasonKind::handler_differs, ReasonKind::features_differ, ReasonKind::selector_differs,
    ReasonKind::arguments_differ, ReasonKind::paths_differ, ReasonKind::group_order, ReasonKind::interrupted,
};
constexpr PathState path_states[] = {
    PathState::wild, PathState::unchecked, PathState::down, PathState::up, PathState::shaky, PathState::ghost,
    PathState::pending, PathState::timeout, PathState::removed, PathState::delayed, PathState::disconnected,
};

/// Reached by a thousand seeds.
constexpr std::string_view expected[] = {
    "action create", "action reload", "action remove", "action rename", "action resize",
    "array ARRAY", "array CLARIION", "array NVME", "array RDAC",
    "bar disabled", "bar drained", "bar quarantined", "bar suspect", "bar unreliable",
    "checker alua", "checker directio", "checker emc_clariion", "checker none", "checker rdac", "checker readsector0", "checker tur",
    "command block read", "command inquiry", "command mode sense", "command nvme admin", "command persistent reserve in",
    "command persistent reserve out", "command read", "command report target port groups", "command system read", "command test unit ready",
    "command disable all queueing", "command disable queueing", "command drain", "command end", "command fail path", "command flush",
    "command mark", "command new configuration", "command reconfigure", "command reload", "command resize", "command suspend",
    "command switch group",
    "failback 5", "failback followover", "failback immediate", "failback manual",
    "fault attention", "fault bad answer", "fault burst", "fault bus reset", "fault crash", "fault exchange", "fault failover",
    "fault flapping", "fault hang", "fault hang and add", "fault host cable", "fault meddling", "fault offline", "fault outage",
    "fault port cable", "fault preemption", "fault refused load", "fault removal", "fault renaming", "fault rescan", "fault restart",
    "fault size", "fault slow", "fault standstill", "fault stopped daemon", "fault suspension", "fault write protection",
    "grouping failover", "grouping group_by_node_name", "grouping group_by_prio", "grouping multibus",
    "kernel create", "kernel load", "kernel remove", "kernel rename", "kernel swap",
    "keyword auto_resize", "keyword delay_wait_checks", "keyword marginal_path_err_sample_time", "keyword marginal_pathgroups",
    "keyword san_path_err_threshold",
    "message fail_if_no_path", "message fail_path", "message queue_if_no_path", "message reinstate_path", "message switch_group",
    "outcome busy", "outcome failure", "outcome gone", "outcome good", "outcome illegal request", "outcome no connection",
    "outcome not ready", "outcome reservation conflict", "outcome timed out", "outcome unit attention",
    "prioritizer alua", "prioritizer ana", "prioritizer const", "prioritizer emc", "prioritizer rdac", "prioritizer sysfs",
    "reason forced", "reason map missing", "reason name differs", "reason order of groups", "reason paths differ",
    "reason path selector differs", "reason size differs",
    "refused request drain", "refused request remove map",
    "request add map", "request confirm drain", "request disable queueing", "request disable queueing of all maps", "request drain",
    "request fail path", "request reconfigure", "request reconfigure all", "request reinstate path", "request reload map",
    "request remove map", "request resize map", "request restore queueing", "request resume map", "request set marginal",
    "request setprstatus", "request shutdown", "request suspend map", "request switch group", "request undrain", "request unset marginal",
    "state down", "state ghost", "state timeout", "state up",
    "suspect_after 1", "suspect_after 2", "suspect_after 5", "suspect_after off", "volume grows", "volume shrinks",
};

}  // namespace

void Coverage::count(std::string_view kind, std::string_view what) {
  ++counts_[fmt::format("{} {}", kind, what)];
}

void Coverage::log_line(std::string_view text) {
  for (const Rule& rule : rules) {
    if (text.find(rule.text) != std::string_view::npos) count("rule", rule.name);
  }
  for (TableActionKind kind : action_kinds) {
    std::string_view word = to_string(kind);
    if (!text.starts_with(word) || !text.substr(word.size()).starts_with(": ")) continue;
    count("action", word);
    for (ReasonKind reason : action_reasons) {
      if (text.substr(word.size() + 2).starts_with(fmt::format("{} (", to_string(reason)))) count("reason", to_string(reason));
    }
  }
  constexpr std::string_view is = "path is ";
  if (!text.starts_with(is)) return;
  for (PathState state : path_states) {
    std::string_view rest = text.substr(is.size());
    if (!rest.starts_with(to_string(state))) continue;
    rest.remove_prefix(to_string(state).size());
    if (rest.starts_with(':') || rest.starts_with(',')) count("state", to_string(state));
  }
}

void Coverage::add(const Coverage& other) {
  for (const auto& [what, count] : other.counts_) counts_[what] += count;
}

std::vector<std::string> Coverage::missing() const {
  std::vector<std::string> none;
  for (std::string_view kind : expected) {
    if (!counts_.contains(kind)) none.emplace_back(kind);
  }
  for (const Rule& rule : rules) {
    std::string kind = fmt::format("rule {}", rule.name);
    if (!counts_.contains(kind)) none.push_back(std::move(kind));
  }
  return none;
}

}  // namespace mpath::sim
