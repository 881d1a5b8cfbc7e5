// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/value.h"

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/config/expression.h"

namespace mpath::config {

namespace {

using Outcome = ParsedValue::Outcome;

ParsedValue accept(Value value) { return {.value = std::move(value)}; }

ParsedValue reject(const Keyword& keyword, std::string_view text) {
  const std::string_view nearest = nearest_word(keyword, text);
  return {.outcome = Outcome::rejected,
          .remark = fmt::format("invalid value for {}: \"{}\"; expected {}", keyword.name, escape(text),
                                describe_values(keyword)),
          .id = "invalid-value",
          .fix = nearest.empty() ? "" : fmt::format("{} {}", keyword.name, nearest)};
}

/// A number as strtol base 10 reads it, saturating, with nothing but white space after it.
std::optional<std::int64_t> read_number(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size() && is_space(text[at])) ++at;
  const bool negative = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  const std::size_t first_digit = at;
  constexpr std::int64_t top = std::numeric_limits<std::int64_t>::max();
  std::int64_t number = 0;
  for (; at < text.size() && is_digit(text[at]); ++at) {
    const int digit = text[at] - '0';
    number = number > (top - digit) / 10 ? top : number * 10 + digit;
  }
  if (at == first_digit) return std::nullopt;
  while (at < text.size() && is_space(text[at])) ++at;
  if (at != text.size()) return std::nullopt;
  return negative ? -number : number;
}

ParsedValue bounded(const Keyword& keyword, std::string_view text, std::int64_t minimum, std::int64_t maximum) {
  const auto number = read_number(text);
  if (!number) return reject(keyword, text);
  const std::int64_t capped = std::clamp(*number, minimum, maximum);
  ParsedValue parsed = accept(capped);
  if (capped != *number) {
    parsed.remark = fmt::format("{} {} is out of range; {} is used", keyword.name, *number, capped);
    parsed.id = "out-of-range";
    parsed.fix = fmt::format("{} {}", keyword.name, capped);
  }
  if (keyword.zero_is_unset && capped == 0) {
    parsed.outcome = Outcome::cleared;
    if (keyword.minimum == 0 && parsed.remark.empty()) {
      parsed.remark = fmt::format("{} 0 means \"not set\": the next section that sets it, or the default, decides", keyword.name);
      parsed.id = "zero-means-unset";
    }
  }
  return parsed;
}

ParsedValue parse_unsigned(const Keyword& keyword, std::string_view text) {
  const std::string_view digits = trim(text);
  const auto number = parse_decimal(digits);
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return reject(keyword, text);
  // The reference divides by these intervals; zero is never meant.
  if (static_cast<std::int64_t>(*number) < keyword.minimum) return reject(keyword, text);
  return accept(std::min(static_cast<std::int64_t>(*number), keyword.maximum));
}

ParsedValue parse_yes_no(const Keyword& keyword, std::string_view text) {
  if (text == "yes" || text == "1") return accept(std::int64_t{1});
  if (text == "no" || text == "0") return accept(std::int64_t{0});
  return reject(keyword, text);
}

ParsedValue parse_choice(const Keyword& keyword, std::string_view text) {
  const auto found = std::ranges::find(keyword.choices, text, &Choice::word);
  if (found == keyword.choices.end()) return reject(keyword, text);
  ParsedValue parsed = accept(found->number);
  if (keyword.zero_is_unset && found->number == 0) parsed.outcome = Outcome::cleared;
  if (found->deprecated) {
    const auto current = std::ranges::find(keyword.choices, found->number, &Choice::number);
    parsed.remark = fmt::format("\"{}\" is a deprecated value of {}, taken as \"{}\"", text, keyword.name, current->word);
    parsed.id = "deprecated-value";
    parsed.fix = fmt::format("{} {}", keyword.name, current->word);
  }
  return parsed;
}

ParsedValue parse_policy(const Keyword& keyword, std::string_view text) {
  for (const Choice& choice : keyword.choices) {
    if (!text.starts_with(choice.word)) continue;
    ParsedValue parsed = accept(choice.number);
    if (text != choice.word) {
      parsed.remark = fmt::format("\"{}\" is taken as \"{}\"", escape(text), choice.word);
      parsed.id = "loose-value";
      parsed.fix = fmt::format("{} {}", keyword.name, choice.word);
    }
    return parsed;
  }
  return reject(keyword, text);
}

ParsedValue parse_name(const Keyword& keyword, std::string_view text) {
  if (const std::size_t slash = text.find('/'); slash != std::string_view::npos) {
    return {.outcome = Outcome::rejected,
            .remark = fmt::format("invalid value for {}: \"{}\" contains a slash", keyword.name, escape(text)),
            .id = "invalid-value",
            .offset = slash};
  }
  return accept(std::string(text));
}

ParsedValue parse_rule(const Keyword& keyword, std::string_view text) {
  const bool negated = text.starts_with('!');
  const std::string pattern(text.substr(negated ? 1 : 0));
  if (auto compiled = Expression::compile(pattern); !compiled) {
    return {.outcome = Outcome::fatal,
            .remark = fmt::format("{}: {}: {}", keyword.name, compiled.error().what,
                                  compiled.error().cause.empty() ? "too large" : compiled.error().cause),
            .id = "bad-expression",
            .fix = pattern.starts_with('*') ? fmt::format("{} \"{}.{}\"", keyword.name, negated ? "!" : "", escape(pattern)) : "",
            .offset = fault_position(pattern) + (negated ? 1 : 0)};
  }
  return accept(std::string(text));
}

ParsedValue parse_counted(const Keyword& keyword, std::string_view text) {
  const auto words = split_words(text);
  const auto index = static_cast<std::size_t>(keyword.minimum);
  if (words.size() <= index) {
    ParsedValue parsed = reject(keyword, text);
    parsed.remark = fmt::format("missing argument count for {}", keyword.name);
    if (!words.empty()) parsed.fix = fmt::format("{} \"{} 0\"", keyword.name, escape(words[0]));
    return parsed;
  }
  const std::size_t following = words.size() - index - 1;
  const auto count = read_number(words[index]);
  if (!count || *count != static_cast<std::int64_t>(following)) {
    ParsedValue parsed = reject(keyword, text);
    parsed.remark = fmt::format("invalid argument count for {}: \"{}\" is followed by {} words", keyword.name,
                                escape(words[index]), following);
    std::string correct;
    for (std::size_t i = 0; i < words.size(); ++i) {
      if (i == index && !count) correct += fmt::format("{} ", following + 1);
      correct += i == index && count ? fmt::to_string(following) : escape(words[i]);
      if (i + 1 < words.size()) correct += ' ';
    }
    parsed.fix = fmt::format("{} \"{}\"", keyword.name, correct);
    parsed.offset = static_cast<std::size_t>(words[index].data() - text.data());
    return parsed;
  }
  return accept(std::string(text));
}

ParsedValue parse_off_or_number(const Keyword& keyword, std::string_view text) {
  if (text == "off") return accept(special::off);
  if (text == "0") return accept(std::int64_t{0});
  return bounded(keyword, text, keyword.minimum, keyword.maximum);
}

ParsedValue parse_no_or_number(const Keyword& keyword, std::string_view text) {
  if (text == "no" || text == "0") return accept(special::no);
  return bounded(keyword, text, keyword.minimum, keyword.maximum);
}

ParsedValue parse_retry(const Keyword& keyword, std::string_view text) {
  if (text == "fail" || text == "0") return accept(special::fail);
  if (text == "queue") return accept(special::queue);
  return bounded(keyword, text, keyword.minimum, keyword.maximum);
}

ParsedValue parse_failback(const Keyword& keyword, std::string_view text) {
  if (text == "manual") return accept(special::manual);
  if (text == "immediate") return accept(special::immediate);
  if (text == "followover") return accept(special::followover);
  return bounded(keyword, text, keyword.minimum, keyword.maximum);
}

/// Reads like scanf's %u: leading blanks and a sign are allowed, what follows the digits is ignored, numbers wrap at 32 bits.
ParsedValue parse_loss_time(const Keyword& keyword, std::string_view text) {
  if (text == "infinity") return accept(special::infinity);
  std::size_t at = 0;
  while (at < text.size() && is_space(text[at])) ++at;
  const bool negative = at < text.size() && text[at] == '-';
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
  const std::size_t first_digit = at;
  while (at < text.size() && is_digit(text[at])) ++at;
  if (at == first_digit) return reject(keyword, text);
  const auto number = parse_decimal(text.substr(first_digit, at - first_digit));
  const std::uint32_t wrapped = !number   ? std::numeric_limits<std::uint32_t>::max()
                                : negative ? static_cast<std::uint32_t>(-*number)
                                           : static_cast<std::uint32_t>(*number);
  ParsedValue parsed = accept(std::int64_t{wrapped});
  if (wrapped == 0) parsed.outcome = Outcome::cleared;
  const std::string meaning = wrapped == 0                   ? "\"not set\""
                              : wrapped == special::infinity ? "infinity"
                                                             : fmt::to_string(wrapped);
  if (negative || at != text.size() || !number || *number != wrapped || wrapped == 0) {
    parsed.remark = fmt::format("{} \"{}\" is taken as {}", keyword.name, escape(text), meaning);
    parsed.id = wrapped == 0 && text == "0" ? "zero-means-unset" : "loose-value";
    if (wrapped != 0) parsed.fix = fmt::format("{} {}", keyword.name, meaning);
  }
  return parsed;
}

ParsedValue parse_file_limit(const Keyword& keyword, std::string_view text, const ValueContext& context) {
  if (text == "max") return accept(special::max);
  constexpr std::uint64_t unknown_limit = 4096;
  const auto most = static_cast<std::int64_t>(
      std::min<std::uint64_t>(context.most_open_files.value_or(unknown_limit), std::numeric_limits<std::int32_t>::max()));
  ParsedValue parsed = bounded(keyword, text, keyword.minimum, most);
  if (parsed.outcome == Outcome::accepted && context.most_open_files && std::get<std::int64_t>(parsed.value) == most) {
    parsed.value = special::max;
  }
  return parsed;
}

ParsedValue parse_permission_bits(const Keyword& keyword, std::string_view text) {
  const std::string_view digits = trim(text);
  std::int64_t bits = 0;
  for (char c : digits) {
    if (c < '0' || c > '7' || bits > keyword.maximum) return reject(keyword, text);
    bits = bits * 8 + (c - '0');
  }
  if (digits.empty() || bits > keyword.maximum) return reject(keyword, text);
  return accept(bits);
}

ParsedValue parse_owner(const Keyword& keyword, std::string_view text, const ValueContext& context) {
  const bool group = keyword.type == ValueType::group;
  if (context.lookup_user) {
    if (const auto ids = context.lookup_user(text)) return accept(std::int64_t{group ? ids->gid : ids->uid});
  } else if (text == "root") {
    return accept(std::int64_t{0});
  }
  const auto number = parse_decimal(trim(text));
  if (!number || *number > std::numeric_limits<std::uint32_t>::max()) return reject(keyword, text);
  return accept(static_cast<std::int64_t>(*number));
}

ParsedValue parse_reservation_key(const Keyword& keyword, std::string_view text) {
  ReservationKey key;
  if (text == "file") {
    key.kind = ReservationKey::Kind::from_file;
    return accept(key);
  }
  std::string_view digits = text;
  std::string_view suffix;
  if (const std::size_t colon = text.find(':'); colon != std::string_view::npos) {
    digits = text.substr(0, colon);
    suffix = text.substr(colon + 1);
  }
  if (digits.starts_with('0')) digits.remove_prefix(1);
  if (digits.starts_with('x') || digits.starts_with('X')) digits.remove_prefix(1);
  const auto number = digits.size() <= 16 ? parse_hex(digits) : std::nullopt;
  if (!number) {
    ParsedValue parsed = reject(keyword, text);
    parsed.outcome = Outcome::fatal;
    return parsed;
  }
  key.kind = ReservationKey::Kind::key;
  key.key = *number;
  key.aptpl = suffix == "aptpl";
  ParsedValue parsed = accept(key);
  if (key.key == 0) {
    parsed.remark = "0 is no reservation key: nothing is registered";
    parsed.id = "loose-value";
    parsed.fix = "take the line out, or write another key";
    return parsed;
  }
  if (text.find(':') != std::string_view::npos && !key.aptpl) {
    parsed.remark = fmt::format("\":{}\" after the reservation key is ignored; only \":aptpl\" has a meaning", escape(suffix));
    parsed.id = "loose-value";
    parsed.fix = fmt::format("{} {:#x}:aptpl", keyword.name, key.key);
  }
  return parsed;
}

ParsedValue parse_attribute_map(const Keyword& keyword, std::string_view text) {
  std::size_t dropped = 0;
  const auto records = parse_uid_attrs(text, &dropped);
  if (records.empty() && dropped != 0) return reject(keyword, text);
  std::string kept;
  for (const UidAttr& record : records) kept += (kept.empty() ? "" : " ") + record.prefix + ':' + record.attribute;
  ParsedValue parsed = accept(kept);
  if (records.empty()) parsed.outcome = Outcome::cleared;
  if (dropped != 0) {
    parsed.remark = fmt::format("{} of the records of {} lack the form PREFIX:PROPERTY and are dropped", dropped, keyword.name);
    parsed.id = "loose-value";
    parsed.fix = fmt::format("{} \"{}\"", keyword.name, escape(kept));
  }
  return parsed;
}

ParsedValue parse_protocol_name(const Keyword& keyword, std::string_view text) {
  if (std::ranges::find(protocol_names(), text) == protocol_names().end()) return reject(keyword, text);
  return accept(std::string(text));
}

}  // namespace

ParsedValue parse_value(const Keyword& keyword, std::string_view text, const ValueContext& context) {
  switch (keyword.type) {
    case ValueType::yes_no: return parse_yes_no(keyword, text);
    case ValueType::unsigned_number: return parse_unsigned(keyword, text);
    case ValueType::number: return bounded(keyword, text, keyword.minimum, keyword.maximum);
    case ValueType::choice: return parse_choice(keyword, text);
    case ValueType::policy: return parse_policy(keyword, text);
    case ValueType::text:
    case ValueType::expression: return accept(std::string(text));
    case ValueType::name: return parse_name(keyword, text);
    case ValueType::rule: return parse_rule(keyword, text);
    case ValueType::counted_words: return parse_counted(keyword, text);
    case ValueType::off_or_number: return parse_off_or_number(keyword, text);
    case ValueType::no_or_number: return parse_no_or_number(keyword, text);
    case ValueType::retry: return parse_retry(keyword, text);
    case ValueType::failback: return parse_failback(keyword, text);
    case ValueType::loss_time: return parse_loss_time(keyword, text);
    case ValueType::file_limit: return parse_file_limit(keyword, text, context);
    case ValueType::permission_bits: return parse_permission_bits(keyword, text);
    case ValueType::user:
    case ValueType::group: return parse_owner(keyword, text, context);
    case ValueType::reservation_key: return parse_reservation_key(keyword, text);
    case ValueType::attribute_map: return parse_attribute_map(keyword, text);
    case ValueType::protocol_name: return parse_protocol_name(keyword, text);
    case ValueType::ignored: break;
  }
  return {.outcome = Outcome::cleared};
}

const Value* default_value(Key key) {
  static const auto values = [] {
    std::array<std::optional<Value>, key_count> result;
    for (const Keyword& row : all_keywords()) {
      if (!row.default_text) continue;
      result[static_cast<std::size_t>(row.key)] = parse_value(row, *row.default_text, {}).value;
    }
    return result;
  }();
  const auto& value = values[static_cast<std::size_t>(key)];
  return value ? &*value : nullptr;
}

std::vector<UidAttr> parse_uid_attrs(std::string_view text, std::size_t* dropped) {
  std::vector<UidAttr> records;
  for (std::string_view word : split_words(text)) {
    const std::size_t colon = word.rfind(':');
    if (colon == std::string_view::npos) {
      if (dropped) ++*dropped;
      continue;
    }
    records.push_back({std::string(word.substr(0, colon)), std::string(word.substr(colon + 1))});
  }
  return records;
}

}  // namespace mpath::config
