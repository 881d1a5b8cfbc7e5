// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/path_selector.h"

#include <algorithm>
#include <vector>

#include "libmpath/base/text.h"

namespace mpath::wire {

namespace {

constexpr std::string_view historical_service_time = "historical-service-time";
constexpr std::string_view io_affinity = "io-affinity";

std::string_view name_of(std::string_view selector) {
  auto words = split_words(selector);
  return words.empty() ? std::string_view{} : words.front();
}

/// "00000000,00000001" and "1" are the same mask.
std::string mask_value(std::string_view mask) {
  std::string digits;
  for (char c : mask) {
    if (c == ',' || (c == '0' && digits.empty())) continue;
    digits += c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return digits;
}

}  // namespace

bool selector_matches(std::string_view wanted, std::string_view printed) {
  auto ours = split_words(wanted);
  auto theirs = split_words(printed);
  if (ours.empty() || theirs.empty()) return ours.empty();
  if (ours.front() != theirs.front()) return false;
  // The second word counts the arguments.
  std::span<const std::string_view> given(ours.begin() + std::min<std::ptrdiff_t>(2, std::ssize(ours)), ours.end());
  std::span<const std::string_view> kept(theirs.begin() + std::min<std::ptrdiff_t>(2, std::ssize(theirs)), theirs.end());
  return given.size() <= kept.size() && std::ranges::equal(given, kept.first(given.size()));
}

bool path_arguments_match(std::string_view selector, std::span<const std::string> wanted, std::span<const std::string> printed) {
  std::string_view name = name_of(selector);
  if (name == historical_service_time) return true;
  std::size_t common = std::min(wanted.size(), printed.size());
  return std::ranges::equal(wanted.first(common), printed.first(common), [&](const std::string& ours, const std::string& theirs) {
    return name == io_affinity ? mask_value(ours) == mask_value(theirs) : ours == theirs;
  });
}

}  // namespace mpath::wire
