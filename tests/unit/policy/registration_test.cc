// SPDX-License-Identifier: LGPL-2.1-or-later
// The registration of a path as a conversation: what is sent, what the array answers, and the verdict.
#include "libmpath/policy/registration.h"

#include <gmock/gmock.h>

#include "libmpath/wire/reservation.h"
#include "tests/unit/policy/method_fixture.h"

namespace mpath::policy {
namespace {

using Kind = RegistrationTurn::Kind;

constexpr std::uint64_t ours = 0x123abc;
constexpr std::uint64_t theirs = 0x777;
constexpr std::uint64_t former = 0x99;

CommandOutcome conflict() { return status(0x18); }

CommandOutcome keys(const std::vector<std::uint64_t>& list, std::size_t allocated = 1024) {
  std::vector<std::uint8_t> data = {0, 0, 0, 1, 0, 0, static_cast<std::uint8_t>(list.size() * 8 >> 8), static_cast<std::uint8_t>(list.size() * 8)};
  for (std::uint64_t key : list) {
    for (int shift = 56; shift >= 0; shift -= 8) data.push_back(static_cast<std::uint8_t>(key >> shift));
  }
  if (data.size() > allocated) data.resize(allocated);
  return good(data);
}

CommandOutcome holder(std::uint64_t key, std::uint8_t type) {
  std::vector<std::uint8_t> data = {0, 0, 0, 1, 0, 0, 0, 16};
  for (int shift = 56; shift >= 0; shift -= 8) data.push_back(static_cast<std::uint8_t>(key >> shift));
  for (int byte : {0, 0, 0, 0, 0, int{type}, 0, 0}) data.push_back(static_cast<std::uint8_t>(byte));
  return good(data);
}

std::string text_of(const std::optional<DeviceCommand>& command) {
  if (!command) return "nothing";
  const auto& scsi = std::get<ScsiCommand>(*command);
  if (scsi.cdb[0] == 0x5e) return scsi.cdb[1] == 0 ? fmt::format("keys {}", scsi.data_in_bytes) : "holder";
  ByteReader parameters(scsi.data_out);
  return fmt::format("{} {:x}>{:x} {:x}", scsi.cdb[1] == 6 ? "ignore" : "register", *parameters.be64(0), *parameters.be64(8), scsi.data_out[20]);
}

struct Exchange {
  std::string expected;  ///< what is sent
  CommandOutcome answer;
};

/// The verdict after the whole conversation.
RegistrationTurn talk(const RegistrationGoal& goal, const std::vector<Exchange>& conversation, RegistrationMemory* memory = nullptr) {
  RegistrationMemory own;
  RegistrationMemory& used = memory == nullptr ? own : *memory;
  RegistrationTurn turn = begin_registration(used, goal, milliseconds{5});
  for (const Exchange& exchange : conversation) {
    EXPECT_EQ(turn.kind, Kind::ask) << "before " << exchange.expected;
    EXPECT_EQ(text_of(turn.command), exchange.expected);
    turn = continue_registration(used, milliseconds{5}, exchange.answer);
  }
  EXPECT_NE(turn.kind, Kind::ask) << "asks for " << text_of(turn.command);
  return turn;
}

const std::string confirm = "register 123abc>123abc 0";
const std::string take = "ignore 0>123abc 0";
const std::string withdraw = "register 123abc>0 0";
const std::string list = "keys 1024";

TEST(Registration, OfAPathThatIsRegisteredIsOnlyVerified) {
  EXPECT_EQ(talk({.key = ours}, {{list, keys({theirs, ours})}, {confirm, good()}}).kind, Kind::registered);
}

TEST(Registration, OfAPathThatIsNotTakesAndCounts) {
  RegistrationTurn turn = talk({.key = ours}, {{list, keys({ours})}, {confirm, conflict()}, {take, good()}, {list, keys({ours, ours})}});
  EXPECT_EQ(turn.kind, Kind::registered);
}

TEST(Registration, IsNotBegunWhereTheArrayHasNoneWithTheKey) {
  EXPECT_EQ(talk({.key = ours}, {{list, keys({})}}).kind, Kind::absent);
  EXPECT_EQ(talk({.key = ours}, {{list, keys({theirs, former})}}).kind, Kind::absent);
}

TEST(Registration, IsTakenBackWhereTheOthersWerePreemptedMeanwhile) {
  std::vector<Exchange> talked = {{list, keys({ours})}, {confirm, conflict()}, {take, good()}, {list, keys({theirs, ours})}, {withdraw, good()}};
  RegistrationTurn turn = talk({.key = ours}, talked);
  EXPECT_EQ(turn.kind, Kind::absent);
  EXPECT_TRUE(turn.was_preempted);
  EXPECT_FALSE(turn.leaves_stray);
  talked.back().answer = host(HostStatus::no_connect);
  EXPECT_TRUE(talk({.key = ours}, talked).leaves_stray);
}

TEST(Registration, FollowsAChangeOfTheKey) {
  RegistrationGoal goal{.key = ours, .former_key = former};
  const std::string replace = "register 99>123abc 0";
  EXPECT_EQ(talk(goal, {{list, keys({former, former})}, {confirm, conflict()}, {replace, good()}}).kind, Kind::registered);
  EXPECT_EQ(talk(goal, {{list, keys({former})}, {confirm, conflict()}, {replace, conflict()}, {take, good()}, {list, keys({former, ours})}}).kind,
            Kind::registered);
  EXPECT_EQ(talk(goal, {{list, keys({ours})}, {confirm, good()}}).kind, Kind::registered);
}

TEST(Registration, SaysAtOnceThatThePathIsNotRegistered) {
  RegistrationMemory memory;
  (void)begin_registration(memory, {.key = ours}, milliseconds{5});
  EXPECT_FALSE(continue_registration(memory, milliseconds{5}, keys({ours})).proves_missing);
  EXPECT_TRUE(continue_registration(memory, milliseconds{5}, conflict()).proves_missing);
}

TEST(Registration, CarriesTheFlagsOfTheMap) {
  RegistrationGoal goal{.key = ours, .aptpl = true, .all_target_ports = true};
  (void)talk(goal, {{list, keys({ours})}, {"register 123abc>123abc 5", conflict()}, {"ignore 0>123abc 5", good()}, {list, keys({ours})},
                    {"register 123abc>0 5", good()}});
}

TEST(Registration, AsksWhoHoldsTheReservationWhereThatIsNotKnown) {
  RegistrationGoal goal{.key = ours, .asks_holder = true};
  auto holds = [&](CommandOutcome answer) {
    RegistrationTurn turn = talk(goal, {{list, keys({ours})}, {confirm, good()}, {"holder", std::move(answer)}});
    EXPECT_EQ(turn.kind, Kind::registered) << "whatever is said of the holder";
    return turn.holds;
  };
  EXPECT_EQ(holds(holder(ours, 5)), true);
  EXPECT_EQ(holds(holder(theirs, 5)), false);
  EXPECT_EQ(holds(holder(0, 7)), true) << "every registrant holds it";
  EXPECT_EQ(holds(good({0, 0, 0, 1, 0, 0, 0, 0})), false) << "nobody does";
  EXPECT_EQ(holds(good({0, 0})), std::nullopt);
  EXPECT_EQ(holds(conflict()), std::nullopt);
}

TEST(Registration, OfADeviceWithoutReservationsIsNone) {
  EXPECT_EQ(talk({.key = ours}, {{list, sense(5, 0x20, 0)}}).kind, Kind::unsupported);
  EXPECT_EQ(talk({.key = ours}, {{list, failed(CommandFailure::not_a_scsi_device)}}).kind, Kind::unsupported);
}

TEST(Registration, HasPatienceWithUnitAttentionsForSixAttempts) {
  const CommandOutcome attention = sense(6, 0x29, 0);
  const CommandOutcome busy = sense(2, 4, 7);
  EXPECT_EQ(talk({.key = ours}, {{list, attention}, {list, busy}, {list, attention}, {list, attention}, {list, attention}, {list, keys({ours})},
                                 {confirm, attention}, {confirm, good()}}).kind, Kind::registered);
  EXPECT_EQ(talk({.key = ours}, std::vector<Exchange>(6, {list, attention})).kind, Kind::failed);
}

TEST(Registration, EndsWithTheFirstAnswerThatIsNone) {
  const CommandOutcome answers[] = {sense(2, 4, 0x0b), sense(0x0b, 0, 0), host(HostStatus::no_connect), host(HostStatus::transport_disrupted),
                                    failed(CommandFailure::gone), status(0x08)};
  for (const CommandOutcome& answer : answers) {
    EXPECT_EQ(talk({.key = ours}, {{list, answer}}).kind, Kind::failed);
    EXPECT_EQ(talk({.key = ours}, {{list, keys({ours})}, {confirm, answer}}).kind, Kind::failed);
    EXPECT_EQ(talk({.key = ours}, {{list, keys({ours})}, {confirm, conflict()}, {take, answer}}).kind, Kind::failed);
  }
  EXPECT_EQ(talk({.key = ours}, {{list, conflict()}}).kind, Kind::failed);
  EXPECT_EQ(talk({.key = ours}, {{list, good({1, 2, 3})}}).kind, Kind::failed);
  EXPECT_EQ(talk({.key = ours}, {{list, keys({ours})}, {confirm, sense(5, 0x26, 0)}}).kind, Kind::failed);
}

TEST(Registration, ThatWasNotProvedRightIsCountedBeforeAnythingElse) {
  RegistrationMemory memory;
  std::vector<Exchange> interrupted = {{list, keys({ours})}, {confirm, conflict()}, {take, good()}, {list, host(HostStatus::no_connect)}};
  EXPECT_EQ(talk({.key = ours}, interrupted, &memory).kind, Kind::failed);
  EXPECT_EQ(talk({.key = ours}, {{list, keys({ours})}, {withdraw, good()}}, &memory).kind, Kind::absent) << "its own is the only one";
  EXPECT_EQ(talk({.key = ours}, {{list, keys({ours})}, {confirm, good()}}, &memory).kind, Kind::registered) << "that was it";
  EXPECT_EQ(talk({.key = ours}, interrupted, &memory).kind, Kind::failed);
  EXPECT_EQ(talk({.key = theirs}, {{list, keys({ours})}}, &memory).kind, Kind::absent) << "another key by now";
}

TEST(Registration, ReadsALongListWhole) {
  std::vector<std::uint64_t> many(200, theirs);
  many.push_back(ours);
  EXPECT_EQ(talk({.key = ours}, {{list, keys(many)}, {"keys 2048", keys(many, 2048)}, {confirm, good()}}).kind, Kind::registered);
  // An array that never tells all of it.
  auto endless = [](std::size_t length) {
    CommandOutcome outcome = keys({});
    outcome.data[6] = static_cast<std::uint8_t>(length >> 8);
    outcome.data[7] = static_cast<std::uint8_t>(length);
    return outcome;
  };
  EXPECT_EQ(talk({.key = ours}, {{list, endless(1100)}, {"keys 2048", endless(2100)}, {"keys 4096", keys({})}}).kind, Kind::absent);
}

TEST(Registration, ThatWasLeftBehindIsCleared) {
  RegistrationGoal goal{.key = ours, .only_clears = true};
  RegistrationTurn turn = talk(goal, {{withdraw, good()}});
  EXPECT_EQ(turn.kind, Kind::cleared);
  EXPECT_TRUE(turn.removed_stray);
  turn = talk(goal, {{withdraw, conflict()}});
  EXPECT_EQ(turn.kind, Kind::cleared);
  EXPECT_FALSE(turn.removed_stray);
  EXPECT_EQ(talk(goal, {{withdraw, sense(2, 4, 3)}}).kind, Kind::failed);
}

}  // namespace
}  // namespace mpath::policy
