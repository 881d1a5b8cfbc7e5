// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/fc_event.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::wire {

namespace {

// netlink(7): length, type, flags, sequence, port; the machine's own byte order.
constexpr std::size_t netlink_header = 16;
constexpr std::uint16_t scsi_transport_message = 17;  // NLMSG_MIN_TYPE + 1
// linux/include/uapi/scsi/scsi_netlink.h: version, transport, magic, message type, length. Then scsi_netlink_fc.h: seconds, vendor,
// host, length of the data, event number, event code, data.
constexpr std::size_t event_header = 36;
constexpr std::uint8_t fc_transport = 1;
constexpr std::uint16_t magic = 0xa1b2;
constexpr std::uint16_t asynchronous_event = 0x0100;
// FPIN: command 0x16, three zero bytes, length of the descriptors; each descriptor has a tag and a length, big-endian.
constexpr std::uint8_t fpin_command = 0x16;
constexpr std::size_t fpin_header = 8;
constexpr std::size_t descriptor_header = 8;
constexpr std::uint32_t link_integrity_tag = 0x00020001;

/// Fields in the machine's own byte order; nothing if one is not wholly inside.
template <typename T>
std::optional<T> native(Bytes bytes, std::size_t offset) {
  auto field = ByteReader(bytes).exact(offset, sizeof(T));
  if (!field) return std::nullopt;
  T value;
  std::memcpy(&value, field->data(), sizeof value);
  return value;
}

std::optional<FcEvent::Kind> kind_of(std::uint32_t code) {
  // linux/include/scsi/scsi_transport_fc.h, FCH_EVT_*.
  switch (code) {
    case 0x1: case 0x4: case 0x201: case 0x202: return FcEvent::Kind::port_changed;
    case 0x2: return FcEvent::Kind::link_up;
    case 0x3: return FcEvent::Kind::link_down;
    case 0x5: return FcEvent::Kind::state_change;
    case 0x501: return FcEvent::Kind::link_integrity;
    default: return std::nullopt;
  }
}

/// Detecting and attached port, type, modifier, threshold, count, number of names, names.
void take_ports(Bytes value, std::vector<std::uint64_t>& ports) {
  ByteReader reader(value);
  auto add = [&](std::optional<std::uint64_t> name) {
    bool wanted = name && *name != 0 && ports.size() < limits::fpin_ports && std::ranges::find(ports, *name) == ports.end();
    if (wanted) ports.push_back(*name);
  };
  add(reader.be64(8));
  std::uint32_t count = reader.be32(28).value_or(0);
  for (std::size_t i = 0; i < count; ++i) {
    auto name = reader.be64(32 + i * 8);
    if (!name || ports.size() >= limits::fpin_ports) return;
    add(name);
  }
}

std::vector<std::uint64_t> link_integrity_ports(Bytes data) {
  std::vector<std::uint64_t> ports;
  ByteReader reader(data);
  if (reader.u8(0) != fpin_command) return ports;
  Bytes descriptors = reader.clipped(fpin_header, reader.be32(4).value_or(0));
  while (descriptors.size() >= descriptor_header) {
    ByteReader descriptor(descriptors);
    std::size_t length = *descriptor.be32(4);
    Bytes value = descriptor.clipped(descriptor_header, length);
    if (descriptor.be32(0) == link_integrity_tag) take_ports(value, ports);
    if (value.size() < length) break;
    descriptors = descriptors.subspan(descriptor_header + length);
  }
  return ports;
}

std::optional<FcEvent> parse_event(Bytes message) {
  bool is_event = native<std::uint8_t>(message, 1) == fc_transport && native<std::uint16_t>(message, 2) == magic &&
                  native<std::uint16_t>(message, 4) == asynchronous_event;
  auto host = native<std::uint16_t>(message, 24);
  auto data_bytes = native<std::uint16_t>(message, 26);
  auto code = native<std::uint32_t>(message, 32);
  auto kind = is_event && code ? kind_of(*code) : std::nullopt;
  if (!host || !data_bytes || !kind) return std::nullopt;
  FcEvent event{.kind = *kind, .host = *host, .ports = {}};
  if (event.kind != FcEvent::Kind::link_integrity) return event;
  event.ports = link_integrity_ports(ByteReader(message).clipped(event_header, *data_bytes));
  if (event.ports.empty()) return std::nullopt;  // another notification
  return event;
}

}  // namespace

std::vector<FcEvent> parse_fc_events(Bytes datagram) {
  std::vector<FcEvent> events;
  while (datagram.size() >= netlink_header) {
    std::size_t length = *native<std::uint32_t>(datagram, 0);
    if (length < netlink_header || length > datagram.size()) break;
    if (native<std::uint16_t>(datagram, 4) == scsi_transport_message) {
      if (auto event = parse_event(datagram.subspan(netlink_header, length - netlink_header))) events.push_back(std::move(*event));
    }
    datagram = datagram.subspan(std::min((length + 3) & ~std::size_t{3}, datagram.size()));
  }
  return events;
}

std::optional<FcConnection> parse_nvme_fc_address(std::string_view address) {
  auto port_name = [](std::string_view names) -> std::optional<std::uint64_t> {
    for (std::string_view name : split(names, ':')) {
      if (name.starts_with("pn-0x")) return parse_hex(name.substr(5));
    }
    return std::nullopt;
  };
  std::optional<std::uint64_t> target;
  std::optional<std::uint64_t> host;
  for (std::string_view part : split(address, ',')) {
    if (part.starts_with("traddr=")) target = port_name(part.substr(7));
    if (part.starts_with("host_traddr=")) host = port_name(part.substr(12));
  }
  if (!target || !host) return std::nullopt;
  return FcConnection{port_name_text(*target), port_name_text(*host)};
}

std::string port_name_text(std::uint64_t name) { return fmt::format("0x{:016x}", name); }

}  // namespace mpath::wire
