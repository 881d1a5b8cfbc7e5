// SPDX-License-Identifier: LGPL-2.1-or-later
// The ports of the executor over the simulated world and kernel, in virtual time. One set belongs to one process (sim::Daemon) and dies
// with it; what the kernel was asked to do goes on.
#pragma once

#include <array>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "libmpath/ports/ports.h"
#include "tests/sim/kernel.h"
#include "tests/sim/world.h"

namespace mpath::sim {

class VirtualClock final : public ports::Clock {
 public:
  explicit VirtualClock(const EventQueue& queue) : queue_(queue) {}
  [[nodiscard]] MonoTime now() const override { return queue_.now(); }

 private:
  const EventQueue& queue_;
};

/// A lane runs a task at one moment of virtual time and is busy until what the task called has ended. A blocking port function says so with
/// hold(); the task's continuation is kept until every hold is released.
class VirtualLanes final : public ports::Lanes {
 public:
  using Release = std::move_only_function<void()>;

  VirtualLanes(EventQueue& queue, Random random) : queue_(queue), random_(random) {}
  ~VirtualLanes() override;
  [[nodiscard]] bool submit(ports::Lane lane, std::uint64_t key, ports::LaneTask task) override;
  /// Called by a port function inside a task: the task has not ended before this is called.
  [[nodiscard]] Release hold();
  /// The task that runs now has called something that has not ended: what it does next has to wait, see then().
  [[nodiscard]] bool is_held() const;
  /// Does `action` when the current task's holds are released, before its continuation.
  void then(std::move_only_function<void()> action);
  [[nodiscard]] std::size_t running(ports::Lane lane) const;
  [[nodiscard]] std::size_t waiting(ports::Lane lane) const;
  /// The lane whose task is running now; nothing outside of tasks.
  [[nodiscard]] std::optional<ports::Lane> current_lane() const;

  std::function<void()> on_continuation;  ///< a continuation ran: the executor has work
  Duration extra_start_delay{};           ///< lanes that are slow to start, for races

 private:
  struct Task {
    std::uint64_t key = 0;
    ports::LaneTask work;
  };
  struct Slot;
  struct LaneState {
    std::deque<Task> waiting;
    std::set<std::uint64_t> running_keys;
    std::size_t running = 0;
  };
  void start_some(ports::Lane lane);
  void run(const std::shared_ptr<Slot>& slot, Task task);
  void finish_if_free(const std::shared_ptr<Slot>& slot);
  LaneState& state(ports::Lane lane) { return lanes_[static_cast<std::size_t>(lane)]; }

  EventQueue& queue_;
  Random random_;
  std::array<LaneState, ports::lane_count> lanes_;
  std::shared_ptr<Slot> current_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// Told of the commands that the product sends to disks and of the answers it gets. For the oracle.
class CommandWatcher {
 public:
  virtual ~CommandWatcher() = default;
  virtual void command_sent(const Disk& disk, const DeviceCommand& command) = 0;
  virtual void command_answered(const Disk& disk, const DeviceCommand& command, const CommandOutcome& outcome) = 0;
};

class SimCommands final : public ports::Commands {
 public:
  SimCommands(World& world, EventQueue& queue, Random random) : world_(world), queue_(queue), random_(random) {}
  ~SimCommands() override { *alive_ = false; }
  void attach(PathId path, std::shared_ptr<const PathFacts> facts) override;
  void detach(PathId path) override;
  void submit(const ports::CommandRequest& request) override;
  void flush() override;
  void collect(std::vector<ports::CommandReply>& replies) override;

  std::function<void()> on_replies;
  CommandWatcher* watcher = nullptr;

 private:
  struct Attached {
    std::shared_ptr<const PathFacts> facts;
    Disk* disk = nullptr;  ///< once opened and verified
    std::uint64_t epoch = 0;
  };
  struct Waiting {
    ports::CommandRequest request;
    std::uint64_t epoch = 0;
  };
  void pump(std::uint32_t host);
  void start(Waiting waiting);
  void answer(const ports::CommandRequest& request, std::uint64_t epoch, Disk* disk, CommandOutcome outcome);
  [[nodiscard]] Attached* find(PathId path, std::uint64_t epoch);

  World& world_;
  EventQueue& queue_;
  Random random_;
  std::map<PathId, Attached> attached_;
  std::vector<Waiting> submitted_;
  std::map<std::uint32_t, std::deque<Waiting>> hosts_;
  std::set<std::uint32_t> pumping_;
  struct Reply {
    ports::CommandReply reply;
    std::uint64_t epoch = 0;
    Disk* disk = nullptr;
    DeviceCommand command;
  };
  std::vector<Reply> replies_;
  bool told_ = false;
  std::uint64_t last_epoch_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

class SimDeviceMapper final : public ports::DeviceMapper {
 public:
  SimDeviceMapper(Kernel& kernel, VirtualLanes& lanes) : kernel_(kernel), lanes_(lanes) {}
  Result<DevNum> create(const MapSpec& spec, UdevFlags flags) override;
  Status load(const MapName& name, const MapSpec& spec, const Precondition& expected) override;
  Status resume(const MapName& name, UdevFlags flags, bool flush) override;
  Status suspend(const MapName& name, const Precondition& expected) override;
  Status drop_table(const MapName& name, const Precondition& expected) override;
  Status rename(const MapName& name, const MapName& new_name, const std::optional<std::string>& delimiter,
                const Precondition& expected) override;
  Status remove(const MapName& name, bool deferred, const Precondition& expected) override;
  Status message(const MapName& name, std::string_view uuid, const MapMessage& message) override;
  Result<std::vector<KernelMapListing>> list() override;
  Result<KernelMap> read(const MapName& name) override;
  Status arm_events() override;

  int fail_next_loads = 0;  ///< refuse so many loads and creations, as for want of memory

 private:
  [[nodiscard]] Result<DmDevice*> expect(const MapName& name, const Precondition& expected) const;
  void check_lane(std::initializer_list<ports::Lane> lanes) const;

  Kernel& kernel_;
  VirtualLanes& lanes_;
};

class SimDiscovery : public ports::Discovery {
 public:
  explicit SimDiscovery(World& world) : world_(world) {}
  Result<std::vector<ListedDisk>> list_disks() override;
  Result<DiscoveredPath> gather(std::string_view device) override;
  Result<IoCounters> io_counters(std::string_view sysfs_path) override;
  Status trigger(std::string_view sysfs_path, std::string_view action) override;
  Status remove_device(const PathFacts& facts) override;
  Result<std::uint64_t> rescan(const PathFacts& facts) override;
  std::vector<DevNum> maps_not_ready() override { return udev_maps ? udev_maps() : std::vector<DevNum>{}; }

  std::function<std::vector<DevNum>()> udev_maps;  ///< what udev says of the maps

 private:
  [[nodiscard]] Disk* find(std::string_view device) const;
  World& world_;
};

/// Files that outlive the process.
struct FileStore {
  std::string configuration;
  std::string wwids;
  std::string bindings;
  std::string prkeys;
  std::string run_state;
};

class SimFiles final : public ports::Files {
 public:
  explicit SimFiles(FileStore& store) : store_(store) {}
  ports::ConfigFiles read_configuration() override;
  Result<std::string> read(ports::StateFile file) override;
  Status update(ports::StateFile file,
                const std::function<std::optional<std::string>(std::string_view)>& change) override;

 private:
  std::string& text(ports::StateFile file);
  FileStore& store_;
};

class SimLog final : public ports::Log {
 public:
  void write(ports::LogLevel level, std::string_view subject, std::string_view text) override;
  std::function<void(const std::string&)> on_line;
  std::function<void(std::string_view)> on_text;
};

}  // namespace mpath::sim
