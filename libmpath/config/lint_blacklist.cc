// SPDX-License-Identifier: LGPL-2.1-or-later
// Remarks on the blacklist and its exceptions.
#include <algorithm>

#include <fmt/format.h>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/config/expression.h"
#include "libmpath/config/lint_rules.h"

namespace mpath::config {

namespace {

bool matches(const std::string& written, const std::string& text) {
  const bool negated = written.starts_with('!');
  const auto compiled = Expression::compile(negated ? written.substr(1) : written);
  return compiled && compiled->matches(text) != negated;
}

Setting as_setting(Key key, const Rule& rule) { return {key, rule.text, rule.origin}; }

/// A rule that by itself hides all of the samples, none of which an exception saves.
void check_hides_all(LintPass& pass, Key key, const std::vector<Rule>& blacklist, const std::vector<Rule>& exceptions,
                     std::span<const std::string> samples, std::string_view what) {
  if (std::ranges::any_of(exceptions, [&](const Rule& rule) { return pass.is_users(rule.origin); })) return;
  for (const Rule& rule : blacklist) {
    if (!pass.is_users(rule.origin)) continue;
    const bool all = std::ranges::all_of(samples, [&](const std::string& sample) { return matches(rule.text, sample); });
    if (!all) continue;
    pass.add(as_setting(key, rule), Severity::warning, "hides-everything",
             fmt::format("this blacklists {}, and no exception lets one through", what),
             fmt::format("add a {} rule to blacklist_exceptions", keyword(key).name));
  }
}

void check_rules(LintPass& pass, Key key, const std::vector<Rule>& rules) {
  for (const Rule& rule : rules) {
    if (!pass.is_users(rule.origin)) continue;
    const std::string_view pattern = std::string_view(rule.text).substr(rule.text.starts_with('!') ? 1 : 0);
    const std::size_t star = pattern.find('*');
    const bool globbed = star != std::string_view::npos && star > 0 && pattern[star - 1] >= 'a' && pattern[star - 1] <= 'z';
    if (key == Key::devnode && globbed) {
      pass.add(as_setting(key, rule), Severity::warning, "glob-expression",
               fmt::format("a regular expression, not a file name pattern: '*' allows any number of '{}', none included", pattern[star - 1]),
               fmt::format("{} \"{}.*\"", keyword(key).name, escape(std::string_view(rule.text).substr(0, rule.text.find('*')))),
               rule.text.find('*'));
    } else if (pattern.empty()) {
      pass.add(as_setting(key, rule), Severity::warning, "matches-all", "an empty expression matches everything",
               fmt::format("{} \".*\"", keyword(key).name));
    } else if (key == Key::devnode && pattern.find("/dev/") != std::string_view::npos) {
      pass.add(as_setting(key, rule), Severity::warning, "never-matches",
               "devnode is compared with the kernel name (sda), not with a path in /dev", {}, pattern.find("/dev/"));
    }
  }
}

void check_exception(LintPass& pass, Key key, const std::vector<Rule>& exceptions, const std::vector<Rule>& blacklist) {
  if (!blacklist.empty() || exceptions.empty()) return;
  for (const Rule& rule : exceptions) {
    if (!pass.is_users(rule.origin)) continue;
    pass.add(as_setting(key, rule), Severity::note, "no-effect",
             fmt::format("nothing is blacklisted by {}, so this exception has no effect; it does not undo rules of another kind",
                         keyword(key).name));
    return;
  }
}

/// Rules compiled once, for many texts.
class CompiledRules {
 public:
  explicit CompiledRules(const std::vector<Rule>& rules) : rules_(rules) {
    for (const Rule& rule : rules) expressions_.emplace_back(rule.text.substr(rule.text.starts_with('!') ? 1 : 0));
  }
  const Rule* first_match(const std::string& text) {
    for (std::size_t i = 0; i < rules_.size(); ++i) {
      if (expressions_[i].matches(text) != rules_[i].text.starts_with('!')) return &rules_[i];
    }
    return nullptr;
  }

 private:
  const std::vector<Rule>& rules_;
  std::vector<LazyExpression> expressions_;
};

/// Multipath entries for WWIDs that the blacklist keeps away.
void check_multipaths(LintPass& pass) {
  const Config& config = pass.config();
  if (config.multipaths.size() > limits::lint_comparisons || config.blacklist.wwid.size() > limits::lint_comparisons) return;
  CompiledRules black(config.blacklist.wwid);
  CompiledRules white(config.exceptions.wwid);
  for (const Entry& entry : config.multipaths) {
    const std::string wwid(entry.settings.text(Key::wwid));
    const Rule* rule = white.first_match(wwid) ? nullptr : black.first_match(wwid);
    if (!rule) continue;
    pass.add(*entry.settings.find(Key::wwid), Severity::warning, "blacklisted-entry",
             fmt::format("this WWID is blacklisted ({}), so the multipath entry has no effect", pass.place(rule->origin, entry.origin)),
             "add a wwid rule to blacklist_exceptions");
  }
}

void check_device_rules(LintPass& pass, const std::vector<DeviceRule>& rules, const std::vector<DeviceRule>& exceptions) {
  const std::string vendor = "ACME", product = "Disk";
  for (const DeviceRule& rule : rules) {
    if (!pass.is_users(rule.origin) || rule.origin.layer != Layer::blacklist) continue;
    const bool all = (!rule.vendor || (matches(*rule.vendor, vendor) && matches(*rule.vendor, "0"))) &&
                     (!rule.product || (matches(*rule.product, product) && matches(*rule.product, "0")));
    if (!all || !exceptions.empty()) continue;
    pass.add(rule.origin, Severity::warning, "hides-everything", "this blacklists every device, and no exception lets one through",
             "add a device block to blacklist_exceptions");
  }
}

}  // namespace

void lint_blacklist(LintPass& pass) {
  static const std::vector<std::string> devnodes = {"sda", "sdb", "sdk", "sdz", "sdaa", "sdzz"};
  static const std::vector<std::string> wwids = {"3600508b400105e210000900000490000", "eui.0025385b71b00000",
                                                 "nvme.1234-5678", "2002538b", "1ATA_X"};
  static const std::vector<std::string> protocols(protocol_names().begin(), protocol_names().end());
  const RuleList& black = pass.config().blacklist;
  const RuleList& white = pass.config().exceptions;
  check_hides_all(pass, Key::devnode, black.devnode, white.devnode, devnodes, "every SCSI disk");
  check_hides_all(pass, Key::wwid, black.wwid, white.wwid, wwids, "every device");
  check_hides_all(pass, Key::protocol, black.protocol, white.protocol, protocols, "every device");
  check_device_rules(pass, black.device, white.device);
  for (const RuleList* list : {&black, &white}) {
    check_rules(pass, Key::devnode, list->devnode);
    check_rules(pass, Key::wwid, list->wwid);
    check_rules(pass, Key::property, list->property);
    check_rules(pass, Key::protocol, list->protocol);
  }
  check_exception(pass, Key::wwid, white.wwid, black.wwid);
  check_exception(pass, Key::protocol, white.protocol, black.protocol);
  check_multipaths(pass);
}

}  // namespace mpath::config
