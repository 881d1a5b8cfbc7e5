// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/reservation.h"

#include <gmock/gmock.h>

#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using Data = std::vector<std::uint8_t>;

TEST(PersistentReserveIn, AsksForKeysAndForTheHolder) {
  ScsiCommand keys = read_reservation_keys(0x1234, milliseconds{7});
  EXPECT_EQ(Data(keys.cdb.begin(), keys.cdb.begin() + keys.cdb_bytes), (Data{0x5e, 0x00, 0, 0, 0, 0, 0, 0x12, 0x34, 0}));
  EXPECT_EQ(keys.data_in_bytes, 0x1234U);
  EXPECT_EQ(keys.timeout, milliseconds{7});
  ScsiCommand holder = read_reservation(milliseconds{7});
  EXPECT_EQ(Data(holder.cdb.begin(), holder.cdb.begin() + holder.cdb_bytes), (Data{0x5e, 0x01, 0, 0, 0, 0, 0, 0, 24, 0}));
  EXPECT_EQ(holder.data_in_bytes, 24U);
}

TEST(PersistentReserveOut, CarriesBothKeysAndTheFlags) {
  const Registration registration{.key = 0x0102030405060708, .new_key = 0x123abc, .aptpl = true, .all_target_ports = true};
  ScsiCommand command = register_key(registration, milliseconds{7});
  EXPECT_EQ(Data(command.cdb.begin(), command.cdb.begin() + command.cdb_bytes), (Data{0x5f, 0x00, 0, 0, 0, 0, 0, 0, 24, 0}));
  EXPECT_EQ(command.data_out, (Data{1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0x12, 0x3a, 0xbc, 0, 0, 0, 0, 0x05, 0, 0, 0}));
  EXPECT_EQ(command.data_in_bytes, 0U);
  command = register_ignoring_existing_key(registration, milliseconds{7});
  EXPECT_EQ(command.cdb[1], 0x06);
  EXPECT_EQ(command.data_out, (Data{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x12, 0x3a, 0xbc, 0, 0, 0, 0, 0x05, 0, 0, 0}));
  EXPECT_EQ(register_key({.key = 1, .new_key = 2}, milliseconds{7}).data_out[20], 0);
}

TEST(ReadKeys, GivesEachRegistrationAndSaysWhetherThereAreMore) {
  Data data = {0, 0, 0, 9, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, 0, 0, 0, 0, 0, 0, 2};
  auto answer = parse_reservation_keys(data);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->generation, 9U);
  EXPECT_THAT(answer->keys, ElementsAre(1U, 0xff00000000000002U));
  EXPECT_FALSE(answer->is_truncated);
  EXPECT_EQ(answer->bytes_needed, 24U);

  data.resize(20);
  answer = parse_reservation_keys(data);
  EXPECT_THAT(answer->keys, ElementsAre(1U)) << "half a key is none";
  EXPECT_TRUE(answer->is_truncated);

  data[7] = 8;
  data.resize(24);
  EXPECT_THAT(parse_reservation_keys(data)->keys, ElementsAre(1U)) << "what follows the list is not of it";
  EXPECT_THAT(parse_reservation_keys(Data{0, 0, 0, 0, 0, 0, 0, 0})->keys, IsEmpty());
  EXPECT_EQ(parse_reservation_keys(Data{0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff})->bytes_needed, UINT32_MAX);
  EXPECT_FALSE(parse_reservation_keys(Data{0, 0, 0, 0, 0, 0, 0}));
}

TEST(ReadReservation, GivesTheHolderIfThereIsOne) {
  EXPECT_EQ(parse_reservation(Data{0, 0, 0, 1, 0, 0, 0, 0})->has_value(), false);
  Data data = {0, 0, 0, 1, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0x12, 0x3a, 0xbc, 0, 0, 0, 0, 0, 0x05, 0, 0};
  auto holder = *parse_reservation(data);
  ASSERT_TRUE(holder);
  EXPECT_EQ(holder->key, 0x123abcU);
  EXPECT_EQ(holder->type, 5);
  EXPECT_EQ(holder->scope, 0);
  EXPECT_FALSE(holder->is_every_registrant());
  data[21] = 0x18;
  EXPECT_EQ((*parse_reservation(data))->scope, 1);
  EXPECT_TRUE((*parse_reservation(data))->is_every_registrant());
  data.resize(21);
  EXPECT_FALSE(parse_reservation(data));
  EXPECT_FALSE(parse_reservation(Data{0, 0, 0, 1}));
}

TEST(PersistentReserveIn, AnyBytesAreReadWithinTheirBounds) {
  test::RandomInput random;
  for (int round = 0; round < 20000; ++round) {
    auto data = random.bytes(random.below(64));
    if (random.chance(70) && data.size() > 6) data[4] = data[5] = data[6] = 0;
    auto keys = parse_reservation_keys(data);
    EXPECT_EQ(keys.has_value(), data.size() >= 8);
    EXPECT_LE(keys ? keys->keys.size() * 8 + 8 : 0, data.size());
    (void)parse_reservation(data);
  }
}

}  // namespace
}  // namespace mpath::wire
