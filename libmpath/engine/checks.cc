// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks of a path: one command at a time, a small state machine for each check. TEST UNIT READY says whether it works; INQUIRY page 0x83
// says whether it is still the same logical unit, before a path that was out of service returns; REPORT TARGET PORT GROUPS gives the
// priorities of all paths of a map at once.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"
#include "libmpath/policy/identify.h"
#include "libmpath/wire/alua.h"
#include "libmpath/wire/scsi_command.h"
#include "libmpath/wire/sense.h"

namespace mpath::engine {

namespace {

constexpr milliseconds default_check_timeout{30000};
/// The kernel ends a command after its timeout and its error handling; what is older than this beyond the timeout counts as timed out.
constexpr Duration overdue_grace = seconds{2};
constexpr std::uint16_t page_83_bytes = 512;
constexpr std::uint32_t target_groups_bytes = 1024;

bool succeeded(const CommandOutcome& outcome) {
  return outcome.failure == CommandFailure::none && outcome.status == 0 && outcome.host_status == HostStatus::ok;
}

}  // namespace

milliseconds Engine::Core::check_timeout(const PathRecord& path) const {
  if (path.settings->checker_timeout.value) return *path.settings->checker_timeout.value;
  if (path.facts->kernel_timeout) return *path.facts->kernel_timeout;
  return default_check_timeout;
}

void Engine::Core::set_path_timer(PathRecord& path) {
  MonoTime due = path.next_check;
  if (path.check.step != CheckStep::idle) {
    // A command that is sent again, as after a reset of the device, gets no further time.
    const CheckMachine& check = path.check;
    MonoTime since = check.step == CheckStep::test_unit_ready ? check.started : check.command_started;
    due = since + check_timeout(path) + overdue_grace;
  }
  if (due == no_deadline) {
    timers.cancel(path.timer);
  } else {
    timers.set(path.timer, due);
  }
}

/// At once, or right after the check that is under way.
void Engine::Core::check_now(PathRecord& path) {
  if (path.removed || path.checks_disabled) return;
  if (path.check.step != CheckStep::idle) {
    path.check.again = true;
    return;
  }
  start_check(path);
}

void Engine::Core::start_check(PathRecord& path) {
  if (path.removed || path.checks_disabled) return;
  path.check.again = false;
  path.check.started = now;
  path.check.attempts = 0;
  path.next_check = no_deadline;
  ++counters.checks_started;
  if (path.facts->bus != Bus::scsi) {
    // Without a command to ask with, the kernel's own opinion is the result (checker `none`).
    path.check.verdict = path.facts->sysfs_state == SysfsState::up ? PathState::up : PathState::down;
    path.check.reason = path.facts->sysfs_state == SysfsState::up ? "the kernel says so" : "the kernel says it is offline";
    ++checks_outstanding;
    finish_check(path);
    return;
  }
  ++checks_outstanding;
  submit_step(path, CheckStep::test_unit_ready);
}

void Engine::Core::submit_step(PathRecord& path, CheckStep step) {
  CheckMachine& check = path.check;
  check.step = step;
  check.op = new_op();
  check.command_started = now;
  milliseconds timeout = check_timeout(path);
  SubmitCommand effect{check.op, path.id, {}};
  switch (step) {
    case CheckStep::idle: return;
    case CheckStep::test_unit_ready: effect.command = wire::test_unit_ready(timeout); break;
    case CheckStep::identify:
      effect.command = wire::inquiry_page(wire::vpd_device_identification, page_83_bytes, timeout);
      break;
    case CheckStep::target_groups: effect.command = wire::report_target_port_groups(target_groups_bytes, timeout); break;
  }
  emit(effect);
  set_path_timer(path);
}

void Engine::Core::on(const CommandFinished& event) {
  PathRecord* path = find_path(event.path);
  if (path == nullptr || path->check.op != event.op || path->check.step == CheckStep::idle) {
    ++counters.stale_completions;
    return;
  }
  path->check.op = OpId::none;
  path->silent = event.outcome.failure == CommandFailure::none && event.outcome.host_status == HostStatus::time_out;
  switch (path->check.step) {
    case CheckStep::idle: break;
    case CheckStep::test_unit_ready: judge_test_unit_ready(*path, event.outcome); break;
    case CheckStep::identify: judge_identify(*path, event.outcome); break;
    case CheckStep::target_groups: judge_target_groups(*path, event.outcome); break;
  }
}

void Engine::Core::judge_test_unit_ready(PathRecord& path, const CommandOutcome& outcome) {
  CheckMachine& check = path.check;
  wire::Verdict verdict = wire::tur_verdict(outcome);
  check.identify_wanted = check.identify_wanted || verdict.needs_identity_check || verdict.unit_attention;
  if (verdict.access_state_changed) {
    if (MapRecord* map = find_map(path.map)) map->groups_read_at = {};
  }
  ++check.attempts;
  if (verdict.retry && check.attempts < wire::tur_attempts && check.started + check_timeout(path) > now) {
    submit_step(path, CheckStep::test_unit_ready);
    return;
  }
  check.verdict = verdict.state;
  check.reason = verdict.reason;
  bool returns = is_usable(verdict.state) && (!is_usable(path.health.state) || !path.answered || path.quarantined);
  if (is_usable(verdict.state) && (returns || check.identify_wanted || path.facts->wwid.empty())) {
    submit_step(path, CheckStep::identify);
    return;
  }
  continue_check(path);
}

void Engine::Core::judge_identify(PathRecord& path, const CommandOutcome& outcome) {
  CheckMachine& check = path.check;
  if (!succeeded(outcome)) {
    auto sense = wire::decode_sense(outcome.sense_data());
    bool refused = outcome.failure == CommandFailure::none && outcome.host_status == HostStatus::ok && sense && sense->key == 5;
    check.identify_wanted = check.identify_wanted && !refused;
    if (!refused) {
      // It answered a moment ago and does not now: nothing is known of who it is, so it does not return yet.
      check.verdict = PathState::down;
      check.reason = "does not answer INQUIRY";
    } else if (*sense == wire::lun_not_supported) {
      check.verdict = PathState::disconnected;
      check.reason = "the logical unit is not there any more";
    }
    continue_check(path);
    return;
  }
  check.identify_wanted = false;
  PathFacts facts = policy::with_vpd_page_83(*path.facts, outcome.data);
  bool stranger = path.facts->identity != 0 && facts.identity != path.facts->identity;
  if (stranger) {
    if (!path.quarantined) {
      log(Severity::error, path.facts->kernel_name,
          "another volume answers behind this device than the one it was found as; it carries no I/O until it is scanned "
          "again (echo 1 > /sys/block/" + path.facts->kernel_name + "/device/rescan) or removed");
    }
    path.quarantined = true;
    check.verdict = PathState::down;
    check.reason = "another volume answers behind this device";
  } else {
    path.quarantined = false;
    bool named = path.facts->wwid.empty() && !facts.wwid.empty();
    bool moved = facts.target_port_group != path.facts->target_port_group;
    if (named || moved || facts.identity != path.facts->identity) {
      path.facts = std::make_shared<const PathFacts>(std::move(facts));
      touch(path);
    }
    if (named && !take_name(path)) return;
    if (moved) {
      if (MapRecord* map = find_map(path.map)) map->groups_read_at = {};
    }
  }
  continue_check(path);
}

/// A path whose WWID only the device itself could tell is judged by it now. False if it is not ours: the record is gone.
bool Engine::Core::take_name(PathRecord& path) {
  if (policy::BlacklistVerdict verdict = blacklist->wwid(path.facts->wwid.text); verdict.is_blacklisted()) {
    log(Severity::debug, path.facts->kernel_name, "not used: " + verdict.text);
    remove_path(path);
    return false;
  }
  path.settings = resolver->path(policy::identity_for_lookup(*path.facts));
  choose_priority_source(path);
  join_map(path);
  return true;
}

/// One answer serves all paths of the map; it is asked for again with the next check of any of them.
bool Engine::Core::needs_target_groups(const PathRecord& path) {
  if (path.priority_source != PrioritySource::alua || path.quarantined) return false;
  if (!is_usable(path.check.verdict) && path.check.verdict != PathState::pending) return false;
  const MapRecord* map = find_map(path.map);
  if (map == nullptr) return !path.priority;
  if (path.asks_for_itself) return true;
  if (PathRecord* reader = find_path(map->groups_reader)) {
    // Another path is asking already; one that hangs is not waited for.
    if (reader->check.step == CheckStep::target_groups && reader->check.command_started + groups_answer_limit > now) return false;
  }
  return !path.priority || map->groups_read_at == MonoTime{} ||
         map->groups_read_at + daemon().polling_interval.value / 2 <= now;
}

void Engine::Core::judge_target_groups(PathRecord& path, const CommandOutcome& outcome) {
  MapRecord* map = find_map(path.map);
  if (map != nullptr && map->groups_reader == path.id) map->groups_reader = {};
  auto answer = succeeded(outcome) ? wire::parse_target_port_groups(outcome.data)
                                   : Result<wire::TargetPortGroups>(std::unexpected(Error{}));
  if (!answer) {
    // The last priority stays; a path that never had one does without until the next answer.
    path.priority_refused = true;
    if (map != nullptr && !path.priority) queue_map(*map);
    finish_check(path);
    return;
  }
  auto apply = [&](PathRecord& member) {
    if (member.priority_source != PrioritySource::alua) return;
    const wire::TargetPortGroup* group =
        member.facts->target_port_group ? wire::find_group(*answer, *member.facts->target_port_group) : nullptr;
    member.priority_refused = group == nullptr;
    if (group == nullptr) {
      member.check.identify_wanted = member.facts->target_port_group.has_value();
      if (member.check.identify_wanted && member.id != path.id && !std::exchange(member.asks_for_itself, true)) check_now(member);
      if (map != nullptr && !member.priority) queue_map(*map);
      return;
    }
    if (group->state == wire::AccessState::transitioning && member.priority) return;
    bool exclusive = !member.settings->detect_prio.value && member.settings->prio_args.value.contains("exclusive_pref_bit");
    int priority = wire::alua_priority(group->state, group->preferred, exclusive);
    if (member.priority == priority) return;
    if (member.priority) {
      log(Severity::notice, member.facts->kernel_name,
          fmt::format("priority {} becomes {} ({})", *member.priority, priority, wire::to_string(group->state)));
    }
    member.priority = priority;
    touch(member);
    if (map != nullptr) queue_map(*map);
  };
  if (map == nullptr) {
    apply(path);
  } else {
    map->groups_read_at = now;
    for (PathId id : map->paths) {
      if (PathRecord* member = find_path(id); member != nullptr && !member->removed) apply(*member);
    }
  }
  finish_check(path);
}

void Engine::Core::continue_check(PathRecord& path) {
  if (needs_target_groups(path)) {
    if (MapRecord* map = find_map(path.map)) map->groups_reader = path.id;
    submit_step(path, CheckStep::target_groups);
    return;
  }
  finish_check(path);
}

}  // namespace mpath::engine
