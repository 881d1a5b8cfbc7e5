// SPDX-License-Identifier: LGPL-2.1-or-later
// Fibre Channel events of the kernel's SCSI transport class as they come over netlink (NETLINK_SCSITRANSPORT): links, state changes of the
// fabric, and its performance impact notifications (FPIN, FC-LS-5 4.2.6). Pure, any thread; the bytes may be anything.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libmpath/base/byte_reader.h"

namespace mpath::wire {

struct FcEvent {
  enum class Kind : std::uint8_t {
    link_up,
    link_down,
    state_change,    ///< RSCN: something in the fabric has changed
    port_changed,    ///< loop initialisation, a port that went or came
    link_integrity,  ///< FPIN: frames are damaged or lost on a link; `ports` are those reached over it
  };
  Kind kind = Kind::state_change;
  std::uint32_t host = 0;            ///< number of the SCSI host
  std::vector<std::uint64_t> ports;  ///< world-wide port names, at most limits::fpin_ports
  friend bool operator==(const FcEvent&, const FcEvent&) = default;
};

/// The events of one datagram; those of other kinds and all that makes no sense are left out.
[[nodiscard]] std::vector<FcEvent> parse_fc_events(Bytes datagram);

/// As sysfs writes it: "0x500a098000000002".
[[nodiscard]] std::string port_name_text(std::uint64_t name);

/// The two ports of a connection of NVMe over Fibre Channel, as port_name_text() writes them.
struct FcConnection {
  std::string target_port;
  std::string host_port;
};
/// From the controller's `address` in sysfs, "traddr=nn-0x…:pn-0x…,host_traddr=nn-0x…:pn-0x…" (FC-NVMe-2, transport addresses as in the
/// NVMe over Fabrics host of Linux). Nothing if it is not of that form.
[[nodiscard]] std::optional<FcConnection> parse_nvme_fc_address(std::string_view address);

}  // namespace mpath::wire
