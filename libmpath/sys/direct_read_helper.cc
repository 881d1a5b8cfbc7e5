// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/direct_read_helper.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "libmpath/sys/direct_read_worker.h"

namespace mpath::sys {

namespace {

constexpr const char* process_name = "mpath-reads";  ///< not the program's: nothing that looks for the daemon shall find this
constexpr int only_socket = 3;

/// Keeps the socket, as number 3, and nothing else: the standard streams would keep a terminal or a pipe open.
void drop_descriptors(int socket) {
  if (int null = ::open("/dev/null", O_RDWR | O_CLOEXEC); null >= 0) {
    for (int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
      if (socket != fd) ::dup2(null, fd);
    }
  }
  if (socket != only_socket) ::dup2(socket, only_socket);
  if (::syscall(SYS_close_range, only_socket + 1, ~0U, 0) == 0) return;
  for (int fd = only_socket + 1; fd < static_cast<int>(::sysconf(_SC_OPEN_MAX)); ++fd) ::close(fd);
}

/// What both processes are: not the daemon, deaf to what is meant for it, and gone when it is.
void settle_in(pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(0);  // it died before the line above
  for (int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE}) ::signal(signal, SIG_IGN);
}

void show_name(char** arguments) {
  ::prctl(PR_SET_NAME, process_name);
  if (arguments == nullptr || arguments[0] == nullptr) return;
  // The words lie one behind the other; what is left of them is blanked.
  char* begin = arguments[0];
  char* end = begin;
  for (char** word = arguments; *word != nullptr && *word == end; ++word) end += std::strlen(*word) + 1;
  auto room = static_cast<std::size_t>(end - begin);
  std::memset(begin, 0, room);
  std::memcpy(begin, process_name, std::min(room - 1, std::strlen(process_name)));
}

void take_means() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max = std::max<rlim_t>(limit.rlim_max, 1U << 20);
    if (std::getenv("LimitNOFILE") != nullptr || ::setrlimit(RLIMIT_NOFILE, &limit) != 0) {
      (void)::getrlimit(RLIMIT_NOFILE, &limit);
      limit.rlim_cur = limit.rlim_max;
      (void)::setrlimit(RLIMIT_NOFILE, &limit);
    }
  }
  (void)::mlockall(MCL_CURRENT | MCL_FUTURE);
  if (std::getenv("OOMScoreAdjust") != nullptr) return;
  if (UniqueFd score{::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC)}) (void)!::write(score.get(), "-1000", 5);
}

[[noreturn]] void be_reader(int socket, pid_t parent) {
  settle_in(parent);
  drop_descriptors(socket);
  take_means();
  serve_direct_reads(only_socket);
  ::_exit(0);
}

/// A descriptor that came, or nothing; `gone` when the program has hung up.
UniqueFd wait_for_request(bool& gone) {
  char byte = 0;
  UniqueFd descriptor;
  ssize_t got = receive_with_descriptor(only_socket, &byte, 1, 0, descriptor);
  gone = got == 0 || (got < 0 && errno != EINTR);
  return descriptor;
}

[[noreturn]] void be_helper(int socket, pid_t parent, char** arguments) {
  settle_in(parent);
  drop_descriptors(socket);
  show_name(arguments);
  ::signal(SIGCHLD, SIG_IGN);  // a reader that ended leaves nothing behind
  pid_t self = ::getpid();
  for (bool gone = false; !gone;) {
    UniqueFd request = wait_for_request(gone);
    if (request && ::fork() == 0) be_reader(request.get(), self);
  }
  ::_exit(0);
}

}  // namespace

ssize_t receive_with_descriptor(int socket, void* bytes, std::size_t size, int flags, UniqueFd& descriptor) {
  iovec io{.iov_base = bytes, .iov_len = size};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = ::recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
  const cmsghdr* attached = got > 0 ? CMSG_FIRSTHDR(&message) : nullptr;
  if (attached == nullptr || attached->cmsg_type != SCM_RIGHTS || attached->cmsg_len != CMSG_LEN(sizeof(int))) return got;
  int number = -1;
  std::memcpy(&number, CMSG_DATA(attached), sizeof number);
  descriptor.reset(number);
  return got;
}

bool send_with_descriptor(int socket, const void* bytes, std::size_t size, int descriptor) {
  iovec io{.iov_base = const_cast<void*>(bytes), .iov_len = size};
  msghdr message{};
  message.msg_iov = &io;
  message.msg_iovlen = 1;
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  if (descriptor >= 0) {
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    cmsghdr* attached = CMSG_FIRSTHDR(&message);
    attached->cmsg_level = SOL_SOCKET;
    attached->cmsg_type = SCM_RIGHTS;
    attached->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(attached), &descriptor, sizeof descriptor);
  }
  ssize_t sent;
  do {
    sent = ::sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  return sent == static_cast<ssize_t>(size);
}

Result<DirectReadHelper> DirectReadHelper::start(char** arguments) {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) != 0) {
    return std::unexpected(error_from_errno(errno, "reads past the page cache", "no socket for the child"));
  }
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  pid_t self = ::getpid();
  pid_t child = ::fork();
  if (child < 0) return std::unexpected(error_from_errno(errno, "reads past the page cache", "no child process"));
  if (child == 0) be_helper(theirs.get(), self, arguments);
  return DirectReadHelper(std::move(ours));
}

Result<UniqueFd> DirectReadHelper::new_reader() const {
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
    return std::unexpected(error_from_errno(errno, "reads past the page cache", "no socket for the child"));
  }
  UniqueFd ours(pair[0]);
  UniqueFd theirs(pair[1]);
  char byte = 'r';
  if (!send_with_descriptor(socket_.get(), &byte, 1, theirs.get())) {
    return std::unexpected(error_from_errno(errno, "reads past the page cache", "the helper that makes children is gone"));
  }
  return ours;
}

}  // namespace mpath::sys
