// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/client/connection.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "libmpath/ipc/frame.h"
#include "libmpath/ipc/names.h"

namespace mpath::client {

namespace {

/// The kernel does not tell when a full backlog has room again, so it is asked at this interval.
constexpr milliseconds backlog_interval{10};

Result<std::pair<sockaddr_un, socklen_t>> address_of(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (name.empty() || name.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid_argument, name,
                fmt::format("a socket name has 1 to {} bytes", sizeof address.sun_path - 1));
  }
  std::memcpy(address.sun_path, name.data(), name.size());
  std::size_t length = offsetof(sockaddr_un, sun_path) + name.size();
  if (name.front() == '@') {
    address.sun_path[0] = '\0';
  } else {
    ++length;
  }
  return std::pair{address, static_cast<socklen_t>(length)};
}

Result<UniqueFd> connect_to(const std::string& name, milliseconds limit) {
  const auto address = address_of(name);
  if (!address) return std::unexpected(address.error());
  UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return std::unexpected(error_from_errno(errno, name, "cannot make a socket"));
  for (milliseconds waited{0};; waited += backlog_interval) {
    if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address->first), address->second) == 0) return fd;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return std::unexpected(error_from_errno(errno, name, "cannot connect"));
    if (waited >= limit) return fail(ErrorCode::timeout, name, "cannot connect", "too many clients wait already");
    ::poll(nullptr, 0, static_cast<int>(backlog_interval.count()));
  }
}

/// 0 when `fd` is ready, else an errno value.
int wait_for(int fd, short events, milliseconds limit) {
  pollfd poll{fd, events, 0};
  for (;;) {
    const int ready = ::poll(&poll, 1, static_cast<int>(limit.count()));
    if (ready > 0) return 0;
    if (ready == 0) return ETIMEDOUT;
    if (errno != EINTR) return errno;
  }
}

int send_all(int fd, std::string_view bytes, milliseconds limit) {
  while (!bytes.empty()) {
    if (const int error = wait_for(fd, POLLOUT, limit)) return error;
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (errno != EAGAIN && errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int receive_frame(int fd, ipc::FrameDecoder& decoder, milliseconds limit) {
  std::vector<char> buffer(65536);
  while (!decoder.complete()) {
    if (const int error = wait_for(fd, POLLIN, limit)) return error;
    const ssize_t count = ::recv(fd, buffer.data(), std::min(buffer.size(), decoder.wanted()), MSG_DONTWAIT);
    if (count == 0) return EIO;
    if (count < 0) {
      if (errno == EAGAIN || errno == EINTR) continue;
      return errno;
    }
    if (!decoder.feed({buffer.data(), static_cast<std::size_t>(count)})) return ERANGE;
  }
  return 0;
}

}  // namespace

std::vector<std::string> socket_names() {
  if (const char* name = std::getenv(ipc::socket_variable); name && *name) return {name};
  return {std::string(ipc::socket_path), std::string(ipc::abstract_socket)};
}

Result<UniqueFd> connect_to_daemon(milliseconds limit) {
  Error first;
  for (const std::string& name : socket_names()) {
    auto fd = connect_to(name, limit);
    if (fd) return fd;
    if (first.what.empty()) first = std::move(fd.error());
  }
  first.code = first.code == ErrorCode::not_found ? ErrorCode::unavailable : first.code;
  return std::unexpected(std::move(first));
}

Result<std::string> exchange(int fd, std::string_view command, milliseconds limit) {
  const auto frame = ipc::encode_frame(command);
  if (!frame) return std::unexpected(frame.error());
  if (const int error = send_all(fd, *frame, limit)) {
    return std::unexpected(error_from_errno(error, "multipathd", "cannot send packet"));
  }
  ipc::FrameDecoder decoder = ipc::FrameDecoder::for_replies();
  if (const int error = receive_frame(fd, decoder, limit)) {
    std::string what = error == ETIMEDOUT ? "timeout receiving packet" : fmt::format("error {} receiving packet", error);
    return std::unexpected(error_from_errno(error, "multipathd", std::move(what)));
  }
  return decoder.take();
}

}  // namespace mpath::client
