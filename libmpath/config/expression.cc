// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/expression.h"

#include <algorithm>
#include <vector>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::config {

namespace {

/// After the bracket expression that begins at `at`; the end of the pattern when it is not closed.
std::size_t skip_bracket(std::string_view pattern, std::size_t at) {
  ++at;
  if (at < pattern.size() && pattern[at] == '^') ++at;
  if (at < pattern.size() && pattern[at] == ']') ++at;
  while (at < pattern.size() && pattern[at] != ']') {
    if (pattern[at] == '[' && at + 1 < pattern.size() &&
        (pattern[at + 1] == ':' || pattern[at + 1] == '.' || pattern[at + 1] == '=')) {
      const std::size_t end = pattern.find(std::string{pattern[at + 1], ']'}, at + 2);
      if (end == std::string_view::npos) return pattern.size();
      at = end + 2;
    } else {
      ++at;
    }
  }
  return std::min(at + 1, pattern.size());
}

/// The larger bound of the interval that begins at `at` ("{2,5}"); `at` moves to its last byte.
std::size_t interval_bound(std::string_view pattern, std::size_t& at) {
  const std::size_t end = pattern.find('}', at);
  if (end == std::string_view::npos) return 1;
  std::size_t bound = 2;
  for (std::string_view part : split(pattern.substr(at + 1, end - at - 1), ',')) {
    if (auto number = parse_decimal(part)) bound = std::max<std::size_t>(bound, std::min<std::uint64_t>(*number, 1u << 20));
  }
  at = end;
  return bound;
}

/// How many nodes the C library makes of a pattern, saturating: it copies what is repeated, so nested repetitions multiply.
std::size_t expanded_size(std::string_view pattern) {
  struct Level {
    std::size_t total = 0, atom = 0;
  };
  std::vector<Level> levels(1);
  const auto close_atom = [&](std::size_t atom) {
    levels.back().total += levels.back().atom;
    levels.back().atom = atom;
  };
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    switch (pattern[at]) {
      case '\\': ++at; close_atom(1); break;
      case '[': at = skip_bracket(pattern, at) - 1; close_atom(1); break;
      case '(': levels.emplace_back(); break;
      case ')': {
        const std::size_t group = levels.back().total + levels.back().atom + 1;
        if (levels.size() > 1) levels.pop_back();
        close_atom(group);
        break;
      }
      case '+': levels.back().atom *= 2; break;
      case '{': levels.back().atom *= interval_bound(pattern, at); break;
      default: close_atom(1); break;
    }
    if (levels.back().atom > limits::expression_nodes) return levels.back().atom;
  }
  return levels.back().total + levels.back().atom;
}

}  // namespace

void Expression::Free::operator()(regex_t* compiled) const {
  regfree(compiled);
  delete compiled;
}

Result<Expression> Expression::compile(const std::string& pattern) {
  if (expanded_size(pattern) > limits::expression_nodes) {
    return fail(ErrorCode::limit, pattern, "the repetitions of this regular expression multiply to too many; simplify it");
  }
  auto storage = std::make_unique<regex_t>();
  if (const int failure = regcomp(storage.get(), pattern.c_str(), REG_EXTENDED | REG_NOSUB); failure != 0) {
    char reason[128];
    regerror(failure, storage.get(), reason, sizeof reason);
    return fail(ErrorCode::invalid_argument, pattern, "not a valid regular expression", reason);
  }
  Expression expression;
  expression.compiled_.reset(storage.release());
  return expression;
}

bool Expression::matches(const std::string& text) const {
  return regexec(compiled_.get(), text.c_str(), 0, nullptr, 0) == 0;
}

bool LazyExpression::matches(const std::string& text) {
  if (!tried_) {
    tried_ = true;
    if (auto compiled = Expression::compile(pattern_)) compiled_ = std::move(*compiled);
  }
  return compiled_ && compiled_->matches(text);
}

std::size_t fault_position(std::string_view pattern) {
  std::vector<std::size_t> open;
  bool repeatable = false;
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    switch (pattern[at]) {
      case '\\':
        if (at + 1 == pattern.size()) return at;
        ++at;
        repeatable = true;
        break;
      case '[': {
        const std::size_t end = skip_bracket(pattern, at);
        if (end == pattern.size() && (pattern.back() != ']' || end - at < 3)) return at;
        at = end - 1;
        repeatable = true;
        break;
      }
      case '(':
        open.push_back(at);
        repeatable = false;
        break;
      case ')':
        if (open.empty()) return at;
        open.pop_back();
        repeatable = true;
        break;
      case '*':
      case '+':
      case '?':
        if (!repeatable) return at;
        break;
      case '{': {
        const std::size_t end = pattern.find('}', at);
        if (end == std::string_view::npos || !repeatable) return at;
        const auto bounds = split(pattern.substr(at + 1, end - at - 1), ',');
        const auto low = parse_decimal(bounds.front());
        const auto high = bounds.size() > 1 && !bounds[1].empty() ? parse_decimal(bounds[1]) : low;
        if (bounds.size() > 2 || !low || !high || *high < *low || *high > 32767) return at;
        at = end;
        break;
      }
      case '|':
        repeatable = false;
        break;
      default:
        repeatable = true;
        break;
    }
  }
  return open.empty() ? 0 : open.back();
}

}  // namespace mpath::config
