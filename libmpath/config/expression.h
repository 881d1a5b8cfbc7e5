// SPDX-License-Identifier: LGPL-2.1-or-later
// POSIX extended regular expressions as multipath.conf uses them: unanchored, case-sensitive. Compiled expressions belong to one thread.
#pragma once

#include <regex.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "libmpath/base/error.h"

namespace mpath::config {

/// A compiled expression.
class Expression {
 public:
  /// Error: invalid_argument when it is no expression, limit when its repetitions would need unreasonable memory.
  [[nodiscard]] static Result<Expression> compile(const std::string& pattern);
  [[nodiscard]] bool matches(const std::string& text) const;

 private:
  struct Free {
    void operator()(regex_t* compiled) const;
  };
  std::unique_ptr<regex_t, Free> compiled_;
};

/// An expression that is compiled when it is first asked; one that does not compile matches nothing.
class LazyExpression {
 public:
  explicit LazyExpression(std::string pattern) : pattern_(std::move(pattern)) {}
  [[nodiscard]] bool matches(const std::string& text);
  [[nodiscard]] const std::string& pattern() const { return pattern_; }

 private:
  std::string pattern_;
  std::optional<Expression> compiled_;
  bool tried_ = false;
};

/// The byte (from 0) where a pattern that does not compile goes wrong, as near as can be told.
[[nodiscard]] std::size_t fault_position(std::string_view pattern);

}  // namespace mpath::config
