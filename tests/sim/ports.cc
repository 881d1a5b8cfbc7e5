// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/ports.h"

#include <fmt/format.h>

#include <stdexcept>

namespace mpath::sim {

// --- commands -----------------------------------------------------------------------------------------------

void SimCommands::attach(PathId path, std::shared_ptr<const PathFacts> facts) {
  attached_[path] = Attached{std::move(facts), nullptr, ++last_epoch_};
}

void SimCommands::detach(PathId path) { attached_.erase(path); }

SimCommands::Attached* SimCommands::find(PathId path, std::uint64_t epoch) {
  auto found = attached_.find(path);
  return found == attached_.end() || found->second.epoch != epoch ? nullptr : &found->second;
}

void SimCommands::submit(const ports::CommandRequest& request) {
  auto found = attached_.find(request.path);
  if (found == attached_.end()) throw std::logic_error("a command was submitted to a path that is not attached");
  submitted_.push_back(Waiting{request, found->second.epoch});
}

void SimCommands::flush() {
  std::set<std::uint32_t> touched;
  for (Waiting& waiting : submitted_) {
    Attached* attached = find(waiting.request.path, waiting.epoch);
    if (attached == nullptr) continue;
    std::uint32_t host = attached->facts->address ? attached->facts->address->host : 0;
    hosts_[host].push_back(std::move(waiting));
    touched.insert(host);
  }
  submitted_.clear();
  for (std::uint32_t host : touched) {
    if (!pumping_.insert(host).second) continue;
    queue_.after(random_.duration(microseconds{10}, microseconds{300}), [this, alive = alive_, host] {
      if (*alive) pump(host);
    });
  }
}

/// One submission lane serves the host. It never hands over more than the host can queue.
void SimCommands::pump(std::uint32_t host) {
  std::deque<Waiting>& waiting = hosts_[host];
  const HostPort& port = *world_.hosts().at(host);
  while (!waiting.empty() && port.busy < port.can_queue) {
    Waiting next = std::move(waiting.front());
    waiting.pop_front();
    start(std::move(next));
  }
  if (waiting.empty()) {
    pumping_.erase(host);
    return;
  }
  queue_.after(milliseconds{50}, [this, alive = alive_, host] {
    if (*alive) pump(host);
  });
}

void SimCommands::start(Waiting waiting) {
  Attached* attached = find(waiting.request.path, waiting.epoch);
  if (attached == nullptr) return;
  if (attached->disk == nullptr) {
    Disk* disk = world_.find(attached->facts->devnum);
    if (disk != nullptr && disk->present && disk->disk_sequence == attached->facts->disk_sequence) attached->disk = disk;
  }
  if (attached->disk == nullptr) {
    CommandOutcome outcome;
    outcome.failure = CommandFailure::open_failed;
    answer(waiting.request, waiting.epoch, nullptr, std::move(outcome));
    return;
  }
  Disk* disk = attached->disk;
  if (!disk->present) {
    CommandOutcome outcome;
    outcome.failure = CommandFailure::gone;
    answer(waiting.request, waiting.epoch, disk, std::move(outcome));
    return;
  }
  if (watcher) watcher->command_sent(*disk, waiting.request.command);
  world_.command(*disk, waiting.request.command,
                 [this, alive = alive_, request = waiting.request, epoch = waiting.epoch, disk](CommandOutcome outcome) {
                   if (*alive) answer(request, epoch, disk, std::move(outcome));
                 });
}

void SimCommands::answer(const ports::CommandRequest& request, std::uint64_t epoch, Disk* disk, CommandOutcome outcome) {
  if (find(request.path, epoch) == nullptr) return;
  replies_.push_back(Reply{ports::CommandReply{request.op, request.path, std::move(outcome)}, epoch, disk, request.command});
  if (std::exchange(told_, true)) return;
  queue_.after(microseconds{5}, [this, alive = alive_] {
    if (*alive && on_replies) on_replies();
  });
}

void SimCommands::collect(std::vector<ports::CommandReply>& replies) {
  told_ = false;
  for (Reply& reply : replies_) {
    if (find(reply.reply.path, reply.epoch) == nullptr) continue;
    if (watcher && reply.disk != nullptr) watcher->command_answered(*reply.disk, reply.command, reply.reply.outcome);
    replies.push_back(std::move(reply.reply));
  }
  replies_.clear();
}

// --- device-mapper ------------------------------------------------------------------------------------------

void SimDeviceMapper::check_lane(std::initializer_list<ports::Lane> lanes) const {
  auto current = lanes_.current_lane();
  if (!current || std::find(lanes.begin(), lanes.end(), *current) == lanes.end()) {
    throw std::logic_error("a device-mapper function was called on the wrong lane");
  }
}

Result<DmDevice*> SimDeviceMapper::expect(const MapName& name, const Precondition& expected) const {
  DmDevice* device = kernel_.find(name);
  if (device == nullptr) return fail(ErrorCode::not_found, name.text, "there is no such device");
  if (device->uuid != expected.uuid) return fail(ErrorCode::conflict, name.text, "the device has another uuid", device->uuid);
  if (expected.table_fingerprint != 0 && expected.table_fingerprint != kernel_.read(*device).table_fingerprint) {
    return fail(ErrorCode::conflict, name.text, "the device has another table by now");
  }
  return device;
}

Result<DevNum> SimDeviceMapper::create(const MapSpec& spec, UdevFlags flags) {
  check_lane({ports::Lane::table});
  if (fail_next_loads > 0) {
    --fail_next_loads;
    return fail(ErrorCode::io, spec.name.text, "cannot create the device", "no memory");
  }
  return kernel_.create(spec.name, "mpath-" + spec.wwid.text, spec.table, spec.read_only, flags);
}

Status SimDeviceMapper::load(const MapName& name, const MapSpec& spec, const Precondition& expected) {
  check_lane({ports::Lane::table});
  auto device = expect(name, expected);
  if (!device) return std::unexpected(device.error());
  if (fail_next_loads > 0) {
    --fail_next_loads;
    return kernel_.refuse_load(**device);
  }
  return kernel_.load(**device, spec.table, spec.read_only);
}

Status SimDeviceMapper::resume(const MapName& name, UdevFlags flags, bool flush) {
  check_lane({ports::Lane::wait});
  DmDevice* device = kernel_.find(name);
  if (device == nullptr) return fail(ErrorCode::not_found, name.text, "there is no such device");
  auto release = std::make_shared<VirtualLanes::Release>(lanes_.hold());
  Status begun = kernel_.resume(*device, flags, flush, [release] { (*release)(); });
  if (!begun) (*release)();
  return begun;
}

Status SimDeviceMapper::suspend(const MapName& name, const Precondition& expected) {
  check_lane({ports::Lane::wait});
  auto device = expect(name, expected);
  if (!device) return std::unexpected(device.error());
  return kernel_.suspend(**device);
}

Status SimDeviceMapper::drop_table(const MapName& name, const Precondition& expected) {
  check_lane({ports::Lane::table});
  auto device = expect(name, expected);
  if (!device) return std::unexpected(device.error());
  return kernel_.drop_table(**device);
}

Status SimDeviceMapper::rename(const MapName& name, const MapName& new_name, const std::optional<std::string>&,
                               const Precondition& expected) {
  check_lane({ports::Lane::table});
  auto device = expect(name, expected);
  if (!device) return std::unexpected(device.error());
  return kernel_.rename(**device, new_name);
}

Status SimDeviceMapper::remove(const MapName& name, bool deferred, const Precondition& expected) {
  check_lane({ports::Lane::table});
  auto device = expect(name, expected);
  if (!device) return std::unexpected(device.error());
  kernel_.remove_partitions(**device);
  Status removed = kernel_.remove(**device);
  if (!removed && deferred) return {};
  return removed;
}

Status SimDeviceMapper::message(const MapName& name, std::string_view uuid, const MapMessage& message) {
  check_lane({ports::Lane::fast, ports::Lane::table, ports::Lane::wait});
  if (lanes_.is_held()) {
    // The task sleeps in an earlier call; its result of this one is taken for good, as nobody but the log would look at it.
    lanes_.then([this, name, uuid = std::string(uuid), message] {
      DmDevice* device = kernel_.find(name);
      if (device != nullptr && device->uuid == uuid) (void)kernel_.message(*device, message);
    });
    return {};
  }
  DmDevice* device = kernel_.find(name);
  if (device == nullptr) return fail(ErrorCode::not_found, name.text, "there is no such device");
  if (device->uuid != uuid) return fail(ErrorCode::conflict, name.text, "the device has another uuid", device->uuid);
  return kernel_.message(*device, message);
}

Result<std::vector<KernelMapListing>> SimDeviceMapper::list() {
  check_lane({ports::Lane::fast});
  return kernel_.list();
}

Result<KernelMap> SimDeviceMapper::read(const MapName& name) {
  check_lane({ports::Lane::fast});
  DmDevice* device = kernel_.find(name);
  if (device == nullptr) return fail(ErrorCode::not_found, name.text, "there is no such device");
  if (device->foreign) return fail(ErrorCode::unsupported, name.text, "not exactly one multipath target");
  return kernel_.read(*device);
}

Status SimDeviceMapper::arm_events() {
  check_lane({ports::Lane::fast});
  kernel_.arm_events();
  return {};
}

// --- discovery ----------------------------------------------------------------------------------------------

Disk* SimDiscovery::find(std::string_view device) const {
  std::size_t slash = device.rfind('/');
  if (device.starts_with("/sys/dev/block/")) {
    auto number = parse_devnum(device.substr(slash + 1));
    Disk* found = number ? world_.find(*number) : nullptr;
    return found != nullptr && found->present ? found : nullptr;
  }
  return world_.find(std::string(slash == std::string_view::npos ? device : device.substr(slash + 1)));
}

Result<std::vector<ListedDisk>> SimDiscovery::list_disks() {
  std::vector<const Disk*> disks;
  for (const auto& disk : world_.disks()) {
    if (disk->present) disks.push_back(disk.get());
  }
  std::sort(disks.begin(), disks.end(), [](const Disk* left, const Disk* right) { return left->index < right->index; });
  std::vector<ListedDisk> found;
  found.reserve(disks.size());
  for (const Disk* disk : disks) found.push_back({disk->devnum, disk->name});
  return found;
}

Result<DiscoveredPath> SimDiscovery::gather(std::string_view device) {
  Disk* disk = find(device);
  if (disk == nullptr) return fail(ErrorCode::not_found, std::string(device), "there is no such device");
  return world_.discover(*disk);
}

Result<IoCounters> SimDiscovery::io_counters(std::string_view sysfs_path) {
  Disk* disk = find(sysfs_path);
  if (disk == nullptr) return fail(ErrorCode::not_found, std::string(sysfs_path), "there is no such device");
  return IoCounters{.reads_in_flight = world_.data_under_way(*disk), .writes_in_flight = 0};
}

Status SimDiscovery::trigger(std::string_view sysfs_path, std::string_view action) {
  Disk* disk = find(sysfs_path);
  if (disk == nullptr) return fail(ErrorCode::not_found, std::string(sysfs_path), "there is no such device");
  world_.trigger(*disk, action == "add" ? DiskUevent::Action::add : DiskUevent::Action::change);
  return {};
}

Status SimDiscovery::remove_device(const PathFacts& facts) {
  Disk* disk = find(facts.kernel_name);
  if (disk == nullptr || !disk->present) return fail(ErrorCode::not_found, facts.kernel_name, "there is no such device");
  if (disk->disk_sequence != facts.disk_sequence) return fail(ErrorCode::conflict, facts.kernel_name, "is another device by now");
  world_.delete_disk(*disk);
  return {};
}

Result<std::uint64_t> SimDiscovery::rescan(const PathFacts& facts) {
  Disk* disk = find(facts.kernel_name);
  if (disk == nullptr || !disk->present) return fail(ErrorCode::not_found, facts.kernel_name, "there is no such device");
  if (disk->disk_sequence != facts.disk_sequence) return fail(ErrorCode::conflict, facts.kernel_name, "is another device by now");
  if (disk->lun != nullptr) disk->kernel_size_sectors = disk->lun->size_sectors;
  return disk->kernel_size_sectors;
}

// --- files and log ------------------------------------------------------------------------------------------

ports::ConfigFiles SimFiles::read_configuration() {
  return ports::ConfigFiles{{ports::ConfigFile{"/etc/multipath.conf", store_.configuration, false}}, {}};
}

std::string& SimFiles::text(ports::StateFile file) {
  switch (file) {
    case ports::StateFile::wwids: return store_.wwids;
    case ports::StateFile::bindings: return store_.bindings;
    case ports::StateFile::prkeys: return store_.prkeys;
    case ports::StateFile::run_state: return store_.run_state;
  }
  return store_.wwids;
}

Result<std::string> SimFiles::read(ports::StateFile file) { return text(file); }

Status SimFiles::update(ports::StateFile file,
                        const std::function<std::optional<std::string>(std::string_view)>& change) {
  if (auto changed = change(text(file))) text(file) = *changed;
  return {};
}

void SimLog::write(ports::LogLevel level, std::string_view subject, std::string_view text) {
  static constexpr std::string_view words[] = {"error", "warning", "notice", "info", "debug"};
  if (on_text) on_text(text);
  if (on_line) on_line(fmt::format("log {}: {}: {}", words[static_cast<std::size_t>(level)], subject, text));
}

}  // namespace mpath::sim
