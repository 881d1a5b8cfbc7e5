// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/features.h"

#include <algorithm>

#include "libmpath/base/text.h"

namespace mpath::wire {

namespace {

constexpr std::uint64_t kernel_pg_init_delay_msecs = 2000;

bool takes_value(std::string_view word) {
  return word == "pg_init_retries" || word == "pg_init_delay_msecs" || word == "queue_mode";
}

/// The words after the count; the count itself is not believed.
std::vector<std::string_view> feature_words(std::string_view features) {
  auto words = split_words(features);
  if (!words.empty() && std::ranges::all_of(words.front(), is_digit)) words.erase(words.begin());
  return words;
}

std::string join_with_count(const std::vector<std::string_view>& words) {
  std::string text = std::to_string(words.size());
  for (std::string_view word : words) text.append(" ").append(word);
  return text;
}

/// Cuts the next word off; empty after the last one.
std::string_view next_word(std::string_view& rest) {
  std::size_t begin = 0;
  while (begin < rest.size() && is_space(rest[begin])) ++begin;
  std::size_t end = begin;
  while (end < rest.size() && !is_space(rest[end])) ++end;
  std::string_view word = rest.substr(begin, end - begin);
  rest.remove_prefix(end);
  return word;
}

/// Calls `visit(word, value)` for each feature; `value` is empty for one that takes none. Asked with every round of checks: no copy.
template <typename Visit>
void for_each_feature(std::string_view features, Visit visit) {
  std::string_view word = next_word(features);
  if (std::ranges::all_of(word, is_digit)) word = next_word(features);
  for (; !word.empty(); word = next_word(features)) visit(word, takes_value(word) ? next_word(features) : std::string_view{});
}

}  // namespace

std::string normalise_features(std::string_view features) { return join_with_count(feature_words(features)); }

bool features_has(std::string_view features, std::string_view word) {
  bool found = false;
  for_each_feature(features, [&](std::string_view each, std::string_view) { found |= each == word; });
  return found;
}

std::string feature_value(std::string_view features, std::string_view word) {
  std::string found;
  for_each_feature(features, [&](std::string_view each, std::string_view value) {
    if (each == word && !value.empty()) found = value;
  });
  return found;
}

bool is_bio_based(std::string_view features) { return feature_value(features, "queue_mode") == "bio"; }

std::string features_with(std::string_view features, std::string_view word) {
  auto words = feature_words(features);
  auto added = split_words(word);
  if (!added.empty() && !features_has(features, added.front()))
    words.insert(words.end(), added.begin(), added.end());
  return join_with_count(words);
}

std::string features_without(std::string_view features, std::string_view word) {
  std::vector<std::string_view> kept;
  for_each_feature(features, [&](std::string_view each, std::string_view value) {
    if (each == word) return;
    kept.push_back(each);
    if (!value.empty()) kept.push_back(value);
  });
  return join_with_count(kept);
}

FeatureSet parse_features(std::string_view features) {
  FeatureSet set;
  for_each_feature(features, [&](std::string_view word, std::string_view value) {
    auto number = parse_decimal(value);
    if (word == queue_if_no_path) {
      set.queues_if_no_path = true;
    } else if (word == retain_attached_hw_handler) {
      set.retains_hardware_handler = true;
    } else if (word == "queue_mode" && !value.empty()) {
      // The kernel has one way of working with requests and prints neither name of it.
      set.queue_mode = value == "mq" ? "rq" : value;
    } else if (word == "pg_init_retries" && number) {
      set.pg_init_retries = *number;
    } else if (word == "pg_init_delay_msecs" && number) {
      set.pg_init_delay_msecs.reset();
      if (*number != kernel_pg_init_delay_msecs) set.pg_init_delay_msecs = *number;
    } else {
      set.others.emplace_back(word);
      if (!value.empty()) set.others.emplace_back(value);
    }
  });
  return set;
}

}  // namespace mpath::wire
