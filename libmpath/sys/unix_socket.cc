// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/unix_socket.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

#include "libmpath/base/limits.h"

namespace mpath::sys {

namespace {

constexpr mode_t socket_mode = 0666;

/// A socket file that nobody listens on is left over. Anything else of that name is not ours to delete.
Status clear_path(const std::string& path) {
  struct stat information{};
  if (::lstat(path.c_str(), &information) != 0) return {};
  if (!S_ISSOCK(information.st_mode)) return fail(ErrorCode::exists, path, "is no socket; remove it");
  if (::unlink(path.c_str()) != 0) return std::unexpected(error_from_errno(errno, path, "cannot be removed"));
  return {};
}

Result<UniqueFd> listen_on(const std::string& name) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  bool abstract = name.starts_with('@');
  if (name.size() >= sizeof address.sun_path) return fail(ErrorCode::limit, name, "the socket's name is too long");
  std::memcpy(address.sun_path, name.data(), name.size());
  auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
  if (abstract) {
    // The length is exact: no byte follows the name.
    address.sun_path[0] = '\0';
  } else {
    if (Status status = clear_path(name); !status) return std::unexpected(status.error());
    ++length;
  }
  UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!fd) return std::unexpected(error_from_errno(errno, name, "no socket"));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) != 0) {
    return std::unexpected(error_from_errno(errno, name, "cannot be bound"));
  }
  if (!abstract && ::chmod(name.c_str(), socket_mode) != 0) {
    return std::unexpected(error_from_errno(errno, name, "its mode cannot be set"));
  }
  if (::listen(fd.get(), limits::socket_backlog) != 0) {
    return std::unexpected(error_from_errno(errno, name, "cannot listen"));
  }
  return fd;
}

}  // namespace

Result<std::vector<UniqueFd>> open_listening_sockets(int passed, const std::vector<std::string>& names) {
  std::vector<UniqueFd> sockets;
  for (int i = 0; i < std::min(passed, most_passed_sockets); ++i) {
    int fd = first_passed_socket + i;
    ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    sockets.emplace_back(fd);
  }
  if (!sockets.empty()) return sockets;
  std::optional<Error> failure;
  for (const std::string& name : names) {
    auto fd = listen_on(name);
    if (fd) {
      sockets.push_back(std::move(*fd));
    } else {
      failure = fd.error();
    }
  }
  if (sockets.empty()) {
    return std::unexpected(failure.value_or(Error{ErrorCode::invalid_argument, "socket", "no name to listen on", {}}));
  }
  return sockets;
}

}  // namespace mpath::sys
