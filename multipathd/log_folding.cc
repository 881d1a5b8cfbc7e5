// SPDX-License-Identifier: LGPL-2.1-or-later
#include "multipathd/log_folding.h"

#include <fmt/format.h>

#include <algorithm>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::daemon {

namespace {
/// How long what is said again is held back, and for how long an object has its lines.
constexpr Duration period = minutes{1};

/// Of all but the subject, by which objects are told apart.
std::uint64_t fingerprint_of(const LogRecord& line) {
  std::uint64_t print = fingerprint(line.text, fingerprint(fmt::format("{} ", line.level)));
  for (const LogField& field : line.fields) {
    print = fingerprint(field.value, fingerprint(fmt::format("\n{} {} ", field.name, field.value.size()), print));
  }
  return print;
}

}  // namespace

std::vector<LogRecord> LogFolding::take(LogRecord line, MonoTime now) {
  if (line.subject.empty()) return {std::move(line)};
  std::vector<LogRecord> out = due(now);
  if (objects_.size() >= limits::log_queue_lines && !objects_.contains(line.subject)) {
    for (LogRecord& held : rest(now)) out.push_back(std::move(held));
    objects_.clear();
  }
  const std::string subject = line.subject;
  Object& object = objects_[subject];
  if (object.budget_since + period <= now) {
    object.budget_since = now;
    object.lines = 0;
  }
  const std::uint64_t print = fingerprint_of(line);
  if (object.suppressed == 0 && object.last == print && now < object.last_at + period) {
    if (object.repeated++ == 0) object.repeating = std::make_unique<LogRecord>(std::move(line));
  } else if (object.lines >= limits::log_lines_per_object_per_minute) {
    object.suppressed_level = object.suppressed == 0 ? line.level : std::min(object.suppressed_level, line.level);
    ++object.suppressed;
  } else {
    tell_repeated(object, now, out);
    ++object.lines;
    object.last_at = now;
    object.last = print;
    out.push_back(std::move(line));
  }
  set_deadline(subject, object);
  return out;
}

std::vector<LogRecord> LogFolding::due(MonoTime now) {
  std::vector<LogRecord> out;
  while (next_due() <= now) {
    const std::string subject = deadlines_.begin()->second;
    Object& object = objects_.at(subject);
    if (object.last_at + period <= now) tell_repeated(object, now, out);
    if (object.budget_since + period <= now) tell_suppressed(object, subject, out);
    set_deadline(subject, object);
  }
  return out;
}

std::vector<LogRecord> LogFolding::rest(MonoTime now) {
  std::vector<LogRecord> out;
  while (!deadlines_.empty()) {
    const std::string subject = deadlines_.begin()->second;
    Object& object = objects_.at(subject);
    tell_repeated(object, now, out);
    tell_suppressed(object, subject, out);
    set_deadline(subject, object);
  }
  return out;
}

void LogFolding::tell_repeated(Object& object, MonoTime now, std::vector<LogRecord>& out) {
  if (object.repeated == 0) return;
  LogRecord told = std::move(*object.repeating);
  std::string times = object.repeated == 1 ? "once" : fmt::format("{} times", object.repeated);
  told.text += fmt::format(" (repeated {} in {})", times, engine::span_text(now - object.last_at));
  told.fields.push_back({"MULTIPATH_REPEATED", fmt::format("{}", object.repeated)});
  out.push_back(std::move(told));
  object.repeating.reset();
  object.repeated = 0;
  object.last_at = now;
}

void LogFolding::tell_suppressed(Object& object, const std::string& subject, std::vector<LogRecord>& out) {
  if (object.suppressed == 0) return;
  out.push_back({.level = object.suppressed_level,
                 .subject = subject,
                 .text = fmt::format("{} more lines in the last minute were not written", object.suppressed),
                 .fields = {}});
  object.suppressed = 0;
}

void LogFolding::set_deadline(const std::string& subject, Object& object) {
  MonoTime deadline = no_deadline;
  if (object.repeated > 0) deadline = object.last_at + period;
  if (object.suppressed > 0) deadline = std::min(deadline, object.budget_since + period);
  if (deadline == object.deadline) return;
  if (object.deadline != no_deadline) deadlines_.erase({object.deadline, subject});
  if (deadline != no_deadline) deadlines_.emplace(deadline, subject);
  object.deadline = deadline;
}

}  // namespace mpath::daemon
