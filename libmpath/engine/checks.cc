// SPDX-License-Identifier: LGPL-2.1-or-later
// Checks of a path: one command at a time, a small state machine for each check. The path's checker says whether it works; INQUIRY page 0x83
// says whether it is still the same logical unit, before a path that was out of service returns; REPORT TARGET PORT GROUPS gives the
// priorities of all paths of a map at once.
#include "libmpath/base/text.h"
#include "libmpath/engine/core.h"
#include "libmpath/policy/identify.h"
#include "libmpath/wire/scsi_command.h"
#include "libmpath/wire/sense.h"

namespace mpath::engine {

namespace {

constexpr milliseconds default_check_timeout{30000};
/// The kernel ends a command after its timeout and its error handling; what is older than this beyond the timeout counts as timed out.
constexpr Duration overdue_grace = milliseconds{1500};
constexpr std::uint16_t page_83_bytes = 512;

}  // namespace

milliseconds Engine::Core::check_timeout(const PathRecord& path) const {
  if (path.settings->checker_timeout.value) return *path.settings->checker_timeout.value;
  if (path.facts->kernel_timeout) return *path.facts->kernel_timeout;
  return default_check_timeout;
}

void Engine::Core::set_path_timer(PathRecord& path) {
  MonoTime due = path.next_check;
  const CheckMachine& check = path.check;
  if (check.step != CheckStep::idle) {
    // A command that is sent again, as after a reset of the device, gets no further time.
    bool again = check.step == CheckStep::ask && path.checker_memory.attempts > 1;
    // What goes through the block layer ends when it ends: there is no error handling of a command to wait for.
    bool waits_for_kernel = check.step != CheckStep::ask || path.checker != policy::Checker::directio;
    due = (again ? check.started : check.command_started) + check_timeout(path) + (waits_for_kernel ? overdue_grace : Duration{0});
    due = std::min(due, path.watch.at);
  }
  if (due == no_deadline) {
    timers.cancel(path.timer);
  } else {
    timers.set(path.timer, due);
  }
}

/// I/O that was sent to the device may still be with it or with the kernel: the command was not answered and the kernel ended it (of a read
/// through the block layer only its length tells), or the device is busy or its task set full, and the kernel sends I/O again and again.
bool Engine::Core::may_hold_io(const PathRecord& path, const CommandOutcome& outcome) const {
  if (outcome.failure == CommandFailure::io_error) {
    milliseconds limit = check_timeout(path);
    if (path.facts->kernel_timeout) limit = std::min<milliseconds>(limit, *path.facts->kernel_timeout);
    // Engine time is shorter than the device's where the machine stood still.
    return std::max(outcome.round_trip, now - path.check.command_started) >= limit;
  }
  bool is_busy = outcome.status == 0x08 || outcome.status == 0x28;  // SAM-6 5.3.1
  return outcome.failure == CommandFailure::none && (outcome.host_status == HostStatus::time_out || is_busy);
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
  if (path.removed || path.checks_disabled || options.known) return;
  path.check.again = false;
  path.check.wanted = false;
  path.check.registration_tried = false;
  path.check.queried_in_vain = false;
  path.check.started = now;
  path.next_check = no_deadline;
  ++counters.checks_started;
  ++checks_outstanding;
  if (!ask_what_it_supports(path)) begin_asking(path);
}

policy::CheckContext Engine::Core::check_context(const PathRecord& path) const {
  milliseconds timeout = check_timeout(path);
  return {.facts = *path.facts,
          .timeout = timeout,
          .is_out_of_time = path.check.started + timeout <= now,
          .may_configure = options.mode == Mode::manage};
}

void Engine::Core::begin_asking(PathRecord& path) {
  take_turn(path, policy::begin_check(path.checker, path.checker_memory, check_context(path)), nullptr);
}

void Engine::Core::submit_step(PathRecord& path, CheckStep step, DeviceCommand command) {
  CheckMachine& check = path.check;
  check.step = step;
  check.op = new_op();
  check.command_started = now;
  check.late = false;
  check.reaches_device = !std::holds_alternative<SystemRead>(command);
  emit(SubmitCommand{check.op, path.id, std::move(command)});
  watch_command(path);
  set_path_timer(path);
}

void Engine::Core::on(const CommandFinished& event) {
  if (take_test_read(event)) return;
  PathRecord* path = find_path(event.path);
  if (path == nullptr || path->check.op != event.op || path->check.step == CheckStep::idle) {
    ++counters.stale_completions;
    return;
  }
  path->check.op = OpId::none;
  end_watch(*path, event.outcome);
  if (path->check.reaches_device) path->silent = may_hold_io(*path, event.outcome);
  heed_attention(*path, event.outcome);
  if (std::exchange(path->check.outdated, false)) {
    // The answer is to a question of the old checker or prioritizer: the new one asks its own.
    if (path->check.step == CheckStep::ask) return begin_asking(*path);
    if (path->check.step == CheckStep::prioritize) return continue_check(*path);
  }
  switch (path->check.step) {
    case CheckStep::idle: break;
    case CheckStep::probe: judge_probe(*path, event.outcome); break;
    case CheckStep::ask: judge_answer(*path, event.outcome); break;
    case CheckStep::identify: judge_identify(*path, event.outcome); break;
    case CheckStep::target_groups: judge_target_groups(*path, event.outcome); break;
    case CheckStep::prioritize: judge_priority(*path, event.outcome); break;
    case CheckStep::registration: judge_registration(*path, event.outcome); break;
  }
}

/// True if the device must say first what it supports.
bool Engine::Core::ask_what_it_supports(PathRecord& path) {
  auto probe = policy::next_probe(*path.facts, *path.settings, path.probes);
  if (!probe) return false;
  path.check.probe = *probe;
  submit_step(path, CheckStep::probe, policy::probe_command(*probe, check_timeout(path)));
  return true;
}

/// A device that does not answer what it supports is checked as if it had none of it, and asked again with the next checks.
void Engine::Core::judge_probe(PathRecord& path, const CommandOutcome& outcome) {
  std::uint8_t unanswered = path.probes.unanswered;
  policy::take_probe(path.check.probe, outcome, path.probes);
  choose_methods(path);
  path.view.reset();
  if (path.probes.unanswered != unanswered || !ask_what_it_supports(path)) begin_asking(path);
}

void Engine::Core::judge_answer(PathRecord& path, const CommandOutcome& outcome) {
  policy::VolumeMemory nobodys;
  MapRecord* map = find_map(path.map);
  take_turn(path,
            policy::continue_check(path.checker, path.checker_memory, map == nullptr ? nobodys : map->volume_memory,
                                   check_context(path), outcome),
            &outcome);
}

/// What the checker said: the next command, or the verdict. `outcome`: of the command that led to it, if there was one.
void Engine::Core::take_turn(PathRecord& path, policy::CheckTurn turn, const CommandOutcome* outcome) {
  CheckMachine& check = path.check;
  check.identify_wanted = check.identify_wanted || turn.needs_identity_check;
  if (turn.access_state_changed) {
    if (MapRecord* map = find_map(path.map)) map->groups_read_at = {};
  }
  if (!turn.remark.empty()) log(Severity::warning, path.facts->kernel_name, std::string(turn.remark));
  if (turn.command) {
    submit_step(path, CheckStep::ask, std::move(*turn.command));
    return;
  }
  check.verdict = turn.state;
  check.reason = turn.reason;
  if (turn.state == PathState::wild || turn.state == PathState::unchecked) leave_alone(path);
  if (path.checker == policy::Checker::alua && outcome != nullptr && wire::classify(*outcome) == wire::OutcomeClass::good) {
    take_target_groups(path, *outcome);
    share_verdict(path);
  }
  bool returns = is_usable(turn.state) && (!is_usable(path.health.state) || !path.answered || path.quarantined);
  // It answered, and perhaps not as the unit that it was: a stranger has to leave the table, where a load would make it active for a moment.
  bool is_doubted = turn.state == PathState::down && turn.needs_identity_check;
  bool is_nameless = path.facts->wwid.empty() && policy::may_name_itself(*path.facts, *path.settings, daemon());
  bool asks = is_usable(turn.state) && (returns || check.identify_wanted || is_nameless);
  if (path.facts->bus == Bus::scsi && (asks || is_doubted)) {
    submit_step(path, CheckStep::identify,
                wire::inquiry_page(wire::vpd_device_identification, page_83_bytes, check_timeout(path)));
    return;
  }
  continue_check(path);
}

/// A checker that can say nothing of the device: the path stays as it is, and that is said once.
void Engine::Core::leave_alone(PathRecord& path) {
  const CheckMachine& check = path.check;
  if (path.health.reason == check.reason) return;
  path.health.reason = check.reason;
  if (path.health.state == PathState::unchecked) path.health.state = check.verdict;
  std::string_view name = policy::to_string(path.checker);
  log(Severity::warning, path.facts->kernel_name,
      fmt::format("left as it is, checker {}: {}", name.empty() ? escape(path.settings->path_checker.value) : std::string(name), check.reason));
  touch(path);
}

void Engine::Core::judge_identify(PathRecord& path, const CommandOutcome& outcome) {
  CheckMachine& check = path.check;
  if (wire::OutcomeClass kind = wire::classify(outcome); kind != wire::OutcomeClass::good) {
    auto sense = wire::decode_sense(outcome.sense_data());
    bool refused = kind == wire::OutcomeClass::illegal_request;
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
  PathFacts facts = policy::with_vpd_page_83(*path.facts, outcome.data, policy::may_name_itself(*path.facts, *path.settings, daemon()));
  bool stranger = path.facts->identity != 0 && facts.identity != path.facts->identity;
  if (stranger) {
    if (!path.quarantined) {
      log(Severity::error, path.facts->kernel_name,
          "another volume answers behind this device than the one it was found as; it carries no I/O until it is scanned "
          "again (echo 1 > /sys/block/" + path.facts->kernel_name + "/device/rescan) or removed");
    }
    path.quarantined = true;
    // What the checker remembers may be of the stranger.
    path.checker_memory = {};
    check.verdict = PathState::down;
    check.reason = "another volume answers behind this device";
  } else {
    path.quarantined = false;
    // It is the right one, whatever the checker remembers of another.
    if (!is_usable(check.verdict)) path.checker_memory = {};
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
    remove_path(path, "the configuration leaves it alone");
    return false;
  }
  path.settings = resolver->path(policy::identity_for_lookup(*path.facts));
  choose_methods(path);
  join_map(path);
  return true;
}

void Engine::Core::continue_check(PathRecord& path) {
  if (path.check.queried_in_vain) return finish_check(path);
  if (needs_registration(path)) return start_registration(path);
  if (needs_target_groups(path)) {
    MapRecord* map = find_map(path.map);
    if (map != nullptr) map->groups_reader = path.id;
    submit_step(path, CheckStep::target_groups,
                wire::report_target_port_groups(map == nullptr ? wire::target_port_groups_bytes : map->groups_bytes,
                                                check_timeout(path)));
    return;
  }
  if (needs_priority(path)) {
    take_turn(path, policy::begin_priority(*path.prioritizer, path.priority_memory, priority_context(path)));
    return;
  }
  finish_check(path);
}

}  // namespace mpath::engine
