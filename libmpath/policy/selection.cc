// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/selection.h"

#include <algorithm>

#include "libmpath/base/text.h"

namespace mpath::policy {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f'); }

/// A world-wide name as bare lower-case digits; any other name in lower case as it is.
std::string bare_name(std::string_view name) {
  std::string text(name);
  std::ranges::transform(text, text.begin(), lower);
  std::string digits = text.starts_with("0x") ? text.substr(2) : text;
  std::erase(digits, ':');
  bool is_number = digits.size() >= 16 && std::ranges::all_of(digits, is_hex);
  return is_number ? digits : text;
}

bool same_name(std::string_view word, std::string_view name) { return !name.empty() && bare_name(word) == bare_name(name); }

}  // namespace

std::string_view to_string(SelectedBy kind) {
  switch (kind) {
    case SelectedBy::path: return "path";
    case SelectedBy::host: return "host";
    case SelectedBy::host_adapter: return "host adapter";
    case SelectedBy::host_port: return "host port";
    case SelectedBy::target_port: return "target port";
  }
  return "path";
}

std::optional<SelectedBy> selects(std::string_view word, const PathFacts& facts) {
  if (word.starts_with("/dev/")) word.remove_prefix(5);
  if (word.empty()) return std::nullopt;
  if (word == facts.kernel_name) return SelectedBy::path;
  if (facts.devnum.valid() && word == to_string(facts.devnum)) return SelectedBy::path;
  if (facts.address && word == to_string(*facts.address)) return SelectedBy::path;
  if (facts.address && word == fmt::format("host{}", facts.address->host)) return SelectedBy::host;
  if (!facts.host_adapter.empty() && word == facts.host_adapter) return SelectedBy::host_adapter;
  if (same_name(word, facts.host_port) || same_name(word, facts.host_node)) return SelectedBy::host_port;
  if (same_name(word, facts.target_port) || same_name(word, facts.target_node)) return SelectedBy::target_port;
  return std::nullopt;
}

bool selected_by_any(std::span<const std::string> words, const PathFacts& facts) {
  return std::ranges::any_of(words, [&](const std::string& word) { return selects(word, facts).has_value(); });
}

std::string place_of(const PathFacts& facts) {
  if (!facts.address) return facts.sysfs_path;
  std::string place = to_string(*facts.address);
  const std::string& port = facts.target_port.empty() ? facts.target_node : facts.target_port;
  return port.empty() ? place : place + ' ' + port;
}

}  // namespace mpath::policy
