// SPDX-License-Identifier: LGPL-2.1-or-later
// Facts from a sysfs made of files in a temporary directory.
#include "libmpath/sys/path_facts.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "libmpath/sys/sysfs.h"

namespace mpath::sys {
namespace {

namespace fs = std::filesystem;

class PathFactsTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = fs::temp_directory_path() / "mpath-sysfs-XXXXXX";
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(const std::string& path, std::string_view text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path, std::ios::binary) << text;
  }
  void link(const std::string& path, const std::string& target) {
    fs::create_directories((root_ / path).parent_path());
    fs::create_symlink(target, root_ / path);
  }
  Result<DiscoveredPath> read(const std::string& path) { return read_path_facts(root_.string(), (root_ / path).string()); }

  /// A disk "sdb" below the SCSI target whose directory is `target`.
  std::string scsi_disk(const std::string& target, const std::string& hctl = "2:0:1:5") {
    std::string device = target + "/" + hctl;
    std::string block = device + "/block/sdb";
    put(block + "/dev", "8:16\n");
    put(block + "/size", "2097152\n");
    put(block + "/ro", "0\n");
    put(block + "/diskseq", "23\n");
    put(block + "/hidden", "0\n");
    put(block + "/queue/max_sectors_kb", "1280\n");
    put(device + "/state", "running\n");
    put(device + "/vendor", "IBM     \n");
    put(device + "/model", "2145            \n");
    put(device + "/rev", "0000\n");
    put(device + "/timeout", "60\n");
    put(device + "/dh_state", "alua\n");
    link(device + "/generic", "scsi_generic/sg7");
    return block;
  }

  fs::path root_;
};

using std::string_literals::operator""s;

TEST_F(PathFactsTest, ScsiDisk) {
  std::string block = scsi_disk("devices/pci0000:00/0000:00:01.0/host2/target2:0:1");
  std::string device = "devices/pci0000:00/0000:00:01.0/host2/target2:0:1/2:0:1:5";
  put(device + "/vpd_pg80", "\0\x80\0\x08SN 12345"s);
  put(device + "/vpd_pg83", "\0\x83\0\x04\x01\x03\0\0"s);
  std::string inquiry(96, '\0');
  inquiry[4] = 91;
  inquiry[5] = 0x10;
  put(device + "/inquiry", inquiry);

  auto found = read(block);
  ASSERT_TRUE(found) << found.error().message();
  const PathFacts& facts = found->facts;
  EXPECT_EQ(facts.kernel_name, "sdb");
  EXPECT_EQ(facts.devnum, (DevNum{8, 16}));
  EXPECT_EQ(facts.disk_sequence, 23u);
  EXPECT_EQ(facts.bus, Bus::scsi);
  EXPECT_EQ(facts.protocol, Protocol::scsi_unspec);
  EXPECT_EQ(facts.address, (Hctl{2, 0, 1, 5}));
  EXPECT_EQ(facts.vendor, "IBM");
  EXPECT_EQ(facts.product, "2145");
  EXPECT_EQ(facts.revision, "0000");
  EXPECT_EQ(facts.serial, "SN 12345");
  EXPECT_EQ(facts.size_sectors, 2097152u);
  EXPECT_FALSE(facts.read_only);
  EXPECT_EQ(facts.sysfs_state, SysfsState::up);
  EXPECT_EQ(facts.tpg_support, TpgSupport::implicit_only);
  EXPECT_EQ(facts.device_handler, "alua");
  EXPECT_EQ(facts.command_node, "/dev/sg7");
  EXPECT_EQ(facts.kernel_timeout, seconds{60});
  EXPECT_EQ(facts.max_sectors_kib, 1280u);
  EXPECT_EQ(found->vpd_page_83.size(), 8u);
  EXPECT_FALSE(found->is_hidden);
}

TEST_F(PathFactsTest, WhatIsMissingIsSaidSo) {
  std::string block = scsi_disk("devices/host2/target2:0:1");
  std::string device = "devices/host2/target2:0:1/2:0:1:5";
  put(device + "/vendor", "        \n");
  fs::remove(root_ / device / "model");
  fs::remove(root_ / device / "rev");
  fs::remove(root_ / device / "state");
  fs::remove(root_ / device / "generic");
  fs::remove(root_ / block / "diskseq");
  put(block + "/ro", "1\n");
  put(block + "/hidden", "1\n");
  auto found = read(block);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->facts.vendor, "UNKNOWN");
  EXPECT_EQ(found->facts.product, "UNKNOWN");
  EXPECT_EQ(found->facts.revision, "UNKNOWN");
  EXPECT_EQ(found->facts.sysfs_state, SysfsState::removed);
  EXPECT_EQ(found->facts.command_node, "");
  EXPECT_EQ(found->facts.disk_sequence, 0u);
  EXPECT_EQ(found->facts.tpg_support, TpgSupport::undetermined);
  EXPECT_TRUE(found->facts.read_only);
  EXPECT_TRUE(found->is_hidden);
}

TEST_F(PathFactsTest, FibreChannel) {
  std::string host = "devices/pci0000:00/0000:00:02.0/0000:03:00.0/host2";
  std::string block = scsi_disk(host + "/rport-2:0-4/target2:0:1");
  link("devices/pci0000:00/0000:00:02.0/driver", "../../bus/pci_express/drivers/pcieport");
  put("class/fc_remote_ports/rport-2:0-4/node_name", "0x500a098000000001\n");
  put("class/fc_remote_ports/rport-2:0-4/port_name", "0x500a098000000002\n");
  put("class/fc_host/host2/node_name", "0x2000000000000001\n");
  put("class/fc_host/host2/port_name", "0x2100000000000001\n");
  auto found = read(block);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->facts.protocol, Protocol::scsi_fcp);
  EXPECT_EQ(found->facts.target_node, "0x500a098000000001");
  EXPECT_EQ(found->facts.target_port, "0x500a098000000002");
  EXPECT_EQ(found->facts.host_node, "0x2000000000000001");
  EXPECT_EQ(found->facts.host_port, "0x2100000000000001");
  EXPECT_EQ(found->facts.host_adapter, "0000:00:02.0");
  EXPECT_EQ(found->facts.transport_device, "rport-2:0-4");

  fs::remove(root_ / "class/fc_remote_ports/rport-2:0-4/node_name");
  EXPECT_EQ(read(block).error().code, ErrorCode::unavailable);
}

TEST_F(PathFactsTest, Iscsi) {
  std::string block = scsi_disk("devices/platform/host2/session3/target2:0:1");
  EXPECT_EQ(read(block).error().code, ErrorCode::unavailable);
  put("class/iscsi_session/session3/targetname", "iqn.2003-01.org.example:t1\n");
  put("class/iscsi_host/host2/ipaddress", "192.0.2.7\n");
  auto found = read(block);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->facts.protocol, Protocol::scsi_iscsi);
  EXPECT_EQ(found->facts.target_node, "iqn.2003-01.org.example:t1");
  EXPECT_EQ(found->facts.host_adapter, "192.0.2.7");
  EXPECT_EQ(found->facts.transport_device, "session3");
}

TEST_F(PathFactsTest, OtherScsiTransports) {
  std::string sas = "devices/host2/port-2:0/expander-2:0/port-2:0:1/end_device-2:0:1/target2:0:1";
  std::string block = scsi_disk(sas);
  put(sas + "/2:0:1:5/sas_address", "0x5000c50012345678\n");
  EXPECT_EQ(read(block)->facts.protocol, Protocol::scsi_sas);
  EXPECT_EQ(read(block)->facts.target_node, "0x5000c50012345678");
  EXPECT_EQ(read(block)->facts.transport_device, "end_device-2:0:1");

  block = scsi_disk("devices/pci0/ata4/host2/target2:0:1");
  EXPECT_EQ(read(block)->facts.protocol, Protocol::scsi_ata);
  EXPECT_EQ(read(block)->facts.target_node, "ata-4.00");

  block = scsi_disk("devices/pci0/usb1/1-2/1-2:1.0/host2/target2:0:1");
  link("devices/pci0/usb1/1-2/subsystem", "../../../../bus/usb");
  link("devices/pci0/usb1/1-2/1-2:1.0/subsystem", "../../../../../bus/usb");
  EXPECT_EQ(read(block)->facts.protocol, Protocol::scsi_usb);
  EXPECT_EQ(read(block)->facts.target_node, "1-2");
}

TEST_F(PathFactsTest, Settings) {
  put("class/fc_remote_ports/rport-2:0-4/dev_loss_tmo", "30\n");
  std::string object = "class/fc_remote_ports/rport-2:0-4";
  EXPECT_EQ(read_setting(root_, object, "dev_loss_tmo").value(), "30");
  EXPECT_TRUE(write_setting(root_, object, "dev_loss_tmo", "66"));
  EXPECT_EQ(read_setting(root_, (root_ / object).string(), "dev_loss_tmo").value(), "66");
  EXPECT_EQ(write_setting(root_, object, "nothing", "1").error().code, ErrorCode::not_found);
  for (const char* outside : {"/etc", "class/../../etc", "/sys2/class"}) {
    EXPECT_EQ(write_setting(root_, outside, "passwd", "x").error().code, ErrorCode::invalid_argument) << outside;
  }
  EXPECT_EQ(write_setting(root_, "class", "a/b", "x").error().code, ErrorCode::invalid_argument);
}

TEST_F(PathFactsTest, NvmeOverFibreChannelBelongsToTheAdaptersHost) {
  std::string controller = "devices/virtual/nvme-fabrics/ctl/nvme2";
  std::string block = controller + "/nvme2n3";
  put(block + "/dev", "259:4\n");
  put(controller + "/transport", "fc\n");
  put(controller + "/address", "traddr=nn-0x200200a098000001:pn-0x200300a098000001,host_traddr=nn-0x20000090fa000001:pn-0x10000090fa000001\n");
  link(controller + "/subsystem", "../../../../../class/nvme");
  put("class/fc_host/host4/port_name", "0x10000090fa000002\n");
  put("class/fc_host/host5/port_name", "0x10000090fa000001\n");
  auto found = read(block);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->facts.protocol, Protocol::nvme_fc);
  EXPECT_EQ(found->facts.target_port, "0x200300a098000001");
  EXPECT_EQ(found->facts.host_port, "0x10000090fa000001");
  EXPECT_EQ(found->facts.fc_host, 5U);
  EXPECT_EQ(found->facts.target_node, "") << "NVMe paths are not grouped by node";
}

TEST_F(PathFactsTest, Nvme) {
  std::string controller = "devices/virtual/nvme-fabrics/ctl/nvme2";
  std::string block = controller + "/nvme2n3";
  put(block + "/dev", "259:4\n");
  put(block + "/size", "4096\n");
  put(block + "/nsid", "7\n");
  put(block + "/wwid", "uuid.0a1b2c3d-0000-1111-2222-333344445555\n");
  put(controller + "/state", "live\n");
  put(controller + "/cntlid", "9\n");
  put(controller + "/model", "Linux                                   \n");
  put(controller + "/serial", "1234\n");
  put(controller + "/firmware_rev", "6.12\n");
  put(controller + "/transport", "tcp\n");
  link(controller + "/subsystem", "../../../../../class/nvme");
  auto found = read(block);
  ASSERT_TRUE(found) << found.error().message();
  const PathFacts& facts = found->facts;
  EXPECT_EQ(facts.bus, Bus::nvme);
  EXPECT_EQ(facts.protocol, Protocol::nvme_tcp);
  EXPECT_EQ(facts.address, (Hctl{2, 9, 3, 7}));
  EXPECT_EQ(facts.vendor, "NVME");
  EXPECT_EQ(facts.product, "Linux");
  EXPECT_EQ(facts.revision, "6.12");
  EXPECT_EQ(facts.serial, "1234");
  EXPECT_EQ(facts.sysfs_state, SysfsState::up);
  EXPECT_EQ(found->sysfs_wwid, "uuid.0a1b2c3d-0000-1111-2222-333344445555");

  put("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1/dev", "259:0\n");
  EXPECT_EQ(read("devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1").error().code, ErrorCode::unsupported);
}

TEST_F(PathFactsTest, Dasd) {
  std::string block = "devices/css0/0.0.0001/0.0.3f1a/block/dasdb";
  put(block + "/dev", "94:4\n");
  put("devices/css0/0.0.0001/0.0.3f1a/devtype", "3390/0c\n");
  put("devices/css0/0.0.0001/0.0.3f1a/uid", "IBM.750000000BKBJ1.4b00.1a\n");
  link("devices/css0/0.0.0001/0.0.3f1a/subsystem", "../../../../bus/ccw");
  auto found = read(block);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->facts.address, (Hctl{0, 0, 0x3f1a, 0}));
  EXPECT_EQ(found->facts.vendor, "IBM");
  EXPECT_EQ(found->facts.product, "S/390 DASD ECKD");
  EXPECT_EQ(found->sysfs_wwid, "IBM.750000000BKBJ1.4b00.1a");
  EXPECT_EQ(found->facts.protocol, Protocol::ccw);
}

TEST_F(PathFactsTest, NamesThatAreNoPaths) {
  EXPECT_EQ(read("devices/nothing/sdq").error().code, ErrorCode::not_found);
  put("devices/odd/sdq/dev", "8:0\n");
  EXPECT_EQ(read("devices/odd/sdq").error().code, ErrorCode::unsupported);
  put("devices/virtual/block/loop0/dev", "7:0\n");
  EXPECT_EQ(read("devices/virtual/block/loop0")->facts.bus, Bus::unknown);
  put("devices/nvme0x/nvmefoo/dev", "259:1\n");
  EXPECT_EQ(read("devices/nvme0x/nvmefoo").error().code, ErrorCode::unsupported);
}

TEST(SysfsState, ByBusAndWord) {
  struct Case {
    Bus bus;
    const char* word;
    SysfsState expected;
  };
  for (const Case& c : {
           Case{Bus::scsi, "running", SysfsState::up}, Case{Bus::scsi, "offline", SysfsState::down},
           Case{Bus::scsi, "blocked", SysfsState::pending}, Case{Bus::scsi, "created-blocked", SysfsState::down},
           Case{Bus::scsi, "quiesce", SysfsState::pending}, Case{Bus::scsi, "transport-offline", SysfsState::down},
           Case{Bus::scsi, "", SysfsState::down}, Case{Bus::nvme, "live", SysfsState::up},
           Case{Bus::nvme, "dead", SysfsState::down}, Case{Bus::nvme, "new", SysfsState::pending},
           Case{Bus::nvme, "deleting (no IO)", SysfsState::pending}, Case{Bus::nvme, "connecting", SysfsState::down},
           Case{Bus::nvme, "resetting", SysfsState::down}, Case{Bus::ccw, "whatever", SysfsState::up},
       }) {
    EXPECT_EQ(parse_sysfs_state(c.bus, c.word), c.expected) << c.word;
  }
}

TEST(NaturalOrder, AsPeopleCount) {
  std::vector<std::string> names = {"sdaa", "sdb", "nvme0n10", "sda", "sdz", "nvme0n2", "dasdaa", "dasdb", "vda", "nvme10n1", "sdab"};
  std::ranges::sort(names, natural_less);
  EXPECT_THAT(names, testing::ElementsAre("dasdb", "dasdaa", "nvme0n2", "nvme0n10", "nvme10n1", "sda", "sdb", "sdz", "sdaa",
                                          "sdab", "vda"));
  EXPECT_FALSE(natural_less("sda", "sda"));
}

}  // namespace
}  // namespace mpath::sys
