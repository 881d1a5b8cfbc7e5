// SPDX-License-Identifier: LGPL-2.1-or-later
// The world as the executor sees it. The Linux implementations are in sys/, the simulated ones in tests/sim.
// Each function says on which thread it is called; none throws.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/time.h"
#include "libmpath/model/action.h"
#include "libmpath/model/command_io.h"
#include "libmpath/model/discovery.h"
#include "libmpath/model/kernel_map.h"
#include "libmpath/model/log.h"

namespace mpath::ports {

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual MonoTime now() const = 0;  ///< any thread
};

/// Where work that may block runs. Order holds only within one (lane, key).
enum class Lane {
  submit,     ///< handing commands to hosts, key = host number; limits::submission_lanes, at most one for each host
  table,      ///< create, load, rename, remove through libdevmapper; one
  fast,       ///< messages, list, table, status; one
  wait,       ///< suspend and resume, key = map; limits::wait_lanes
  discovery,  ///< sysfs and udev; one
  files,      ///< configuration and state files; one
  settings,   ///< writes to sysfs that the kernel may take its time for: transport settings, `delete`; one
  view,       ///< rendering of replies; one
};
inline constexpr std::size_t lane_count = 8;

/// What a finished task wants done on the engine's thread.
using Continuation = std::move_only_function<void()>;
/// Runs on a lane. Must not touch anything of the engine's thread; what it gives back runs there.
using LaneTask = std::move_only_function<Continuation()>;

class Lanes {
 public:
  virtual ~Lanes() = default;
  /// Engine thread. False if the lane's queue is full (limits::lane_queue): the task is not taken.
  [[nodiscard]] virtual bool submit(Lane lane, std::uint64_t key, LaneTask task) = 0;
  /// Engine thread. Between the two, what is submitted may begin later, but not after let_go(): many tasks, one wake-up.
  virtual void hold_back() {}
  virtual void let_go() {}
};

/// Device-mapper. Functions marked [lane] block and run on that lane; `name` may hold any byte the kernel allows.
class DeviceMapper {
 public:
  virtual ~DeviceMapper() = default;
  /// [table] Create the device with its table, active; uuid "mpath-" + spec.wwid. Gives its number.
  /// Read-write first, read-only after EROFS. An empty device left by a failure is removed again.
  virtual Result<DevNum> create(const MapSpec& spec, UdevFlags flags) = 0;
  /// [table] Check the precondition and load spec.table into the inactive slot of device `name`.
  virtual Status load(const MapName& name, const MapSpec& spec, const Precondition& expected) = 0;
  /// [wait] Swap the inactive table in (suspending with or without flush) and resume. On failure the device is
  /// resumed with its old table: it is never left suspended.
  virtual Status resume(const MapName& name, UdevFlags flags, bool flush) = 0;
  /// [wait] Hold back I/O; what is under way is waited for, what waits for a path is not.
  virtual Status suspend(const MapName& name, const Precondition& expected) = 0;
  /// [table] Take back a table that was loaded and not swapped in.
  virtual Status drop_table(const MapName& name, const Precondition& expected) = 0;
  /// [table] The map's partition maps follow it, with `delimiter` before their numbers; nothing: "p" after a digit, else nothing.
  virtual Status rename(const MapName& name, const MapName& new_name, const std::optional<std::string>& delimiter,
                        const Precondition& expected) = 0;
  /// [table] Partition maps first. ErrorCode::busy if it or one of them is in use and `deferred` is false; the cause names who uses it.
  virtual Status remove(const MapName& name, bool deferred, const Precondition& expected) = 0;
  /// [fast] Sector 0 of the live table. `uuid` must be the device's, else ErrorCode::conflict.
  virtual Status message(const MapName& name, std::string_view uuid, const MapMessage& message) = 0;
  /// [fast] All dm devices with names and event numbers.
  virtual Result<std::vector<KernelMapListing>> list() = 0;
  /// [fast] One map by name; ErrorCode::not_found if there is none, ErrorCode::unsupported if its table is not
  /// exactly one multipath target.
  virtual Result<KernelMap> read(const MapName& name) = 0;
  /// [fast] Version of the multipath target; zeros if it is not known.
  virtual TargetVersion target_version() { return {}; }
  /// [fast] Which processes are at work on device-mapper at this moment, as far as can be seen; never ourselves.
  virtual std::vector<DmActor> actors() { return {}; }
  /// [wait] Every other dm device that stands on one of `paths`: its table with what `change` makes of its targets' parameters (nothing:
  /// they stay), loaded and swapped in. Multipath maps are left alone; one that cannot be changed goes on with its old table. [fast] with
  /// `apply` false: nothing is changed, and the answer is what would be tried.
  virtual Result<ReassignedHolders> change_holders(
      const MapName& map, DevNum number, std::span<const DevNum> paths,
      const std::function<std::optional<std::string>(std::string_view, std::span<const DeviceReplacement>)>& change, bool apply) {
    (void)map, (void)number, (void)paths, (void)change, (void)apply;
    return ReassignedHolders{};
  }
  /// [fast] Arm the event poll; must precede the list() whose changes count.
  virtual Status arm_events() = 0;
};

struct CommandRequest {
  OpId op = OpId::none;
  PathId path;
  DeviceCommand command;
};
struct CommandReply {
  OpId op = OpId::none;
  PathId path;
  CommandOutcome outcome;
};
/// The reply to a command that has no answer of the device.
[[nodiscard]] inline CommandReply failed_reply(OpId op, PathId path, CommandFailure failure) {
  return {.op = op, .path = path, .outcome = {.failure = failure}};
}

/// Commands to paths. All functions on the engine's thread; none blocks. Each submitted command gives exactly one
/// reply, however late, unless its path is detached first.
class Commands {
 public:
  virtual ~Commands() = default;
  /// From now on `path` is the device that `facts` describe. It is opened when first needed, in a lane, and verified.
  virtual void attach(PathId path, std::shared_ptr<const PathFacts> facts) = 0;
  /// Close it; commands under way give no reply any more.
  virtual void detach(PathId path) = 0;
  /// Queue a command. Handed to the lanes by flush().
  virtual void submit(const CommandRequest& request) = 0;
  /// End of a turn: hand over what was queued, grouped by host.
  virtual void flush() = 0;
  /// Take the replies that have arrived.
  virtual void collect(std::vector<CommandReply>& replies) = 0;
  /// Numbers of hosts whose queue was full since the last call, though they work on: what waits for them waits for work, not for a sick
  /// device.
  virtual void collect_busy_hosts(std::vector<std::uint32_t>&) {}
};

/// Block devices of the system.
class Discovery {
 public:
  virtual ~Discovery() = default;
  /// [discovery] All disks that udev has initialized, in the order of their kernel names' natural sort (sda, sdb, … sdaa).
  virtual Result<std::vector<ListedDisk>> list_disks() = 0;
  /// [discovery] Multipath maps that udev holds for unusable (property MPATH_DEVICE_READY is "0").
  virtual std::vector<DevNum> maps_not_ready() { return {}; }
  /// [discovery] One block device by its sysfs directory or kernel name.
  virtual Result<DiscoveredPath> gather(std::string_view device) = 0;
  /// [discovery] Who uses it, as device_users says: "mounted on /mnt", "held by vg-data (dm-3)"; empty if nobody is known to.
  virtual std::vector<std::string> users(DevNum) { return {}; }
  /// [discovery] How much I/O of a block device is under way.
  virtual Result<IoCounters> io_counters(std::string_view sysfs_path) = 0;
  /// [discovery] Ask the kernel for a synthetic uevent ("change", "add").
  virtual Status trigger(std::string_view sysfs_path, std::string_view action) = 0;
  /// [settings] Remove the kernel's SCSI device (sysfs `delete`). ErrorCode::conflict if it is another device by now than `facts`
  /// describe (disk sequence number, or inode of its directory), ErrorCode::unsupported if it is no SCSI device.
  virtual Status remove_device(const PathFacts& facts) = 0;
  /// [settings, wait] First line of an attribute of sysfs. `object` is a directory below /sys, or relative to it.
  virtual Result<std::string> read_setting(std::string_view object, std::string_view) {
    return fail(ErrorCode::unsupported, std::string(object), "has no settings");
  }
  /// [settings, wait] Writes it. It may take long: a queue whose limit changes waits for its I/O.
  virtual Status write_setting(std::string_view object, std::string_view, std::string_view) {
    return fail(ErrorCode::unsupported, std::string(object), "has no settings");
  }
  /// [settings] Let the kernel ask the device for its size again; gives the size, in sectors. Blocks while the device does not answer.
  /// Errors as for remove_device().
  virtual Result<std::uint64_t> rescan(const PathFacts& facts) = 0;
};

/// A file of the configuration, read whole.
struct ConfigFile {
  std::string name;
  std::string bytes;
  bool is_drop_in = false;
};
/// A user of this machine, for the keywords uid and gid.
struct SystemUser {
  std::string name;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;  ///< primary group
};
/// What the configuration directory held; an unreadable file is an error of its own and does not hide the others.
struct ConfigFiles {
  std::vector<ConfigFile> files;  ///< main file first, drop-ins in byte order of their names; a missing one is just absent
  std::vector<Error> errors;
  bool main_file_failed = false;  ///< it exists and could not be read
  bool nvme_native_multipath = false;  ///< the kernel's own NVMe multipathing is on
  std::optional<std::uint64_t> most_open_files;  ///< /proc/sys/fs/nr_open
  std::vector<SystemUser> users;  ///< of /etc/passwd, in its order; no service is asked for others
};

/// The first three are shared with other programs and survive a reboot; `run_state` is the daemon's own and does not (/run).
enum class StateFile { wwids, bindings, prkeys, run_state };

class Files {
 public:
  virtual ~Files() = default;
  /// [files]
  virtual ConfigFiles read_configuration() = 0;
  /// [files] Its bytes; empty if it does not exist.
  virtual Result<std::string> read(StateFile file) = 0;
  /// [files] Under the file's lock: read, let `change` make the new contents (nothing: leave it), write by rename, mode 0600.
  virtual Status update(StateFile file,
                        const std::function<std::optional<std::string>(std::string_view)>& change) = 0;
  /// [files] Sets or takes away the mark that the last attempt to make the volume's map failed.
  virtual Status mark_failed(const Wwid&, bool) { return {}; }
  /// [files] The volumes that have the mark, whoever set it; at most limits::failed_wwids.
  virtual std::vector<Wwid> marked_failed() { return {}; }
};

enum class LogLevel { error = 0, warning = 1, notice = 2, info = 3, debug = 4 };

/// The log: bounded, never blocks, counts what it drops.
class Log {
 public:
  virtual ~Log() = default;
  /// Any thread. `subject` names the object; both are escaped by the implementation.
  virtual void write(LogLevel level, std::string_view subject, std::string_view text) = 0;
  /// The same with fields for a log that keeps them; others have the line.
  virtual void write_fields(LogLevel level, std::string_view subject, std::string_view text, std::vector<LogField>) {
    write(level, subject, text);
  }
};

/// Everything the executor needs, owned by the program.
struct Ports {
  Clock& clock;
  Lanes& lanes;
  DeviceMapper& device_mapper;
  Commands& commands;
  Discovery& discovery;
  Files& files;
  Log& log;
};

}  // namespace mpath::ports
