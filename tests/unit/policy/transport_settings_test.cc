// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/transport_settings.h"

#include <gmock/gmock.h>

namespace mpath::policy {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr TransportLimit unset{};
constexpr TransportLimit off{.kind = TransportLimit::Kind::off};
constexpr TransportLimit limit(std::uint32_t value) { return {.kind = TransportLimit::Kind::value, .value = value}; }
constexpr NoPathRetry fails{.kind = NoPathRetry::Kind::fail};
constexpr NoPathRetry queues{.kind = NoPathRetry::Kind::queue};
constexpr NoPathRetry checks(std::uint32_t count) { return {.kind = NoPathRetry::Kind::checks, .checks = count}; }

struct Case {
  const char* name;
  TransportLimit fast;
  std::optional<seconds> dev_loss;
  NoPathRetry retry;
  std::optional<seconds> now;        ///< the port's dev_loss_tmo
  std::vector<std::string> writes;   ///< to the remote port, "attribute value"
  std::size_t notices = 0;
};

PathFacts remote_port_path() {
  PathFacts facts;
  facts.bus = Bus::scsi;
  facts.protocol = Protocol::scsi_fcp;
  facts.address = Hctl{2, 0, 1, 5};
  facts.transport_device = "rport-2:0-1";
  return facts;
}

config::PathSettings settings(TransportLimit fast, std::optional<seconds> dev_loss, TransportLimit deadline = {}, TransportLimit retries = {}) {
  config::PathSettings made;
  made.fast_io_fail_tmo.value = fast;
  made.dev_loss_tmo.value = dev_loss;
  made.eh_deadline.value = deadline;
  made.max_retries.value = retries;
  return made;
}

TEST(TransportSettings, RemotePort) {
  const Case cases[] = {
      {"the default alone", limit(5), {}, {}, seconds{30}, {"fast_io_fail_tmo 5"}},
      {"the default, no_path_retry fail", limit(5), {}, fails, seconds{30}, {"fast_io_fail_tmo 5"}},
      {"12 checks of 5 s are 60 s, 1 more and 5 more", limit(5), {}, checks(12), seconds{30}, {"fast_io_fail_tmo 5", "dev_loss_tmo 66"}},
      {"a longer one stays", limit(5), seconds{120}, checks(12), seconds{30}, {"fast_io_fail_tmo 5", "dev_loss_tmo 120"}},
      {"a shorter one is raised", limit(5), seconds{30}, checks(12), seconds{30}, {"fast_io_fail_tmo 5", "dev_loss_tmo 66"}, 1},
      {"queueing for ever", limit(5), seconds{30}, queues, seconds{30}, {"fast_io_fail_tmo 5", "dev_loss_tmo 4294967295"}, 1},
      {"very many checks", limit(5), {}, checks(2000000000), seconds{30}, {"fast_io_fail_tmo 5", "dev_loss_tmo 4294967295"}},
      {"the port's own limit is raised first", limit(40), seconds{100}, {}, seconds{40},
       {"dev_loss_tmo 41", "fast_io_fail_tmo 40", "dev_loss_tmo 100"}},
      {"not where it is unknown", limit(40), seconds{100}, {}, {}, {"fast_io_fail_tmo 40", "dev_loss_tmo 100"}},
      {"fast_io_fail_tmo not below dev_loss_tmo", limit(30), seconds{30}, {}, seconds{60}, {"fast_io_fail_tmo off", "dev_loss_tmo 30"}},
      {"without fast_io_fail_tmo the kernel takes 600", off, seconds{900}, {}, seconds{60}, {"fast_io_fail_tmo off", "dev_loss_tmo 600"}, 1},
      {"so it is with 0", limit(0), seconds{900}, {}, seconds{60}, {"fast_io_fail_tmo 0", "dev_loss_tmo 600"}, 1},
      {"and where it is not touched", unset, seconds{900}, {}, seconds{60}, {"dev_loss_tmo 600"}, 1},
      {"600 is still good", off, seconds{600}, {}, seconds{60}, {"fast_io_fail_tmo off", "dev_loss_tmo 600"}},
      {"a map that queues for ever is not limited", off, seconds{900}, queues, seconds{60},
       {"fast_io_fail_tmo off", "dev_loss_tmo 4294967295"}, 1},
      {"nothing is configured", unset, {}, queues, seconds{60}, {}},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.name);
    std::vector<TransportRemark> remarks;
    TransportWishes wishes = transport_wishes(settings(one.fast, one.dev_loss), one.retry, seconds{5}, remarks);
    std::vector<std::string> written;
    for (const SysfsWrite& write : transport_writes(remote_port_path(), wishes, one.now, remarks)) {
      EXPECT_EQ(write.object, "class/fc_remote_ports/rport-2:0-1");
      written.push_back(write.attribute + " " + write.value);
    }
    EXPECT_EQ(written, one.writes);
    EXPECT_EQ(std::ranges::count(remarks, true, &TransportRemark::is_notice), static_cast<std::ptrdiff_t>(one.notices));
  }
}

TEST(TransportSettings, TheLongestTimesThatAFileCanNameAreForEver) {
  std::vector<TransportRemark> remarks;
  TransportWishes wishes = transport_wishes(settings(limit(5), {}), checks(INT32_MAX), seconds{4294967294}, remarks);
  EXPECT_EQ(wishes.dev_loss_tmo, dev_loss_infinity);
  EXPECT_EQ(wishes.fast_io_fail_tmo, limit(5));
}

std::vector<SysfsWrite> writes(const PathFacts& facts, const config::PathSettings& path, NoPathRetry retry = {}) {
  std::vector<TransportRemark> remarks;
  return transport_writes(facts, transport_wishes(path, retry, seconds{5}, remarks), std::nullopt, remarks);
}

TEST(TransportSettings, Session) {
  PathFacts facts = remote_port_path();
  facts.protocol = Protocol::scsi_iscsi;
  facts.transport_device = "session7";
  EXPECT_THAT(writes(facts, settings(limit(5), seconds{100})),
              ElementsAre(SysfsWrite{"class/iscsi_session/session7", "recovery_tmo", "5"}));
  EXPECT_THAT(writes(facts, settings(limit(0), seconds{100})), IsEmpty());
  EXPECT_THAT(writes(facts, settings(off, seconds{100})), IsEmpty());
}

TEST(TransportSettings, EndDevice) {
  PathFacts facts = remote_port_path();
  facts.protocol = Protocol::scsi_sas;
  facts.transport_device = "end_device-2:0";
  EXPECT_THAT(writes(facts, settings(limit(5), {}, {}, {}), checks(2)),
              ElementsAre(SysfsWrite{"class/sas_end_device/end_device-2:0", "I_T_nexus_loss_timeout", "15"}));
  EXPECT_THAT(writes(facts, settings(limit(5), {})), IsEmpty());
}

TEST(TransportSettings, HostAndDiskOfEveryScsiProtocol) {
  PathFacts facts = remote_port_path();
  facts.protocol = Protocol::scsi_unspec;
  facts.transport_device.clear();
  EXPECT_THAT(writes(facts, settings(limit(5), seconds{50}, limit(30), off)),
              ElementsAre(SysfsWrite{"class/scsi_disk/2:0:1:5", "max_retries", "-1"},
                          SysfsWrite{"class/scsi_host/host2", "eh_deadline", "30"}));
  EXPECT_THAT(writes(facts, settings(unset, {}, off, limit(3))),
              ElementsAre(SysfsWrite{"class/scsi_disk/2:0:1:5", "max_retries", "3"},
                          SysfsWrite{"class/scsi_host/host2", "eh_deadline", "off"}));
  facts.bus = Bus::nvme;
  EXPECT_THAT(writes(facts, settings(limit(5), seconds{50}, limit(30), off)), IsEmpty());
}

}  // namespace
}  // namespace mpath::policy
