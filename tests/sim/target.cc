// SPDX-License-Identifier: LGPL-2.1-or-later
// How the simulated array answers SCSI commands, and what sysfs and udev of the simulated host know of a disk.
#include <fmt/format.h>

#include "tests/sim/target.h"

namespace mpath::sim {

namespace {

void put16(std::vector<std::uint8_t>& bytes, std::size_t value) {
  bytes.push_back(static_cast<std::uint8_t>(value >> 8));
  bytes.push_back(static_cast<std::uint8_t>(value));
}

std::uint8_t tpgs_bits(Alua alua) {
  switch (alua) {
    case Alua::none: return 0;
    case Alua::implicit_only: return 1;
    case Alua::explicit_only: return 2;
    case Alua::both: return 3;
  }
  return 0;
}

TpgSupport tpg_support(Alua alua) {
  switch (alua) {
    case Alua::none: return TpgSupport::none;
    case Alua::implicit_only: return TpgSupport::implicit_only;
    case Alua::explicit_only: return TpgSupport::explicit_only;
    case Alua::both: return TpgSupport::implicit_and_explicit;
  }
  return TpgSupport::none;
}

std::vector<std::uint8_t> standard_inquiry(const Array& array) {
  std::vector<std::uint8_t> bytes(36, 0);
  bytes[2] = 6;
  bytes[3] = 0x12;
  bytes[4] = 31;
  bytes[5] = static_cast<std::uint8_t>(tpgs_bits(array.alua) << 4);
  std::string text = fmt::format("SIM     {:<16}0001", product_name(array.kind));
  std::copy(text.begin(), text.end(), bytes.begin() + 8);
  return bytes;
}

/// REPORT TARGET PORT GROUPS (SPC-5 6.35), with the extended header if asked for.
std::vector<std::uint8_t> port_groups(const World& world, const Disk& disk, bool extended) {
  const Array& array = *disk.lun->array;
  std::vector<std::uint8_t> groups;
  std::uint32_t controllers = 0;
  for (const auto& port : array.ports) controllers = std::max(controllers, port->controller + 1);
  for (std::uint32_t controller = 0; controller < controllers; ++controller) {
    std::vector<std::uint16_t> ports;
    for (const auto& port : array.ports) {
      if (port->controller == controller) ports.push_back(port->relative_id);
    }
    Access state = array.other_access;
    if (world.access(disk) == Access::transitioning) {
      state = Access::transitioning;
    } else if (disk.lun->owner == controller) {
      state = Access::optimized;
    }
    groups.push_back(static_cast<std::uint8_t>(state));
    groups.push_back(0x8f);
    put16(groups, controller + 1);
    groups.insert(groups.end(), {0, 0, 0, static_cast<std::uint8_t>(ports.size())});
    for (std::uint16_t port : ports) {
      put16(groups, 0);
      put16(groups, port);
    }
  }
  std::size_t length = groups.size() + (extended ? 4 : 0);
  std::vector<std::uint8_t> bytes;
  put16(bytes, length >> 16);
  put16(bytes, length);
  if (extended) bytes.insert(bytes.end(), {0x10, 0, 0, 0});
  bytes.insert(bytes.end(), groups.begin(), groups.end());
  return bytes;
}

}  // namespace

CommandOutcome check_condition(std::uint8_t key, std::uint8_t code, std::uint8_t qualifier) {
  CommandOutcome outcome;
  outcome.status = 0x02;
  outcome.sense_bytes = 18;
  outcome.sense[0] = 0x70;
  outcome.sense[2] = key;
  outcome.sense[7] = 10;
  outcome.sense[12] = code;
  outcome.sense[13] = qualifier;
  return outcome;
}

CommandOutcome give(std::vector<std::uint8_t> data, std::size_t allocated) {
  CommandOutcome outcome;
  if (data.size() > allocated) data.resize(allocated);
  outcome.data = std::move(data);
  return outcome;
}

std::vector<std::uint8_t> identification_page(const Lun& lun, const TargetPort& port) {
  std::vector<std::uint8_t> page{0x00, 0x83, 0, 0};
  page.insert(page.end(), {0x01, 0x03, 0, 16});
  auto digit = [](char c) { return static_cast<std::uint8_t>(c <= '9' ? c - '0' : c - 'a' + 10); };
  for (std::size_t at = 1; at + 1 < lun.wwid.text.size(); at += 2) {
    page.push_back(static_cast<std::uint8_t>(digit(lun.wwid.text[at]) << 4 | digit(lun.wwid.text[at + 1])));
  }
  page.insert(page.end(), {0x01, 0x14, 0, 4, 0, 0});
  put16(page, port.relative_id);
  page.insert(page.end(), {0x01, 0x15, 0, 4, 0, 0});
  put16(page, port.controller + 1);
  page[3] = static_cast<std::uint8_t>(page.size() - 4);
  return page;
}

CommandOutcome World::answer(Disk& disk, const DeviceCommand& wanted, bool is_data) {
  CommandOutcome outcome;
  if (!disk.present) {
    outcome.failure = CommandFailure::gone;
    outcome.host_status = HostStatus::no_connect;
    return outcome;
  }
  if (disk.offline || disk.host->link == Link::down || disk.port->link == Link::down) {
    outcome.host_status = HostStatus::no_connect;
    return outcome;
  }
  if (disk.lun == nullptr) {
    const auto* asked = std::get_if<ScsiCommand>(&wanted);
    if (asked != nullptr && !is_data) {
      if (auto page = page_without_unit(disk, *asked)) return std::move(*page);
    }
    return check_condition(0x05, 0x25, 0x00);
  }
  if (std::holds_alternative<NvmeAdminCommand>(wanted)) {
    if (disk.lun->array->kind == ArrayKind::nvme) return answer_nvme(disk, std::get<NvmeAdminCommand>(wanted), access(disk));
    outcome.failure = CommandFailure::not_a_scsi_device;
    return outcome;
  }
  const auto* scsi = std::get_if<ScsiCommand>(&wanted);
  bool sends_scsi = scsi != nullptr && !is_data;
  if (sends_scsi && disk.lun->array->kind == ArrayKind::nvme) {
    outcome.failure = CommandFailure::not_a_scsi_device;
    return outcome;
  }
  if (is_data && conflicts(disk)) {
    if (on_conflict) on_conflict(disk);
    outcome.status = 0x18;
    return outcome;
  }
  // A read through the block layer is data I/O.
  bool reads_blocks = std::holds_alternative<BlockRead>(wanted);
  return answer_scsi(disk, scsi == nullptr ? ScsiCommand{} : *scsi, is_data || reads_blocks);
}

CommandOutcome World::answer_inquiry(const Disk& disk, const ScsiCommand& command) const {
  std::size_t allocated = std::min<std::size_t>(command.data_in_bytes, command.cdb[3] << 8 | command.cdb[4]);
  if ((command.cdb[1] & 1) == 0) return give(standard_inquiry(*disk.lun->array), allocated);
  std::uint8_t page = command.cdb[2];
  if (page == 0x83) return give(identification_page(*disk.lun, *disk.port), allocated);
  if (page == 0x00) {
    std::vector<std::uint8_t> list{0, 0, 0, 3, 0x00, 0x80, 0x83};
    for (std::uint8_t more : array_pages(disk.lun->array->kind)) list.push_back(more);
    list[3] = static_cast<std::uint8_t>(list.size() - 4);
    return give(std::move(list), allocated);
  }
  if (page == 0x80) {
    std::vector<std::uint8_t> bytes{0, 0x80, 0, 8};
    std::string serial = fmt::format("{:08}", disk.lun->number);
    bytes.insert(bytes.end(), serial.begin(), serial.end());
    return give(std::move(bytes), allocated);
  }
  if (auto bytes = array_page(disk, page, access(disk) == Access::optimized)) return give(std::move(*bytes), allocated);
  return check_condition(0x05, 0x24, 0x00);
}

CommandOutcome World::answer_scsi(Disk& disk, const ScsiCommand& command, bool is_data) {
  CommandOutcome outcome;
  std::uint8_t operation = command.cdb[0];
  bool is_groups = !is_data && operation == 0xa3 && (command.cdb[1] & 0x1f) == 0x0a;
  if (!is_data && operation == 0x12) return answer_inquiry(disk, command);
  if (is_groups) {
    if (disk.lun->array->alua == Alua::none) return check_condition(0x05, 0x20, 0x00);
    return give(port_groups(*this, disk, command.cdb[1] >> 5 == 1), command.data_in_bytes);
  }
  if (std::exchange(disk.unit_attention, false) && !is_data) return check_condition(0x06, 0x3f, 0x0e);
  if (!is_data && operation == 0x1a) return mode_sense(disk, command);
  if (!is_data && operation == 0x15) return mode_select(disk, command);
  switch (disk.fault) {
    case Fault::none: break;
    case Fault::not_ready: return check_condition(0x02, 0x04, 0x03);
    case Fault::busy: outcome.status = 0x08; return outcome;
    case Fault::reservation_conflict: outcome.status = 0x18; return outcome;
  }
  if (!is_data && operation == 0x5e) return answer_reserve_in(disk, command);
  if (!is_data && operation == 0x5f) return answer_reserve_out(disk, command);
  bool reads = is_data || operation == 0x28 || operation == 0x88;
  switch (access(disk)) {
    case Access::optimized:
    case Access::non_optimized:
      if (reads && disk.lun->is_inactive_snapshot) return check_condition(0x05, 0x25, 0x01);
      break;
    case Access::standby:
      if (disk.lun->array->kind != ArrayKind::plain) {
        if (auto refusal = answer_passive(disk.lun->array->kind, operation, is_data)) return *refusal;
        break;
      }
      return check_condition(0x02, 0x04, 0x0b);
    case Access::unavailable: return check_condition(0x02, 0x04, 0x0c);
    case Access::transitioning: return check_condition(0x02, 0x04, 0x0a);
  }
  if (is_data || operation == 0x00) return outcome;
  if (operation == 0x28 || operation == 0x88) {
    return give(std::vector<std::uint8_t>(command.data_in_bytes, 0), command.data_in_bytes);
  }
  return check_condition(0x05, 0x20, 0x00);
}

CommandOutcome World::answer_system(const Disk& disk, SystemRead::What what) const {
  if (!disk.present) {
    CommandOutcome outcome;
    outcome.failure = CommandFailure::gone;
    return outcome;
  }
  bool link_lost = disk.host->link == Link::down || disk.port->link == Link::down;
  bool is_nvme = disk.port->array->kind == ArrayKind::nvme;
  std::string text;
  switch (what) {
    case SystemRead::What::access_state:
      if (disk.port->array->alua == Alua::none) break;
      switch (access(disk)) {
        case Access::optimized: text = "active/optimized\n0\n"; break;
        case Access::non_optimized: text = "active/non-optimized\n0\n"; break;
        case Access::standby: text = "standby\n0\n"; break;
        case Access::unavailable: text = "unavailable\n0\n"; break;
        case Access::transitioning: text = "transitioning\n0\n"; break;
      }
      break;
    case SystemRead::What::device_state:
      if (is_nvme) text = disk.offline ? "dead\n" : link_lost ? "connecting\n" : "live\n";
      else text = disk.offline ? "offline\n" : link_lost ? "transport-offline\n" : "running\n";
      break;
    case SystemRead::What::by_path_links:
      text = fmt::format("ip-10.0.0.{}:3260-iscsi-iqn.2003-01.org.sim-lun-{}\n", 10 + disk.port->relative_id, disk.lun_number);
      break;
  }
  return give({text.begin(), text.end()}, text.size());
}

void World::refresh_udev(Disk& disk) {
  bool reachable = disk.present && !disk.offline && !hanging(disk) && disk.host->link == Link::up &&
                   disk.port->link == Link::up && disk.lun != nullptr;
  if (!reachable) return;
  if (disk.udev_wwid != disk.lun->wwid.text) disk.udev_changed = queue_.awake();
  disk.udev_wwid = disk.lun->wwid.text;
  disk.sysfs_vpd = identification_page(*disk.lun, *disk.port);
  disk.kernel_size_sectors = disk.lun->size_sectors;
  disk.read_only = disk.lun->is_read_only;
}

DiscoveredPath World::discover(const Disk& disk) const {
  DiscoveredPath found;
  PathFacts& facts = found.facts;
  Hctl address{disk.host->number, 0, disk.port->relative_id, disk.lun_number};
  facts.kernel_name = disk.name;
  facts.sysfs_path =
      fmt::format("/sys/devices/pci0000:00/0000:00:{:02x}.0/host{}/rport-{}:0-{}/target{}:0:{}/{}/block/{}",
                  disk.host->number + 4, disk.host->number, disk.host->number, disk.port->relative_id,
                  disk.host->number, disk.port->relative_id, to_string(address), disk.name);
  facts.devnum = disk.devnum;
  facts.disk_sequence = disk.disk_sequence;
  facts.bus = Bus::scsi;
  facts.protocol = Protocol::scsi_fcp;
  facts.address = address;
  facts.vendor = "SIM";
  facts.product = product_name(disk.port->array->kind);
  facts.revision = "0001";
  facts.serial = fmt::format("{:08}", disk.lun_number);
  facts.size_sectors = disk.kernel_size_sectors;
  facts.read_only = disk.read_only;
  facts.udev_initialized = !disk.udev_wwid.empty();
  bool link_lost = disk.host->link == Link::down || disk.port->link == Link::down;
  facts.sysfs_state = disk.offline || link_lost ? SysfsState::down : SysfsState::up;
  const Array& array = *disk.port->array;
  facts.tpg_support = tpg_support(array.alua);
  switch (array.kind) {
    case ArrayKind::plain: facts.device_handler = array.alua == Alua::none ? "" : "alua"; break;
    case ArrayKind::rdac: facts.device_handler = "rdac"; break;
    case ArrayKind::clariion: facts.device_handler = "emc"; break;
    case ArrayKind::hp: facts.device_handler = "hp_sw"; break;
    case ArrayKind::nvme:
      facts.bus = Bus::nvme;
      facts.protocol = Protocol::nvme_fc;
      facts.address = Hctl{disk.host->number, disk.port->relative_id, 1, disk.lun_number + 1};
      facts.vendor = "NVME";
      facts.tpg_support = TpgSupport::undetermined;
      break;
  }
  facts.target_node = disk.port->name.substr(0, 4) + "000000000000";
  facts.target_port = disk.port->name;
  facts.host_node = fmt::format("0x2000{:012x}", disk.host->number);
  facts.host_port = fmt::format("0x1000{:012x}", disk.host->number);
  facts.host_adapter = fmt::format("0000:00:{:02x}.0", disk.host->number + 4);
  facts.command_node = fmt::format("/dev/sg{}", disk.index);
  facts.kernel_timeout = seconds{30};
  facts.max_sectors_kib = 1280;
  found.properties = {{"DEVTYPE", "disk"}, {"ID_BUS", "scsi"}, {"ID_TYPE", "disk"}, {"ID_VENDOR", "SIM"},
                      {"ID_MODEL", "ARRAY"}};
  if (!disk.udev_wwid.empty()) {
    found.properties.add("ID_SERIAL", disk.udev_wwid);
    bool is_nvme = array.kind == ArrayKind::nvme;
    found.properties.add("ID_WWN", is_nvme ? disk.udev_wwid : "0x" + disk.udev_wwid.substr(1, 16));
  }
  found.vpd_page_83 = disk.sysfs_vpd;
  return found;
}

}  // namespace mpath::sim
