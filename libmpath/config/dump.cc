// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/dump.h"

#include <algorithm>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/config/lexer.h"

namespace mpath::config {

namespace {

bool is_printed(Key key) {
  switch (keyword(key).standing) {
    case Standing::current:
    case Standing::deprecated: return true;
    case Standing::alias:
    case Standing::ignored: return false;
  }
  return false;
}

void append_setting(std::string& out, std::string_view indent, Key key, const Value& value) {
  const Keyword& row = keyword(key);
  out.append(indent).append(row.name).append(" ").append(format_value(row, value)).append("\n");
}

void append_text(std::string& out, std::string_view indent, std::string_view word, std::string_view text) {
  out.append(indent).append(word).append(" ").append(quote(text)).append("\n");
}

void append_settings(std::string& out, std::string_view indent, Section section, const Settings& settings) {
  for (Key key : keys_of(section)) {
    const Setting* setting = settings.find(key);
    if (setting && is_printed(key)) append_setting(out, indent, key, setting->value);
  }
}

void append_defaults(std::string& out, const Settings& defaults) {
  const PollingIntervals intervals = polling_intervals(defaults);
  out += "defaults {\n";
  for (Key key : keys_of(Section::defaults)) {
    if (!is_printed(key)) continue;
    if (key == Key::polling_interval || key == Key::max_polling_interval) {
      const auto& interval = key == Key::polling_interval ? intervals.shortest : intervals.longest;
      append_setting(out, "\t", key, std::int64_t{interval.value.count()});
      continue;
    }
    const Setting* setting = defaults.find(key);
    const Value* value = setting ? &setting->value : keyword(key).dumped_when_set ? nullptr : default_value(key);
    if (value) append_setting(out, "\t", key, *value);
  }
  out += "}\n";
}

void append_rules(std::string& out, std::string_view section, const RuleList& list) {
  out.append(section).append(" {\n");
  const std::pair<std::string_view, const std::vector<Rule>*> criteria[] = {
      {"devnode", &list.devnode}, {"wwid", &list.wwid}, {"property", &list.property}, {"protocol", &list.protocol}};
  for (const auto& [word, rules] : criteria) {
    for (const Rule& rule : *rules) append_text(out, "\t", word, rule.text);
  }
  for (const DeviceRule& rule : list.device) {
    out += "\tdevice {\n";
    if (rule.vendor) append_text(out, "\t\t", "vendor", *rule.vendor);
    if (rule.product) append_text(out, "\t\t", "product", *rule.product);
    out += "\t}\n";
  }
  out += "}\n";
}

void append_entry(std::string& out, std::string_view word, Section section, const Settings& settings,
                  std::string_view comment = {}) {
  out.append("\t").append(word).append(" {\n");
  append_settings(out, "\t\t", section, settings);
  out.append(comment).append("\t}\n");
}

void append_overrides(std::string& out, const Config& config) {
  out += "overrides {\n";
  append_settings(out, "\t", Section::overrides, config.overrides);
  for (const Entry& protocol : config.protocols) append_entry(out, "protocol", Section::protocol, protocol.settings);
  out += "}\n";
}

std::string alias_comment(const MapInUse& map) {
  if (map.alias == map.wwid) return {};
  return fmt::format("\t\t# alias \"{}\"\n", escape(map.alias));
}

}  // namespace

std::string dump_config(const Config& config) {
  std::string out;
  out.reserve(std::size_t{32} * 1024);
  append_defaults(out, config.defaults);
  append_rules(out, "blacklist", config.blacklist);
  append_rules(out, "blacklist_exceptions", config.exceptions);
  out += "devices {\n";
  for (const Entry& device : config.devices) append_entry(out, "device", Section::device, device.settings);
  out += "}\n";
  append_overrides(out, config);
  if (!config.multipaths.empty()) {
    out += "multipaths {\n";
    for (const Entry& entry : config.multipaths) append_entry(out, "multipath", Section::multipath, entry.settings);
    out += "}\n";
  }
  return out;
}

std::string dump_local(const Config& config, const LocalUse& use) {
  std::string out;
  append_defaults(out, config.defaults);
  append_rules(out, "blacklist", config.blacklist);
  append_rules(out, "blacklist_exceptions", config.exceptions);
  out += "devices {\n";
  for (std::size_t index : use.devices) {
    if (index < config.devices.size()) append_entry(out, "device", Section::device, config.devices[index].settings);
  }
  out += "}\n";
  append_overrides(out, config);
  if (use.maps.empty()) return out;
  out += "multipaths {\n";
  std::vector<bool> shown(use.maps.size(), false);
  for (const Entry& entry : config.multipaths) {
    const auto map = std::ranges::find(use.maps, entry.settings.text(Key::wwid), &MapInUse::wwid);
    if (map == use.maps.end()) continue;
    shown[static_cast<std::size_t>(map - use.maps.begin())] = true;
    append_entry(out, "multipath", Section::multipath, entry.settings, alias_comment(*map));
  }
  for (std::size_t i = 0; i < use.maps.size(); ++i) {
    if (shown[i]) continue;
    out += "\tmultipath {\n";
    append_text(out, "\t\t", "wwid", use.maps[i].wwid);
    out.append(alias_comment(use.maps[i])).append("\t}\n");
  }
  out += "}\n";
  return out;
}

namespace {

std::string rule_line(const Origin& origin, std::string_view text) {
  // A rule that the hardware table brings is a default one just like those that stand in no file.
  const bool built_in = origin.layer == Layer::built_in || origin.layer == Layer::hardware_table;
  return fmt::format("        {} {}\n", built_in ? "(default rule)   " : "(config file rule)", escape(text));
}

std::string rule_lines(const std::vector<Rule>& rules) {
  std::string out;
  for (const Rule& rule : rules) out += rule_line(rule.origin, rule.text);
  return out.empty() ? "        <empty>\n" : out;
}

std::string rule_lines(const std::vector<DeviceRule>& rules) {
  std::string out;
  for (const DeviceRule& rule : rules) {
    out += rule_line(rule.origin, fmt::format("{}:{}", rule.vendor.value_or("(null)"), rule.product.value_or("(null)")));
  }
  return out.empty() ? "        <empty>\n" : out;
}

template <typename Rules>
void append_criterion(std::string& out, std::string_view title, const Rules& rules, const Rules& exceptions) {
  out.append(title).append(" rules:\n- blacklist:\n").append(rule_lines(rules));
  out.append("- exceptions:\n").append(rule_lines(exceptions));
}

}  // namespace

std::string format_blacklist(const Config& config) {
  std::string out;
  const RuleList& black = config.blacklist;
  const RuleList& white = config.exceptions;
  append_criterion(out, "device node", black.devnode, white.devnode);
  append_criterion(out, "udev property", black.property, white.property);
  append_criterion(out, "protocol", black.protocol, white.protocol);
  append_criterion(out, "wwid", black.wwid, white.wwid);
  append_criterion(out, "device", black.device, white.device);
  return out;
}

}  // namespace mpath::config
