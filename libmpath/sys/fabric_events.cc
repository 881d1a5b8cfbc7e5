// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/fabric_events.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <iterator>

#include "libmpath/base/limits.h"

namespace mpath::sys {

Result<FabricEvents> FabricEvents::open() {
  UniqueFd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SCSITRANSPORT));
  if (!fd) {
    if (errno == EPROTONOSUPPORT) return fail(ErrorCode::unsupported, "fabric events", "the kernel has no SCSI transports");
    return std::unexpected(error_from_errno(errno, "fabric events", "no netlink socket"));
  }
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = ~0U;  // the kernel counts its one group in its own way
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return std::unexpected(error_from_errno(errno, "fabric events", "the transports' netlink group cannot be joined"));
  }
  return FabricEvents(std::move(fd), true);
}

bool FabricEvents::receive(std::vector<wire::FcEvent>& events) {
  bool complete = true;
  for (std::size_t i = 0; i < limits::fabric_datagrams; ++i) {
    sockaddr_nl sender{};
    socklen_t sender_bytes = sizeof sender;
    ssize_t got = ::recvfrom(fd_.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC,
                             reinterpret_cast<sockaddr*>(&sender), &sender_bytes);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) {
      complete = false;
      continue;
    }
    if (got <= 0) break;
    bool from_kernel = sender_bytes >= sizeof sender && sender.nl_pid == 0;
    if ((from_kernel_only_ && !from_kernel) || static_cast<std::size_t>(got) > buffer_.size()) continue;
    auto found = wire::parse_fc_events(Bytes(buffer_.data(), static_cast<std::size_t>(got)));
    events.insert(events.end(), std::move_iterator(found.begin()), std::move_iterator(found.end()));
  }
  return complete;
}

}  // namespace mpath::sys
