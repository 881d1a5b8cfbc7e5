// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/path_facts.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <limits>

#include "libmpath/base/text.h"
#include "libmpath/sys/sysfs.h"
#include "libmpath/wire/fc_event.h"
#include "libmpath/wire/vpd.h"

namespace mpath::sys {

namespace {

/// Everything the functions below share about one device.
struct Gathering {
  const std::string& root;
  DiscoveredPath path;
  std::string_view device_path;  ///< directory of the SCSI device or NVMe controller
  SysfsDirectory device;

  PathFacts& facts() { return path.facts; }
  [[nodiscard]] SysfsDirectory in_class(std::string_view name, std::string_view object) const {
    return SysfsDirectory(fmt::format("{}/class/{}/{}", root, name, object));
  }
};

/// Calls `visit(directory path, its name)` for each ancestor, nearest first, until it gives true. Gives that ancestor.
template <typename Visit>
std::string_view find_ancestor(std::string_view path, std::string_view root, Visit visit) {
  for (std::string_view at = parent_of(path); at.size() > root.size(); at = parent_of(at)) {
    if (visit(at, base_name(at))) return at;
  }
  return {};
}

/// "session12" with prefix "session" gives "12"; nothing for other texts.
std::optional<std::uint64_t> numbered(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  return parse_decimal(name.substr(prefix.size()));
}

template <typename T>
std::optional<T> narrow(std::optional<std::uint64_t> value) {
  if (!value || *value > std::numeric_limits<T>::max()) return std::nullopt;
  return static_cast<T>(*value);
}

/// Numbers of a name like "2:0:0:1".
std::optional<Hctl> parse_hctl(std::string_view name) {
  std::vector<std::string_view> parts = split(name, ':');
  if (parts.size() != 4) return std::nullopt;
  auto host = narrow<std::uint32_t>(parse_decimal(parts[0]));
  auto channel = narrow<std::uint32_t>(parse_decimal(parts[1]));
  auto target = narrow<std::uint32_t>(parse_decimal(parts[2]));
  auto lun = parse_decimal(parts[3]);
  if (!host || !channel || !target || !lun) return std::nullopt;
  return Hctl{*host, *channel, *target, *lun};
}

/// "nvme2n3": 2 and 3.
std::optional<std::pair<std::uint32_t, std::uint32_t>> parse_nvme_name(std::string_view name) {
  name.remove_prefix(std::min(name.size(), std::string_view("nvme").size()));
  std::size_t n = name.find('n');
  if (n == std::string_view::npos) return std::nullopt;
  auto controller = narrow<std::uint32_t>(parse_decimal(name.substr(0, n)));
  auto space = narrow<std::uint32_t>(parse_decimal(name.substr(n + 1)));
  if (!controller || !space) return std::nullopt;
  return std::pair{*controller, *space};
}

/// The adapter's PCI slot or CCW device: the first ancestor of the host that a PCIe port drives, or a CCW device.
std::string adapter_of(const Gathering& g, std::string_view host_path) {
  std::string_view found = find_ancestor(host_path, g.root, [](std::string_view path, std::string_view) {
    SysfsDirectory directory{std::string(path)};
    return directory.link_name("driver") == "pcieport" || directory.link_name("subsystem") == "ccw";
  });
  return std::string(base_name(found));
}

std::string value_or_unknown(std::string value) { return value.empty() ? "UNKNOWN" : value; }

// --- SCSI transports, tried in this order ---------------------------------------------------------------------

bool try_sas(Gathering& g, std::string_view host_path) {
  std::string address = g.device.text_or_empty("sas_address");
  if (address.empty()) return false;
  std::string_view end_device = find_ancestor(g.device_path, g.root, [](std::string_view, std::string_view name) {
    return name.starts_with("end_device-");
  });
  if (end_device.empty()) return false;
  g.facts().protocol = Protocol::scsi_sas;
  g.facts().target_node = std::move(address);
  g.facts().transport_device = base_name(end_device);
  g.facts().host_adapter = adapter_of(g, host_path);
  return true;
}

bool try_usb(Gathering& g) {
  std::string_view usb = find_ancestor(g.device_path, g.root, [](std::string_view path, std::string_view name) {
    // "1-2" is the device, "1-2:1.0" one of its interfaces.
    return name.find(':') == std::string_view::npos && SysfsDirectory{std::string(path)}.link_name("subsystem") == "usb";
  });
  if (usb.empty()) return false;
  g.facts().protocol = Protocol::scsi_usb;
  g.facts().target_node = base_name(usb);
  return true;
}

Result<bool> try_fcp(Gathering& g, std::string_view target_path, std::string_view host_path) {
  std::string_view rport = base_name(parent_of(target_path));
  if (!rport.starts_with("rport-")) return false;
  SysfsDirectory remote = g.in_class("fc_remote_ports", rport);
  g.facts().target_node = remote.text_or_empty("node_name");
  if (g.facts().target_node.empty()) {
    return fail(ErrorCode::unavailable, g.facts().kernel_name, "the remote port does not tell its node name", std::string(rport));
  }
  g.facts().protocol = Protocol::scsi_fcp;
  g.facts().transport_device = rport;
  g.facts().target_port = remote.text_or_empty("port_name");
  SysfsDirectory host = g.in_class("fc_host", base_name(host_path));
  g.facts().host_node = host.text_or_empty("node_name");
  g.facts().host_port = host.text_or_empty("port_name");
  g.facts().host_adapter = adapter_of(g, host_path);
  return true;
}

Result<bool> try_iscsi(Gathering& g, std::string_view host_path) {
  std::string_view session = find_ancestor(g.device_path, g.root, [](std::string_view, std::string_view name) {
    return numbered(name, "session").has_value();
  });
  if (session.empty()) return false;
  g.facts().target_node = g.in_class("iscsi_session", base_name(session)).text_or_empty("targetname");
  if (g.facts().target_node.empty()) {
    return fail(ErrorCode::unavailable, g.facts().kernel_name, "the iSCSI session does not tell its target's name",
                std::string(base_name(session)));
  }
  g.facts().protocol = Protocol::scsi_iscsi;
  g.facts().transport_device = base_name(session);
  g.facts().host_adapter = g.in_class("iscsi_host", base_name(host_path)).text_or_empty("ipaddress");
  return true;
}

bool try_ata(Gathering& g) {
  std::string_view ata = find_ancestor(g.device_path, g.root, [](std::string_view, std::string_view name) {
    return numbered(name, "ata").has_value();
  });
  if (ata.empty()) return false;
  g.facts().protocol = Protocol::scsi_ata;
  g.facts().target_node = fmt::format("ata-{}.00", base_name(ata).substr(3));
  return true;
}

Status read_transport(Gathering& g, std::string_view target_path) {
  std::string_view host_path = find_ancestor(g.device_path, g.root, [](std::string_view, std::string_view name) {
    return numbered(name, "host").has_value();
  });
  if (try_sas(g, host_path) || try_usb(g)) return {};
  auto fcp = try_fcp(g, target_path, host_path);
  if (!fcp) return std::unexpected(std::move(fcp.error()));
  if (*fcp) return {};
  auto iscsi = try_iscsi(g, host_path);
  if (!iscsi) return std::unexpected(std::move(iscsi.error()));
  if (*iscsi) return {};
  if (!try_ata(g)) g.facts().protocol = Protocol::scsi_unspec;
  return {};
}

SysfsState read_state(const SysfsDirectory& device, Bus bus) {
  int error = device.probe("state");
  if (error == ENOENT || error == ENODEV || error == ENXIO) return SysfsState::removed;
  auto state = device.text("state");
  return state ? parse_sysfs_state(bus, *state) : SysfsState::down;
}

Status read_scsi(Gathering& g) {
  PathFacts& facts = g.facts();
  // …/target2:0:0/2:0:0:1/block/sda
  std::string_view device_path = parent_of(parent_of(facts.sysfs_path));
  std::string_view target_path = parent_of(device_path);
  facts.address = parse_hctl(base_name(device_path));
  if (!facts.address || !base_name(target_path).starts_with("target")) {
    return fail(ErrorCode::unsupported, facts.kernel_name, "the disk is not below a SCSI target");
  }
  g.device_path = device_path;
  g.device = SysfsDirectory(std::string(device_path));
  facts.sysfs_state = read_state(g.device, Bus::scsi);
  facts.vendor = value_or_unknown(g.device.text_or_empty("vendor"));
  facts.product = value_or_unknown(g.device.text_or_empty("model"));
  facts.revision = g.device.text("rev").value_or("UNKNOWN");
  std::vector<std::uint8_t> page_80 = g.device.bytes("vpd_pg80");
  if (auto serial = wire::parse_unit_serial_number(page_80)) facts.serial = std::move(*serial);
  g.path.vpd_page_83 = g.device.bytes("vpd_pg83");
  std::vector<std::uint8_t> inquiry_data = g.device.bytes("inquiry");
  if (auto inquiry = wire::parse_standard_inquiry(inquiry_data)) facts.tpg_support = inquiry->tpg_support;
  facts.device_handler = g.device.text_or_empty("dh_state");
  if (auto timeout = narrow<std::uint32_t>(g.device.number("timeout"))) facts.kernel_timeout = seconds(*timeout);
  if (std::string node = g.device.link_name("generic"); !node.empty()) facts.command_node = "/dev/" + node;
  return read_transport(g, target_path);
}

/// The ports of NVMe over Fibre Channel, and the host under whose number the kernel tells of the adapter's link.
void read_nvme_fc(Gathering& g) {
  auto connection = wire::parse_nvme_fc_address(g.device.text_or_empty("address"));
  if (!connection) return;
  PathFacts& facts = g.facts();
  facts.target_port = std::move(connection->target_port);
  facts.host_port = std::move(connection->host_port);
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(g.root + "/class/fc_host", none)) {
    std::string name = entry.path().filename();
    if (g.in_class("fc_host", name).text_or_empty("port_name") == facts.host_port) facts.fc_host = narrow<std::uint32_t>(numbered(name, "host"));
  }
}

Status read_nvme(Gathering& g, const SysfsDirectory& block) {
  PathFacts& facts = g.facts();
  auto numbers = parse_nvme_name(facts.kernel_name);
  std::string_view controller = find_ancestor(facts.sysfs_path, g.root, [](std::string_view path, std::string_view name) {
    return numbered(name, "nvme").has_value() && SysfsDirectory{std::string(path)}.link_name("subsystem") == "nvme";
  });
  if (!numbers || controller.empty()) {
    return fail(ErrorCode::unsupported, facts.kernel_name, "the kernel's own NVMe multipathing has this device");
  }
  g.device_path = controller;
  g.device = SysfsDirectory(std::string(controller));
  facts.sysfs_state = read_state(g.device, Bus::nvme);
  facts.vendor = "NVME";
  facts.product = g.device.text_or_empty("model");
  facts.revision = g.device.text_or_empty("firmware_rev");
  facts.serial = g.device.text_or_empty("serial");
  facts.address = Hctl{numbers->first, narrow<std::uint32_t>(g.device.number("cntlid")).value_or(0), numbers->second,
                       block.number("nsid").value_or(0)};
  facts.protocol = parse_protocol("nvme:" + g.device.text_or_empty("transport")).value_or(Protocol::nvme_unspec);
  if (facts.protocol == Protocol::nvme_fc) read_nvme_fc(g);
  g.path.sysfs_wwid = block.text_or_empty("wwid");
  return {};
}

Status read_ccw(Gathering& g) {
  PathFacts& facts = g.facts();
  std::string_view bus_id;
  std::string_view device = find_ancestor(facts.sysfs_path, g.root, [&](std::string_view path, std::string_view name) {
    if (SysfsDirectory{std::string(path)}.link_name("subsystem") != "ccw") return false;
    bus_id = name;
    return true;
  });
  std::vector<std::string_view> parts = split(bus_id, '.');
  auto part = [&](std::size_t index, auto parse) {
    return parts.size() == 3 ? narrow<std::uint32_t>(parse(parts[index])) : std::nullopt;
  };
  auto host = part(0, parse_decimal);
  auto channel = part(1, parse_decimal);
  auto target = part(2, parse_hex);
  if (device.empty() || !host || !channel || !target) {
    return fail(ErrorCode::unsupported, facts.kernel_name, "the disk is not below a CCW device");
  }
  g.device_path = device;
  g.device = SysfsDirectory(std::string(device));
  facts.address = Hctl{*host, *channel, *target, 0};
  facts.protocol = Protocol::ccw;
  facts.vendor = "IBM";
  std::string type = g.device.text_or_empty("devtype");
  bool fixed_blocks = type.starts_with("3370") || type.starts_with("9336");
  facts.product = fixed_blocks ? "S/390 DASD FBA" : "S/390 DASD ECKD";
  g.path.sysfs_wwid = g.device.text_or_empty("uid");
  return {};
}

Status read_cciss(Gathering& g) {
  PathFacts& facts = g.facts();
  // cciss!c0d1
  std::string_view name = std::string_view(facts.kernel_name).substr(std::string_view("cciss").size());
  while (!name.empty() && name.front() != 'c') name.remove_prefix(1);
  std::size_t d = name.find('d');
  auto controller = d == std::string_view::npos ? std::nullopt : narrow<std::uint32_t>(parse_decimal(name.substr(1, d - 1)));
  auto disk = d == std::string_view::npos ? std::nullopt : narrow<std::uint32_t>(parse_decimal(name.substr(d + 1)));
  g.device_path = parent_of(parent_of(facts.sysfs_path));
  g.device = SysfsDirectory(std::string(g.device_path));
  auto vendor = g.device.text("vendor");
  if (!controller || !disk || !vendor) {
    return fail(ErrorCode::unsupported, facts.kernel_name, "the disk does not tell its vendor");
  }
  facts.address = Hctl{*controller, 0, *disk, 0};
  facts.protocol = Protocol::cciss;
  facts.vendor = std::move(*vendor);
  facts.product = g.device.text_or_empty("model");
  facts.revision = g.device.text_or_empty("rev");
  return {};
}

}  // namespace

Bus bus_of(std::string_view kernel_name) {
  if (kernel_name.starts_with("sd")) return Bus::scsi;
  if (kernel_name.starts_with("nvme")) return Bus::nvme;
  if (kernel_name.starts_with("dasd")) return Bus::ccw;
  if (kernel_name.starts_with("cciss")) return Bus::cciss;
  return Bus::unknown;
}

Result<IoCounters> read_io_counters(const std::string& sysfs_path) {
  SysfsDirectory disk(sysfs_path);
  auto text = disk.text("inflight");
  if (!text) return fail(ErrorCode::not_found, sysfs_path, "there is no such block device");
  if (SysfsDirectory(sysfs_path + "/queue").number("iostats") == 0) {
    return fail(ErrorCode::unsupported, sysfs_path, "the kernel does not count its I/O (queue/iostats is 0)");
  }
  const auto words = split_words(*text);
  const auto reads = words.size() == 2 ? parse_decimal(words[0]) : std::nullopt;
  const auto writes = words.size() == 2 ? parse_decimal(words[1]) : std::nullopt;
  if (!reads || !writes) return fail(ErrorCode::corrupt, sysfs_path, "its attribute inflight makes no sense");
  return IoCounters{.reads_in_flight = *reads, .writes_in_flight = *writes};
}

Result<DiscoveredPath> read_path_facts(const std::string& sysfs_root, const std::string& sysfs_path) {
  Gathering g{.root = sysfs_root};
  SysfsDirectory block(sysfs_path);
  PathFacts& facts = g.facts();
  facts.kernel_name = base_name(sysfs_path);
  facts.sysfs_path = sysfs_path;
  auto number = parse_devnum(block.text_or_empty("dev"));
  if (!block.exists() || !number) {
    return fail(ErrorCode::not_found, facts.kernel_name, "there is no such block device in sysfs");
  }
  facts.devnum = *number;
  facts.disk_sequence = block.number("diskseq").value_or(0);
  facts.size_sectors = block.number("size").value_or(0);
  facts.read_only = block.number("ro") == 1u;
  facts.max_sectors_kib = narrow<std::uint32_t>(block.number("queue/max_sectors_kb"));
  facts.bus = bus_of(facts.kernel_name);
  g.path.is_hidden = block.number("hidden") == 1u;

  Status read;
  switch (facts.bus) {
    case Bus::scsi: read = read_scsi(g); break;
    case Bus::nvme: read = read_nvme(g, block); break;
    case Bus::ccw: read = read_ccw(g); break;
    case Bus::cciss: read = read_cciss(g); break;
    case Bus::unknown: break;
  }
  if (!read) return std::unexpected(std::move(read.error()));
  return std::move(g.path);
}

}  // namespace mpath::sys
