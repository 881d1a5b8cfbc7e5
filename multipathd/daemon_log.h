// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon's log: a bounded queue and one thread that writes, so that a dead journal or a full terminal never holds the engine. What an
// object says over and over is folded, see LogFolding. Where standard error or syslog is the journal, lines go to it by its own protocol,
// with their fields (MULTIPATH_DEVICE, MULTIPATH_NEW_STATE…) and their priority.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <string>
#include <thread>

#include "libmpath/ports/ports.h"
#include "multipathd/log_folding.h"

namespace mpath::daemon {

enum class LogTarget {
  stderr_with_time,  ///< "12.345678 | subject: text"
  stderr_plain,
  syslog,
};

class DaemonLog final : public ports::Log {
 public:
  /// Lines above `verbosity` are not written. The thread starts at once; it blocks every signal.
  DaemonLog(LogTarget target, int verbosity, const ports::Clock& clock);
  ~DaemonLog() override;

  void write(ports::LogLevel level, std::string_view subject, std::string_view text) override;
  void write_fields(ports::LogLevel level, std::string_view subject, std::string_view text, std::vector<LogField> fields) override;
  /// For systemd, in order with the lines and as unable to hold anybody: sd_notify(3).
  void notify(std::string state);
  void set_verbosity(int verbosity) { verbosity_ = verbosity; }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_; }
  /// SIGUSR1: open the log again.
  void reopen();

 private:
  struct Line {
    int level = 0;
    MonoTime when{};
    std::string text;    ///< of a line, or of a notification
    bool is_notification = false;
    std::vector<LogField> fields;
  };
  void run();
  /// Until there is something to write, or what was held back is due.
  void wait(std::unique_lock<std::mutex>& lock);
  void put(const Line& line);
  /// With the lock held, both.
  void enqueue(Line line);
  void enqueue(std::vector<LogRecord> records, MonoTime when);

  const LogTarget target_;
  const bool to_journal_;
  std::atomic<int> verbosity_;
  const ports::Clock& clock_;
  std::atomic<std::uint64_t> dropped_ = 0;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Line> lines_;
  LogFolding folding_;
  bool stopping_ = false;
  bool reopen_ = false;
  std::thread writer_;
};

}  // namespace mpath::daemon
