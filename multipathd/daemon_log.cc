// SPDX-License-Identifier: LGPL-2.1-or-later
#include "multipathd/daemon_log.h"

#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <syslog.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::daemon {

namespace {

/// Our levels, in syslog's words: error, warning, notice, info, debug.
int syslog_priority(int level) {
  constexpr int priorities[] = {LOG_ERR, LOG_WARNING, LOG_NOTICE, LOG_INFO, LOG_DEBUG};
  return priorities[std::clamp(level, 0, 4)];
}

/// Whether what is written to this descriptor ends in the journal (systemd.exec(5), JOURNAL_STREAM).
bool is_journal_stream(int fd) {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat information{};
  if (stream == nullptr || ::fstat(fd, &information) != 0) return false;
  return stream == fmt::format("{}:{}", information.st_dev, information.st_ino);
}

bool reaches_journal(LogTarget target) {
  if (target == LogTarget::syslog) return ::access("/run/systemd/journal/socket", W_OK) == 0;
  return is_journal_stream(STDERR_FILENO);
}

bool send_to_journal(const std::string& text, int priority, const std::vector<LogField>& fields) {
  std::vector<std::string> entries = {"MESSAGE=" + text, fmt::format("PRIORITY={}", priority), "SYSLOG_IDENTIFIER=multipathd"};
  for (const LogField& field : fields) entries.push_back(fmt::format("{}={}", field.name, escape(field.value)));
  std::vector<iovec> parts;
  parts.reserve(entries.size());
  for (std::string& entry : entries) parts.push_back({entry.data(), entry.size()});
  return ::sd_journal_sendv(parts.data(), static_cast<int>(parts.size())) >= 0;
}

}  // namespace

DaemonLog::DaemonLog(LogTarget target, int verbosity, const ports::Clock& clock)
    : target_(target), to_journal_(reaches_journal(target)), verbosity_(verbosity), clock_(clock) {
  if (target_ == LogTarget::syslog) ::openlog("multipathd", LOG_NDELAY | LOG_PID, LOG_DAEMON);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  writer_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  pthread_setname_np(writer_.native_handle(), "log");
}

DaemonLog::~DaemonLog() {
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  writer_.join();
  if (target_ == LogTarget::syslog) ::closelog();
}

void DaemonLog::write(ports::LogLevel level, std::string_view subject, std::string_view text) { write_fields(level, subject, text, {}); }

void DaemonLog::write_fields(ports::LogLevel level, std::string_view subject, std::string_view text, std::vector<LogField> fields) {
  int number = static_cast<int>(level);
  if (number > verbosity_) return;
  MonoTime when = clock_.now();
  LogRecord record{.level = number, .subject = escape(subject), .text = escape(text), .fields = std::move(fields)};
  std::lock_guard lock(mutex_);
  bool nothing_held = folding_.next_due() == no_deadline;
  enqueue(folding_.take(std::move(record), when), when);
  // The writer does not know yet that there is something to wait for.
  if (nothing_held && folding_.next_due() != no_deadline) wake_.notify_one();
}

void DaemonLog::notify(std::string state) {
  std::lock_guard lock(mutex_);
  enqueue({.when = clock_.now(), .text = std::move(state), .is_notification = true});
}

void DaemonLog::reopen() {
  std::lock_guard lock(mutex_);
  reopen_ = true;
}

void DaemonLog::enqueue(Line line) {
  if (lines_.size() >= limits::log_queue_lines) {
    ++dropped_;
    return;
  }
  lines_.push_back(std::move(line));
  wake_.notify_one();
}

void DaemonLog::enqueue(std::vector<LogRecord> records, MonoTime when) {
  for (LogRecord& record : records) {
    std::string text = record.subject.empty() ? std::move(record.text) : record.subject + ": " + record.text;
    enqueue({.level = record.level, .when = when, .text = std::move(text), .fields = std::move(record.fields)});
  }
}

void DaemonLog::wait(std::unique_lock<std::mutex>& lock) {
  while (lines_.empty()) {
    MonoTime now = clock_.now();
    enqueue(stopping_ ? folding_.rest(now) : folding_.due(now), now);
    if (stopping_ || !lines_.empty()) return;
    if (folding_.next_due() == no_deadline) {
      wake_.wait(lock);
    } else {
      wake_.wait_for(lock, folding_.next_due() - now);
    }
  }
}

void DaemonLog::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wait(lock);
    if (lines_.empty()) return;
    Line line = std::move(lines_.front());
    lines_.pop_front();
    bool again = std::exchange(reopen_, false);
    lock.unlock();
    if (again && target_ == LogTarget::syslog) {
      ::closelog();
      ::openlog("multipathd", LOG_NDELAY | LOG_PID, LOG_DAEMON);
    }
    put(line);
    lock.lock();
  }
}

void DaemonLog::put(const Line& line) {
  if (line.is_notification) {
    ::sd_notify(0, line.text.c_str());
    return;
  }
  // A journal that does not take the line has another chance below.
  if (to_journal_ && send_to_journal(line.text, syslog_priority(line.level), line.fields)) return;
  if (target_ == LogTarget::syslog) {
    ::syslog(syslog_priority(line.level), "%s", line.text.c_str());
    return;
  }
  std::string out;
  if (target_ == LogTarget::stderr_with_time) {
    auto micro = std::chrono::duration_cast<microseconds>(line.when.time_since_epoch()).count();
    out = fmt::format("{}.{:06} | ", micro / 1000000, micro % 1000000);
  }
  out += line.text;
  out += '\n';
  // A terminal or file that does not take it loses the line, nothing else.
  [[maybe_unused]] ssize_t written = ::write(STDERR_FILENO, out.data(), out.size());
}

}  // namespace mpath::daemon
