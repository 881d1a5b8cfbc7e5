// SPDX-License-Identifier: LGPL-2.1-or-later
// Remarks on device and multipath entries: those that never decide anything, and names that clash.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/config/lint_rules.h"

namespace mpath::config {

namespace {

bool is_literal(std::string_view pattern) { return pattern.find_first_of("^$.[]()|*+?{}\\") == std::string_view::npos; }

bool matches_everything(std::string_view pattern) {
  return pattern.empty() || pattern == ".*" || pattern == "^.*" || pattern == "^.*$" || pattern == ".*$" || pattern == "." ||
         pattern == ".+" || pattern == "*";
}

/// Certainly matches every text that `narrow` matches. Errs on the side of no.
bool covers(std::string_view wide, std::string_view narrow) {
  if (wide == narrow || matches_everything(wide)) return true;
  if (is_literal(wide) && is_literal(narrow)) return narrow.find(wide) != std::string_view::npos;
  // ^literal covers ^literal-and-more.
  if (wide.starts_with('^') && narrow.starts_with('^') && is_literal(wide.substr(1)) && is_literal(narrow.substr(1))) {
    return narrow.starts_with(wide);
  }
  return false;
}

bool covers(const Settings& wide, const Settings& narrow) {
  if (!covers(wide.text(Key::vendor), narrow.text(Key::vendor))) return false;
  if (!covers(wide.text(Key::product), narrow.text(Key::product))) return false;
  if (!wide.find(Key::revision)) return true;
  return narrow.find(Key::revision) && covers(wide.text(Key::revision), narrow.text(Key::revision));
}

bool names_the_entry(Key key) {
  return key == Key::vendor || key == Key::product || key == Key::revision || key == Key::product_blacklist;
}

std::string entry_name(const Settings& settings) {
  return fmt::format("{}/{}", escape(settings.text(Key::vendor)), escape(settings.text(Key::product)));
}

/// Settings of an entry that a later entry takes away: all of them means that the entry is dead.
void check_shadowed(LintPass& pass, const std::vector<Entry>& devices, std::size_t index) {
  const Entry& entry = devices[index];
  const std::size_t end = std::min(devices.size(), limits::lint_comparisons);
  for (std::size_t later = index + 1; later < end; ++later) {
    if (!covers(devices[later].settings, entry.settings)) continue;
    bool alive = false;
    bool sets_something = false;
    for (const Setting& setting : entry.settings.all()) {
      if (names_the_entry(setting.key)) continue;
      sets_something = true;
      alive = alive || !devices[later].settings.find(setting.key);
    }
    if (!sets_something || alive) continue;
    pass.add(entry.origin, Severity::warning, "never-decides",
             fmt::format("the device entry for {} never decides anything: the later entry for {} ({}) matches as well and sets all of it",
                         entry_name(entry.settings), entry_name(devices[later].settings),
                         pass.place(devices[later].origin, entry.origin)),
             "remove the entry, or move it behind the other one");
    return;
  }
}

void check_field(LintPass& pass, const Entry& entry, Key key, std::size_t width) {
  const Setting* setting = entry.settings.find(key);
  if (!pass.is_users(setting)) return;
  const std::string_view text = entry.settings.text(key);
  const std::string_view name = keyword(key).name;
  if (is_literal(text) && !text.empty() && text.back() == ' ') {
    pass.add(*setting, Severity::warning, "never-matches",
             fmt::format("{} is compared without trailing blanks, so this never matches", name),
             fmt::format("{} \"{}\"", name, escape(trim_right(text))));
  } else if (is_literal(text) && text.size() > width) {
    pass.add(*setting, Severity::warning, "never-matches",
             fmt::format("a SCSI {} has at most {} bytes, so this never matches", name, width),
             fmt::format("{} \"{}\"", name, escape(trim_right(text.substr(0, width)))));
  }
}

void check_device(LintPass& pass, const Entry& entry) {
  const bool nvme = entry.settings.text(Key::vendor).find("NVM") != std::string_view::npos;
  check_field(pass, entry, Key::vendor, 8);
  check_field(pass, entry, Key::product, nvme ? 40 : 16);
  const Setting* vendor = entry.settings.find(Key::vendor);
  if (matches_everything(entry.settings.text(Key::vendor)) && matches_everything(entry.settings.text(Key::product)) &&
      !entry.settings.find(Key::revision)) {
    pass.add(*vendor, Severity::warning, "matches-all",
             "this entry matches every device and wins over the whole hardware table", "use the overrides or the defaults section");
  }
  const bool sets_something =
      std::ranges::any_of(entry.settings.all(), [](const Setting& s) {
        return s.key == Key::product_blacklist || !names_the_entry(s.key);
      });
  if (!sets_something) {
    pass.add(entry.origin, Severity::note, "empty-entry", fmt::format("the device entry for {} sets nothing", entry_name(entry.settings)));
  }
}

}  // namespace

void lint_devices(LintPass& pass) {
  const std::vector<Entry>& devices = pass.config().devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (!pass.is_users(devices[i].origin)) continue;
    check_device(pass, devices[i]);
    check_shadowed(pass, devices, i);
  }
}

namespace {

/// Whether user_friendly_names could come up with this name: the prefix and lower-case letters.
bool looks_generated(std::string_view alias, std::string_view prefix) {
  if (!alias.starts_with(prefix) || alias.size() == prefix.size() || alias.size() > prefix.size() + 7) return false;
  return std::ranges::all_of(alias.substr(prefix.size()), [](char c) { return c >= 'a' && c <= 'z'; });
}

void check_alias(LintPass& pass, const Setting& alias, const std::string& wwid, std::string_view prefix) {
  const std::string& text = std::get<std::string>(alias.value);
  if (text.empty()) {
    pass.add(alias, Severity::error, "bad-name", "an empty alias names nothing", "remove the line");
  } else if (text.size() > limits::map_name_bytes) {
    pass.add(alias, Severity::error, "bad-name", fmt::format("an alias has at most {} bytes", limits::map_name_bytes));
  } else if (text.find_first_of(" \t") != std::string::npos) {
    pass.add(alias, Severity::warning, "bad-name", "blanks in an alias are mangled in /dev/mapper", {}, text.find_first_of(" \t"));
  } else if (looks_generated(text, prefix)) {
    pass.add(alias, Severity::warning, "alias-clash",
             fmt::format("{} looks like a name of user_friendly_names and can clash with one", escape(text)), "choose a name of another form");
  } else if (text == wwid) {
    pass.add(alias, Severity::note, "no-effect", "the alias equals the WWID, which is the name without an alias as well");
  }
}

}  // namespace

void lint_multipaths(LintPass& pass) {
  const Config& config = pass.config();
  const Setting* prefix_setting = config.defaults.find(Key::alias_prefix);
  const std::string prefix = prefix_setting ? std::get<std::string>(prefix_setting->value) : "mpath";
  std::map<std::string, const Setting*> aliases;
  for (const Entry& entry : config.multipaths) {
    const Setting& wwid = *entry.settings.find(Key::wwid);
    const std::string text(entry.settings.text(Key::wwid));
    if (text.find_first_of("*^$[]()|+?\\") != std::string::npos) {
      pass.add(wwid, Severity::warning, "never-matches", "the WWID of a multipath entry is compared literally, it is no expression");
    } else if (text.size() > limits::wwid_bytes) {
      pass.add(wwid, Severity::warning, "never-matches", fmt::format("a WWID has at most {} bytes", limits::wwid_bytes));
    } else if (text.empty()) {
      pass.add(wwid, Severity::warning, "never-matches", "an empty WWID never matches");
    }
    if (entry.settings.all().size() == 1) pass.add(entry.origin, Severity::note, "empty-entry", "the multipath entry sets nothing");
    const Setting* alias = entry.settings.find(Key::alias);
    if (!alias) continue;
    check_alias(pass, *alias, text, prefix);
    const auto [place, added] = aliases.try_emplace(std::get<std::string>(alias->value), alias);
    if (!added) {
      pass.add(*alias, Severity::error, "alias-clash",
               fmt::format("the alias {} is given to another WWID as well ({}); one of the maps will be named by its WWID",
                           escape(place->first), pass.place(place->second->origin, alias->origin)));
    }
  }
  for (const Entry& entry : config.multipaths) {
    const auto found = aliases.find(std::string(entry.settings.text(Key::wwid)));
    if (found == aliases.end() || found->second == entry.settings.find(Key::alias)) continue;
    pass.add(*found->second, Severity::error, "alias-clash", "the alias is the WWID of another multipath entry");
  }
}

}  // namespace mpath::config
