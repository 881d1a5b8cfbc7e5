// SPDX-License-Identifier: LGPL-2.1-or-later
// What the kernel is told of paths besides their map.
#include <gmock/gmock.h>

#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// Two paths of one volume; what their transports are told waits in `waiting`.
struct TwoPaths : Bench {
  explicit TwoPaths(const std::string& defaults = {}, EngineOptions options = {}) : Bench(defaults, options) {
    for (const char* name : {"sda", "sdb"}) disk(name).found.facts.transport_device = std::string("rport-") + name;
    hold<ApplyTransportSettings>();
  }
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    for (const Effect& effect : std::exchange(waiting, {})) {
      const auto& told = std::get<ApplyTransportSettings>(effect);
      lines.push_back(fmt::format("{} fast {} loss {}", told.facts->kernel_name, to_string(told.wishes.fast_io_fail_tmo),
                                  told.wishes.dev_loss_tmo ? std::to_string(told.wishes.dev_loss_tmo->count()) : "unset"));
    }
    return lines;
  }
};

TEST(Transport, EachPathIsToldOnce) {
  TwoPaths bench("no_path_retry 12");
  bench.start();
  bench.run(minutes{5});
  EXPECT_THAT(bench.told(), ElementsAre("sda fast 5 loss 66", "sdb fast 5 loss 66"));
  bench.ask(RequestKind::reconfigure);
  bench.run(minutes{1});
  EXPECT_THAT(bench.told(), IsEmpty()) << "the values are the same";
  bench.configure("no_path_retry 24\npolling_interval 10\n");
  bench.ask(RequestKind::reconfigure);
  bench.run(minutes{1});
  EXPECT_THAT(bench.told(), ElementsAre("sda fast 5 loss 249", "sdb fast 5 loss 249"));
}

TEST(Transport, APathThatReturnsIsToldAgain) {
  TwoPaths bench;
  bench.disks.at("sdb").answer = Answer::dead;
  bench.start();
  bench.run(minutes{1});
  EXPECT_THAT(bench.told(), ElementsAre("sda fast 5 loss unset"));
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(minutes{1});
  EXPECT_THAT(bench.told(), ElementsAre("sdb fast 5 loss unset"));
}

TEST(Transport, RemarksAreMadeOncePerMap) {
  TwoPaths bench("no_path_retry queue\ndev_loss_tmo 30");
  bench.start();
  bench.run(minutes{1});
  EXPECT_EQ(bench.told().size(), 2U);
  EXPECT_EQ(bench.times_logged("dev_loss_tmo 30 becomes 4294967295"), 1);
}

TEST(Transport, OtherProtocolsAreNamedOnce) {
  TwoPaths bench;
  for (auto& [name, disk] : bench.disks) disk.found.facts.protocol = Protocol::scsi_unspec;
  bench.start();
  bench.run(minutes{1});
  EXPECT_EQ(bench.times_logged("cannot be set for protocol scsi:unspec"), 1);
}

TEST(Transport, WhoOnlyLooksTellsNothing) {
  TwoPaths bench({}, {.mode = Mode::observe});
  bench.kernel_map({{"sda", "sdb"}});
  bench.start();
  bench.run(minutes{1});
  EXPECT_THAT(bench.told(), IsEmpty());
}

TEST(Transport, QueueLimitsAreSetBeforeAPathJoinsAMapAndNeverLater) {
  Bench bench("max_sectors_kb 512");
  bench.disk("sda");
  bench.start();
  bench.run(minutes{1});
  std::vector<TableAction> actions = bench.take_actions();
  ASSERT_EQ(actions.size(), 1U);
  ASSERT_EQ(actions[0].queue_limits.size(), 1U);
  EXPECT_EQ(actions[0].queue_limits[0].sysfs_path, "/sys/devices/sda");
  EXPECT_EQ(actions[0].queue_limits[0].max_sectors_kib, 512U);
  bench.disk("sdb");
  bench.appear("sdb");
  bench.run(minutes{1});
  actions = bench.take_actions();
  ASSERT_EQ(actions.size(), 1U);
  ASSERT_EQ(actions[0].queue_limits.size(), 1U);
  EXPECT_EQ(actions[0].queue_limits[0].sysfs_path, "/sys/devices/sdb");
}

/// Two paths over the same port and one over another, all of host 1.
struct Fabric : Bench {
  explicit Fabric(const std::string& defaults) : Bench(defaults) {
    for (const char* name : {"sda", "sdb", "sdc"}) {
      PathFacts& facts = disk(name).found.facts;
      bool other = facts.kernel_name == "sdc";
      facts.target_port = other ? "0x500a098000000003" : "0x500a098000000002";
      facts.transport_device = other ? "rport-1:0-3" : "rport-1:0-2";
    }
    hold<MarkRemotePort>();
    start();
    run(minutes{1});
  }
};

TEST(FabricNotice, MakesThePathsOverThePortMarginalUntilTheLinkChanges) {
  Fabric bench("marginal_pathgroups fpin\npath_grouping_policy multibus");
  bench.step(FabricNotice{.host = 1, .target_ports = {"0x2100000000000001", "0x500a098000000003"}});
  EXPECT_FALSE(bench.path("sda")->marginal);
  EXPECT_TRUE(bench.path("sdc")->marginal);
  ASSERT_EQ(bench.waiting.size(), 1U);
  EXPECT_EQ(std::get<MarkRemotePort>(bench.waiting[0]).remote_port, "rport-1:0-3");
  bench.step(FabricNotice{.host = 1, .target_ports = {"0x500a098000000003"}});
  EXPECT_EQ(bench.waiting.size(), 1U) << "known";
  bench.run(minutes{1});
  EXPECT_EQ(bench.groups(), "sda sdb | sdc");
  bench.step(FabricNotice{.host = 2, .target_ports = {}, .holds = false});
  EXPECT_TRUE(bench.path("sdc")->marginal) << "another host";
  bench.step(FabricNotice{.host = 1, .target_ports = {}, .holds = false});
  EXPECT_FALSE(bench.path("sdc")->marginal);
  bench.run(minutes{1});
  EXPECT_EQ(bench.groups(), "sda sdb sdc");
}

TEST(FabricNotice, ConcernsNvmePathsOfTheSameAdapterPort) {
  Fabric bench("marginal_pathgroups fpin\npath_grouping_policy multibus");
  auto over_nvme = [&](std::string name, std::uint32_t fc_host) {
    PathFacts& facts = bench.disk(name).found.facts;
    facts.protocol = Protocol::nvme_fc;
    facts.address->host = 1;  // the controller's number, which is no SCSI host's
    facts.fc_host = fc_host;
    facts.transport_device.clear();
    facts.target_port = "0x500a098000000003";
    bench.appear(name);
  };
  over_nvme("sda", 7);
  over_nvme("sdb", 8);
  bench.run(minutes{1});
  bench.step(FabricNotice{.host = 7, .target_ports = {"0x500a098000000003"}});
  EXPECT_TRUE(bench.path("sda")->marginal);
  EXPECT_FALSE(bench.path("sdb")->marginal) << "another adapter port";
  EXPECT_FALSE(bench.path("sdc")->marginal) << "another host";
  EXPECT_TRUE(bench.waiting.empty()) << "it has no remote port of SCSI";
  bench.step(FabricNotice{.host = 7, .target_ports = {}, .holds = false});
  EXPECT_FALSE(bench.path("sda")->marginal);
}

TEST(FabricNotice, IsHeededOnlyWhereTheConfigurationSaysSo) {
  Fabric bench("marginal_pathgroups on");
  bench.step(FabricNotice{.host = 1, .target_ports = {"0x500a098000000003"}});
  EXPECT_FALSE(bench.path("sdc")->marginal);
  EXPECT_TRUE(bench.waiting.empty());
}

}  // namespace
}  // namespace mpath::engine
