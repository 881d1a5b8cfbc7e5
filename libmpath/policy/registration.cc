// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/registration.h"

#include <algorithm>

#include "libmpath/base/limits.h"
#include "libmpath/wire/reservation.h"
#include "libmpath/wire/sense.h"

namespace mpath::policy {

namespace {

using Kind = RegistrationTurn::Kind;
using Step = RegistrationStep;

enum class Answer { good, conflict, refused, patience, failed };

constexpr std::uint8_t status_mask = 0x7e;
constexpr std::uint8_t reservation_conflict = 0x18;
constexpr wire::Sense operation_in_progress{0x2, 0x04, 0x07};

Answer judge(const CommandOutcome& outcome) {
  if (outcome.failure == CommandFailure::none && (outcome.status & status_mask) == reservation_conflict) return Answer::conflict;
  switch (wire::classify(outcome)) {
    case wire::OutcomeClass::good: return Answer::good;
    case wire::OutcomeClass::unsupported:
    case wire::OutcomeClass::illegal_request: return Answer::refused;
    case wire::OutcomeClass::unit_attention: return Answer::patience;
    case wire::OutcomeClass::transport: return Answer::failed;
    case wire::OutcomeClass::failed: break;
  }
  return wire::decode_sense(outcome.sense_data()) == operation_in_progress ? Answer::patience : Answer::failed;
}

DeviceCommand command_for(const RegistrationMemory& memory, milliseconds timeout) {
  const RegistrationGoal& goal = memory.goal;
  wire::Registration registration{.key = goal.key, .new_key = goal.key, .aptpl = goal.aptpl, .all_target_ports = goal.all_target_ports};
  switch (memory.step) {
    case Step::idle:
    case Step::read_keys:
    case Step::count: return wire::read_reservation_keys(memory.keys_bytes, timeout);
    case Step::confirm: return wire::register_key(registration, timeout);
    case Step::replace: registration.key = goal.former_key; return wire::register_key(registration, timeout);
    case Step::take: return wire::register_ignoring_existing_key(registration, timeout);
    case Step::withdraw:
    case Step::clear: registration.new_key = 0; return wire::register_key(registration, timeout);
    case Step::read_holder: return wire::read_reservation(timeout);
  }
  return wire::read_reservation_keys(memory.keys_bytes, timeout);
}

RegistrationTurn enter(RegistrationMemory& memory, Step step, milliseconds timeout) {
  memory.step = step;
  memory.attempts = 1;
  if (memory.keys_bytes == 0) memory.keys_bytes = wire::reservation_keys_bytes;
  return {.kind = Kind::ask, .command = command_for(memory, timeout)};
}

RegistrationTurn end(RegistrationMemory& memory, Kind kind, StaticText reason) {
  memory.step = Step::idle;
  return {.kind = kind, .reason = reason};
}

RegistrationTurn registered(RegistrationMemory& memory, milliseconds timeout) {
  memory.owes_count = false;
  if (memory.goal.asks_holder) return enter(memory, Step::read_holder, timeout);
  return end(memory, Kind::registered, "registered");
}

/// How many I_T nexuses are registered with the key, or with the one before it. Nothing if the rest of the list has to be read.
std::optional<std::size_t> count_keys(RegistrationMemory& memory, const wire::ReservationKeys& answer, std::size_t enough) {
  auto is_ours = [&](std::uint64_t key) { return key == memory.goal.key || (memory.goal.former_key != 0 && key == memory.goal.former_key); };
  auto count = static_cast<std::size_t>(std::ranges::count_if(answer.keys, is_ours));
  if (count >= enough || !answer.is_truncated || memory.keys_bytes >= limits::reservation_keys_bytes) return count;
  // At least twice as much, so that an array that never says the whole length is not asked for ever.
  const std::size_t wanted = std::max<std::size_t>(answer.bytes_needed, std::size_t{2} * memory.keys_bytes);
  memory.keys_bytes = static_cast<std::uint16_t>(std::min(wanted, limits::reservation_keys_bytes));
  return std::nullopt;
}

RegistrationTurn judge_keys(RegistrationMemory& memory, milliseconds timeout, const CommandOutcome& outcome) {
  auto answer = wire::parse_reservation_keys(outcome.data);
  if (!answer) return end(memory, Kind::failed, "its list of reservation keys makes no sense");
  const std::uint16_t asked = memory.keys_bytes;
  // What the array says that it left out, though there was room for it, it does not have.
  answer->is_truncated = answer->is_truncated && answer->bytes_needed > asked;
  const bool counts = memory.step == Step::count;
  auto count = count_keys(memory, *answer, counts ? 2 : 1);
  if (!count) return enter(memory, memory.step, timeout);
  if (counts) return *count >= 2 ? registered(memory, timeout) : enter(memory, Step::withdraw, timeout);
  if (*count == 0) return end(memory, Kind::absent, "the array has no registration with the reservation key");
  return enter(memory, Step::confirm, timeout);
}

/// `otherwise`: why, unless the device refuses it.
RegistrationTurn fail_with(RegistrationMemory& memory, Answer answer, StaticText otherwise) {
  constexpr StaticText refuses = "the device refuses the registration (are aptpl and all_tg_pt right?)";
  return end(memory, Kind::failed, answer == Answer::refused ? refuses : otherwise);
}

RegistrationTurn judge_holder(RegistrationMemory& memory, Answer answer, const CommandOutcome& outcome) {
  RegistrationTurn turn = end(memory, Kind::registered, "registered");
  if (answer != Answer::good) return turn;
  if (auto holder = wire::parse_reservation(outcome.data)) {
    turn.holds = *holder && ((*holder)->key == memory.goal.key || (*holder)->is_every_registrant());
  }
  return turn;
}

/// REGISTER with the key that the path should have had: a conflict proves that it had not.
RegistrationTurn judge_confirmation(RegistrationMemory& memory, milliseconds timeout, Answer answer) {
  if (answer == Answer::good) return registered(memory, timeout);
  if (answer != Answer::conflict) {
    return fail_with(memory, answer, "the registration cannot be verified");
  }
  const bool may_replace = memory.step == Step::confirm && memory.goal.former_key != 0;
  RegistrationTurn turn = enter(memory, may_replace ? Step::replace : Step::take, timeout);
  turn.proves_missing = true;
  return turn;
}

}  // namespace

RegistrationTurn begin_registration(RegistrationMemory& memory, const RegistrationGoal& goal, milliseconds timeout) {
  // A key that has changed since is another matter.
  memory.owes_count = memory.owes_count && memory.goal.key == goal.key;
  memory.goal = goal;
  if (goal.only_clears) return enter(memory, Step::clear, timeout);
  return enter(memory, memory.owes_count ? Step::count : Step::read_keys, timeout);
}

RegistrationTurn continue_registration(RegistrationMemory& memory, milliseconds timeout, const CommandOutcome& outcome) {
  const Answer answer = judge(outcome);
  if (answer == Answer::patience && memory.attempts < registration_attempts) {
    ++memory.attempts;
    return {.kind = Kind::ask, .command = command_for(memory, timeout)};
  }
  switch (memory.step) {
    case Step::idle: break;
    case Step::read_keys:
      if (answer == Answer::good) return judge_keys(memory, timeout, outcome);
      if (answer == Answer::refused) return end(memory, Kind::unsupported, "the device has no persistent reservations");
      return end(memory, Kind::failed, "its reservation keys cannot be read");
    case Step::confirm:
    case Step::replace: return judge_confirmation(memory, timeout, answer);
    case Step::take:
      if (answer == Answer::good) {
        memory.owes_count = true;
        return enter(memory, Step::count, timeout);
      }
      return fail_with(memory, answer, "the device did not take the registration");
    case Step::count:
      if (answer == Answer::good) return judge_keys(memory, timeout, outcome);
      return end(memory, Kind::failed, "its reservation keys cannot be read again");
    case Step::withdraw: {
      memory.owes_count = false;
      RegistrationTurn turn = end(memory, Kind::absent, "another host preempted the registrations meanwhile");
      turn.was_preempted = true;
      turn.leaves_stray = answer != Answer::good && answer != Answer::conflict;
      return turn;
    }
    case Step::read_holder: return judge_holder(memory, answer, outcome);
    case Step::clear: {
      if (answer != Answer::good && answer != Answer::conflict && answer != Answer::refused) {
        return end(memory, Kind::failed, "a registration that was left behind could not be removed");
      }
      RegistrationTurn turn = end(memory, Kind::cleared, "");
      turn.removed_stray = answer == Answer::good;
      return turn;
    }
  }
  return end(memory, Kind::failed, "nothing was asked");
}

}  // namespace mpath::policy
