// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/prio_arguments.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include <fmt/format.h>

#include "libmpath/base/text.h"

namespace mpath::config {

namespace {

std::optional<std::string_view> value_of(std::string_view word, std::string_view key) {
  if (!word.starts_with(key)) return std::nullopt;
  return word.substr(key.size());
}

void parse_datacore(PrioArguments& result, const std::vector<std::string_view>& words) {
  std::string_view server;
  bool understood = !words.empty() && words.size() <= 2;
  for (std::string_view word : words) {
    if (auto name = value_of(word, "preferredsds=")) {
      server = *name;
    } else if (auto timeout = value_of(word, "timeout="); !timeout || !parse_decimal(*timeout)) {
      understood = false;
    }
  }
  if (understood && server.size() >= 2) {
    result.preferred = server;
  } else {
    result.remarks.emplace_back("datacore needs preferredsds=NAME, at least two characters; all priorities are 0");
  }
}

void parse_iet(PrioArguments& result, const std::vector<std::string_view>& words) {
  auto address = words.size() == 1 ? value_of(words[0], "preferredip=") : std::nullopt;
  constexpr std::size_t shortest_address = 8;
  if (address && address->size() >= shortest_address) {
    result.preferred = *address;
  } else {
    result.remarks.emplace_back("iet needs preferredip=A.B.C.D, at least 8 characters; all priorities are 0");
  }
}

void parse_latency(PrioArguments& result, const std::vector<std::string_view>& words) {
  std::optional<std::uint64_t> reads;
  std::optional<double> base;
  for (std::string_view word : words) {
    if (auto text = value_of(word, "io_num=")) reads = parse_decimal(*text);
    if (auto text = value_of(word, "base_num=")) {
      double value = 0;
      auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
      if (error == std::errc{} && end == text->data() + text->size() && std::isfinite(value)) base = value;
    }
  }
  if (reads && *reads >= 20 && *reads <= 200 && base && *base >= 1.1 && *base <= 10) {
    result.reads = static_cast<std::uint16_t>(*reads);
    result.base = *base;
  } else {
    result.remarks.push_back(fmt::format("path_latency needs io_num=20..200 and base_num=1.1..10; io_num={} base_num={:.4f} are used",
                                         result.reads, result.base));
  }
}

void parse_weights(PrioArguments& result, const std::vector<std::string_view>& words) {
  using Attribute = PrioArguments::Attribute;
  constexpr std::pair<std::string_view, Attribute> attributes[] = {{"hbtl", Attribute::address},
                                                                   {"devname", Attribute::kernel_name},
                                                                   {"serial", Attribute::serial},
                                                                   {"wwn", Attribute::port_names}};
  auto at = std::ranges::find_if(attributes, [&](const auto& known) { return !words.empty() && known.first == words[0]; });
  if (at == std::end(attributes) || words.size() < 3) {
    result.remarks.emplace_back("weightedpath needs hbtl, devname, serial or wwn, then pairs of an expression and a number; all priorities are 0");
    return;
  }
  result.attribute = at->second;
  for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
    auto number = parse_signed_decimal(words[i + 1]);
    auto expression = Expression::compile(std::string(words[i]));
    bool fits = number && *number >= INT32_MIN && *number <= INT32_MAX;
    if (!fits || !expression) {
      result.remarks.push_back(fmt::format("weightedpath: \"{} {}\" is not an expression and a number; it is ignored",
                                           escape(words[i]), escape(words[i + 1])));
      continue;
    }
    result.weights.push_back({std::move(*expression), static_cast<int>(*number)});
  }
  if (words.size() % 2 == 0) {
    result.remarks.push_back(fmt::format("weightedpath: \"{}\" has no number; it is ignored", escape(words.back())));
  }
}

}  // namespace

PrioArguments parse_prio_arguments(std::string_view prio, std::string_view text) {
  PrioArguments result;
  std::vector<std::string_view> words = split_words(text);
  if (prio == "alua" || prio == "sysfs") {
    result.exclusive_pref_bit = std::ranges::find(words, "exclusive_pref_bit") != words.end();
  } else if (prio == "datacore") {
    parse_datacore(result, words);
  } else if (prio == "iet") {
    parse_iet(result, words);
  } else if (prio == "path_latency") {
    parse_latency(result, words);
  } else if (prio == "weightedpath") {
    parse_weights(result, words);
  }
  return result;
}

}  // namespace mpath::config
