// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/sense.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

void put_fixed_sense(CommandOutcome& outcome, Sense sense) {
  outcome.sense[0] = 0xf0;
  outcome.sense[2] = sense.key;
  outcome.sense[7] = 10;
  outcome.sense[12] = sense.asc;
  outcome.sense[13] = sense.ascq;
  outcome.sense_bytes = 18;
}

void put_descriptor_sense(CommandOutcome& outcome, Sense sense) {
  outcome.sense[0] = 0x72;
  outcome.sense[1] = sense.key;
  outcome.sense[2] = sense.asc;
  outcome.sense[3] = sense.ascq;
  outcome.sense_bytes = 8;
}

CommandOutcome check_condition(Sense sense) {
  CommandOutcome outcome;
  outcome.status = 0x02;
  outcome.driver_status = 0x08;
  put_fixed_sense(outcome, sense);
  return outcome;
}

TEST(DecodeSense, ReadsBothFormatsWithinTheirBounds) {
  const Sense sense{0x6, 0x29, 0x01};
  CommandOutcome fixed, descriptor;
  put_fixed_sense(fixed, sense);
  put_descriptor_sense(descriptor, sense);
  EXPECT_EQ(decode_sense(fixed.sense_data()), sense);
  EXPECT_EQ(decode_sense(descriptor.sense_data()), sense);
  EXPECT_EQ(decode_sense(fixed.sense_data().first(14)), sense);
  EXPECT_EQ(decode_sense(fixed.sense_data().first(13)), std::nullopt);
  EXPECT_EQ(decode_sense(descriptor.sense_data().first(4)), sense);
  EXPECT_EQ(decode_sense(descriptor.sense_data().first(3)), std::nullopt);
  for (std::uint8_t deferred : {0x71, 0x73}) {
    CommandOutcome outcome = deferred == 0x71 ? fixed : descriptor;
    outcome.sense[0] = deferred;
    EXPECT_EQ(decode_sense(outcome.sense_data()), sense);
  }
  fixed.sense[0] = 0x7f;
  EXPECT_EQ(decode_sense(fixed.sense_data()), std::nullopt);
  EXPECT_EQ(decode_sense({}), std::nullopt);
}

TEST(DecodeSense, SurvivesAnyBytes) {
  test::RandomInput random;
  for (int round = 0; round < 20000; ++round) {
    auto data = random.bytes(random.below(33));
    if (!data.empty() && !random.chance(4)) data[0] = static_cast<std::uint8_t>(0x70 + random.below(4));
    CommandOutcome outcome;
    outcome.status = static_cast<std::uint8_t>(random.below(256));
    outcome.host_status = static_cast<HostStatus>(random.below(0x20));
    outcome.sense_bytes = static_cast<std::uint8_t>(data.size());
    std::ranges::copy(data, outcome.sense.begin());
    Verdict verdict = tur_verdict(outcome);
    EXPECT_FALSE(verdict.reason.empty());
    if (verdict.sense) {
      EXPECT_FALSE(describe(*verdict.sense).empty());
    }
  }
}

TEST(DescribeSense, NamesTheCondition) {
  EXPECT_EQ(describe({0x6, 0x29, 0x00}),
            "6/29/00 unit attention: Power on, reset, or bus device reset occurred");
  EXPECT_EQ(describe({0x5, 0x25, 0x00}), "5/25/00 illegal request: Logical unit not supported");
  EXPECT_EQ(to_string(Sense{0xb, 0x47, 0x0a}), "b/47/0a");
}

TEST(TurVerdict, GoodStatusIsUp) {
  Verdict verdict = tur_verdict({});
  EXPECT_EQ(verdict.state, PathState::up);
  EXPECT_FALSE(verdict.retry);
}

TEST(TurVerdict, FailuresWithoutAnAnswer) {
  auto state = [](CommandFailure failure) {
    CommandOutcome outcome;
    outcome.failure = failure;
    EXPECT_FALSE(tur_verdict(outcome).retry);
    EXPECT_FALSE(tur_verdict(outcome).reason.empty());
    return tur_verdict(outcome).state;
  };
  EXPECT_EQ(state(CommandFailure::not_a_scsi_device), PathState::wild);
  EXPECT_EQ(state(CommandFailure::open_failed), PathState::down);
  EXPECT_EQ(state(CommandFailure::submit_failed), PathState::down);
  EXPECT_EQ(state(CommandFailure::gone), PathState::down);
}

TEST(TurVerdict, ReservationConflictIsUpWhateverElseIsReported) {
  for (std::uint8_t status : {0x18, 0x19, 0x98}) {
    CommandOutcome outcome = check_condition({0x2, 0x04, 0x0b});
    outcome.status = status;
    outcome.host_status = HostStatus::error;
    EXPECT_EQ(tur_verdict(outcome).state, PathState::up);
    EXPECT_FALSE(tur_verdict(outcome).retry);
  }
}

TEST(TurVerdict, SomeHostErrorsAreFinal) {
  const HostStatus final_ones[] = {HostStatus::no_connect, HostStatus::bad_target, HostStatus::abort,
                                   HostStatus::transport_fail_fast};
  for (unsigned code = 1; code <= 0x16; ++code) {
    CommandOutcome outcome;
    outcome.host_status = static_cast<HostStatus>(code);
    bool is_final = std::ranges::find(final_ones, outcome.host_status) != std::end(final_ones);
    EXPECT_EQ(tur_verdict(outcome).retry, !is_final) << code;
    EXPECT_EQ(tur_verdict(outcome).state, PathState::down) << code;
  }
}

TEST(TurVerdict, AfterRetriesOfAHostErrorTheSenseDecides) {
  CommandOutcome outcome = check_condition({0x2, 0x04, 0x0b});
  outcome.host_status = HostStatus::bus_busy;
  EXPECT_TRUE(tur_verdict(outcome).retry);
  EXPECT_EQ(tur_verdict(outcome).state, PathState::ghost);
}

TEST(TurVerdict, SenseDecides) {
  struct Row {
    Sense sense;
    PathState state;
    bool retry;
    bool identity;
  };
  const Row rows[] = {
      {{0x6, 0x29, 0x00}, PathState::down, true, false},
      {{0x6, 0x3f, 0x0e}, PathState::down, true, true},
      {{0x6, 0x3f, 0x03}, PathState::down, true, true},
      {{0x6, 0x2a, 0x06}, PathState::down, true, true},
      {{0x2, 0x04, 0x0b}, PathState::ghost, false, false},
      {{0x2, 0x04, 0x0a}, PathState::pending, false, false},
      {{0x2, 0x04, 0x0c}, PathState::down, false, false},
      {{0x5, 0x25, 0x00}, PathState::disconnected, false, true},
      {{0x5, 0x20, 0x00}, PathState::down, false, false},
      {{0x3, 0x11, 0x00}, PathState::down, false, false},
      {{0x0, 0x00, 0x00}, PathState::down, false, false},
      {{0x1, 0x00, 0x00}, PathState::down, false, false},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(describe(row.sense));
    Verdict verdict = tur_verdict(check_condition(row.sense));
    EXPECT_EQ(verdict.state, row.state);
    EXPECT_EQ(verdict.retry, row.retry);
    EXPECT_EQ(verdict.needs_identity_check, row.identity);
    EXPECT_EQ(verdict.unit_attention, row.sense.key == 6);
    EXPECT_EQ(verdict.access_state_changed, row.sense == (Sense{0x6, 0x2a, 0x06}));
  }
}

TEST(TurVerdict, OtherStatusIsDown) {
  for (std::uint8_t status : {0x08, 0x28, 0x40, 0x04}) {
    CommandOutcome outcome;
    outcome.status = status;
    EXPECT_EQ(tur_verdict(outcome).state, PathState::down);
  }
  CommandOutcome driver_error;
  driver_error.driver_status = 6;
  EXPECT_EQ(tur_verdict(driver_error).state, PathState::down);
}

}  // namespace
}  // namespace mpath::wire
