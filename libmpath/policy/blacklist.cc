// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/blacklist.h"

#include <algorithm>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/config/effective.h"

namespace mpath::policy {

using Kind = BlacklistVerdict::Kind;

std::string_view to_string(Criterion criterion) {
  switch (criterion) {
    case Criterion::property: return "udev property";
    case Criterion::devnode: return "device node";
    case Criterion::device: return "device";
    case Criterion::protocol: return "protocol";
    case Criterion::wwid: return "wwid";
  }
  return "?";
}

Blacklist::Pattern::Pattern(std::string_view written)
    : expression(std::string(written.starts_with('!') ? written.substr(1) : written)), negated(written.starts_with('!')) {}

// "\!" needs no care: the expression itself takes the escaped byte literally.
bool Blacklist::Pattern::matches(const std::string& text) { return expression.matches(text) != negated; }

std::vector<Blacklist::CompiledRule> Blacklist::compile(const std::vector<config::Rule>& rules) {
  std::vector<CompiledRule> compiled;
  compiled.reserve(rules.size());
  for (const config::Rule& rule : rules) compiled.push_back({&rule, Pattern(rule.text)});
  return compiled;
}

std::vector<Blacklist::CompiledDeviceRule> Blacklist::compile(const std::vector<config::DeviceRule>& rules) {
  std::vector<CompiledDeviceRule> compiled;
  compiled.reserve(rules.size());
  for (const config::DeviceRule& rule : rules) {
    CompiledDeviceRule entry{&rule, std::nullopt, std::nullopt};
    if (rule.vendor) entry.vendor.emplace(*rule.vendor);
    if (rule.product) entry.product.emplace(*rule.product);
    compiled.push_back(std::move(entry));
  }
  return compiled;
}

Blacklist::Blacklist(std::shared_ptr<const config::Config> config) : config_(std::move(config)) {
  const config::RuleList& white = config_->exceptions;
  const config::RuleList& black = config_->blacklist;
  devnode_ = {compile(white.devnode), compile(black.devnode)};
  protocol_ = {compile(white.protocol), compile(black.protocol)};
  wwid_ = {compile(white.wwid), compile(black.wwid)};
  property_ = {compile(white.property), compile(black.property)};
  device_exceptions_ = compile(white.device);
  device_blacklist_ = compile(black.device);
}

BlacklistVerdict Blacklist::verdict(Kind kind, Criterion criterion, std::string rule, const Origin& origin) const {
  BlacklistVerdict result{kind, criterion, std::move(rule), origin, {}};
  const std::string_view action = kind == Kind::blacklisted ? "blacklisted" : "excepted from the blacklist";
  const std::string place = origin.layer == Layer::built_in ? "built-in rule"
                                                            : config::describe(*config_, origin);
  result.text = fmt::format("{} by the {} rule \"{}\" ({})", action, to_string(criterion), escape(result.rule), place);
  return result;
}

BlacklistVerdict Blacklist::judge_text(Criterion criterion, Lists& lists, const std::string& text) {
  for (CompiledRule& rule : lists.exceptions) {
    if (rule.pattern.matches(text)) return verdict(Kind::whitelisted, criterion, rule.rule->text, rule.rule->origin);
  }
  for (CompiledRule& rule : lists.blacklist) {
    if (rule.pattern.matches(text)) return verdict(Kind::blacklisted, criterion, rule.rule->text, rule.rule->origin);
  }
  return {Kind::neutral, criterion, {}, {}, {}};
}

BlacklistVerdict Blacklist::devnode(const std::string& kernel_name) {
  return judge_text(Criterion::devnode, devnode_, kernel_name);
}

BlacklistVerdict Blacklist::protocol(const std::string& protocol) {
  return judge_text(Criterion::protocol, protocol_, protocol);
}

BlacklistVerdict Blacklist::wwid(const std::string& wwid) { return judge_text(Criterion::wwid, wwid_, wwid); }

const config::DeviceRule* Blacklist::first_match(std::vector<CompiledDeviceRule>& rules, const std::string& vendor,
                                                 const std::string& product) {
  for (CompiledDeviceRule& rule : rules) {
    if (rule.vendor && !rule.vendor->matches(vendor)) continue;
    if (rule.product && !rule.product->matches(product)) continue;
    return rule.rule;
  }
  return nullptr;
}

BlacklistVerdict Blacklist::device(const std::string& vendor, const std::string& product) {
  const auto [place, added] = judged_devices_.try_emplace({vendor, product});
  BlacklistVerdict& result = place->second;
  if (!added) return result;
  result.criterion = Criterion::device;
  const auto decide = [&](Kind kind, const config::DeviceRule& rule) {
    result = verdict(kind, Criterion::device,
                     fmt::format("{}:{}", rule.vendor.value_or(""), rule.product.value_or("")), rule.origin);
  };
  if (const auto* exception = first_match(device_exceptions_, vendor, product)) {
    decide(Kind::whitelisted, *exception);
  } else if (const auto* rule = first_match(device_blacklist_, vendor, product)) {
    decide(Kind::blacklisted, *rule);
  }
  return result;
}

BlacklistVerdict Blacklist::property(const UdevProperties& properties, std::string_view uid_attribute) {
  for (const auto& [name, value] : properties) {
    BlacklistVerdict result = judge_text(Criterion::property, property_, std::string(name));
    if (result.kind != Kind::neutral) return result;
  }
  const bool has_identity = std::ranges::any_of(properties, [&](const auto& entry) { return entry.first == uid_attribute; });
  if (uid_attribute.empty() || !has_identity) return {Kind::neutral, Criterion::property, {}, {}, {}};
  return {Kind::blacklisted, Criterion::property, {}, {},
          "blacklisted: none of its udev properties matches blacklist_exceptions property"};
}

BlacklistVerdict Blacklist::judge(const BlacklistSubject& subject) {
  BlacklistVerdict result;
  const auto take = [&](BlacklistVerdict next) {
    if (next.kind != Kind::neutral) result = std::move(next);
    return result.is_blacklisted();
  };
  static_cast<void>(take(property(subject.properties, subject.uid_attribute)) || take(devnode(subject.kernel_name)) ||
                    take(device(subject.vendor, subject.product)) || take(protocol(subject.protocol)) ||
                    take(wwid(subject.wwid)));
  return result;
}

}  // namespace mpath::policy
