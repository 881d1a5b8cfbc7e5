// SPDX-License-Identifier: LGPL-2.1-or-later
// Outcomes of commands for the tests of checkers, prioritizers and detection.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "libmpath/model/command_io.h"
#include "libmpath/wire/sense.h"
#include "tests/unit/policy/fixture.h"

namespace mpath::policy {

inline CommandOutcome good(std::vector<std::uint8_t> data = {}) {
  CommandOutcome outcome;
  outcome.data = std::move(data);
  return outcome;
}
inline CommandOutcome good_text(std::string_view text) { return good({text.begin(), text.end()}); }
inline CommandOutcome sense(std::uint8_t key, std::uint8_t asc, std::uint8_t ascq) {
  CommandOutcome outcome;
  outcome.status = 0x02;
  outcome.sense = {0x72, key, asc, ascq};
  outcome.sense_bytes = 8;
  return outcome;
}
inline CommandOutcome failed(CommandFailure failure) {
  CommandOutcome outcome;
  outcome.failure = failure;
  return outcome;
}
inline CommandOutcome host(HostStatus status) {
  CommandOutcome outcome;
  outcome.host_status = status;
  return outcome;
}
inline CommandOutcome status(std::uint8_t code) {
  CommandOutcome outcome;
  outcome.status = code;
  return outcome;
}

/// What a command is, for expectations: "tur", "inquiry c9", "read", "block read"…
inline std::string name_of(const DeviceCommand& command) {
  struct Namer {
    std::string operator()(const ScsiCommand& scsi) const {
      switch (scsi.cdb[0]) {
        case 0x00: return "tur";
        case 0x12: return (scsi.cdb[1] & 1) == 0 ? "inquiry" : fmt::format("inquiry {:02x}", scsi.cdb[2]);
        case 0x15: return "mode select";
        case 0x1a: return (scsi.cdb[2] >> 6) == 1 ? "mode sense changeable" : "mode sense";
        case 0x28: return "read";
        case 0xa3: return "groups";
        case 0xc0: return "ontap";
        default: return "?";
      }
    }
    std::string operator()(const BlockRead&) const { return "block read"; }
    std::string operator()(const NvmeAdminCommand& nvme) const {
      if (nvme.opcode == 0x02) return "log";
      return nvme.command_dwords[0] == 1 ? "controller" : "namespace";
    }
    std::string operator()(const CcissTest&) const { return "cciss"; }
    std::string operator()(const SystemRead& read) const {
      switch (read.what) {
        case SystemRead::What::access_state: return "access state";
        case SystemRead::What::device_state: return "device state";
        case SystemRead::What::by_path_links: return "links";
      }
      return "?";
    }
  };
  return std::visit(Namer{}, command);
}

/// RDAC page 0xc9 with the flags of byte 8, the priority of byte 9 and the access states of both controllers.
inline std::vector<std::uint8_t> rdac_page(std::uint8_t flags, std::uint8_t priority = 0, std::uint8_t state = 0, std::uint8_t other = 0) {
  std::vector<std::uint8_t> page(44, 0);
  page[1] = 0xc9;
  page[3] = 40;
  std::string_view name = "vac1";
  std::copy(name.begin(), name.end(), page.begin() + 4);
  page[8] = flags;
  page[9] = priority;
  page[10] = state;
  page[12] = other;
  return page;
}

/// EMC page 0xc0: state of the unit, default owner and processor, all settings right.
inline std::vector<std::uint8_t> emc_page(std::uint8_t unit_state, std::uint8_t owner = 0, std::uint8_t processor = 0) {
  std::vector<std::uint8_t> page(128, 0);
  page[1] = 0xc0;
  page[4] = unit_state;
  page[5] = owner;
  page[8] = processor;
  page[10] = 0x60;
  page[25] = 0x01;
  page[27] = 0x03;
  page[28] = 0x04;
  page[30] = 0x04;
  return page;
}

}  // namespace mpath::policy
