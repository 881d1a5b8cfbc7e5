// SPDX-License-Identifier: LGPL-2.1-or-later
// The executor over ports that refuse: whoever waits for a completion gets one.
#include "libmpath/runtime/executor.h"

#include <gtest/gtest.h>

namespace mpath::runtime {
namespace {

/// A world in which nothing works: every lane is full. Time stands still.
struct DeadWorld final : ports::Clock,
                         ports::Lanes,
                         ports::DeviceMapper,
                         ports::Commands,
                         ports::Discovery,
                         ports::Files,
                         ports::Log,
                         Host {
  MonoTime now() const override { return MonoTime{seconds{100}}; }
  bool submit(ports::Lane, std::uint64_t, ports::LaneTask) override {
    ++refused;
    return false;
  }
  Result<DevNum> create(const MapSpec&, UdevFlags) override { return DevNum{}; }
  Status load(const MapName&, const MapSpec&, const Precondition&) override { return {}; }
  Status resume(const MapName&, UdevFlags, bool) override { return {}; }
  Status suspend(const MapName&, const Precondition&) override { return {}; }
  Status drop_table(const MapName&, const Precondition&) override { return {}; }
  Status rename(const MapName&, const MapName&, const std::optional<std::string>&, const Precondition&) override { return {}; }
  Status remove(const MapName&, bool, const Precondition&) override { return {}; }
  Status message(const MapName&, std::string_view, const MapMessage&) override { return {}; }
  Result<std::vector<KernelMapListing>> list() override { return {}; }
  Result<KernelMap> read(const MapName&) override { return KernelMap{}; }
  Status arm_events() override { return {}; }
  void attach(PathId, std::shared_ptr<const PathFacts>) override {}
  void detach(PathId) override {}
  void submit(const ports::CommandRequest&) override {}
  void flush() override {}
  void collect(std::vector<ports::CommandReply>&) override {}
  Result<std::vector<ListedDisk>> list_disks() override { return {}; }
  Result<DiscoveredPath> gather(std::string_view) override { return DiscoveredPath{}; }
  Result<IoCounters> io_counters(std::string_view) override { return IoCounters{}; }
  Status trigger(std::string_view, std::string_view) override { return {}; }
  Status remove_device(const PathFacts&) override { return {}; }
  Result<std::uint64_t> rescan(const PathFacts& facts) override { return facts.size_sectors; }
  ports::ConfigFiles read_configuration() override { return {}; }
  Result<std::string> read(ports::StateFile) override { return std::string(); }
  Status update(ports::StateFile, const std::function<std::optional<std::string>(std::string_view)>&) override { return {}; }
  void write(ports::LogLevel, std::string_view, std::string_view text) override { log.emplace_back(text); }
  void reply(const engine::Reply&) override {}
  void render(engine::RenderReply) override {}
  void daemon_state(engine::DaemonState) override {}
  void exit(bool exit_failed) override { failed = exit_failed; }

  int refused = 0;
  bool failed = false;
  std::vector<std::string> log;
};

TEST(Executor, a_full_lane_completes_the_operation_with_an_error) {
  DeadWorld world;
  engine::Engine engine{engine::EngineOptions{}};
  Executor executor(engine, {world, world, world, world, world, world, world}, world,
                    [](const ports::ConfigFiles&) { return engine::ConfigurationLoaded{}; });
  executor.post(engine::Started{});
  for (int turns = 0; turns < 10 && executor.turn(); ++turns) {
  }
  EXPECT_EQ(world.refused, 1);
  EXPECT_TRUE(world.failed) << "the start hangs for ever instead of ending with an error";
  EXPECT_FALSE(world.log.empty());
}

}  // namespace
}  // namespace mpath::runtime
