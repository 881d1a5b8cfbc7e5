// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/merge.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/config/expression.h"
#include "libmpath/config/features.h"

namespace mpath::config {

namespace {

void report(DiagnosticList& diagnostics, const Origin& origin, Severity severity, std::string_view id, std::string text,
            std::string fix = {}) {
  diagnostics.add({origin.file, origin.line, 0, severity, id, std::move(text), std::move(fix)});
}

bool counts_as_set(const Setting* setting) {
  if (!setting) return false;
  const auto* text = std::get_if<std::string>(&setting->value);
  return !text || !text->empty();
}

/// Fills what `later` does not set from `earlier`; empty strings count as not set.
void absorb(Settings& later, const Settings& earlier) {
  for (const Setting& setting : earlier.all()) {
    if (counts_as_set(later.find(setting.key))) {
      later.note_replaced(setting);
    } else {
      later.set(setting);
    }
  }
  for (const Setting& setting : earlier.replaced()) later.note_replaced(setting);
}

/// The two old words of `features` move to the keywords that took their place.
void normalise_features(Settings& settings, std::string_view subject, DiagnosticList& diagnostics) {
  const Setting* found = settings.find(Key::features);
  if (!found) return;
  Setting features = *found;
  std::string text = std::get<std::string>(features.value);
  const std::string before = text;
  if (remove_feature(text, queue_feature)) {
    const Setting* retry = settings.find(Key::no_path_retry);
    if (retry) {
      report(diagnostics, features.origin, Severity::warning, "deprecated-feature",
             fmt::format("{}: queue_if_no_path in features is ignored because no_path_retry is {}", escape(subject),
                         format_value(keyword(Key::no_path_retry), retry->value)),
             fmt::format("features \"{}\"", escape(text)));
    } else {
      report(diagnostics, features.origin, Severity::warning, "deprecated-feature",
             fmt::format("{}: queue_if_no_path in features is deprecated, taken as no_path_retry queue", escape(subject)),
             "no_path_retry queue");
      settings.set({Key::no_path_retry, special::queue, features.origin});
    }
  }
  if (remove_feature(text, retain_feature)) {
    report(diagnostics, features.origin, Severity::warning, "deprecated-feature",
           fmt::format("{}: retain_attached_hw_handler in features is deprecated", escape(subject)),
           "retain_attached_hw_handler yes");
    if (!settings.find(Key::retain_attached_hw_handler)) {
      settings.set({Key::retain_attached_hw_handler, std::int64_t{1}, features.origin});
    }
  }
  if (text == before) return;
  settings.set({Key::features, std::move(text), features.origin});
}

using DeviceName = std::tuple<std::string, std::string, bool, std::string>;

DeviceName device_name(const Entry& entry) {
  return {std::string(entry.settings.text(Key::vendor)), std::string(entry.settings.text(Key::product)),
          entry.settings.find(Key::revision) != nullptr, std::string(entry.settings.text(Key::revision))};
}

}  // namespace

std::size_t merge_devices(std::vector<Entry>& devices, std::size_t built_in, DiagnosticList& diagnostics) {
  // For each name the entries that a later one with the same name would absorb.
  std::map<DeviceName, std::vector<std::size_t>> present;
  std::vector<bool> absorbed(devices.size(), false);
  for (std::size_t i = 0; i < devices.size(); ++i) {
    std::vector<std::size_t>& earlier = present[device_name(devices[i])];
    if (i >= built_in) {
      Entry& later = devices[i];
      const std::string subject =
          fmt::format("{}/{}", later.settings.text(Key::vendor), later.settings.text(Key::product));
      for (std::size_t j : earlier) {
        if (devices[j].origin.layer == Layer::devices) {
          report(diagnostics, later.origin, Severity::warning, "duplicate-entry",
                 fmt::format("duplicate device entry for {}: it is merged with the one of line {} and wins over it",
                             escape(subject), devices[j].origin.line));
        }
        absorb(later.settings, devices[j].settings);
        normalise_features(later.settings, subject, diagnostics);
        absorbed[j] = true;
      }
      earlier.clear();
    }
    earlier.push_back(i);
  }
  std::vector<Entry> kept;
  kept.reserve(devices.size());
  std::size_t kept_built_in = 0;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (absorbed[i]) continue;
    if (i < built_in) ++kept_built_in;
    kept.push_back(std::move(devices[i]));
  }
  devices = std::move(kept);
  return kept_built_in;
}

void merge_multipaths(std::vector<Entry>& multipaths, DiagnosticList& diagnostics) {
  std::ranges::stable_sort(multipaths, {}, [](const Entry& entry) { return entry.settings.text(Key::wwid); });
  std::vector<Entry> merged;
  for (Entry& entry : multipaths) {
    if (merged.empty() || merged.back().settings.text(Key::wwid) != entry.settings.text(Key::wwid)) {
      merged.push_back(std::move(entry));
      continue;
    }
    Entry& earlier = merged.back();
    report(diagnostics, entry.origin, Severity::warning, "duplicate-entry",
           fmt::format("duplicate multipath entry for {}: it is merged with the one of line {} and wins over it",
                       escape(entry.settings.text(Key::wwid)), earlier.origin.line));
    // Ownership is taken over as a whole or not at all.
    const bool owns = entry.settings.find(Key::mode) || entry.settings.find(Key::uid) || entry.settings.find(Key::gid);
    if (owns) {
      for (Key key : {Key::mode, Key::uid, Key::gid}) earlier.settings.clear(key);
    }
    absorb(entry.settings, earlier.settings);
    earlier = std::move(entry);
  }
  multipaths = std::move(merged);
}

void merge_protocols(std::vector<Entry>& protocols, DiagnosticList& diagnostics) {
  std::vector<Entry> merged;
  for (Entry& entry : protocols) {
    const auto same = std::ranges::find(merged, entry.settings.text(Key::type),
                                        [](const Entry& other) { return other.settings.text(Key::type); });
    if (same == merged.end()) {
      merged.push_back(std::move(entry));
      continue;
    }
    report(diagnostics, entry.origin, Severity::warning, "duplicate-entry",
           fmt::format("duplicate protocol block for {}: it is merged with the one of line {} and wins over it",
                       entry.settings.text(Key::type), same->origin.line));
    absorb(entry.settings, same->settings);
    merged.erase(same);
    merged.push_back(std::move(entry));
  }
  protocols = std::move(merged);
}

namespace {

void drop_repeated(std::vector<Rule>& rules) {
  std::set<std::string> seen;
  std::erase_if(rules, [&](const Rule& rule) { return !seen.insert(rule.text).second; });
}

void drop_repeated(std::vector<DeviceRule>& rules) {
  std::set<std::pair<std::optional<std::string>, std::optional<std::string>>> seen;
  std::erase_if(rules, [&](const DeviceRule& rule) { return !seen.insert({rule.vendor, rule.product}).second; });
}

void drop_repeated(RuleList& list) {
  drop_repeated(list.devnode);
  drop_repeated(list.wwid);
  drop_repeated(list.property);
  drop_repeated(list.device);
}

bool compiles(std::string_view written) {
  return Expression::compile(std::string(written.substr(written.starts_with('!') ? 1 : 0))).has_value();
}

}  // namespace

void complete_rules(Config& config, bool nvme_native_multipath) {
  constexpr Origin built_in{Layer::built_in, 0, 0};
  config.blacklist.devnode.push_back(
      {nvme_native_multipath ? "!^(sd[a-z]|dasd[a-z])" : "!^(sd[a-z]|dasd[a-z]|nvme[0-9])", built_in});
  config.exceptions.property.push_back({"(SCSI_IDENT_|ID_WWN)", built_in});
  for (const Entry& device : config.devices) {
    const Setting* hidden = device.settings.find(Key::product_blacklist);
    if (!hidden) continue;
    DeviceRule rule{std::string(device.settings.text(Key::vendor)), std::get<std::string>(hidden->value), hidden->origin};
    // An expression that does not compile hides nothing, and as a rule it would make the dump unreadable.
    if (compiles(*rule.vendor) && compiles(*rule.product)) config.blacklist.device.push_back(std::move(rule));
  }
  drop_repeated(config.blacklist);
  drop_repeated(config.exceptions);
}

}  // namespace mpath::config
