// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/process.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "libmpath/base/text.h"

namespace mpath::sys {

namespace {

Error from_errno(std::string subject, std::string what) { return error_from_errno(errno, std::move(subject), std::move(what)); }

Status write_text(const char* path, std::string_view text) {
  UniqueFd fd{::open(path, O_WRONLY | O_CLOEXEC)};
  if (!fd || ::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size())) {
    return std::unexpected(from_errno(path, "cannot be written"));
  }
  return {};
}

std::optional<std::uint64_t> most_open_files() {
  UniqueFd fd{::open("/proc/sys/fs/nr_open", O_RDONLY | O_CLOEXEC)};
  char text[32];
  ssize_t got = fd ? ::read(fd.get(), text, sizeof text) : -1;
  if (got <= 0) return std::nullopt;
  return parse_decimal(trim({text, static_cast<std::size_t>(got)}));
}

Status take_real_time_priority() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_RTPRIO, &limit) != 0) return std::unexpected(from_errno("real-time priority", "limit unknown"));
  if (limit.rlim_max == 0) return {};
  int most = ::sched_get_priority_max(SCHED_RR);
  sched_param parameters{};
  parameters.sched_priority = limit.rlim_max == RLIM_INFINITY ? most : static_cast<int>(std::min<rlim_t>(limit.rlim_max, static_cast<rlim_t>(most)));
  // Threads that are started later do not inherit it: only the engine's thread must not wait for others.
  if (::sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &parameters) != 0) {
    return std::unexpected(from_errno("real-time priority", "refused; goes on without"));
  }
  return {};
}

Status raise_open_files() {
  auto most = most_open_files();
  rlimit limit{};
  if (!most || ::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= *most) return {};
  limit.rlim_cur = *most;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, *most);
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
    return std::unexpected(from_errno("open files", fmt::format("the limit cannot be raised to {}", *most)));
  }
  return {};
}

}  // namespace

Status daemonise() {
  for (int i = 0; i < 2; ++i) {
    pid_t child = ::fork();
    if (child < 0) return std::unexpected(from_errno("fork", "cannot go to the background"));
    if (child > 0) ::_exit(0);
    if (i == 0 && ::setsid() < 0) return std::unexpected(from_errno("setsid", "cannot go to the background"));
  }
  UniqueFd null{::open("/dev/null", O_RDWR)};
  if (!null) return std::unexpected(from_errno("/dev/null", "cannot be opened"));
  for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null.get(), fd);
  if (null.get() <= STDERR_FILENO) (void)null.release();
  return {};
}

Result<PidFile> PidFile::take(std::string path) {
  UniqueFd fd{::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644)};
  if (!fd) return std::unexpected(from_errno(path, "cannot be opened"));
  struct flock lock{};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd.get(), F_SETLK, &lock) != 0) {
    if (errno != EAGAIN && errno != EACCES) return std::unexpected(from_errno(path, "cannot be locked"));
    std::string holder;
    if (::fcntl(fd.get(), F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK) holder = fmt::format(" (pid {})", lock.l_pid);
    return fail(ErrorCode::exists, "multipathd", "process is already running" + holder, {});
  }
  std::string pid = std::to_string(::getpid());
  if (::ftruncate(fd.get(), 0) != 0 || ::pwrite(fd.get(), pid.data(), pid.size(), 0) != static_cast<ssize_t>(pid.size())) {
    return std::unexpected(from_errno(path, "cannot be written"));
  }
  return PidFile(std::move(fd), std::move(path));
}

PidFile::~PidFile() {
  if (fd_) ::unlink(path_.c_str());
}

std::vector<Error> harden_process() {
  std::vector<Error> failures;
  auto note = [&](const Status& status) {
    if (!status) failures.push_back(status.error());
  };
  if (std::getenv("LimitNOFILE") == nullptr) note(raise_open_files());
  if (::mlockall(MCL_CURRENT | MCL_FUTURE) != 0) {
    failures.push_back(from_errno("memory", "cannot be locked: with the root file system gone the daemon may stall (LimitMEMLOCK)"));
  }
  if (std::getenv("OOMScoreAdjust") == nullptr) note(write_text("/proc/self/oom_score_adj", "-1000"));
  note(take_real_time_priority());
  return failures;
}

}  // namespace mpath::sys
