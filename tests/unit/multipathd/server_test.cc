// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon's socket with clients that mean no good: a server and its loop in this thread, clients on a socket of its own.
#include "multipathd/server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <vector>

#include "libmpath/base/limits.h"
#include "libmpath/ipc/frame.h"

namespace mpath::daemon {
namespace {

class ServerTest : public ::testing::Test {
 protected:
  ServerTest() {
    auto made = sys::EpollLoop::create();
    loop = std::move(*made);
    server = std::make_unique<Server>(*loop, [this](RequestId id, const Request&) { server->send(id, reply); }, milliseconds{50});
    address.sun_family = AF_UNIX;
    std::string name = fmt::format("mpath-server-test-{}", ::getpid());
    name.copy(address.sun_path + 1, name.size());
    length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    UniqueFd listener{::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener.get(), limits::socket_backlog), 0);
    std::vector<UniqueFd> listeners;
    listeners.push_back(std::move(listener));
    EXPECT_TRUE(server->listen(std::move(listeners)));
  }

  UniqueFd connect() {
    UniqueFd fd{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), length), 0);
    turn();
    return fd;
  }
  void turn() {
    for (int i = 0; i < 3; ++i) loop->run_once(milliseconds{0});
    if (server->next_deadline() <= loop->now()) server->expire(loop->now());
  }
  static void say(const UniqueFd& fd, std::string_view text) {
    std::string frame = *ipc::encode_frame(text);
    EXPECT_EQ(::send(fd.get(), frame.data(), frame.size(), MSG_NOSIGNAL), static_cast<ssize_t>(frame.size()));
  }
  static bool is_closed(const UniqueFd& fd) {
    char buffer[65536];
    for (;;) {
      ssize_t got = ::recv(fd.get(), buffer, sizeof buffer, MSG_DONTWAIT);
      if (got <= 0) return got == 0 || errno == ECONNRESET;
    }
  }

  std::unique_ptr<sys::EpollLoop> loop;
  std::unique_ptr<Server> server;
  std::string reply = "ok\n";
  sockaddr_un address{};
  socklen_t length = 0;
};

TEST_F(ServerTest, a_client_that_does_not_read_its_reply_is_disconnected) {
  reply = std::string(8U << 20, 'x');
  UniqueFd client = connect();
  say(client, "show paths");
  turn();
  EXPECT_NE(server->next_deadline(), no_deadline);
  server->expire(loop->now() + seconds{1});
  turn();
  EXPECT_EQ(server->next_deadline(), no_deadline);
  EXPECT_TRUE(is_closed(client));
}

TEST_F(ServerTest, users_cannot_take_all_connections) {
  // Root tries it as somebody else; anybody else is one already.
  bool is_root = ::geteuid() == 0 && ::seteuid(65534) == 0;
  std::vector<UniqueFd> crowd;
  for (std::size_t i = 0; i < limits::clients / 4 + 10; ++i) crowd.push_back(connect());
  EXPECT_FALSE(is_closed(crowd.front()));
  EXPECT_TRUE(is_closed(crowd.back()));
  if (!is_root) return;
  ASSERT_EQ(::seteuid(0), 0);
  UniqueFd client = connect();
  say(client, "show paths");
  turn();
  EXPECT_FALSE(is_closed(client));
}

}  // namespace
}  // namespace mpath::daemon
