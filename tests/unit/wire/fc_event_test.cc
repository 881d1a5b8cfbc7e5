// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/fc_event.h"

#include <gmock/gmock.h>

#include <cstring>

#include "libmpath/base/limits.h"

namespace mpath::wire {
namespace {

using Data = std::vector<std::uint8_t>;

void big(Data& out, std::uint64_t value, int bytes) {
  for (int shift = bytes * 8 - 8; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}
template <typename T>
void own(Data& out, T value) {
  std::uint8_t bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

/// A netlink message with an event, as the kernel sends it.
Data message(std::uint32_t code, const Data& data, std::uint16_t host = 3, std::uint16_t magic = 0xa1b2) {
  Data event = {1, 1};
  own<std::uint16_t>(event, magic);
  own<std::uint16_t>(event, 0x0100);
  own<std::uint16_t>(event, 0);
  own<std::uint64_t>(event, 1234567);
  own<std::uint64_t>(event, 0);
  own<std::uint16_t>(event, host);
  own<std::uint16_t>(event, static_cast<std::uint16_t>(data.size()));
  own<std::uint32_t>(event, 99);
  own<std::uint32_t>(event, code);
  event.insert(event.end(), data.begin(), data.end());
  while (event.size() % 8 != 0) event.push_back(0);
  Data out;
  own<std::uint32_t>(out, static_cast<std::uint32_t>(event.size() + 16));
  own<std::uint16_t>(out, 17);
  own<std::uint16_t>(out, 0);
  own<std::uint64_t>(out, 0);
  out.insert(out.end(), event.begin(), event.end());
  return out;
}

Data link_integrity(const std::vector<std::uint64_t>& names, std::uint64_t attached = 0x2100000000000001) {
  Data value;
  big(value, 0x2000000000000009, 8);
  big(value, attached, 8);
  big(value, 5, 2);
  big(value, 0, 2);
  big(value, 1000, 4);
  big(value, 3, 4);
  big(value, names.size(), 4);
  for (std::uint64_t name : names) big(value, name, 8);
  Data descriptor;
  big(descriptor, 0x00020001, 4);
  big(descriptor, value.size(), 4);
  descriptor.insert(descriptor.end(), value.begin(), value.end());
  return descriptor;
}
Data fpin(const Data& descriptors) {
  Data out = {0x16, 0, 0, 0};
  big(out, descriptors.size(), 4);
  out.insert(out.end(), descriptors.begin(), descriptors.end());
  return out;
}
constexpr std::uint32_t fpin_code = 0x501;

TEST(FcEvent, Links) {
  struct {
    std::uint32_t code;
    std::optional<FcEvent::Kind> kind;
  } cases[] = {{1, FcEvent::Kind::port_changed}, {2, FcEvent::Kind::link_up},          {3, FcEvent::Kind::link_down},
               {4, FcEvent::Kind::port_changed}, {5, FcEvent::Kind::state_change},     {0x103, {}},
               {0x200, {}},                      {0x201, FcEvent::Kind::port_changed}, {0x202, FcEvent::Kind::port_changed},
               {0x502, {}},                      {0xffff, {}}};
  for (const auto& one : cases) {
    auto events = parse_fc_events(message(one.code, {0, 1, 2, 3}));
    ASSERT_EQ(events.size(), one.kind ? 1u : 0u) << one.code;
    if (one.kind) {
      EXPECT_EQ(events[0], (FcEvent{.kind = *one.kind, .host = 3, .ports = {}}));
    }
  }
}

TEST(FcEvent, LinkIntegrityNamesItsPorts) {
  auto events = parse_fc_events(message(fpin_code, fpin(link_integrity({0x500a098000000002, 0x500a098000000003, 0x500a098000000002}))));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].kind, FcEvent::Kind::link_integrity);
  EXPECT_THAT(events[0].ports, testing::ElementsAre(0x2100000000000001, 0x500a098000000002, 0x500a098000000003));
  EXPECT_EQ(port_name_text(events[0].ports[1]), "0x500a098000000002");
}

TEST(FcEvent, OtherDescriptorsAreSkippedAndOtherNotificationsIgnored) {
  Data congestion;
  big(congestion, 0x00020004, 4);
  big(congestion, 4, 4);
  big(congestion, 1, 4);
  EXPECT_TRUE(parse_fc_events(message(fpin_code, fpin(congestion))).empty());
  Data both = congestion;
  Data integrity = link_integrity({7}, 0);
  both.insert(both.end(), integrity.begin(), integrity.end());
  auto events = parse_fc_events(message(fpin_code, fpin(both)));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_THAT(events[0].ports, testing::ElementsAre(7));
}

TEST(FcEvent, SeveralMessagesOfADatagram) {
  Data datagram = message(2, {});
  Data foreign = message(3, {}, 4, 0x1111);
  Data last = message(5, {}, 6);
  datagram.insert(datagram.end(), foreign.begin(), foreign.end());
  datagram.insert(datagram.end(), last.begin(), last.end());
  auto events = parse_fc_events(datagram);
  ASSERT_EQ(events.size(), 2u);
  EXPECT_EQ(events[1].host, 6u);
}

TEST(FcEvent, LengthsThatLieAreBounded) {
  Data good = message(fpin_code, fpin(link_integrity({1, 2, 3})));
  for (std::size_t length = 0; length < good.size(); ++length) (void)parse_fc_events(Bytes(good).first(length));
  // Each length field in turn says too much.
  for (std::size_t at = 0; at + 4 <= good.size(); at += 2) {
    Data bad = good;
    std::fill_n(bad.begin() + static_cast<std::ptrdiff_t>(at), 4, 0xff);
    for (const FcEvent& event : parse_fc_events(bad)) EXPECT_LE(event.ports.size(), limits::fpin_ports);
  }
  std::vector<std::uint64_t> many(7000);
  for (std::size_t i = 0; i < many.size(); ++i) many[i] = i + 1;
  auto events = parse_fc_events(message(fpin_code, fpin(link_integrity(many))));
  ASSERT_EQ(events.size(), 1u);
  EXPECT_EQ(events[0].ports.size(), limits::fpin_ports);
}

TEST(NvmeFcAddress, NamesBothPorts) {
  auto connection = parse_nvme_fc_address("traddr=nn-0x200200a098000001:pn-0x200300a098000001,trsvcid=none,"
                                          "host_traddr=nn-0x20000090fa000001:pn-0x10000090fa000001");
  ASSERT_TRUE(connection);
  EXPECT_EQ(connection->target_port, "0x200300a098000001");
  EXPECT_EQ(connection->host_port, "0x10000090fa000001");
  for (const char* other : {"", "traddr=192.0.2.1,trsvcid=4420", "traddr=nn-0x2:pn-0x3", "traddr=nn-0x2:pn-0xg,host_traddr=pn-0x1",
                            "traddr=nn-0x2:pn-0x,host_traddr=pn-0x1", "host_traddr=nn-0x2:pn-0x3"}) {
    EXPECT_FALSE(parse_nvme_fc_address(other)) << other;
  }
}

}  // namespace
}  // namespace mpath::wire
