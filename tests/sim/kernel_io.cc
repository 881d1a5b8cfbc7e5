// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernel model's I/O side: which path a request takes, what happens when it fails.
#include <fmt/format.h>

#include "tests/sim/kernel.h"

namespace mpath::sim {

void Kernel::submit(DmDevice& device, IoDone done) {
  auto request = std::make_unique<MapRequest>();
  request->device = &device;
  request->started = queue_.now();
  request->done = std::move(done);
  dispatch(std::move(request));
}

void Kernel::dispatch(RequestPtr request) {
  DmDevice& device = *request->device;
  if (device.removed || !device.live) {
    request->done(IoResult{IoResult::Kind::failed, nullptr, nullptr});
    return;
  }
  if (device.suspended) {
    device.held.push_back(std::move(request));
    return;
  }
  Target& target = *device.live;
  if (target.initializing_group) {
    device.queued.push_back(std::move(request));
    return;
  }
  std::optional<std::uint32_t> before = target.current_group;
  std::optional<std::size_t> path = choose(target);
  if (!path) {
    if (target.queue_if_no_path) {
      device.queued.push_back(std::move(request));
    } else {
      request->done(IoResult{IoResult::Kind::failed, nullptr, nullptr});
    }
    return;
  }
  if (target.current_group != before && target.handler != "0") {
    device.queued.push_back(std::move(request));
    initialize_group(device, target);
    return;
  }
  send(device, target, *path, std::move(request));
}

std::optional<std::size_t> Kernel::choose_in(Target& target, std::uint32_t at) {
  TargetGroup& group = target.groups[at];
  for (std::size_t tried = 0; tried < group.paths.size(); ++tried) {
    std::size_t index = group.paths[group.next++ % group.paths.size()];
    if (target.paths[index].active) {
      target.current_group = at;
      return index;
    }
  }
  return std::nullopt;
}

std::optional<std::size_t> Kernel::choose(Target& target) {
  if (target.valid_paths() == 0) {
    // The next group that is chosen is initialised, even if it is the same.
    target.current_group.reset();
    return std::nullopt;
  }
  if (target.next_group) {
    std::uint32_t wanted = *target.next_group;
    target.next_group.reset();
    if (auto path = choose_in(target, wanted)) return path;
  }
  if (target.current_group) {
    if (auto path = choose_in(target, *target.current_group)) return path;
  }
  for (bool bypassed : {false, true}) {
    for (std::uint32_t at = 0; at < target.groups.size(); ++at) {
      if (target.groups[at].bypassed != bypassed) continue;
      if (auto path = choose_in(target, at)) return path;
    }
  }
  return std::nullopt;
}

void Kernel::initialize_group(DmDevice& device, Target& target) {
  target.initializing_group = true;
  queue_.after(random_.duration(milliseconds{1}, milliseconds{5}), [this, &device, &target] {
    target.initializing_group = false;
    if (device.live.get() != &target) return;
    for (std::size_t index : target.groups[target.current_group.value_or(0)].paths) {
      if (!target.paths[index].active) continue;
      if (world_.activate(*target.paths[index].disk)) break;
      // Another path or group has to be tried, and initialised as well; the next request finds out which.
      target.current_group.reset();
      failed_by_io(device, target, index);
      break;
    }
    kick(device);
    swap_if_drained(device);
  });
}

void Kernel::send(DmDevice& device, Target& target, std::size_t index, RequestPtr request) {
  TargetPath& path = target.paths[index];
  ++path.in_flight;
  ++target.in_flight;
  if (watcher) watcher->io_sent(device, *path.disk);
  world_.data(*path.disk, [this, &device, &target, index, request = std::move(request)](DataOutcome outcome) mutable {
    ended(device, target, index, std::move(request), outcome);
  });
}

void Kernel::ended(DmDevice& device, Target& target, std::size_t index, RequestPtr request, const DataOutcome& outcome) {
  TargetPath& path = target.paths[index];
  --path.in_flight;
  --target.in_flight;
  switch (outcome.kind) {
    case DataOutcome::Kind::done:
      request->done(IoResult{IoResult::Kind::done, outcome.reached, path.disk});
      break;
    case DataOutcome::Kind::target_error:
      request->done(IoResult{IoResult::Kind::target_error, nullptr, path.disk});
      break;
    case DataOutcome::Kind::path_error:
      failed_by_io(device, target, index);
      dispatch(std::move(request));
      break;
  }
  swap_if_drained(device);
}

void Kernel::failed_by_io(DmDevice& device, Target& target, std::size_t index) {
  const TargetPath& path = target.paths[index];
  if (path.active) trace(fmt::format("kernel: I/O of {} failed on {}", device.name.text, path.disk->name));
  if (path.active && watcher) watcher->path_failed(device, *path.disk);
  fail(device, target, index);
}

void Kernel::fail(DmDevice& device, Target& target, std::size_t index) {
  TargetPath& path = target.paths[index];
  if (!path.active) return;
  path.active = false;
  ++path.fail_count;
  if (device.live.get() != &target) return;
  send_uevent(device, MapUevent::Action::change, target.valid_paths() > 0);
  raise_event(device);
  kick(device);
}

void Kernel::reinstate(DmDevice& device, Target& target, std::size_t index) {
  TargetPath& path = target.paths[index];
  if (path.active) return;
  bool others = target.valid_paths() > 0;
  path.active = true;
  if (others && target.handler != "0" && target.current_group == path.group) {
    // The handler is asked for this path; one that it cannot activate is failed (dm-mpath, pg_init_done).
    queue_.after(random_.duration(milliseconds{1}, milliseconds{5}), [this, &device, &target, index] {
      if (device.live.get() != &target || !target.paths[index].active) return;
      if (!world_.activate(*target.paths[index].disk)) failed_by_io(device, target, index);
    });
  }
  send_uevent(device, MapUevent::Action::change, true);
  raise_event(device);
  kick(device);
}

void Kernel::kick(DmDevice& device) {
  std::deque<RequestPtr> waiting;
  waiting.swap(device.queued);
  // During a flushing suspend the target's own queue still moves.
  bool held_back = device.suspended && !device.flushing;
  for (RequestPtr& request : waiting) {
    if (held_back) {
      device.held.push_back(std::move(request));
    } else if (device.suspended && device.live && device.live->valid_paths() == 0) {
      request->done(IoResult{IoResult::Kind::failed, nullptr, nullptr});
    } else {
      dispatch(std::move(request));
    }
  }
}

void Kernel::requeue(DmDevice& device) {
  std::deque<RequestPtr> waiting;
  waiting.swap(device.held);
  for (RequestPtr& request : waiting) dispatch(std::move(request));
}

}  // namespace mpath::sim
