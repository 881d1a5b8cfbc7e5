// SPDX-License-Identifier: LGPL-2.1-or-later
// Which lines of the log are written. What an object says over and over is written once, and then at most once a minute with how often it
// was said; and no object has more than so many lines a minute. Pure: the time is told. Not thread-safe.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "libmpath/base/time.h"
#include "libmpath/model/log.h"

namespace mpath::daemon {

struct LogRecord {
  int level = 0;
  std::string subject;  ///< the object; empty: the daemon itself, which is never held back
  std::string text;
  std::vector<LogField> fields;
};

class LogFolding {
 public:
  /// For a line that was said at `now`: what is to be written, in order. Without the line itself if it repeats the last one of its object
  /// within a minute, or if its object has had its lines of this minute; that is told later.
  [[nodiscard]] std::vector<LogRecord> take(LogRecord line, MonoTime now);
  /// What has been held back for long enough.
  [[nodiscard]] std::vector<LogRecord> due(MonoTime now);
  /// When due() has something; no_deadline if nothing is held back.
  [[nodiscard]] MonoTime next_due() const { return deadlines_.empty() ? no_deadline : deadlines_.begin()->first; }
  /// Everything that is held back: at the end.
  [[nodiscard]] std::vector<LogRecord> rest(MonoTime now);

 private:
  struct Object {
    std::uint64_t last = 0;             ///< fingerprint of the line that was written last: the line itself would be most of the memory
    MonoTime last_at{};                 ///< when it was written, or told of
    std::unique_ptr<LogRecord> repeating;  ///< that line, while it is held back
    std::uint64_t repeated = 0;         ///< how often, since
    MonoTime budget_since{};
    unsigned lines = 0;                 ///< of this budget
    std::uint64_t suppressed = 0;
    int suppressed_level = 0;           ///< the most important of them
    MonoTime deadline = no_deadline;    ///< in deadlines_
  };
  void tell_repeated(Object& object, MonoTime now, std::vector<LogRecord>& out);
  void tell_suppressed(Object& object, const std::string& subject, std::vector<LogRecord>& out);
  void set_deadline(const std::string& subject, Object& object);

  std::unordered_map<std::string, Object> objects_;
  std::set<std::pair<MonoTime, std::string>> deadlines_;
};

}  // namespace mpath::daemon
