// SPDX-License-Identifier: LGPL-2.1-or-later
#include "multipathd/log_folding.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "libmpath/base/limits.h"

namespace mpath::daemon {
namespace {

constexpr int warning = 1;
constexpr int notice = 2;

/// The log of a few devices, at seconds since the start.
class Log {
 public:
  std::vector<std::string> say(int at, const std::string& text, const std::string& device = "sda", int level = notice,
                               std::vector<LogField> fields = {}) {
    return texts(folding.take({.level = level, .subject = device, .text = text, .fields = std::move(fields)}, time(at)));
  }
  std::vector<std::string> due(int at) { return texts(folding.due(time(at))); }
  std::vector<std::string> rest(int at) { return texts(folding.rest(time(at))); }
  [[nodiscard]] std::optional<std::int64_t> next_due() const {
    if (folding.next_due() == no_deadline) return std::nullopt;
    return std::chrono::duration_cast<seconds>(folding.next_due() - time(0)).count();
  }
  static MonoTime time(int at) { return MonoTime{std::chrono::hours{1} + seconds{at}}; }

  LogFolding folding;
  std::vector<LogRecord> last;

 private:
  std::vector<std::string> texts(std::vector<LogRecord> records) {
    std::vector<std::string> found;
    for (const LogRecord& record : records) found.push_back(record.text);
    if (!records.empty()) last = std::move(records);
    return found;
  }
};

using Lines = std::vector<std::string>;

TEST(LogFolding, WhatIsNewIsWrittenAtOnce) {
  Log log;
  EXPECT_EQ(log.say(0, "is down"), Lines{"is down"});
  EXPECT_EQ(log.say(0, "is down", "sdb"), Lines{"is down"}) << "of another device";
  EXPECT_EQ(log.say(1, "is up"), Lines{"is up"});
  EXPECT_EQ(log.next_due(), std::nullopt) << "nothing to wake up for";
}

TEST(LogFolding, RepetitionsAreToldWithTheNextOtherLine) {
  Log log;
  EXPECT_EQ(log.say(0, "is still down"), Lines{"is still down"});
  for (int at = 5; at <= 20; at += 5) EXPECT_EQ(log.say(at, "is still down"), Lines{});
  EXPECT_EQ(log.say(23, "is up"), (Lines{"is still down (repeated 4 times in 23.0 s)", "is up"}));
  EXPECT_EQ(log.next_due(), std::nullopt);
  EXPECT_EQ(log.say(24, "is up"), Lines{});
  EXPECT_EQ(log.say(25, "is down"), (Lines{"is up (repeated once in 2.0 s)", "is down"}));
}

TEST(LogFolding, RepetitionsAreToldOnceAMinute) {
  Log log;
  std::size_t lines = 0;
  for (int at = 0; at < 600; at += 5) lines += log.say(at, "is still down").size();
  EXPECT_EQ(lines, 10U) << "the first one, and nine times how often it was repeated";
  EXPECT_EQ(log.last.front().text, "is still down (repeated 12 times in 60.0 s)");
}

TEST(LogFolding, TheLastRepetitionsAreToldByTime) {
  Log log;
  EXPECT_EQ(log.say(0, "is still down").size(), 1U);
  EXPECT_EQ(log.say(5, "is still down"), Lines{});
  EXPECT_EQ(log.next_due(), 60);
  EXPECT_EQ(log.due(59), Lines{});
  EXPECT_EQ(log.due(60), Lines{"is still down (repeated once in 60.0 s)"});
  EXPECT_EQ(log.next_due(), std::nullopt);
  EXPECT_EQ(log.due(200), Lines{});
}

TEST(LogFolding, AfterAQuietMinuteARepetitionIsNews) {
  Log log;
  EXPECT_EQ(log.say(0, "is down").size(), 1U);
  EXPECT_EQ(log.say(60, "is down"), Lines{"is down"});
}

TEST(LogFolding, RepetitionsKeepTheirFieldsAndLevel) {
  Log log;
  std::vector<LogField> fields = {{"MULTIPATH_DEVICE", "sda"}, {"MULTIPATH_NEW_STATE", "down"}};
  EXPECT_EQ(log.say(0, "is down", "sda", warning, fields).size(), 1U);
  EXPECT_EQ(log.say(1, "is down", "sda", warning, fields), Lines{});
  EXPECT_EQ(log.rest(2), Lines{"is down (repeated once in 2.0 s)"});
  fields.push_back({"MULTIPATH_REPEATED", "1"});
  EXPECT_EQ(log.last.front().fields, fields);
  EXPECT_EQ(log.last.front().level, warning);
}

TEST(LogFolding, AnotherLevelOrFieldIsAnotherLine) {
  Log log;
  EXPECT_EQ(log.say(0, "is down", "sda", warning).size(), 1U);
  EXPECT_EQ(log.say(1, "is down", "sda", notice), Lines{"is down"});
  EXPECT_EQ(log.say(2, "is down", "sda", notice, {{"MULTIPATH_OLD_STATE", "up"}}), Lines{"is down"});
}

TEST(LogFolding, AnObjectHasSoManyLinesAMinute) {
  Log log;
  std::size_t lines = 0;
  for (unsigned i = 0; i < 3 * limits::log_lines_per_object_per_minute; ++i) lines += log.say(0, fmt::format("change {}", i)).size();
  EXPECT_EQ(lines, limits::log_lines_per_object_per_minute);
  EXPECT_EQ(log.say(0, "is down", "sdb").size(), 1U) << "another one has its own";
  EXPECT_EQ(log.due(60), Lines{fmt::format("{} more lines in the last minute were not written", 2 * limits::log_lines_per_object_per_minute)});
  EXPECT_EQ(log.say(61, "is up"), Lines{"is up"});
}

TEST(LogFolding, WhatIsHeldBackIsToldAtTheEnd) {
  Log log;
  for (const char* device : {"sda", "sdb"}) {
    EXPECT_EQ(log.say(0, "is down", device).size(), 1U);
    EXPECT_EQ(log.say(1, "is down", device), Lines{});
  }
  EXPECT_EQ(log.rest(3).size(), 2U);
  EXPECT_EQ(log.rest(3), Lines{});
}

TEST(LogFolding, ManyObjectsTakeBoundedMemoryAndLoseNothing) {
  Log log;
  std::size_t lines = 0;
  for (std::size_t i = 0; i <= limits::log_queue_lines; ++i) {
    lines += log.say(0, "is down", fmt::format("sd{}", i)).size();
    lines += log.say(0, "is down", fmt::format("sd{}", i)).size();
  }
  lines += log.rest(1).size();
  EXPECT_EQ(lines, 2 * (limits::log_queue_lines + 1)) << "each line, and that it was repeated";
}

TEST(LogFolding, TheDaemonItselfIsNeverHeldBack) {
  Log log;
  for (int i = 0; i < 100; ++i) EXPECT_EQ(log.say(0, "reconfigured", "").size(), 1U);
}

}  // namespace
}  // namespace mpath::daemon
