// SPDX-License-Identifier: LGPL-2.1-or-later
// The simulated SAN in virtual time: arrays with controllers and logical units, host ports, and the SCSI disks (paths) that the host sees.
// Commands and data I/O go to a disk and are answered, or not, as the faults say. It shares no code with the product except plain values.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmpath/model/command_io.h"
#include "libmpath/model/discovery.h"
#include "tests/sim/virtual_time.h"

namespace mpath::sim {

/// What the array is besides its ALUA support. The middle ones are active/passive with pages and commands of their own.
enum class ArrayKind { plain, rdac, clariion, hp, nvme };
enum class Alua { none, implicit_only, explicit_only, both };
/// Asymmetric access states of SPC-5 6.34, the codes of REPORT TARGET PORT GROUPS.
enum class Access : std::uint8_t { optimized = 0, non_optimized = 1, standby = 2, unavailable = 3, transitioning = 15 };
/// What a cable does: `down` is noticed at once (DID_NO_CONNECT), `silent` swallows commands until the transport gives up.
enum class Link { up, down, silent };
/// What a path answers to TEST UNIT READY and data I/O instead of good status.
enum class Fault { none, not_ready, busy, reservation_conflict };

struct Array;

/// Persistent reservations of a unit (SPC-4 5.12): which I_T nexuses are registered with which key, and which one of them holds a reservation
/// of the type "write exclusive, registrants only".
struct Reservations {
  using Nexus = std::pair<std::uint32_t, std::string>;  ///< number of the host port, name of the target port
  std::map<Nexus, std::uint64_t> keys;
  std::optional<Nexus> holder;
  std::uint32_t generation = 0;
};
/// A host port of another host.
inline constexpr std::uint32_t other_host = 1000;

struct Lun {
  Wwid wwid;
  std::uint32_t number = 0;  ///< within its array
  std::uint64_t size_sectors = 0;
  std::uint32_t owner = 0;   ///< the controller that serves it best
  std::uint32_t default_owner = 0;
  bool is_read_only = false;
  bool is_inactive_snapshot = false;  ///< clariion: the active controller refuses to read it
  MonoTime transition_until{};
  Reservations reservations;
  Array* array = nullptr;
};

struct TargetPort {
  std::string name;
  std::uint32_t controller = 0;  ///< its target port group is controller + 1
  std::uint16_t relative_id = 0;
  Link link = Link::up;
  EventQueue::Token transport_timer{};
  Array* array = nullptr;
};

struct Array {
  ArrayKind kind = ArrayKind::plain;
  Alua alua = Alua::none;
  bool is_upgrading = false;  ///< clariion
  Access other_access = Access::non_optimized;  ///< of the controllers that do not own a LUN
  std::vector<std::unique_ptr<TargetPort>> ports;
  std::vector<std::unique_ptr<Lun>> luns;
};

struct HostPort {
  std::uint32_t number = 0;
  Link link = Link::up;
  EventQueue::Token transport_timer{};
  std::uint32_t busy = 0;  ///< commands under way
  std::uint32_t can_queue = 64;
};

/// A SCSI disk of the host: one path. A disk that is found again is another Disk with a new disk sequence number.
struct Disk {
  std::string name;
  std::uint32_t index = 0;
  DevNum devnum;
  std::uint64_t disk_sequence = 0;
  HostPort* host = nullptr;
  TargetPort* port = nullptr;
  std::uint32_t lun_number = 0;
  Lun* lun = nullptr;  ///< what is really behind it; nullptr: nothing is mapped
  bool present = true;
  bool offline = false;
  bool hangs = false;
  Fault fault = Fault::none;
  bool unit_attention = false;
  bool task_aborted_status = false;  ///< a mode setting
  bool read_only = false;
  Duration extra_latency{};
  bool was_slow = false;               ///< ever
  std::uint32_t table_references = 0;  ///< device-mapper tables that hold it open: its number is not given away
  std::vector<std::uint64_t> waiting;  ///< requests that get no answer now
  // Times of these are the queue's awake().
  MonoTime hangs_since{};
  MonoTime hung_until{};               ///< when it last answered again
  MonoTime appeared{};
  MonoTime vanished{};  ///< when it was deleted
  MonoTime remapped_at{};
  MonoTime usable_changed{};           ///< when the answer of World::usable() last changed, or I/O through it began to need an activation
  bool was_usable = true;
  Access was_access = Access::optimized;
  bool was_hanging = false;
  // What udev and sysfs remember; it may be older than the truth.
  std::string udev_wwid;
  MonoTime udev_changed{};
  std::vector<std::uint8_t> sysfs_vpd;
  std::uint64_t kernel_size_sectors = 0;
};

struct DiskUevent {
  enum class Action { add, change, remove };
  Action action = Action::add;
  std::string name;
  DevNum devnum;
};

/// How data I/O ended at a disk.
struct DataOutcome {
  enum class Kind { done, path_error, target_error };
  Kind kind = Kind::done;
  const Lun* reached = nullptr;  ///< for `done`: the unit that took it
};

class World {
 public:
  using CommandDone = std::move_only_function<void(CommandOutcome)>;
  using DataDone = std::move_only_function<void(DataOutcome)>;

  World(EventQueue& queue, Random random) : queue_(queue), random_(random) {}
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // --- building -------------------------------------------------------------------------------------------
  Array& add_array(Alua alua, std::uint32_t controllers, std::uint32_t ports_each);
  /// Two controllers of one port each, as this kind of array has them.
  Array& add_array(ArrayKind kind);
  Lun& add_lun(Array& array, std::uint64_t size_sectors, std::uint32_t owner);
  HostPort& add_host();
  /// The host finds the LUN through this pair of ports. With an uevent unless `quiet`.
  Disk& add_disk(HostPort& host, TargetPort& port, Lun& lun, bool quiet = false);
  /// All pairs of `hosts` and ports of the LUN's array, silently, as before boot.
  void connect(Lun& lun, std::uint32_t hosts);

  [[nodiscard]] const std::vector<std::unique_ptr<Array>>& arrays() const { return arrays_; }
  [[nodiscard]] const std::vector<std::unique_ptr<HostPort>>& hosts() const { return hosts_; }
  /// Every disk there ever was, in order of appearance.
  [[nodiscard]] const std::vector<std::unique_ptr<Disk>>& disks() const { return disks_; }
  [[nodiscard]] Disk* find(const std::string& name) const;
  [[nodiscard]] Disk* find(DevNum devnum) const;
  [[nodiscard]] std::uint64_t data_under_way(const Disk& disk) const;
  [[nodiscard]] std::vector<Disk*> disks_of(const Lun& lun) const;  ///< present ones with this unit behind them

  // --- faults ---------------------------------------------------------------------------------------------
  void set_link(HostPort& host, Link link);
  void set_link(TargetPort& port, Link link);
  void set_hang(Disk& disk, bool hangs);
  void set_offline(Disk& disk, bool offline);
  void set_fault(Disk& disk, Fault fault);
  void set_latency(Disk& disk, Duration extra);
  void raise_unit_attention(Disk& disk);
  void unmap(Disk& disk);
  void remap(Disk& disk, Lun& lun);
  void delete_disk(Disk& disk);
  /// Another controller takes the LUN; in between it is transitioning for `length`.
  void move_lun(Lun& lun, std::uint32_t owner, Duration length);
  void resize(Lun& lun, std::uint64_t size_sectors);
  /// What mpathpersist(8) of this host does: every present path of the unit is registered with the key, and the first one holds a reservation.
  void reserve(Lun& lun, std::uint64_t key);
  /// Another host registers with its own key and takes the reservation away from all that are registered with `victim`.
  void preempt(Lun& lun, std::uint64_t victim, std::uint64_t key);
  /// The array forgets the registration of the disk's nexus, as after the loss of the nexus.
  void forget_registration(Lun& lun, const Disk& disk);
  /// The array (un)protects the unit; the host notices on every path.
  void protect(Lun& lun, bool read_only);
  /// A synthetic uevent: udev reads the disk again.
  void trigger(Disk& disk, DiskUevent::Action action);

  // --- what is true ---------------------------------------------------------------------------------------
  [[nodiscard]] Access access(const Disk& disk) const;
  /// Data I/O through it succeeds now, or would after its group was activated.
  [[nodiscard]] bool usable(const Disk& disk) const;
  [[nodiscard]] bool hanging(const Disk& disk) const;
  /// usable(), and since at least this long.
  [[nodiscard]] bool usable_for(const Disk& disk, Duration length) const;
  [[nodiscard]] bool unusable_for(const Disk& disk, Duration length) const;

  // --- I/O ------------------------------------------------------------------------------------------------
  void command(Disk& disk, const DeviceCommand& command, CommandDone done);
  void data(Disk& disk, DataDone done);
  /// STPG, as far as the array takes it. True if the disk can serve.
  bool activate(Disk& disk);
  [[nodiscard]] DiscoveredPath discover(const Disk& disk) const;

  std::function<void(const DiskUevent&)> on_uevent;
  std::function<void(const Lun&)> on_activated;  ///< I/O made another controller take the unit
  std::function<void(const Disk&)> on_conflict;  ///< data I/O met a reservation through a nexus that is not registered
  std::function<void(const std::string&)> on_trace;

  Duration transport_timeout = seconds{5};
  Duration data_timeout = seconds{30};
  /// What the kernel does about a command that has timed out, before it gives it back.
  Duration error_handling{};

 private:
  struct Request {
    Disk* disk = nullptr;
    bool is_data = false;
    DeviceCommand command;
    MonoTime started{};
    EventQueue::Token timer{};
    CommandDone command_done;
    DataDone data_done;
  };
  std::uint64_t start(Request request, Duration timeout);
  void serve(std::uint64_t id);
  void finish(std::uint64_t id, CommandOutcome outcome);
  [[nodiscard]] CommandOutcome answer(Disk& disk, const DeviceCommand& command, bool is_data);
  [[nodiscard]] CommandOutcome answer_scsi(Disk& disk, const ScsiCommand& command, bool is_data);
  [[nodiscard]] CommandOutcome answer_inquiry(const Disk& disk, const ScsiCommand& command) const;
  [[nodiscard]] CommandOutcome answer_reserve_out(Disk& disk, const ScsiCommand& command);
  [[nodiscard]] CommandOutcome answer_system(const Disk& disk, SystemRead::What what) const;
  void wake(Disk& disk);
  void changed(Disk& disk);
  template <typename Port>
  void change_link(Port& port, Link link, Port* Disk::*end);
  void refresh_udev(Disk& disk);
  void send(const Disk& disk, DiskUevent::Action action);
  void trace(const std::string& text) const {
    if (on_trace) on_trace(text);
  }

  EventQueue& queue_;
  Random random_;
  std::vector<std::unique_ptr<Array>> arrays_;
  std::vector<std::unique_ptr<HostPort>> hosts_;
  std::vector<std::unique_ptr<Disk>> disks_;
  std::unordered_map<DevNum, Disk*> by_devnum_;        ///< as long as the number is not given away
  std::unordered_map<std::string, Disk*> by_name_;     ///< present ones
  std::unordered_map<std::uint64_t, Request> requests_;
  std::uint64_t last_request_ = 0;
  std::uint64_t last_sequence_ = 0;
  std::uint32_t last_lun_ = 0;
};

[[nodiscard]] Reservations::Nexus nexus_of(const Disk& disk);
[[nodiscard]] bool is_registered(const Disk& disk);
/// The product in a standard INQUIRY: "ARRAY", "RDAC"…
[[nodiscard]] std::string_view product_name(ArrayKind kind);
/// A controller that does not serve the unit can be told to.
[[nodiscard]] bool can_be_activated(const Array& array);
/// VPD page 0x83 of a unit as one port gives it (SPC-5 7.7.6): NAA, relative target port, target port group.
[[nodiscard]] std::vector<std::uint8_t> identification_page(const Lun& lun, const TargetPort& port);
/// "sda", "sdaa"…
[[nodiscard]] std::string disk_name(std::uint32_t index);

}  // namespace mpath::sim
