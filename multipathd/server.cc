// SPDX-License-Identifier: LGPL-2.1-or-later
#include "multipathd/server.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/command/mpathctl.h"
#include "libmpath/command/parser.h"
#include "libmpath/command/reply.h"
#include "libmpath/sys/processes.h"

namespace mpath::daemon {

namespace {
/// Users other than root must not be able to take all connections.
static_assert(limits::user_clients < limits::clients);
/// Without a free descriptor no client can be taken; after this it is tried again.
constexpr Duration accept_pause = seconds{1};
}  // namespace

struct Server::Client {
  std::uint64_t id = 0;
  UniqueFd fd;
  std::uint32_t uid = UINT32_MAX;
  std::uint32_t process = 0;
  ipc::FrameDecoder decoder = ipc::FrameDecoder::for_requests();
  RequestId request = RequestId::none;  ///< handed over, not answered yet
  MonoTime deadline = no_deadline;      ///< of the request that is coming in or waits
  std::string output;
  std::size_t sent = 0;
  bool in_hand = false;     ///< counted in users_in_hand_
  bool last_reply = false;  ///< its frame was cut short: nothing it sends makes sense any more
  bool dropped = false;
};

Server::Server(sys::EpollLoop& loop, Handler handler, Duration patience)
    : loop_(loop), handler_(std::move(handler)), patience_(patience) {}

Server::~Server() { close_all(); }

Status Server::listen(std::vector<UniqueFd> sockets) {
  listeners_ = std::move(sockets);
  watch_listeners(true);
  if (!listening_) return fail(ErrorCode::unavailable, "socket", "cannot listen");
  return {};
}

void Server::watch_listeners(bool watch) {
  listening_ = watch;
  for (UniqueFd& listener : listeners_) {
    int fd = listener.get();
    if (!watch) {
      loop_.unwatch(fd);
    } else if (!loop_.watch(fd, EPOLLIN, [this, fd](std::uint32_t) { accept(fd); })) {
      listening_ = false;
    }
  }
}

void Server::accept(int listener) {
  for (int i = 0; i < limits::socket_backlog && clients_.size() < limits::clients; ++i) {
    UniqueFd fd{::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
    if (!fd) {
      // The connection stays in the backlog, so the socket would be ready again at once.
      if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS) {
        watch_listeners(false);
        accept_again_ = loop_.now() + accept_pause;
      }
      return;
    }
    ucred peer{};
    socklen_t length = sizeof peer;
    // Who it is comes before anything it says.
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0) continue;
    auto is_users = [](const auto& entry) { return entry.second->uid != 0; };
    if (peer.uid != 0 && static_cast<std::size_t>(std::ranges::count_if(clients_, is_users)) >= limits::user_clients) continue;
    auto client = std::make_unique<Client>();
    client->id = ++last_client_;
    client->uid = peer.uid;
    client->process = peer.pid > 0 ? static_cast<std::uint32_t>(peer.pid) : 0;
    client->decoder = ipc::FrameDecoder::for_requests(
        command::mpathctl_prefix, peer.uid == 0 ? limits::mpathctl_request_bytes : limits::user_request_bytes);
    int raw = fd.get();
    client->fd = std::move(fd);
    std::uint64_t id = client->id;
    clients_.emplace(id, std::move(client));
    if (!loop_.watch(raw, EPOLLIN, [this, id](std::uint32_t events) { on_ready(id, events); })) clients_.erase(id);
  }
  if (clients_.size() >= limits::clients) watch_listeners(false);
}

void Server::on_ready(std::uint64_t id, std::uint32_t events) {
  auto at = clients_.find(id);
  if (at == clients_.end()) return;
  Client& client = *at->second;
  if ((events & EPOLLOUT) != 0) write_reply(client);
  if (!client.dropped && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) read_request(client);
  if (client.dropped) drop(client);
}

void Server::read_request(Client& client) {
  char buffer[4096];
  for (;;) {
    std::size_t wanted = client.decoder.wanted();
    // While a request is being answered the next one stays in the socket: strictly one request, one reply.
    if (client.request != RequestId::none || !client.output.empty()) wanted = 0;
    if (wanted == 0) {
      char byte;
      ssize_t peeked = ::recv(client.fd.get(), &byte, 1, MSG_PEEK);
      if (peeked == 0 || (peeked < 0 && errno != EAGAIN && errno != EINTR)) {
        client.dropped = true;
      } else if (auto status = loop_.rearm(client.fd.get(), client.output.empty() ? 0U : EPOLLOUT); !status) {
        client.dropped = true;
      }
      return;
    }
    ssize_t got = ::recv(client.fd.get(), buffer, std::min(wanted, sizeof buffer), 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    if (got <= 0 || !client.decoder.feed({buffer, static_cast<std::size_t>(got)})) {
      client.dropped = true;
      return;
    }
    if (client.decoder.started() && client.deadline == no_deadline) client.deadline = loop_.now() + patience_;
    if (client.decoder.complete()) take_request(client);
    if (client.dropped) return;
  }
}

/// What users other than root can make us do or hold at the same time is bounded: their requests wait for each other, never root's for
/// them.
void Server::take_request(Client& client) {
  if (client.uid != 0) {
    users_waiting_.push_back(client.id);
    take_waiting(client.id);
  } else {
    hand_over(client);
  }
}

void Server::take_waiting(std::uint64_t current) {
  if (std::exchange(taking_waiting_, true)) return;
  while (!users_waiting_.empty() && users_in_hand_ < limits::user_requests) {
    auto at = clients_.find(users_waiting_.front());
    users_waiting_.pop_front();
    if (at == clients_.end() || at->second->dropped || !at->second->decoder.complete()) continue;
    Client& client = *at->second;
    client.in_hand = true;
    ++users_in_hand_;
    hand_over(client);
    if (client.dropped && client.id != current) drop(client);
  }
  taking_waiting_ = false;
}

/// Its reply has been taken, or it is gone.
void Server::let_go(Client& client) {
  if (!std::exchange(client.in_hand, false)) return;
  --users_in_hand_;
  take_waiting(client.id);
}

/// Its request is worked on all the same, and counts until that is over.
void Server::abandon(Client& client) {
  if (client.request == RequestId::none) return;
  if (std::exchange(client.in_hand, false)) {
    waiting_[client.request] = 0;
  } else {
    waiting_.erase(client.request);
  }
  client.request = RequestId::none;
}

void Server::hand_over(Client& client) {
  std::string text = client.decoder.take();
  auto request = command::parse(text);
  if (!request) {
    queue_reply(client, request.error().reply);
  } else if (!command::is_allowed(request->kind, client.uid)) {
    queue_reply(client, command::permission_reply);
  } else {
    if (!is_query(request->kind)) {
      const std::string command = sys::command_of(client.process);
      request->asked_by = fmt::format("{} ({}) of user {}", command.empty() ? "a program" : escape(command), client.process, client.uid);
    }
    client.request = static_cast<RequestId>(++last_request_);
    waiting_.emplace(client.request, client.id);
    handler_(client.request, *request);
  }
}

void Server::send(RequestId id, std::string_view text) {
  auto waiting = waiting_.find(id);
  if (waiting == waiting_.end()) return;
  auto at = clients_.find(waiting->second);
  waiting_.erase(waiting);
  if (at == clients_.end()) {
    --users_in_hand_;
    take_waiting(0);
    return;
  }
  Client& client = *at->second;
  client.request = RequestId::none;
  queue_reply(client, text);
  if (client.dropped) drop(client);
}

void Server::queue_reply(Client& client, std::string_view text) {
  auto frame = ipc::encode_frame(text);
  if (!frame) frame = ipc::encode_frame("fail\n");
  client.deadline = no_deadline;
  client.output = std::move(*frame);
  client.sent = 0;
  write_reply(client);
}

void Server::write_reply(Client& client) {
  while (client.sent < client.output.size()) {
    ssize_t put = ::send(client.fd.get(), client.output.data() + client.sent, client.output.size() - client.sent, MSG_NOSIGNAL);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && errno == EAGAIN) {
      // Who does not read does not keep us holding the reply.
      client.deadline = loop_.now() + patience_;
      if (!loop_.rearm(client.fd.get(), EPOLLOUT)) client.dropped = true;
      return;
    }
    if (put < 0) {
      client.dropped = true;
      return;
    }
    client.sent += static_cast<std::size_t>(put);
  }
  client.output = {};
  client.sent = 0;
  client.deadline = no_deadline;
  let_go(client);
  if (client.last_reply) {
    client.dropped = true;
    return;
  }
  if (!loop_.rearm(client.fd.get(), EPOLLIN)) client.dropped = true;
}

void Server::drop(Client& client) {
  loop_.unwatch(client.fd.get());
  abandon(client);
  let_go(client);
  clients_.erase(client.id);
  if (!listening_ && !listeners_.empty() && clients_.size() < limits::clients / 2) watch_listeners(true);
}

MonoTime Server::next_deadline() const {
  MonoTime next = accept_again_;
  for (const auto& [id, client] : clients_) next = std::min(next, client->deadline);
  return next;
}

void Server::expire(MonoTime now) {
  if (accept_again_ <= now) {
    accept_again_ = no_deadline;
    if (!listening_ && clients_.size() < limits::clients) watch_listeners(true);
  }
  std::vector<std::uint64_t> late;
  for (const auto& [id, client] : clients_) {
    if (client->deadline <= now) late.push_back(id);
  }
  for (std::uint64_t id : late) {
    Client& client = *clients_.at(id);
    if (!client.output.empty()) {
      drop(client);
      continue;
    }
    abandon(client);
    // A request that is whole and waits for its turn is given up.
    if (client.decoder.complete()) (void)client.decoder.take();
    client.last_reply = client.decoder.started();
    queue_reply(client, command::timeout_reply);
    if (client.dropped) drop(client);
  }
}

void Server::close_all() {
  watch_listeners(false);
  listeners_.clear();
  for (auto& [id, client] : clients_) loop_.unwatch(client->fd.get());
  clients_.clear();
  waiting_.clear();
  users_waiting_.clear();
  users_in_hand_ = 0;
}

}  // namespace mpath::daemon
