// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/names.h"

#include <array>
#include <cstddef>

#include "libmpath/base/text.h"

namespace mpath::wire {

namespace {

/// Prefixes whose letters go on with a number in letters: a … z, aa ….
constexpr std::array<std::string_view, 5> lettered_prefixes = {"dasd", "xvd", "sd", "vd", "hd"};

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }

std::string_view lettered_prefix(std::string_view name) {
  for (std::string_view prefix : lettered_prefixes) {
    if (name.starts_with(prefix) && name.size() > prefix.size() && is_lower(name[prefix.size()])) return prefix;
  }
  return {};
}

template <typename Predicate>
std::string_view take_run(std::string_view& text, Predicate belongs) {
  std::size_t end = 0;
  while (end < text.size() && belongs(text[end])) ++end;
  std::string_view run = text.substr(0, end);
  text.remove_prefix(end);
  return run;
}

std::strong_ordering by_length_then_bytes(std::string_view left, std::string_view right) {
  if (auto order = left.size() <=> right.size(); order != 0) return order;
  return left.compare(right) <=> 0;
}

std::string_view without_leading_zeros(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

/// Runs of digits as numbers, everything else byte by byte.
std::strong_ordering compare_numbered(std::string_view left, std::string_view right) {
  while (!left.empty() && !right.empty()) {
    if (is_digit(left.front()) && is_digit(right.front())) {
      auto order = by_length_then_bytes(without_leading_zeros(take_run(left, is_digit)),
                                        without_leading_zeros(take_run(right, is_digit)));
      if (order != 0) return order;
      continue;
    }
    auto order = static_cast<unsigned char>(left.front()) <=> static_cast<unsigned char>(right.front());
    if (order != 0) return order;
    left.remove_prefix(1);
    right.remove_prefix(1);
  }
  return left.size() <=> right.size();
}

std::strong_ordering compare_natural(std::string_view left, std::string_view right) {
  std::string_view prefix = lettered_prefix(left);
  if (!prefix.empty() && prefix == lettered_prefix(right)) {
    left.remove_prefix(prefix.size());
    right.remove_prefix(prefix.size());
    auto order = by_length_then_bytes(take_run(left, is_lower), take_run(right, is_lower));
    if (order != 0) return order;
  }
  return compare_numbered(left, right);
}

bool stays(char c) {
  return is_lower(c) || (c >= 'A' && c <= 'Z') || is_digit(c) ||
         std::string_view("#+-.:=@_").find(c) != std::string_view::npos;
}

}  // namespace

std::strong_ordering compare_kernel_names(std::string_view left, std::string_view right) {
  if (auto order = compare_natural(left, right); order != 0) return order;
  return left.compare(right) <=> 0;
}

std::string encode_dm_name(std::string_view name) {
  std::string encoded;
  encoded.reserve(name.size());
  for (char c : name) {
    if (stays(c)) {
      encoded += c;
    } else {
      encoded += "\\x" + to_hex(std::string_view(&c, 1));
    }
  }
  return encoded;
}

std::string decode_dm_name(std::string_view encoded) {
  std::string name;
  name.reserve(encoded.size());
  for (std::size_t at = 0; at < encoded.size(); ++at) {
    if (encoded.substr(at, 2) == "\\x" && at + 4 <= encoded.size()) {
      if (auto byte = parse_hex(encoded.substr(at + 2, 2))) {
        name += static_cast<char>(*byte);
        at += 3;
        continue;
      }
    }
    name += encoded[at];
  }
  return name;
}

}  // namespace mpath::wire
