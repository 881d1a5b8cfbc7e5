// SPDX-License-Identifier: LGPL-2.1-or-later
// A model of the kernel's device-mapper with its multipath target, in virtual time, over the simulated world. It is written from what the
// kernel does, and shares no code with policy, plan, engine or wire: the product's idea of a table is checked against this one.
//
// The fact that matters most: swapping a table in waits until every request already sent to the old table's paths has ended, and the map
// stands still meanwhile.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/model/action.h"
#include "libmpath/model/discovery.h"
#include "libmpath/model/kernel_map.h"
#include "tests/sim/world.h"

namespace mpath::sim {

struct TargetPath {
  Disk* disk = nullptr;
  std::vector<std::string> arguments;  ///< as the kernel prints them
  bool active = true;
  std::uint32_t fail_count = 0;
  std::uint32_t in_flight = 0;
  std::uint32_t group = 0;  ///< index
};

struct TargetGroup {
  std::string selector;  ///< "service-time 0"
  bool bypassed = false;
  std::vector<std::size_t> paths;  ///< indices
  std::size_t next = 0;            ///< of the round robin
};

/// A table that was loaded: one multipath target.
struct Target {
  std::uint64_t size_sectors = 0;
  bool read_only = false;
  bool queue_if_no_path = false;
  bool saved_queue_if_no_path = false;
  bool retain_handler = false;
  std::string other_features;  ///< the rest, in order, each word after a blank
  std::uint32_t other_feature_words = 0;
  std::string handler = "0";
  std::vector<TargetGroup> groups;
  std::vector<TargetPath> paths;
  std::optional<std::uint32_t> next_group;     ///< index
  std::optional<std::uint32_t> current_group;  ///< index
  std::uint32_t in_flight = 0;
  bool initializing_group = false;

  [[nodiscard]] std::size_t valid_paths() const;
  [[nodiscard]] bool holds(const Disk& disk) const {
    return std::any_of(paths.begin(), paths.end(), [&](const TargetPath& path) { return path.disk == &disk; });
  }
};

/// How a map's request ended.
struct IoResult {
  enum class Kind { done, failed, target_error };
  Kind kind = Kind::done;
  const Lun* reached = nullptr;
  Disk* path = nullptr;
};
using IoDone = std::move_only_function<void(IoResult)>;

struct DmDevice;
struct MapRequest {
  DmDevice* device = nullptr;
  MonoTime started{};
  IoDone done;
};

struct DmDevice {
  MapName name;
  std::string uuid;
  DevNum devnum;
  bool read_only = false;
  std::uint32_t event_number = 0;
  std::uint32_t open_count = 0;
  bool suspended = false;   ///< requests are held back
  bool draining = false;    ///< a resume waits for the old table's requests
  bool flushing = false;    ///< … and it flushes
  bool removed = false;
  bool foreign = false;     ///< not a multipath target
  const DmDevice* parent = nullptr;  ///< what it stands on, if that is a device of device-mapper
  std::unique_ptr<Target> live;
  std::unique_ptr<Target> inactive;
  std::deque<std::unique_ptr<MapRequest>> held;    ///< by the suspension
  std::deque<std::unique_ptr<MapRequest>> queued;  ///< by the target: no path, or the group is being initialised
  UdevFlags flags;
  std::move_only_function<void()> resumed;
  std::uint64_t loads = 0;  ///< tables swapped in, the first not counted
  MonoTime last_swap{};

  [[nodiscard]] bool is_multipath() const { return !foreign; }
  [[nodiscard]] std::string wwid() const { return uuid.starts_with("mpath-") ? uuid.substr(6) : std::string{}; }
};

/// Told of what happens in the kernel, at the moment it happens. For the oracle.
class KernelWatcher {
 public:
  virtual ~KernelWatcher() = default;
  virtual void created(const DmDevice& device) = 0;
  virtual void loading(const DmDevice& device, const Target& table) = 0;
  virtual void load_refused(const DmDevice& device) = 0;
  virtual void swapped(const DmDevice& device) = 0;
  virtual void renamed(const DmDevice& device) = 0;
  virtual void removed(const DmDevice& device) = 0;
  virtual void message(const DmDevice& device, const MapMessage& message) = 0;  ///< before it takes effect
  virtual void path_failed(const DmDevice& device, const Disk& disk) = 0;       ///< by the kernel itself
  virtual void io_sent(const DmDevice& device, const Disk& disk) = 0;
};

class Kernel {
 public:
  Kernel(World& world, EventQueue& queue, Random random) : world_(world), queue_(queue), random_(random) {}
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  // --- control --------------------------------------------------------------------------------------------
  Result<DevNum> create(const MapName& name, const std::string& uuid, const MultipathTable& table, bool read_only,
                        UdevFlags flags);
  Status load(DmDevice& device, const MultipathTable& table, bool read_only = false);
  /// Instead of load(): the kernel has no memory for it.
  Status refuse_load(DmDevice& device);
  /// Begins the swap. `resumed` is called when the device runs with its new table.
  Status resume(DmDevice& device, UdevFlags flags, bool flush, std::move_only_function<void()> resumed);
  /// The process that waits in resume() is killed: a swap that has not come about does not, and its table stays loaded.
  void interrupt_swaps();
  Status suspend(DmDevice& device);
  Status drop_table(DmDevice& device);
  Status rename(DmDevice& device, const MapName& new_name);
  Status remove(DmDevice& device);
  Status message(DmDevice& device, const MapMessage& message);
  [[nodiscard]] KernelMap read(const DmDevice& device) const;
  [[nodiscard]] std::vector<KernelMapListing> list() const;
  void arm_events();
  /// A device of another kind, as the logical volume manager makes them.
  void add_foreign(const std::string& name, const std::string& uuid);
  /// As kpartx makes it; it holds the map open.
  void add_partition(DmDevice& map);
  /// All of the map's; none of them is in use.
  void remove_partitions(DmDevice& map);

  /// What udev knows by now: nothing until it has seen an event of the map.
  [[nodiscard]] std::optional<bool> udev_ready(const DmDevice& device) const;
  [[nodiscard]] std::vector<DevNum> maps_not_ready() const;
  [[nodiscard]] DmDevice* find(const MapName& name) const;
  [[nodiscard]] DmDevice* find_uuid(const std::string& uuid) const;
  [[nodiscard]] std::vector<DmDevice*> devices() const;  ///< in order of creation

  // --- I/O ------------------------------------------------------------------------------------------------
  void submit(DmDevice& device, IoDone done);

  std::function<void(const MapUevent&)> on_uevent;
  std::function<void()> on_events_pending;
  std::function<void(const std::string&)> on_trace;
  KernelWatcher* watcher = nullptr;
  std::uint64_t table_loads = 0;
  std::uint64_t table_actions = 0;  ///< create, load, rename, remove

 private:
  using RequestPtr = std::unique_ptr<MapRequest>;
  [[nodiscard]] Result<std::unique_ptr<Target>> parse(const MultipathTable& table) const;
  void dispatch(RequestPtr request);
  void send(DmDevice& device, Target& target, std::size_t path, RequestPtr request);
  void ended(DmDevice& device, Target& target, std::size_t path, RequestPtr request, const DataOutcome& outcome);
  [[nodiscard]] std::optional<std::size_t> choose(Target& target);
  [[nodiscard]] std::optional<std::size_t> choose_in(Target& target, std::uint32_t group);
  void initialize_group(DmDevice& device, Target& target);
  void fail(DmDevice& device, Target& target, std::size_t path);
  void failed_by_io(DmDevice& device, Target& target, std::size_t path);
  void reinstate(DmDevice& device, Target& target, std::size_t path);
  void kick(DmDevice& device);
  void requeue(DmDevice& device);
  void swap_if_drained(DmDevice& device);
  void raise_event(DmDevice& device);
  void global_event();
  void send_uevent(const DmDevice& device, MapUevent::Action action, bool ready);
  void release(std::unique_ptr<Target> target);
  void trace(const std::string& text) const {
    if (on_trace) on_trace(text);
  }

  World& world_;
  EventQueue& queue_;
  Random random_;
  std::vector<std::unique_ptr<DmDevice>> devices_;  ///< removed ones too: requests may still point at them
  std::vector<std::unique_ptr<Target>> old_targets_;  ///< their requests have ended; kept for late timers
  std::map<std::string, DmDevice*> by_name_;
  struct UdevReady {
    std::uint64_t sent = 0;  ///< the newest event that counted
    bool ready = false;
  };
  std::map<DevNum, UdevReady> udev_ready_;  ///< MPATH_DEVICE_READY
  std::uint64_t uevents_sent_ = 0;
  std::uint32_t next_minor_ = 0;
  bool events_armed_ = false;
  bool events_pending_ = false;
};

/// The table line as the kernel prints it, for fingerprints and traces.
[[nodiscard]] std::string table_text(const Target& target);

}  // namespace mpath::sim
