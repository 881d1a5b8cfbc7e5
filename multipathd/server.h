// SPDX-License-Identifier: LGPL-2.1-or-later
// The daemon's socket: accepts clients, checks who they are, takes one request at a time from each and sends the reply. Engine thread only;
// never blocks on a client: a slow reader keeps its own reply waiting, and at most other readers that are not root's.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmpath/base/unique_fd.h"
#include "libmpath/ipc/frame.h"
#include "libmpath/model/request.h"
#include "libmpath/sys/epoll_loop.h"

namespace mpath::daemon {

class Server {
 public:
  /// Hands a request over; its reply comes back through send().
  using Handler = std::function<void(RequestId, const Request&)>;

  Server(sys::EpollLoop& loop, Handler handler, Duration patience);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Listening, non-blocking sockets.
  [[nodiscard]] Status listen(std::vector<UniqueFd> sockets);
  /// The text that answers `id`; a client that went meanwhile is forgotten about.
  void send(RequestId id, std::string_view text);
  /// Requests older than the patience are answered with a time-out; a client that has not taken anything of its reply for so long is
  /// disconnected.
  void expire(MonoTime now);
  [[nodiscard]] MonoTime next_deadline() const;
  void set_patience(Duration patience) { patience_ = patience; }
  /// Replies that were made are delivered as far as the clients take them at once; then everything is closed.
  void close_all();

 private:
  struct Client;
  void accept(int listener);
  void on_ready(std::uint64_t id, std::uint32_t events);
  void read_request(Client& client);
  void take_request(Client& client);
  void hand_over(Client& client);
  /// The next requests of users, as far as limits::user_requests allows. `current`: the client whose turn it is.
  void take_waiting(std::uint64_t current);
  void let_go(Client& client);
  void abandon(Client& client);
  void queue_reply(Client& client, std::string_view text);
  void write_reply(Client& client);
  void drop(Client& client);
  void watch_listeners(bool watch);

  sys::EpollLoop& loop_;
  Handler handler_;
  Duration patience_;
  std::vector<UniqueFd> listeners_;
  bool listening_ = false;
  MonoTime accept_again_ = no_deadline;  ///< when there may be descriptors for clients again
  std::unordered_map<std::uint64_t, std::unique_ptr<Client>> clients_;
  std::unordered_map<RequestId, std::uint64_t> waiting_;  ///< request → client; 0: a user's who does not wait any more
  std::size_t users_in_hand_ = 0;            ///< requests of users other than root: not answered, or the reply not taken yet
  std::deque<std::uint64_t> users_waiting_;  ///< … whose request is whole and waits for its turn; some may be gone
  bool taking_waiting_ = false;
  std::uint64_t last_client_ = 0;
  std::uint64_t last_request_ = 0;
};

}  // namespace mpath::daemon
