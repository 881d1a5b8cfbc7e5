// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/why.h"

#include <algorithm>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "libmpath/config/chain.h"
#include "libmpath/config/config.h"

namespace mpath::config {

namespace {

bool names_an_entry(Key key) {
  return key == Key::vendor || key == Key::product || key == Key::revision || key == Key::product_blacklist ||
         key == Key::wwid || key == Key::type;
}

/// The keywords of paths and maps, in the order of the table.
std::vector<Key> keys_of_devices() {
  std::vector<Key> keys;
  for (const Keyword& row : all_keywords()) {
    const bool concerns = allowed(Section::device, row.key) || allowed(Section::overrides, row.key) ||
                          allowed(Section::multipath, row.key) || row.key == Key::checker_timeout ||
                          row.key == Key::max_retries;
    const bool printed = row.standing == Standing::current || row.standing == Standing::deprecated;
    if (concerns && printed && !names_an_entry(row.key)) keys.push_back(row.key);
  }
  return keys;
}

Chain chain_for(const Config& config, Key key, const PathIdentity& path, const std::vector<std::size_t>& devices) {
  const Entry* protocol = allowed(Section::protocol, key) ? protocol_entry(config, path.protocol) : nullptr;
  const Entry* multipath = path.wwid.empty() ? nullptr : multipath_entry(config, path.wwid);
  Chain chain = make_chain(config, protocol, multipath, devices);
  return chain;
}

WhyCandidate candidate(const Config& config, const Setting& setting) {
  return {format_value(keyword(setting.key), setting.value), setting.origin, describe(config, setting.origin)};
}

/// A value that the resolver derived from other settings.
void take_derived(const Config& config, WhyLine& line, std::string value, const Origin& origin, std::string_view note) {
  if (!line.value.empty()) line.overridden.insert(line.overridden.begin(), {line.value, line.origin, line.place});
  line.value = std::move(value);
  line.origin = origin;
  line.place = describe(config, origin);
  line.note = note;
}

std::string detection_note(Key key, const PathSettings& path, const MapSettings& map) {
  if (key == Key::prio && path.detect_prio.value) return "the device's own support (ALUA, ANA) decides first: detect_prio yes";
  if (key == Key::path_checker && path.detect_checker.value) return "the device's own support decides first: detect_checker yes";
  if (key == Key::path_grouping_policy && map.detect_pgpolicy.value) {
    return "group_by_prio or group_by_tpg where every path reports ALUA states: detect_pgpolicy yes";
  }
  if (key == Key::hardware_handler) return "the handler that the kernel attached by itself is kept";
  return {};
}

void apply_rules(const Config& config, WhyLine& line, const PathSettings& path, const MapSettings& map) {
  line.note = detection_note(line.key, path, map);
  if (line.key == Key::uid_attribute && path.uid_attribute.origin.layer == Layer::uid_attrs) {
    take_derived(config, line, format_value(keyword(line.key), path.uid_attribute.value), path.uid_attribute.origin,
                 "chosen by the kernel name");
  } else if (line.key == Key::no_path_retry && map.no_path_retry.origin.layer == Layer::derived) {
    take_derived(config, line, "\"queue\"", map.no_path_retry.origin, "queue_if_no_path in features");
  } else if (line.key == Key::prio_args && !line.value.empty() && path.prio_args.origin != line.origin) {
    take_derived(config, line, format_value(keyword(line.key), path.prio_args.value), path.prio_args.origin,
                 "only arguments beside the prio that counts are used");
  } else if (line.key == Key::recheck_wwid && path.recheck_wwid.origin.layer == Layer::derived) {
    take_derived(config, line, "\"no\"", path.recheck_wwid.origin, "only for SCSI with uid_attribute ID_SERIAL or none");
  } else if (line.key == Key::retain_attached_hw_handler && map.retain_attached_hw_handler.origin.layer == Layer::derived) {
    take_derived(config, line, "\"yes\"", map.retain_attached_hw_handler.origin, "the kernel insists since 4.3");
  } else if (line.key == Key::features && !line.value.empty() &&
             line.value != format_value(keyword(line.key), map.features.value)) {
    line.note = fmt::format("used as {}", format_value(keyword(line.key), map.features.value));
  }
  const bool marginal = line.key >= Key::marginal_path_double_failed_time && line.key <= Key::marginal_path_err_recheck_gap_time;
  const bool older = line.key >= Key::san_path_err_threshold && line.key <= Key::delay_wait_checks;
  if (line.origin.layer == Layer::built_in) return;
  if (marginal && !map.marginal.active) line.note = "shaky-path detection is off: it needs all its settings";
  if (older && !map.marginal.san_active) line.note = map.marginal.active ? "ignored beside marginal_path settings" : "off: it needs all its settings";
}

}  // namespace

bool is_explained(Key key) {
  if (names_an_entry(key) || key == Key::devnode || key == Key::property || key == Key::protocol) return false;
  switch (keyword(key).standing) {
    case Standing::current:
    case Standing::deprecated: return true;
    case Standing::alias:
    case Standing::ignored: return false;
  }
  return false;
}

std::vector<WhyLine> why(Resolver& resolver, const PathIdentity& path, std::optional<Key> key) {
  const Config& config = resolver.config();
  const std::vector<std::size_t> devices = resolver.device_entries(path);
  const auto path_settings = resolver.path(path);
  const auto map_settings = resolver.map(path.wwid, path);
  std::vector<WhyLine> lines;
  for (Key asked : key ? std::vector{*key} : keys_of_devices()) {
    WhyLine line;
    line.key = asked;
    const Chain chain = chain_for(config, asked, path, devices);
    const Value* fallback = default_value(asked);
    for (const Setting* setting : chain.all(asked)) {
      WhyCandidate next = candidate(config, *setting);
      if (setting == chain.find(asked)) {
        line.value = std::move(next.value);
        line.origin = next.origin;
        line.place = std::move(next.place);
      } else {
        line.overridden.push_back(std::move(next));
      }
    }
    const std::string built_in = fallback ? format_value(keyword(asked), *fallback) : "";
    if (chain.find(asked) && fallback) {
      line.overridden.push_back({built_in, {}, describe(config, {})});
    } else if (!chain.find(asked)) {
      line.value = built_in;
      line.place = describe(config, {});
    }
    apply_rules(config, line, *path_settings, *map_settings);
    lines.push_back(std::move(line));
  }
  return lines;
}

std::string render_why(const std::vector<WhyLine>& lines, bool with_defaults) {
  std::string out;
  for (const WhyLine& line : lines) {
    if (!with_defaults && line.origin.layer == Layer::built_in && line.overridden.empty()) continue;
    const std::string value = line.value.empty() ? "(not set)" : line.value;
    out += fmt::format("{:<40} {}\n", fmt::format("{} {}", keyword(line.key).name, value), line.place);
    for (const WhyCandidate& lost : line.overridden) out += fmt::format("    {:<36} {}\n", "not " + lost.value, lost.place);
    if (!line.note.empty()) out += fmt::format("    note: {}\n", line.note);
  }
  return out;
}

std::string render_why_json(const std::vector<WhyLine>& lines) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const WhyLine& line : lines) {
    nlohmann::ordered_json overridden = nlohmann::ordered_json::array();
    for (const WhyCandidate& lost : line.overridden) overridden.push_back({{"value", lost.value}, {"origin", lost.place}});
    list.push_back({{"keyword", keyword(line.key).name},
                    {"value", line.value},
                    {"origin", line.place},
                    {"overridden", std::move(overridden)},
                    {"note", line.note}});
  }
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace mpath::config
