// SPDX-License-Identifier: LGPL-2.1-or-later
// Which device entries speak of a product. The answer is remembered for each (vendor, product, revision), and an expression is compiled
// when it is first needed. Owned and used by one thread.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libmpath/config/config.h"
#include "libmpath/config/expression.h"

namespace mpath::config {

class HardwareMatcher {
 public:
  explicit HardwareMatcher(std::shared_ptr<const Config> config);

  /// Indexes into Config::devices of the entries that match, the last-defined first: for each keyword the first that sets it wins.
  /// The list stays valid as long as the matcher. An unknown revision matches every entry.
  [[nodiscard]] const std::vector<std::size_t>& matches(const std::string& vendor, const std::string& product,
                                                        const std::optional<std::string>& revision);

 private:
  struct Patterns {
    std::size_t vendor, product, revision;  ///< into expressions_; none when the entry has no revision
  };
  static constexpr std::size_t none = static_cast<std::size_t>(-1);

  std::size_t expression_for(const Settings& settings, Key key);
  /// Tries an expression on a text once for each call of matches().
  bool matches(std::size_t expression, const std::string& text, std::vector<signed char>& tried);

  std::shared_ptr<const Config> config_;
  std::vector<Patterns> patterns_;
  std::vector<LazyExpression> expressions_;
  std::unordered_map<std::string, std::size_t> expression_of_;  ///< equal patterns are compiled once
  std::unordered_map<std::string, std::vector<std::size_t>> remembered_;
};

}  // namespace mpath::config
