// SPDX-License-Identifier: LGPL-2.1-or-later
// What a set of random runs has exercised: faults, commands, requests, messages, table actions with their reasons, path states, and the
// rules of the engine that say so in the log. A kind that no seed reaches is a kind that no seed tests.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace mpath::sim {

class Coverage {
 public:
  void count(std::string_view kind, std::string_view what);
  /// What the daemon said.
  void log_line(std::string_view text);
  void add(const Coverage& other);
  [[nodiscard]] const std::map<std::string, std::uint64_t, std::less<>>& counts() const { return counts_; }
  /// The kinds that a thousand seeds must reach, and these have not.
  [[nodiscard]] std::vector<std::string> missing() const;

 private:
  std::map<std::string, std::uint64_t, std::less<>> counts_;  ///< "message fail_path"
};

}  // namespace mpath::sim
