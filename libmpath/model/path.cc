// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/model/path.h"

#include "libmpath/base/words.h"

namespace mpath {

namespace {

constexpr std::pair<Protocol, std::string_view> protocol_words[] = {
    {Protocol::undef, "undef"},
    {Protocol::scsi_fcp, "scsi:fcp"},
    {Protocol::scsi_spi, "scsi:spi"},
    {Protocol::scsi_ssa, "scsi:ssa"},
    {Protocol::scsi_sbp, "scsi:sbp"},
    {Protocol::scsi_srp, "scsi:srp"},
    {Protocol::scsi_iscsi, "scsi:iscsi"},
    {Protocol::scsi_sas, "scsi:sas"},
    {Protocol::scsi_adt, "scsi:adt"},
    {Protocol::scsi_ata, "scsi:ata"},
    {Protocol::scsi_usb, "scsi:usb"},
    {Protocol::scsi_unspec, "scsi:unspec"},
    {Protocol::nvme_pcie, "nvme:pcie"},
    {Protocol::nvme_rdma, "nvme:rdma"},
    {Protocol::nvme_fc, "nvme:fc"},
    {Protocol::nvme_tcp, "nvme:tcp"},
    {Protocol::nvme_loop, "nvme:loop"},
    {Protocol::nvme_apple, "nvme:apple-nvme"},
    {Protocol::nvme_unspec, "nvme:unspec"},
    {Protocol::ccw, "ccw"},
    {Protocol::cciss, "cciss"},
};

}  // namespace

std::string_view to_string(Protocol protocol) {
  std::string_view word = word_of(protocol_words, protocol);
  return word.empty() ? "undef" : word;
}

std::optional<Protocol> parse_protocol(std::string_view word) { return value_of_word(protocol_words, word); }

SysfsState parse_sysfs_state(Bus bus, std::string_view state) {
  switch (bus) {
    case Bus::scsi:
      if (state.starts_with("running")) return SysfsState::up;
      if (state.starts_with("blocked") || state.starts_with("quiesce")) return SysfsState::pending;
      return SysfsState::down;
    case Bus::nvme:
      if (state == "live") return SysfsState::up;
      if (state.starts_with("new") || state.starts_with("deleting")) return SysfsState::pending;
      return SysfsState::down;
    case Bus::ccw: case Bus::cciss: case Bus::unknown: return SysfsState::up;
  }
  return SysfsState::down;
}

std::string_view to_string(PathState state) {
  switch (state) {
    case PathState::wild: return "wild";
    case PathState::unchecked: return "unchecked";
    case PathState::down: return "down";
    case PathState::up: return "up";
    case PathState::shaky: return "shaky";
    case PathState::ghost: return "ghost";
    case PathState::pending: return "pending";
    case PathState::timeout: return "timeout";
    case PathState::removed: return "removed";
    case PathState::delayed: return "delayed";
    case PathState::disconnected: return "disconnected";
  }
  return "wild";
}

std::string_view checker_word(PathState state) {
  switch (state) {
    case PathState::wild:
    case PathState::unchecked:
    case PathState::removed: return "undef";
    case PathState::down: return "faulty";
    case PathState::up: return "ready";
    case PathState::shaky: return "shaky";
    case PathState::ghost: return "ghost";
    case PathState::pending: return "i/o pending";
    case PathState::timeout: return "i/o timeout";
    case PathState::delayed: return "delayed";
    case PathState::disconnected: return "disconnected";
  }
  return "undef";
}

}  // namespace mpath
