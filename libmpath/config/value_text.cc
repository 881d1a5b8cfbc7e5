// SPDX-License-Identifier: LGPL-2.1-or-later
// Values as text: for the dump, and what may be written, for messages.
#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "libmpath/config/lexer.h"
#include "libmpath/config/suggest.h"
#include "libmpath/config/value.h"

namespace mpath::config {

namespace {

std::string choice_word(const Keyword& keyword, std::int64_t number) {
  const auto found = std::ranges::find(keyword.choices, number, &Choice::number);
  return found == keyword.choices.end() ? fmt::to_string(number) : quote(found->word);
}

std::string format_number(const Keyword& keyword, std::int64_t number) {
  switch (keyword.type) {
    case ValueType::yes_no: return number != 0 ? "\"yes\"" : "\"no\"";
    case ValueType::choice:
    case ValueType::policy: return choice_word(keyword, number);
    case ValueType::off_or_number: return number == special::off ? "\"off\"" : fmt::to_string(number);
    case ValueType::no_or_number: return number == special::no ? "\"no\"" : fmt::to_string(number);
    case ValueType::retry:
      if (number == special::fail) return "\"fail\"";
      return number == special::queue ? "\"queue\"" : fmt::to_string(number);
    case ValueType::failback:
      if (number == special::manual) return "\"manual\"";
      if (number == special::immediate) return "\"immediate\"";
      return number == special::followover ? "\"followover\"" : fmt::to_string(number);
    case ValueType::loss_time: return number == special::infinity ? "\"infinity\"" : fmt::to_string(number);
    case ValueType::file_limit: return number == special::max ? "\"max\"" : fmt::to_string(number);
    case ValueType::permission_bits: return fmt::format("0{:o}", number);
    case ValueType::user:
    case ValueType::group:
      // The reference prints octal here but reads decimal; only below 8 do both mean the same.
      return number < 8 ? fmt::format("0{}", number) : fmt::to_string(number);
    case ValueType::unsigned_number:
    case ValueType::number:
    case ValueType::text:
    case ValueType::name:
    case ValueType::expression:
    case ValueType::rule:
    case ValueType::counted_words:
    case ValueType::reservation_key:
    case ValueType::attribute_map:
    case ValueType::protocol_name:
    case ValueType::ignored: break;
  }
  return fmt::to_string(number);
}

std::string format_key(const ReservationKey& key) {
  if (key.kind == ReservationKey::Kind::from_file) return "file";
  return fmt::format("{:#x}{}", key.key, key.aptpl ? ":aptpl" : "");
}

}  // namespace

std::string format_value(const Keyword& keyword, const Value& value) {
  if (const auto* number = std::get_if<std::int64_t>(&value)) return format_number(keyword, *number);
  if (const auto* text = std::get_if<std::string>(&value)) return quote(*text);
  return format_key(std::get<ReservationKey>(value));
}

namespace {

std::string range_text(const Keyword& keyword) {
  constexpr std::int64_t open_end = std::numeric_limits<std::int32_t>::max();
  if (keyword.maximum >= open_end && keyword.minimum < 0) return "a number";
  if (keyword.maximum >= open_end) return fmt::format("a number from {}", keyword.minimum);
  return fmt::format("a number from {} to {}", keyword.minimum, keyword.maximum);
}

std::string choices_text(const Keyword& keyword) {
  std::vector<std::string_view> words;
  for (const Choice& choice : keyword.choices) {
    if (choice.deprecated) continue;
    if (std::ranges::find(keyword.choices, choice.number, &Choice::number)->word != choice.word) continue;
    words.push_back(choice.word);
  }
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) text += i + 1 == words.size() ? " or " : ", ";
    text += words[i];
  }
  return text;
}

}  // namespace

std::string describe_values(const Keyword& keyword) {
  switch (keyword.type) {
    case ValueType::yes_no: return "yes or no";
    case ValueType::unsigned_number:
    case ValueType::number: return range_text(keyword);
    case ValueType::choice:
    case ValueType::policy: return choices_text(keyword);
    case ValueType::text: return "a string";
    case ValueType::name: return "a string without a slash";
    case ValueType::expression: return "a regular expression";
    case ValueType::rule: return "a regular expression, with ! in front for \"does not match\"";
    case ValueType::counted_words:
      return keyword.minimum == 0 ? "the number of words that follow, then these words"
                                  : "a name, the number of words that follow, then these words";
    case ValueType::off_or_number: return fmt::format("off, 0 or {}", range_text(keyword));
    case ValueType::no_or_number: return fmt::format("no or {}", range_text(keyword));
    case ValueType::retry: return fmt::format("fail, queue or {}", range_text(keyword));
    case ValueType::failback: return "manual, immediate, followover or a number from 1";
    case ValueType::loss_time: return "infinity or a number from 1";
    case ValueType::file_limit: return "max or a number from 0";
    case ValueType::permission_bits: return "octal digits up to 0777";
    case ValueType::user: return "a number or the name of a user of this system";
    case ValueType::group: return "a number or the name of a user (not of a group) of this system";
    case ValueType::reservation_key: return "file, or up to 16 hexadecimal digits with an optional :aptpl";
    case ValueType::attribute_map: return "PREFIX:PROPERTY pairs";
    case ValueType::protocol_name: return "a transport such as scsi:fcp or nvme:tcp";
    case ValueType::ignored: return "anything";
  }
  return "?";
}

std::vector<std::string_view> value_words(const Keyword& keyword) {
  switch (keyword.type) {
    case ValueType::yes_no: return {"yes", "no"};
    case ValueType::choice:
    case ValueType::policy: {
      std::vector<std::string_view> words;
      for (const Choice& choice : keyword.choices) words.push_back(choice.word);
      return words;
    }
    case ValueType::off_or_number: return {"off"};
    case ValueType::no_or_number: return {"no"};
    case ValueType::retry: return {"fail", "queue"};
    case ValueType::failback: return {"manual", "immediate", "followover"};
    case ValueType::loss_time: return {"infinity"};
    case ValueType::file_limit: return {"max"};
    case ValueType::reservation_key: return {"file"};
    case ValueType::protocol_name: return {protocol_names().begin(), protocol_names().end()};
    case ValueType::unsigned_number:
    case ValueType::number:
    case ValueType::text:
    case ValueType::name:
    case ValueType::expression:
    case ValueType::rule:
    case ValueType::counted_words:
    case ValueType::permission_bits:
    case ValueType::user:
    case ValueType::group:
    case ValueType::attribute_map:
    case ValueType::ignored: break;
  }
  return {};
}

std::string_view nearest_word(const Keyword& keyword, std::string_view text) {
  if (text.size() < 2 || text.size() > 64) return {};
  std::size_t best = std::min<std::size_t>(3, (text.size() + 1) / 2);
  std::string_view nearest;
  for (std::string_view word : value_words(keyword)) {
    const std::size_t distance = edit_distance(text, word, best);
    if (distance >= best + (nearest.empty() ? 1 : 0)) continue;
    best = distance;
    nearest = word;
  }
  return nearest;
}

}  // namespace mpath::config
