// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads what the kernel's SCSI transports tell of links and fabrics (netlink). Engine's thread; nothing here blocks.
#pragma once

#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/unique_fd.h"
#include "libmpath/wire/fc_event.h"

namespace mpath::sys {

class FabricEvents {
 public:
  /// ErrorCode::unsupported where the kernel has no SCSI transports: then there is nothing to hear.
  [[nodiscard]] static Result<FabricEvents> open();
  /// For tests: datagrams come from this socket.
  explicit FabricEvents(UniqueFd socket, bool from_kernel_only = false) : fd_(std::move(socket)), from_kernel_only_(from_kernel_only) {}

  [[nodiscard]] int fd() const { return fd_.get(); }
  /// Appends what has come, at most limits::fabric_datagrams; the descriptor stays readable while there is more. False if the kernel dropped
  /// some.
  [[nodiscard]] bool receive(std::vector<wire::FcEvent>& events);

 private:
  static constexpr std::size_t datagram_bytes = 128u << 10;  ///< more than a notification can have: its length has 16 bits
  UniqueFd fd_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(datagram_bytes);
  bool from_kernel_only_ = false;
};

}  // namespace mpath::sys
