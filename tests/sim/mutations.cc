// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/sim/mutations.h"

namespace mpath::sim {

std::string_view to_string(Mutation mutation) {
  switch (mutation) {
    case Mutation::none: return "none";
    case Mutation::drop_fail_path: return "drop_fail_path";
    case Mutation::never_reinstate: return "never_reinstate";
    case Mutation::swap_paths: return "swap_paths";
    case Mutation::ignore_hangs: return "ignore_hangs";
    case Mutation::skip_identity: return "skip_identity";
    case Mutation::forget_failing_again: return "forget_failing_again";
    case Mutation::lose_completion: return "lose_completion";
    case Mutation::give_up_early: return "give_up_early";
    case Mutation::fail_on_suspicion: return "fail_on_suspicion";
    case Mutation::load_without_reason: return "load_without_reason";
    case Mutation::remove_queueing: return "remove_queueing";
  }
  return "none";
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
  if (mutation_ == Mutation::remove_queueing && spec.table.features == "1 queue_if_no_path") changed.table.features = "0";
  return changed;
}

Result<DevNum> MutantDeviceMapper::create(const MapSpec& spec, UdevFlags flags) {
  loaded_[spec.name.text] = queue_.now();
  return real_.create(mutated(spec), flags);
}

Status MutantDeviceMapper::load(const MapName& name, const MapSpec& spec, const Precondition& expected) {
  loaded_[name.text] = queue_.now();
  return real_.load(name, mutated(spec), expected);
}

Status MutantDeviceMapper::resume(const MapName& name, UdevFlags flags, bool flush) {
  return real_.resume(name, flags, flush);
}

Status MutantDeviceMapper::rename(const MapName& name, const MapName& new_name, const std::optional<std::string>& delimiter,
                                  const Precondition& expected) {
  return real_.rename(name, new_name, delimiter, expected);
}

Status MutantDeviceMapper::remove(const MapName& name, bool deferred, const Precondition& expected) {
  return real_.remove(name, deferred, expected);
}

Status MutantDeviceMapper::message(const MapName& name, std::string_view uuid, const MapMessage& message) {
  using Kind = MapMessage::Kind;
  auto loaded = loaded_.find(name.text);
  bool just_loaded = loaded != loaded_.end() && queue_.now() - loaded->second < seconds{2};
  bool fails = message.kind == Kind::fail_path;
  if (fails && mutation_ == Mutation::drop_fail_path) return {};
  if (fails && mutation_ == Mutation::forget_failing_again && just_loaded) return {};
  if (message.kind == Kind::reinstate_path && mutation_ == Mutation::never_reinstate) return {};
  if (fails && mutation_ == Mutation::give_up_early) {
    (void)real_.message(name, uuid, MapMessage{Kind::fail_if_no_path, {}, 0});
  }
  if (message.kind == Kind::queue_if_no_path && mutation_ == Mutation::remove_queueing) return {};
  return real_.message(name, uuid, message);
}

Result<std::vector<KernelMapListing>> MutantDeviceMapper::list() { return real_.list(); }

Result<KernelMap> MutantDeviceMapper::read(const MapName& name) {
  auto map = real_.read(name);
  // The defects that are in the engine's head must not be repaired by what it reads.
  if (map && mutation_ == Mutation::remove_queueing && map->table.features == "0") map->table.features = "1 queue_if_no_path";
  if (map && mutation_ == Mutation::load_without_reason && !map->table.groups.empty()) {
    map->table.groups.front().selector = "round-robin 0";
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
  std::erase_if(pending_, [&](const auto& item) { return item.second.request.path == path; });
  real_.detach(path);
}

void MutantCommands::submit(const ports::CommandRequest& request) {
  pending_[request.op] = Pending{request};
  real_.submit(request);
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
    if (pending.invented) continue;
    if (mutation_ == Mutation::lose_completion && random_.chance(3)) continue;
    const auto* command = std::get_if<ScsiCommand>(&pending.request.command);
    bool asks_identity = command != nullptr && command->cdb[0] == 0x12 && command->cdb[2] == 0x83;
    if (mutation_ == Mutation::skip_identity && asks_identity) reply.outcome = CommandOutcome{};
    replies.push_back(std::move(reply));
  }
}

}  // namespace mpath::sim
