// SPDX-License-Identifier: LGPL-2.1-or-later
// Datagrams of the SCSI transport's netlink socket.
#include <cstdlib>

#include "libmpath/base/limits.h"
#include "libmpath/wire/fc_event.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  for (const wire::FcEvent& event : wire::parse_fc_events(Bytes(data, size))) {
    bool names_ports = event.kind == wire::FcEvent::Kind::link_integrity;
    if (event.ports.empty() == names_ports || event.ports.size() > limits::fpin_ports) std::abort();
  }
  return 0;
}
