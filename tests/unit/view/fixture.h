// SPDX-License-Identifier: LGPL-2.1-or-later
// Snapshots for the tests of view and command: small ones written by hand, and random ones full of hostile bytes.
#pragma once

#include <random>

#include "libmpath/engine/snapshot.h"

namespace mpath::test {

using engine::GroupView;
using engine::MapView;
using engine::PathView;
using engine::Snapshot;

inline constexpr MonoTime now{seconds{1000}};

struct PathSketch {
  std::string name;
  DevNum number;
  Hctl address;
  PathState state = PathState::up;
  int priority = 50;
};

/// A SCSI path of map `map_name` (an orphan if that is empty): good ones active in the kernel, others failed.
inline std::shared_ptr<PathView> make_path(const PathSketch& sketch, const std::string& map_name) {
  auto facts = std::make_shared<PathFacts>();
  facts->kernel_name = sketch.name;
  facts->devnum = sketch.number;
  facts->bus = Bus::scsi;
  facts->address = sketch.address;
  facts->vendor = "VEND";
  facts->product = "PROD";
  facts->revision = "0001";
  facts->size_sectors = 20971520;
  facts->wwid = {"3600a"};
  auto path = std::make_shared<PathView>();
  path->facts = facts;
  path->health = {sketch.state, now - seconds{12}, ""};
  if (!map_name.empty()) path->kernel_state = is_usable(sketch.state) ? KernelPathState::active : KernelPathState::failed;
  path->checker = "tur";
  path->priority = sketch.priority;
  path->map_name = map_name;
  path->next_check = now + seconds{2};
  path->check_interval = seconds{5};
  return path;
}

inline GroupView make_group(std::vector<std::shared_ptr<const PathView>> paths, int priority, KernelGroupState state) {
  return {"service-time 0", priority, state, false, std::move(paths)};
}

/// Map mpatha of the reference's sample: two groups, one path of each failed.
inline Snapshot sample_snapshot() {
  Snapshot snapshot;
  snapshot.now = now;
  snapshot.state = engine::DaemonState::idle;
  snapshot.process_id = 661;
  auto sda = make_path({"sda", {8, 0}, {0, 0, 0, 1}}, "mpatha");
  auto sdb = make_path({"sdb", {8, 16}, {1, 0, 0, 1}, PathState::down}, "mpatha");
  auto sdc = make_path({"sdc", {8, 32}, {10, 0, 0, 16385}, PathState::up, 10}, "mpatha");
  auto sdaaa = make_path({"sdaaa", {133, 48}, {11, 0, 0, 16385}, PathState::down, 10}, "mpatha");
  auto map = std::make_shared<MapView>();
  map->name = {"mpatha"};
  map->wwid = {"3600a"};
  map->devnum = {253, 3};
  map->size_sectors = 20971520;
  map->hardware_handler = "1 alua";
  map->read_only = false;
  map->suspended = false;
  map->groups = {make_group({sda, sdb}, 50, KernelGroupState::active), make_group({sdc, sdaaa}, 10, KernelGroupState::enabled)};
  map->failback.kind = Failback::Kind::immediate;
  map->no_path_retry = {NoPathRetry::Kind::checks, 5};
  map->usable_paths = 2;
  snapshot.maps = {map};
  snapshot.paths = {sda, sdb, sdc, sdaaa};
  return snapshot;
}

/// Changes the only map of a snapshot.
template <typename Change>
void change_map(Snapshot& snapshot, Change change) {
  auto map = std::make_shared<MapView>(*snapshot.maps.at(0));
  change(*map);
  snapshot.maps[0] = map;
}

/// Random views: any enumerator, any number, strings of any bytes.
class RandomSnapshots {
 public:
  explicit RandomSnapshots(std::uint64_t seed) : random_(seed) {}

  Snapshot next() {
    Snapshot snapshot;
    snapshot.now = MonoTime{seconds{below(100000)}};
    snapshot.state = static_cast<engine::DaemonState>(below(6));
    snapshot.events_waiting = chance();
    snapshot.counters.events = random_();
    for (std::uint64_t i = below(6); i > 0; --i) snapshot.paths.push_back(path());
    for (std::uint64_t i = below(4); i > 0; --i) snapshot.maps.push_back(map(snapshot));
    for (std::uint64_t i = below(2); i > 0; --i) snapshot.stuck.push_back({bytes(), MonoTime{seconds{below(100000)}}, random_()});
    for (std::uint64_t i = below(2); i > 0; --i) snapshot.degraded.push_back(bytes());
    return snapshot;
  }

  std::string bytes() {
    static constexpr std::string_view nasty = "\"\\\x1b\n\r\t\0\x7f\xff\xc3\xa4%{}', az";
    std::string text;
    for (std::uint64_t i = below(12); i > 0; --i) {
      text += chance() ? nasty[below(nasty.size())] : static_cast<char>(below(256));
    }
    return text;
  }

  std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
  bool chance() { return below(2) == 0; }

 private:
  std::shared_ptr<PathView> path() {
    auto facts = std::make_shared<PathFacts>();
    facts->kernel_name = bytes();
    facts->vendor = bytes();
    facts->product = bytes();
    facts->revision = bytes();
    facts->serial = bytes();
    facts->wwid = {bytes()};
    facts->host_adapter = bytes();
    facts->target_node = bytes();
    facts->devnum = {static_cast<std::uint32_t>(below(3)), static_cast<std::uint32_t>(random_())};
    facts->size_sectors = random_();
    facts->protocol = static_cast<Protocol>(below(21));
    facts->sysfs_state = static_cast<SysfsState>(below(4));
    if (chance()) facts->address = Hctl{1, 2, 3, random_()};
    auto path = std::make_shared<PathView>();
    if (below(8) > 0) path->facts = facts;
    path->health.state = static_cast<PathState>(below(11));
    path->kernel_state = static_cast<KernelPathState>(below(3));
    path->init_state = static_cast<engine::InitState>(below(7));
    path->checker = bytes();
    if (chance()) path->priority = static_cast<int>(random_());
    path->map_name = chance() ? bytes() : "";
    if (chance()) path->next_check = MonoTime{seconds{below(100000)}};
    path->check_interval = seconds{below(30)};
    if (chance()) path->check_outstanding_since = MonoTime{seconds{below(100000)}};
    return path;
  }

  std::shared_ptr<MapView> map(const Snapshot& snapshot) {
    auto map = std::make_shared<MapView>();
    map->name = {bytes()};
    map->wwid = {bytes()};
    map->features = bytes();
    map->hardware_handler = bytes();
    map->deferred = bytes();
    map->size_sectors = random_();
    map->devnum = {static_cast<std::uint32_t>(below(2)), static_cast<std::uint32_t>(random_())};
    if (chance()) map->read_only = chance();
    if (chance()) map->suspended = chance();
    map->pending = static_cast<engine::PendingAction>(below(6));
    map->failback = {static_cast<Failback::Kind>(below(4)), seconds{below(20)}};
    if (chance()) map->failback_due = MonoTime{seconds{below(100000)}};
    map->no_path_retry = {static_cast<NoPathRetry::Kind>(below(4)), static_cast<std::uint32_t>(random_())};
    if (chance()) map->retry_deadline = MonoTime{seconds{below(100000)}};
    map->usable_paths = static_cast<std::uint32_t>(below(3));
    for (std::uint64_t i = below(4); i > 0; --i) {
      GroupView group{bytes(), static_cast<int>(random_()), static_cast<KernelGroupState>(below(4)), chance(), {}};
      for (std::uint64_t k = below(4); k > 0 && !snapshot.paths.empty(); --k) {
        group.paths.push_back(snapshot.paths[below(snapshot.paths.size())]);
      }
      map->groups.push_back(group);
    }
    return map;
  }

  std::mt19937_64 random_;
};

/// The first byte that has no business in output; npos if all are printable ASCII or newlines.
inline std::size_t hostile_byte(std::string_view output) {
  for (std::size_t i = 0; i < output.size(); ++i) {
    if (output[i] != '\n' && (output[i] < ' ' || output[i] > '~')) return i;
  }
  return std::string_view::npos;
}

}  // namespace mpath::test
