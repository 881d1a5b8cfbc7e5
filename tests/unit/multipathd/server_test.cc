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
  /// Longer than any test takes on a busy computer: what ends it is expire().
  static constexpr Duration patience = minutes{10};

  ServerTest() {
    auto made = sys::EpollLoop::create();
    loop = std::move(*made);
    server = std::make_unique<Server>(*loop, [this](RequestId id, const Request&) {
      handed_over.push_back(id);
      if (answers) server->send(id, reply);
    }, patience);
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
  /// So many clients, each of which has asked something.
  std::vector<UniqueFd> crowd_of(std::size_t count) {
    std::vector<UniqueFd> crowd;
    for (std::size_t i = 0; i < count; ++i) {
      crowd.push_back(connect());
      say(crowd.back(), "show paths");
      turn();
    }
    return crowd;
  }
  /// Only the length of a request that is too long for a user.
  void announce_large(const UniqueFd& client) {
    const std::size_t length_word = limits::user_request_bytes + 1;
    EXPECT_EQ(::send(client.get(), &length_word, sizeof length_word, MSG_NOSIGNAL), static_cast<ssize_t>(sizeof length_word));
    turn();
  }
  /// Until it goes, clients are another user's than root's: root tries it as somebody else, anybody else is one already.
  struct AsUser {
    AsUser() : was_root(::geteuid() == 0 && ::seteuid(65534) == 0) {}
    ~AsUser() {
      if (was_root && ::seteuid(0) != 0) ADD_FAILURE();
    }
    AsUser(const AsUser&) = delete;
    AsUser& operator=(const AsUser&) = delete;
    const bool was_root;
  };
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
  bool answers = true;
  std::vector<RequestId> handed_over;
  sockaddr_un address{};
  socklen_t length = 0;
};

TEST_F(ServerTest, a_client_that_does_not_read_its_reply_is_disconnected) {
  reply = std::string(8U << 20, 'x');
  UniqueFd client = connect();
  say(client, "show paths");
  turn();
  EXPECT_NE(server->next_deadline(), no_deadline);
  server->expire(loop->now() + 2 * patience);
  turn();
  EXPECT_EQ(server->next_deadline(), no_deadline);
  EXPECT_TRUE(is_closed(client));
}

TEST_F(ServerTest, users_cannot_take_all_connections) {
  std::vector<UniqueFd> crowd;
  bool is_root = false;
  {
    AsUser user;
    is_root = user.was_root;
    for (std::size_t i = 0; i < limits::user_clients + 10; ++i) crowd.push_back(connect());
  }
  EXPECT_FALSE(is_closed(crowd.front()));
  EXPECT_TRUE(is_closed(crowd.back()));
  if (!is_root) return;
  UniqueFd client = connect();
  say(client, "show paths");
  turn();
  EXPECT_FALSE(is_closed(client));
}

TEST_F(ServerTest, users_send_short_requests_only) {
  const std::string most = R"(mpathctl/1 {"command":"status"})" + std::string(limits::user_request_bytes - 32, ' ');
  AsUser user;
  UniqueFd client = connect();
  say(client, most);
  for (int i = 0; i < 20; ++i) turn();
  EXPECT_EQ(handed_over.size(), 1u);
  EXPECT_FALSE(is_closed(client));
  UniqueFd other = connect();
  announce_large(other);
  EXPECT_TRUE(is_closed(other)) << "its length alone says that it is too long";
}

TEST_F(ServerTest, root_may_bring_a_configuration) {
  AsUser user;
  if (!user.was_root) GTEST_SKIP() << "only root can be root";
  ASSERT_EQ(::seteuid(0), 0);
  UniqueFd client = connect();
  announce_large(client);
  EXPECT_FALSE(is_closed(client));
}

TEST_F(ServerTest, of_users_only_a_few_requests_are_worked_on_at_once) {
  answers = false;
  AsUser user;
  std::vector<UniqueFd> crowd = crowd_of(limits::user_requests + 3);
  ASSERT_EQ(handed_over.size(), limits::user_requests);
  // One that is answered and takes its reply makes room for the next one; so does one that goes before its turn.
  crowd[limits::user_requests] = {};
  turn();
  server->send(handed_over[0], reply);
  turn();
  EXPECT_EQ(handed_over.size(), limits::user_requests + 1);
  if (user.was_root) {
    ASSERT_EQ(::seteuid(0), 0);
    UniqueFd roots = connect();
    say(roots, "show paths");
    turn();
    EXPECT_EQ(handed_over.size(), limits::user_requests + 2) << "root waits for nobody";
  }
}

TEST_F(ServerTest, what_a_user_gave_up_counts_until_it_is_done) {
  answers = false;
  AsUser user;
  std::vector<UniqueFd> crowd = crowd_of(limits::user_requests);
  crowd[0] = {};
  server->expire(loop->now() + 2 * patience);
  turn();
  UniqueFd client = connect();
  say(client, "show paths");
  turn();
  EXPECT_EQ(handed_over.size(), limits::user_requests);
  for (std::size_t i = 0; i < limits::user_requests; ++i) server->send(handed_over[i], reply);
  turn();
  ASSERT_EQ(handed_over.size(), limits::user_requests + 1);
  server->send(handed_over.back(), reply);
  EXPECT_FALSE(is_closed(client));
}

TEST_F(ServerTest, users_who_wait_for_their_turn_are_told_that_it_takes_too_long) {
  answers = false;
  AsUser user;
  std::vector<UniqueFd> crowd = crowd_of(limits::user_requests + 1);
  server->expire(loop->now() + 2 * patience);
  turn();
  char text[64] = {};
  EXPECT_GT(::recv(crowd.back().get(), text, sizeof text, MSG_DONTWAIT), 0);
  EXPECT_EQ(std::string(text + sizeof(std::size_t)), "fail\ntimeout\n");
  // It may ask again.
  for (std::size_t i = 0; i < limits::user_requests; ++i) server->send(handed_over[i], reply);
  answers = true;
  say(crowd.back(), "show paths");
  turn();
  EXPECT_EQ(handed_over.size(), limits::user_requests + 1);
  EXPECT_FALSE(is_closed(crowd.back()));
}

TEST_F(ServerTest, replies_that_users_do_not_take_are_few) {
  reply = std::string(4U << 20, 'x');
  AsUser user;
  std::vector<UniqueFd> crowd = crowd_of(limits::user_requests + 3);
  EXPECT_EQ(handed_over.size(), limits::user_requests);
  crowd[0] = {};
  turn();
  EXPECT_EQ(handed_over.size(), limits::user_requests + 1);
}

}  // namespace
}  // namespace mpath::daemon
