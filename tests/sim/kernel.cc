// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel model's control side: devices, tables, messages, events.
#include "tests/sim/kernel.h"

#include <fmt/format.h>

namespace mpath::sim {

namespace {
constexpr std::uint32_t dm_major = 253;
}

DmDevice* Kernel::find(const MapName& name) const {
  auto found = by_name_.find(name.text);
  return found == by_name_.end() ? nullptr : found->second;
}

DmDevice* Kernel::find_uuid(const std::string& uuid) const {
  for (const auto& [name, device] : by_name_) {
    if (device->uuid == uuid) return device;
  }
  return nullptr;
}

std::vector<DmDevice*> Kernel::devices() const {
  std::vector<DmDevice*> found;
  for (const auto& device : devices_) {
    if (!device->removed) found.push_back(device.get());
  }
  return found;
}

std::optional<bool> Kernel::udev_ready(const DmDevice& device) const {
  auto found = udev_ready_.find(device.devnum);
  return found == udev_ready_.end() ? std::nullopt : std::optional(found->second.ready);
}

std::vector<DevNum> Kernel::maps_not_ready() const {
  std::vector<DevNum> found;
  for (const auto& [devnum, known] : udev_ready_) {
    if (!known.ready) found.push_back(devnum);
  }
  return found;
}

void Kernel::add_foreign(const std::string& name, const std::string& uuid) {
  auto device = std::make_unique<DmDevice>();
  device->name = MapName{name};
  device->uuid = uuid;
  device->devnum = DevNum{dm_major, next_minor_++};
  device->foreign = true;
  by_name_[name] = device.get();
  devices_.push_back(std::move(device));
}

void Kernel::add_partition(DmDevice& map) {
  add_foreign(map.name.text + "-part1", "part1-" + map.uuid);
  devices_.back()->parent = &map;
  ++map.open_count;
}

void Kernel::remove_partitions(DmDevice& map) {
  for (DmDevice* device : devices()) {
    if (device->parent != &map) continue;
    trace(fmt::format("kernel: remove {}", device->name.text));
    by_name_.erase(device->name.text);
    device->removed = true;
    --map.open_count;
    global_event();
  }
}

Result<DevNum> Kernel::create(const MapName& name, const std::string& uuid, const MultipathTable& table, bool read_only,
                              UdevFlags flags) {
  if (find(name) != nullptr) return mpath::fail(ErrorCode::exists, name.text, "a device of this name exists");
  if (find_uuid(uuid) != nullptr) return mpath::fail(ErrorCode::exists, name.text, "a device of this uuid exists", uuid);
  auto target = parse(table);
  if (!target) return std::unexpected(target.error());
  auto owned = std::make_unique<DmDevice>();
  DmDevice& device = *owned;
  device.name = name;
  device.uuid = uuid;
  device.devnum = DevNum{dm_major, next_minor_++};
  device.read_only = read_only;
  device.flags = flags;
  device.live = std::move(*target);
  device.live->read_only = read_only;
  device.last_swap = queue_.now();
  by_name_[name.text] = &device;
  devices_.push_back(std::move(owned));
  ++table_actions;
  trace(fmt::format("kernel: create {} {}", name.text, table_text(*device.live)));
  if (watcher) watcher->created(device);
  send_uevent(device, MapUevent::Action::change, !flags.no_paths);
  global_event();
  return device.devnum;
}

Status Kernel::load(DmDevice& device, const MultipathTable& table, bool read_only) {
  auto target = parse(table);
  if (!target) {
    trace(fmt::format("kernel: load {} refused: {}", device.name.text, target.error().cause));
    if (watcher) watcher->load_refused(device);
    return std::unexpected(target.error());
  }
  (*target)->read_only = read_only;
  ++table_actions;
  trace(fmt::format("kernel: load {} {}{}", device.name.text, table_text(**target), read_only ? " read-only" : ""));
  if (watcher) watcher->loading(device, **target);
  if (device.inactive) release(std::move(device.inactive));
  device.inactive = std::move(*target);
  return {};
}

Status Kernel::refuse_load(DmDevice& device) {
  if (watcher) watcher->load_refused(device);
  return mpath::fail(ErrorCode::io, device.name.text, "cannot load the table", "no memory");
}

Status Kernel::resume(DmDevice& device, UdevFlags flags, bool flush, std::move_only_function<void()> resumed) {
  if (device.draining) return mpath::fail(ErrorCode::busy, device.name.text, "the device is being suspended");
  device.flags = flags;
  if (!device.inactive) {
    trace(fmt::format("kernel: resume {}", device.name.text));
    device.suspended = false;
    requeue(device);
    resumed();
    return {};
  }
  trace(fmt::format("kernel: {} stands still, {} requests under way", device.name.text, device.live->in_flight));
  device.suspended = true;
  device.draining = true;
  device.flushing = flush;
  device.resumed = std::move(resumed);
  Target& old = *device.live;
  old.saved_queue_if_no_path = old.queue_if_no_path;
  if (flush) {
    // A flushing suspend may not leave requests behind: what waits for a path fails now.
    old.queue_if_no_path = false;
    kick(device);
  } else {
    while (!device.queued.empty()) {
      device.held.push_back(std::move(device.queued.front()));
      device.queued.pop_front();
    }
  }
  swap_if_drained(device);
  return {};
}

void Kernel::swap_if_drained(DmDevice& device) {
  if (!device.draining || device.live->in_flight > 0 || !device.queued.empty()) return;
  device.draining = false;
  release(std::move(device.live));
  device.live = std::move(device.inactive);
  device.read_only = device.live->read_only;
  device.suspended = false;
  device.last_swap = queue_.now();
  ++device.loads;
  ++table_loads;
  trace(fmt::format("kernel: {} runs with its new table", device.name.text));
  if (watcher) watcher->swapped(device);
  send_uevent(device, MapUevent::Action::change, !device.flags.no_paths);
  auto resumed = std::move(device.resumed);
  requeue(device);
  if (resumed) resumed();
}

void Kernel::interrupt_swaps() {
  for (DmDevice* device : devices()) {
    if (!device->draining) continue;
    trace(fmt::format("kernel: {} goes on with its old table", device->name.text));
    // A flush that was begun leaves the old table without its queueing.
    device->draining = false;
    device->flushing = false;
    device->suspended = false;
    device->resumed = {};
    requeue(*device);
    kick(*device);
  }
}

/// Without a flush. (The model does not let the caller wait for what is under way.)
Status Kernel::suspend(DmDevice& device) {
  if (device.draining) return mpath::fail(ErrorCode::busy, device.name.text, "the device is being suspended");
  trace(fmt::format("kernel: suspend {}", device.name.text));
  device.suspended = true;
  while (!device.queued.empty()) {
    device.held.push_back(std::move(device.queued.front()));
    device.queued.pop_front();
  }
  return {};
}

Status Kernel::drop_table(DmDevice& device) {
  trace(fmt::format("kernel: {} drops a table", device.name.text));
  if (device.inactive && !device.draining) release(std::move(device.inactive));
  return {};
}

Status Kernel::rename(DmDevice& device, const MapName& new_name) {
  if (find(new_name) != nullptr) return mpath::fail(ErrorCode::exists, new_name.text, "a device of this name exists");
  trace(fmt::format("kernel: rename {} to {}", device.name.text, new_name.text));
  by_name_.erase(device.name.text);
  device.name = new_name;
  by_name_[new_name.text] = &device;
  ++table_actions;
  if (watcher) watcher->renamed(device);
  // The flags of the last load are not in this event, and without flags the rules hold the map for ready.
  send_uevent(device, MapUevent::Action::change, true);
  global_event();
  return {};
}

Status Kernel::remove(DmDevice& device) {
  if (device.open_count > 0 || device.draining) return mpath::fail(ErrorCode::busy, device.name.text, "the device is open");
  trace(fmt::format("kernel: remove {}", device.name.text));
  by_name_.erase(device.name.text);
  device.removed = true;
  ++table_actions;
  if (watcher) watcher->removed(device);
  send_uevent(device, MapUevent::Action::remove, false);
  for (auto* requests : {&device.queued, &device.held}) {
    while (!requests->empty()) {
      std::unique_ptr<MapRequest> request = std::move(requests->front());
      requests->pop_front();
      request->done(IoResult{IoResult::Kind::failed, nullptr, nullptr});
    }
  }
  if (device.live) release(std::move(device.live));
  if (device.inactive) release(std::move(device.inactive));
  global_event();
  return {};
}

Status Kernel::message(DmDevice& device, const MapMessage& message) {
  trace(fmt::format("kernel: message {} {}", device.name.text, to_string(message)));
  if (!device.live) return mpath::fail(ErrorCode::invalid_argument, device.name.text, "the device has no table");
  if (device.suspended && !device.draining) return mpath::fail(ErrorCode::busy, device.name.text, "the device is suspended");
  if (watcher) watcher->message(device, message);
  Target& target = *device.live;
  auto find_path = [&]() -> std::optional<std::size_t> {
    for (std::size_t at = 0; at < target.paths.size(); ++at) {
      if (target.paths[at].disk->devnum == message.path) return at;
    }
    return std::nullopt;
  };
  auto refuse = [&] { return mpath::fail(ErrorCode::invalid_argument, device.name.text, "no such path or group", to_string(message)); };
  using Kind = MapMessage::Kind;
  switch (message.kind) {
    case Kind::fail_path: {
      auto path = find_path();
      if (!path) return refuse();
      fail(device, target, *path);
      return {};
    }
    case Kind::reinstate_path: {
      auto path = find_path();
      if (!path) return refuse();
      reinstate(device, target, *path);
      return {};
    }
    case Kind::switch_group:
      if (message.group == 0 || message.group > target.groups.size()) return refuse();
      for (TargetGroup& group : target.groups) group.bypassed = false;
      target.next_group = message.group - 1;
      raise_event(device);
      return {};
    case Kind::enable_group:
      if (message.group == 0 || message.group > target.groups.size()) return refuse();
      target.groups[message.group - 1].bypassed = false;
      raise_event(device);
      return {};
    case Kind::queue_if_no_path:
      target.queue_if_no_path = true;
      return {};
    case Kind::fail_if_no_path:
      target.queue_if_no_path = false;
      kick(device);
      return {};
    case Kind::cancel_deferred_remove: return {};
  }
  return refuse();
}

void Kernel::arm_events() {
  events_armed_ = true;
  events_pending_ = false;
}

void Kernel::raise_event(DmDevice& device) {
  ++device.event_number;
  global_event();
}

void Kernel::global_event() {
  if (!events_armed_ || events_pending_) return;
  events_pending_ = true;
  queue_.after(random_.duration(microseconds{10}, milliseconds{1}), [this] {
    if (events_pending_ && on_events_pending) on_events_pending();
  });
}

void Kernel::send_uevent(const DmDevice& device, MapUevent::Action action, bool ready) {
  MapUevent event{action, device.name, device.uuid, device.devnum, ready};
  queue_.after(random_.duration(milliseconds{1}, milliseconds{40}), [this, event, sent = ++uevents_sent_] {
    UdevReady& known = udev_ready_[event.devnum];
    if (sent > known.sent) known = {sent, event.ready.value_or(false) || event.action == MapUevent::Action::remove};
    if (on_uevent) on_uevent(event);
  });
}

void Kernel::release(std::unique_ptr<Target> target) {
  for (TargetPath& path : target->paths) --path.disk->table_references;
  old_targets_.push_back(std::move(target));
}

}  // namespace mpath::sim
