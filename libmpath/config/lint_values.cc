// SPDX-License-Identifier: LGPL-2.1-or-later
// Remarks on single settings.
#include <algorithm>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/config/expression.h"
#include "libmpath/config/lint_rules.h"
#include "libmpath/config/suggest.h"

namespace mpath::config {

namespace {

constexpr std::string_view checkers[] = {"tur",  "directio", "readsector0", "emc_clariion", "hp_sw",
                                         "rdac", "cciss_tur", "alua", "none"};
constexpr std::string_view priorities[] = {"alua", "ana",   "const",        "datacore", "emc",  "hds",   "hp_sw",
                                           "iet",  "ontap", "path_latency", "random",   "rdac", "sysfs", "weightedpath"};
constexpr std::string_view selectors[] = {"round-robin", "queue-length", "service-time", "historical-service-time",
                                          "io-affinity"};
constexpr std::string_view handlers[] = {"alua", "emc", "rdac", "hp_sw"};

std::string_view nearest(std::string_view text, std::span<const std::string_view> words) {
  std::size_t best = std::min<std::size_t>(3, (text.size() + 1) / 2) + 1;
  std::string_view found;
  for (std::string_view word : words) {
    const std::size_t distance = edit_distance(text, word, best);
    if (distance >= best) continue;
    best = distance;
    found = word;
  }
  return found;
}

/// A name out of a known list; `severity` when it is not.
void check_name(LintPass& pass, const Setting& setting, std::string_view word, std::span<const std::string_view> known,
                Severity severity, std::string_view consequence) {
  if (std::ranges::find(known, word) != known.end()) return;
  const std::string_view meant = nearest(word, known);
  const std::string_view keyword_name = keyword(setting.key).name;
  pass.add(setting, severity, "unknown-name",
           fmt::format("there is no {} \"{}\"; {}", keyword_name, escape(word), consequence),
           meant.empty() ? "" : fmt::format("{} {}", keyword_name, meant));
}

void check_expression(LintPass& pass, const Setting& setting) {
  const std::string& pattern = std::get<std::string>(setting.value);
  if (auto compiled = Expression::compile(pattern); !compiled) {
    pass.add(setting, Severity::error, "bad-expression",
             fmt::format("{} and never matches: {}", compiled.error().what, compiled.error().cause),
             pattern.starts_with('*') ? fmt::format("{} \".{}\"", keyword(setting.key).name, escape(pattern)) : "",
             fault_position(pattern));
    return;
  }
  if (pattern.empty() && setting.key != Key::enable_foreign) {
    pass.add(setting, Severity::warning, "matches-all", fmt::format("an empty {} matches everything", keyword(setting.key).name),
             fmt::format("{} \".*\"", keyword(setting.key).name));
  }
}

void check_setting(LintPass& pass, const Setting& setting) {
  const auto* text = std::get_if<std::string>(&setting.value);
  if (keyword(setting.key).type == ValueType::expression) check_expression(pass, setting);
  if (keyword(setting.key).standing == Standing::deprecated) {
    pass.add(setting, Severity::warning, "deprecated-keyword",
             fmt::format("{} is deprecated", keyword(setting.key).name),
             fmt::format("see {}", keyword(setting.key).successor));
  }
  if (!text) {
    if (setting.key == Key::retain_attached_hw_handler && std::get<std::int64_t>(setting.value) == 0) {
      pass.add(setting, Severity::warning, "no-effect", "retain_attached_hw_handler no has no effect since kernel 4.3", "remove the line");
    }
    return;
  }
  const auto words = split_words(*text);
  const std::string_view first = words.empty() ? std::string_view{} : words.front();
  if (setting.key == Key::path_checker) {
    check_name(pass, setting, *text, checkers, Severity::error, "paths would have no checker");
  } else if (setting.key == Key::prio) {
    check_name(pass, setting, *text, priorities, Severity::error, "paths would have no priority");
  } else if (setting.key == Key::path_selector) {
    check_name(pass, setting, first, selectors, Severity::warning, "the kernel may refuse the table");
  } else if (setting.key == Key::hardware_handler && words.size() > 1) {
    check_name(pass, setting, words[1], handlers, Severity::warning, "the kernel may refuse the table");
  } else if (setting.key == Key::features && text->find("queue_if_no_path") != std::string::npos) {
    pass.add(setting, Severity::warning, "deprecated-feature", "queue_if_no_path in features is deprecated", "no_path_retry queue");
  } else if (setting.key == Key::features && text->find("retain_attached_hw_handler") != std::string::npos) {
    pass.add(setting, Severity::warning, "deprecated-feature", "retain_attached_hw_handler in features is deprecated",
             "retain_attached_hw_handler yes");
  } else if (setting.key == Key::alias_prefix && text->empty()) {
    pass.add(setting, Severity::warning, "empty-name", "an empty alias_prefix makes names such as \"a\"", "alias_prefix mpath");
  }
}

void check_all(LintPass& pass, const Settings& settings) {
  for (const Setting& setting : settings.all()) {
    if (pass.is_users(setting.origin)) check_setting(pass, setting);
  }
}

/// Settings of the flat sections that another file replaced. Within one file the parser has told it already.
void check_replaced(LintPass& pass, const Settings& settings) {
  for (const Setting& lost : settings.replaced()) {
    const Setting* winner = settings.find(lost.key);
    if (!pass.is_users(lost.origin) || !winner || winner->origin.file == lost.origin.file) continue;
    pass.add(lost, Severity::note, "overridden",
             fmt::format("{} is overridden by {}", keyword(lost.key).name, pass.place(winner->origin, lost.origin)));
  }
}

}  // namespace

void lint_values(LintPass& pass) {
  const Config& config = pass.config();
  check_all(pass, config.defaults);
  check_all(pass, config.overrides);
  check_replaced(pass, config.defaults);
  check_replaced(pass, config.overrides);
  for (const auto* entries : {&config.protocols, &config.devices, &config.multipaths}) {
    for (const Entry& entry : *entries) check_all(pass, entry.settings);
  }
}

}  // namespace mpath::config
