// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/mutations.h"

#include <fmt/format.h>

#include <cstdlib>

namespace mpath::sim {

std::string distorted_configuration(std::string text, Mutation mutation) {
  auto change = [&](std::string_view keyword, auto&& make) {
    std::string key = fmt::format("  {} ", keyword);
    std::size_t at = text.find(key);
    if (at == std::string::npos) return;
    std::size_t begin = at + key.size();
    std::size_t end = text.find('\n', begin);
    text.replace(begin, end - begin, make(text.substr(begin, end - begin)));
  };
  auto counted = [](auto&& count) {
    return [count](const std::string& value) {
      int checks = std::atoi(value.c_str());
      return checks == 0 ? value : std::to_string(count(checks));
    };
  };
  if (mutation == Mutation::count_retries_short) {
    change("no_path_retry", counted([](int checks) { return std::max(1, checks - 2); }));
  } else if (mutation == Mutation::count_retries_long) {
    change("no_path_retry", counted([](int checks) { return checks * 4; }));
  } else if (mutation == Mutation::wrong_grouping) {
    change("path_grouping_policy", [](const std::string& value) { return value == "multibus" ? "failover" : "multibus"; });
  }
  if (mutation == Mutation::suspect_nothing) text.insert(text.find("  find_multipaths"), "  suspect_after off\n");
  return text;
}

Request distorted_request(Request request, Mutation mutation) {
  if (mutation == Mutation::keep_drain) request.confirm_within.reset();
  bool is_ignored = mutation == Mutation::ignore_fail_path && request.kind == RequestKind::fail_path;
  if (is_ignored) request.kind = RequestKind::unset_marginal;
  return request;
}

MonoTime MutantClock::now() const {
  if (mutation_ != Mutation::clock_lags) return queue_.now();
  constexpr Duration step = minutes{2};
  return MonoTime{queue_.now().time_since_epoch() / step * step};
}

Result<DiscoveredPath> MutantDiscovery::gather(std::string_view device) {
  if (mutation_ == Mutation::drop_returning_paths) return fail(ErrorCode::io, std::string(device), "is overlooked");
  return SimDiscovery::gather(device);
}

// --- device-mapper ------------------------------------------------------------------------------------------

MapSpec MutantDeviceMapper::mutated(const MapSpec& spec) {
  MapSpec changed = spec;
  if (spec.table.groups.empty()) return changed;
  if (mutation_ == Mutation::swap_paths) {
    DevNum first = spec.table.groups.front().paths.front().devnum;
    for (const auto& [wwid, other] : first_paths_) {
      if (wwid == spec.wwid.text) continue;
      changed.table.groups.front().paths.front().devnum = other;
      break;
    }
    first_paths_[spec.wwid.text] = first;
  }
  if (mutation_ == Mutation::short_table && spec.table.size_sectors > 8) changed.table.size_sectors -= 8;
  if (mutation_ == Mutation::remove_queueing && spec.table.features == "1 queue_if_no_path") changed.table.features = "0";
  return changed;
}

Result<DevNum> MutantDeviceMapper::create(const MapSpec& spec, UdevFlags flags) {
  loaded_[spec.name.text] = queue_.now();
  return real_.create(mutated(spec), flags);
}

Status MutantDeviceMapper::load(const MapName& name, const MapSpec& spec, const Precondition& expected) {
  loaded_[name.text] = queue_.now();
  tables_[name.text] = spec.table;
  return real_.load(name, mutated(spec), expected);
}

Status MutantDeviceMapper::suspend(const MapName& name, const Precondition& expected) {
  Status suspended = real_.suspend(name, expected);
  DmDevice* device = kernel_.find(name);
  if (mutation_ != Mutation::resume_by_itself || device == nullptr) return suspended;
  queue_.after(seconds{2}, [&kernel = kernel_, device] {
    if (!device->removed && device->suspended && !device->draining) (void)kernel.resume(*device, {}, false, [] {});
  });
  return suspended;
}

Status MutantDeviceMapper::resume(const MapName& name, UdevFlags flags, bool flush) {
  DmDevice* device = kernel_.find(name);
  if (mutation_ == Mutation::leave_suspended && device != nullptr) {
    device->suspended = true;
    return {};
  }
  Status swapped = real_.resume(name, flags, flush);
  if (mutation_ == Mutation::double_load && device != nullptr && !device->draining && kernel_.load(*device, tables_[name.text])) {
    (void)kernel_.resume(*device, flags, false, [] {});
  }
  return swapped;
}

Status MutantDeviceMapper::rename(const MapName& name, const MapName& new_name, const std::optional<std::string>& delimiter,
                                  const Precondition& expected) {
  return real_.rename(name, new_name, delimiter, expected);
}

Status MutantDeviceMapper::remove(const MapName& name, bool deferred, const Precondition& expected) {
  return real_.remove(name, deferred, expected);
}

std::vector<TargetPath> MutantDeviceMapper::active_paths(const MapName& name) const {
  std::vector<TargetPath> active;
  const DmDevice* device = kernel_.find(name);
  if (device == nullptr || !device->live) return active;
  std::ranges::copy_if(device->live->paths, std::back_inserter(active), [](const TargetPath& path) { return path.active; });
  return active;
}

MapMessage MutantDeviceMapper::mutated(const MapName& name, const MapMessage& message) const {
  using Kind = MapMessage::Kind;
  MapMessage changed = message;
  const DmDevice* device = kernel_.find(name);
  if (device == nullptr || !device->live) return changed;
  if (message.kind == Kind::switch_group && mutation_ == Mutation::wrong_group) {
    changed.group = message.group % static_cast<std::uint32_t>(device->live->groups.size()) + 1;
  }
  if (message.kind == Kind::fail_path && mutation_ == Mutation::wrong_path) {
    const auto& paths = device->live->paths;
    auto at = std::ranges::find_if(paths, [&](const TargetPath& path) { return path.disk->devnum == message.path; });
    if (at != paths.end()) changed.path = paths[static_cast<std::size_t>(at - paths.begin() + 1) % paths.size()].disk->devnum;
  }
  return changed;
}

Status MutantDeviceMapper::message(const MapName& name, std::string_view uuid, const MapMessage& message) {
  using Kind = MapMessage::Kind;
  auto loaded = loaded_.find(name.text);
  bool just_loaded = loaded != loaded_.end() && queue_.now() - loaded->second < seconds{2};
  bool fails = message.kind == Kind::fail_path;
  bool returns = message.kind == Kind::reinstate_path;
  auto dropped = [&] {
    switch (message.kind) {
      case Kind::fail_path:
        return mutation_ == Mutation::drop_fail_path || (mutation_ == Mutation::forget_failing_again && just_loaded);
      case Kind::reinstate_path: return mutation_ == Mutation::never_reinstate;
      case Kind::switch_group: return mutation_ == Mutation::never_switch_group;
      case Kind::enable_group:
      case Kind::cancel_deferred_remove: return false;
      case Kind::queue_if_no_path: return mutation_ == Mutation::remove_queueing;
      case Kind::fail_if_no_path: return mutation_ == Mutation::keep_queueing;
    }
    return false;
  };
  if (dropped()) return {};
  if (fails && mutation_ == Mutation::give_up_early) {
    (void)real_.message(name, uuid, MapMessage{Kind::fail_if_no_path, {}, 0});
  }
  Status result = real_.message(name, uuid, mutated(name, message));
  std::vector<TargetPath> left = active_paths(name);
  if (fails && mutation_ == Mutation::take_last_path && left.size() == 1) {
    (void)real_.message(name, uuid, MapMessage{Kind::fail_path, left.front().disk->devnum, 0});
  }
  DmDevice* device = kernel_.find(name);
  if (fails && mutation_ == Mutation::return_blindly && device != nullptr) {
    queue_.after(seconds{10}, [&kernel = kernel_, device, path = message.path] {
      if (!device->removed && !device->suspended) (void)kernel.message(*device, MapMessage{Kind::reinstate_path, path, 0});
    });
  }
  for (const TargetPath& path : left) {
    bool is_victim = returns && mutation_ == Mutation::fail_good_path && path.disk->devnum != message.path;
    if (!is_victim) continue;
    (void)real_.message(name, uuid, MapMessage{Kind::fail_path, path.disk->devnum, 0});
    break;
  }
  for (const TargetPath& path : left) {
    if (!returns || mutation_ != Mutation::fail_back_early || path.disk->devnum != message.path) continue;
    (void)real_.message(name, uuid, MapMessage{Kind::switch_group, {}, path.group + 1});
  }
  return result;
}

Result<std::vector<KernelMapListing>> MutantDeviceMapper::list() { return real_.list(); }

Result<KernelMap> MutantDeviceMapper::read(const MapName& name) {
  auto map = real_.read(name);
  // The defects that are in the engine's head must not be repaired by what it reads.
  if (map && mutation_ == Mutation::remove_queueing && map->table.features == "0") map->table.features = "1 queue_if_no_path";
  if (map && mutation_ == Mutation::load_without_reason && !map->table.groups.empty()) {
    map->table.groups.front().selector = "round-robin 0";
  }
  if (map && mutation_ == Mutation::deaf_to_kernel) {
    for (KernelGroup& group : map->table.groups) {
      for (KernelPath& path : group.paths) path.state = KernelPathState::active;
    }
  }
  return map;
}

Status MutantDeviceMapper::arm_events() { return real_.arm_events(); }

// --- commands -----------------------------------------------------------------------------------------------

void MutantCommands::attach(PathId path, std::shared_ptr<const PathFacts> facts) {
  attached_[path] = facts;
  real_.attach(path, std::move(facts));
}

void MutantCommands::detach(PathId path) {
  attached_.erase(path);
  earlier_.erase(path);
  std::erase_if(pending_, [&](const auto& item) { return item.second.request.path == path; });
  real_.detach(path);
}

void MutantCommands::submit(const ports::CommandRequest& request) {
  pending_[request.op] = Pending{request};
  real_.submit(request);
  if (mutation_ == Mutation::accept_stale_answer && scsi_operation(request.command) == 0x00) {
    if (auto earlier = earlier_.find(request.path); earlier != earlier_.end()) invent(request.op, earlier->second);
  }
  bool slow_is_good = mutation_ == Mutation::ignore_hangs;
  bool slow_is_bad = mutation_ == Mutation::fail_on_suspicion;
  if ((!slow_is_good && !slow_is_bad) || scsi_operation(request.command) != 0x00) return;
  queue_.after(milliseconds{300}, [this, alive = alive_, op = request.op, slow_is_bad] {
    if (!*alive) return;
    CommandOutcome outcome;
    if (slow_is_bad) outcome.host_status = HostStatus::time_out;
    invent(op, std::move(outcome));
  });
}

void MutantCommands::invent(OpId op, CommandOutcome outcome) {
  auto found = pending_.find(op);
  if (found == pending_.end() || found->second.invented) return;
  found->second.invented = true;
  invented_.push_back(ports::CommandReply{op, found->second.request.path, std::move(outcome)});
  if (on_replies) on_replies();
}

void MutantCommands::distort(const Pending& pending, CommandOutcome& outcome) {
  bool timed_out = outcome.host_status == HostStatus::time_out || (outcome.failure == CommandFailure::io_error && outcome.round_trip > seconds{4});
  bool is_check = !scsi_operation(pending.request.command) || scsi_operation(pending.request.command) == 0x00 || scsi_operation(pending.request.command) == 0x28;
  if (mutation_ == Mutation::ignore_check_timeout && timed_out && is_check) outcome = CommandOutcome{};
  const auto* command = std::get_if<ScsiCommand>(&pending.request.command);
  if (command == nullptr) return;
  bool asks_identity = command->cdb[0] == 0x12 && command->cdb[2] == 0x83;
  bool asks_groups = command->cdb[0] == 0xa3;
  bool attention = outcome.status == 0x02 && (outcome.sense[2] & 0x0f) == 6;
  if (mutation_ == Mutation::skip_identity && asks_identity) outcome = CommandOutcome{};
  if (mutation_ == Mutation::attention_is_failure && attention) {
    outcome.sense[2] = 2;
    outcome.sense[12] = 4;
    outcome.sense[13] = 3;
  }
  if (mutation_ == Mutation::skip_registration && command->cdb[0] == 0x5f) outcome = CommandOutcome{};
  if (mutation_ == Mutation::register_preempted && command->cdb[0] == 0x5e && command->cdb[1] == 0 && outcome.data.size() > 8) {
    if (auto facts = attached_.find(pending.request.path); facts != attached_.end()) {
      outcome = first_keys_.try_emplace(facts->second->wwid, outcome).first->second;
    }
  }
  if (mutation_ != Mutation::worst_group_first || !asks_groups) return;
  // Descriptors of eight bytes and four for each port, after a header of four (SPC-5 6.35).
  for (std::size_t at = 4; at + 8 <= outcome.data.size(); at += 8 + 4 * std::size_t{outcome.data[at + 7]}) {
    outcome.data[at] = outcome.data[at] == 0 ? 1 : 0;
  }
}

void MutantCommands::collect(std::vector<ports::CommandReply>& replies) {
  std::vector<ports::CommandReply> real;
  real_.collect(real);
  for (ports::CommandReply& reply : invented_) replies.push_back(std::move(reply));
  invented_.clear();
  for (ports::CommandReply& reply : real) {
    auto found = pending_.find(reply.op);
    if (found == pending_.end()) continue;
    Pending pending = std::move(found->second);
    pending_.erase(found);
    if (scsi_operation(pending.request.command) == 0x00) earlier_[pending.request.path] = reply.outcome;
    if (pending.invented) continue;
    if (mutation_ == Mutation::lose_completion && random_.chance(3)) continue;
    distort(pending, reply.outcome);
    replies.push_back(std::move(reply));
  }
}

}  // namespace mpath::sim
