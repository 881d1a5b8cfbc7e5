// SPDX-License-Identifier: LGPL-2.1-or-later
// What a path is (PathFacts) and how it is (PathHealth). Plain values, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "libmpath/base/static_text.h"
#include "libmpath/base/time.h"
#include "libmpath/model/ids.h"

namespace mpath {

enum class Bus { unknown, scsi, nvme, ccw, cciss };

/// Transport of a path, in the words of multipath.conf's overrides/protocol section.
enum class Protocol {
  undef, scsi_fcp, scsi_spi, scsi_ssa, scsi_sbp, scsi_srp, scsi_iscsi, scsi_sas, scsi_adt, scsi_ata, scsi_usb,
  scsi_unspec, nvme_pcie, nvme_rdma, nvme_fc, nvme_tcp, nvme_loop, nvme_apple, nvme_unspec, ccw, cciss,
};
/// "scsi:fcp", "nvme:tcp", "ccw", "undef" …
[[nodiscard]] std::string_view to_string(Protocol protocol);
[[nodiscard]] std::optional<Protocol> parse_protocol(std::string_view word);

/// The kernel's own opinion of a SCSI device or NVMe controller (attribute `state`), before any checker.
enum class SysfsState { up, down, pending, removed };
/// From the words of the attribute; devices of other buses have none and count as up.
[[nodiscard]] SysfsState parse_sysfs_state(Bus bus, std::string_view state);

/// What the standard INQUIRY says of target port group support (SPC-5 6.7.2, TPGS).
enum class TpgSupport { undetermined, none, implicit_only, explicit_only, implicit_and_explicit };

/// Where a WWID came from.
enum class WwidSource { none, udev_property, vpd_page, sysfs };

/// Everything that is known of a path without sending it a command. Replaced whole, never changed in place.
struct PathFacts {
  std::string kernel_name;          ///< "sda"
  std::string sysfs_path;           ///< absolute path of the block device's directory
  DevNum devnum;
  std::uint64_t disk_sequence = 0;  ///< the kernel's diskseq; 0 where the kernel has none
  Bus bus = Bus::unknown;
  Protocol protocol = Protocol::undef;
  std::optional<Hctl> address;
  std::string vendor;
  std::string product;
  std::string revision;
  std::string serial;
  Wwid wwid;                        ///< empty while unknown
  WwidSource wwid_source = WwidSource::none;
  std::uint64_t identity = 0;       ///< fingerprint of the logical unit's designators (VPD 0x83); 0 while unknown
  std::uint64_t size_sectors = 0;   ///< of 512 bytes
  bool read_only = false;
  bool udev_initialized = false;
  SysfsState sysfs_state = SysfsState::up;
  TpgSupport tpg_support = TpgSupport::undetermined;
  std::optional<std::uint16_t> target_port_group;
  std::optional<std::uint16_t> relative_target_port;
  std::string device_handler;       ///< sysfs dh_state: "alua", "rdac"…; empty or "detached" if none
  std::string target_node;          ///< iSCSI target name, FC node name, SAS address…; wildcard %n
  std::string target_port;          ///< FC remote port name or what distinguishes the target's port; wildcard %r
  std::string host_node;            ///< FC host node name; wildcard %N
  std::string host_port;            ///< FC host port name; wildcard %R
  std::string host_adapter;         ///< bus id of the adapter's PCI slot, or iSCSI IP address; wildcard %a
  std::string transport_device;     ///< the transport's object for the far end: "rport-2:0-1", "session3", "end_device-1:0"; else empty
  std::optional<std::uint32_t> fc_host;  ///< NVMe over Fibre Channel: the SCSI host of the same adapter port, by which the fabric speaks of it
  std::string command_node;         ///< "/dev/sg3": where commands go; empty if there is none
  std::optional<seconds> kernel_timeout;  ///< the SCSI device's command timeout
  std::optional<std::uint32_t> max_sectors_kib;
};

/// State of a path as the reference's checkers name it (behaviour of 0.14, section 3.1).
enum class PathState {
  wild, unchecked, down, up, shaky, ghost, pending, timeout, removed, delayed, disconnected,
};
/// The word of messages and `show status`: "up", "down", "ghost"…
[[nodiscard]] std::string_view to_string(PathState state);
/// The word of topology and JSON (%T): "ready", "faulty", "i/o pending"…; a closed set that clients know.
[[nodiscard]] std::string_view checker_word(PathState state);
/// Up or ghost: the path can carry I/O, at the latest after its group is activated.
[[nodiscard]] constexpr bool is_usable(PathState state) {
  return state == PathState::up || state == PathState::ghost;
}

/// Why a path that answers its checks counts as marginal: used after all others, and only where marginal_pathgroups says so.
enum class MarginalReason : std::uint8_t {
  sampled = 1,  ///< its error rate under test reads (marginal_path_*)
  fpin = 2,     ///< the fabric says so (Fibre Channel performance impact notification)
  outlier = 4,  ///< its checks fare far worse than those of its siblings
  command = 8,  ///< `setmarginal path`
};
/// The reasons that hold now.
class MarginalReasons {
 public:
  [[nodiscard]] bool any() const { return bits_ != 0; }
  [[nodiscard]] bool has(MarginalReason reason) const { return (bits_ & static_cast<std::uint8_t>(reason)) != 0; }
  void set(MarginalReason reason, bool holds) {
    auto bit = static_cast<std::uint8_t>(reason);
    bits_ = static_cast<std::uint8_t>(holds ? bits_ | bit : bits_ & ~bit);
  }
  /// For the file that keeps them over a restart.
  [[nodiscard]] std::uint8_t bits() const { return bits_; }
  [[nodiscard]] static MarginalReasons from_bits(std::uint8_t bits) {
    MarginalReasons reasons;
    reasons.bits_ = bits & 15;
    return reasons;
  }
  friend bool operator==(MarginalReasons, MarginalReasons) = default;

 private:
  std::uint8_t bits_ = 0;
};

/// How a path is, as last judged. `reason` is our own text, never a device's bytes.
struct PathHealth {
  PathState state = PathState::unchecked;
  MonoTime since{};
  StaticText reason;  ///< why the state is what it is
};

}  // namespace mpath
