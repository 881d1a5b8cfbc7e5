// SPDX-License-Identifier: LGPL-2.1-or-later
// Pages of arrays that are whole are judged where they are used (policy); here: what is cut off, too long or not theirs.
#include "libmpath/wire/array_pages.h"

#include <gtest/gtest.h>

#include "libmpath/wire/ana.h"
#include "libmpath/wire/scsi_command.h"
#include "tests/unit/wire/random_input.h"

namespace mpath::wire {
namespace {

TEST(ArrayPages, CutOffAnywhereTheyAreRefusedOrReadAsFarAsTheyGo) {
  test::RandomInput random;
  for (int round = 0; round < 20000; ++round) {
    auto data = random.bytes(random.below(140));
    EXPECT_EQ(parse_rdac_page(data).has_value(), data.size() >= 10);
    EXPECT_EQ(parse_emc_page(data).has_value(), data.size() >= 49);
    (void)lists_page(data, vpd_rdac_access_control);
    (void)hds_is_owner_path(data);
    (void)datacore_server(data);
    (void)parse_ontap_transport(data);
    (void)ontap_is_proxy(data);
    (void)parse_ana_support(data);
    (void)parse_ana_group(data);
    (void)find_ana_state(data, 1);
    (void)task_aborted_status(data);
    if (auto select = mode_select_task_aborted_status(data, milliseconds{1})) {
      EXPECT_EQ(select->cdb[4], select->data_out.size());
      EXPECT_LE(select->data_out.size(), 4U + control_mode_page_bytes);
    }
  }
}

TEST(ArrayPages, TheListOfPagesEndsWhereItSays) {
  const std::vector<std::uint8_t> list = {0, 0, 0, 2, 0x00, 0x83, 0xc9};
  EXPECT_TRUE(lists_page(list, 0x83));
  EXPECT_FALSE(lists_page(list, 0xc9)) << "beyond the end";
  EXPECT_FALSE(lists_page(std::vector<std::uint8_t>{0, 0x83, 0, 1, 0xc9}, 0xc9)) << "another page";
  EXPECT_FALSE(lists_page({}, 0xc9));
}

TEST(ArrayPages, TheStatesOfAnRdacPageNeedTheirFlag) {
  std::vector<std::uint8_t> page(44, 0);
  page[10] = 0x03;
  EXPECT_FALSE(parse_rdac_page(page)->has_port_group_state);
  page[8] = 0x10;
  EXPECT_TRUE(parse_rdac_page(page)->has_port_group_state);
  EXPECT_EQ(parse_rdac_page(page)->access_state, 3);
  page.resize(11);
  EXPECT_FALSE(parse_rdac_page(page)->has_port_group_state) << "cut off before the other state";
}

TEST(ModePages, BlockDescriptorsAreSkipped) {
  std::vector<std::uint8_t> data = {23, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0x8a, 10, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0};
  EXPECT_EQ(task_aborted_status(data), true);
  auto select = mode_select_task_aborted_status(data, milliseconds{5});
  ASSERT_TRUE(select);
  EXPECT_EQ(select->data_out, (std::vector<std::uint8_t>{0, 0, 0, 0, 0x0a, 10, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(select->cdb[0], 0x15);
  EXPECT_EQ(select->cdb[1], 0x11) << "page format, saved";
  data[12] = 0x88;
  EXPECT_FALSE(task_aborted_status(data)) << "another page";
}

TEST(Ana, CommandsSayWhatTheyWant) {
  NvmeAdminCommand log = ana_log_page(3, milliseconds{5});
  EXPECT_EQ(log.data_in_bytes, 16U + 3 * 32);
  EXPECT_EQ(log.command_dwords[0], 0x0cU | 1U << 8 | (log.data_in_bytes / 4 - 1) << 16) << "groups only";
  EXPECT_EQ(log.namespace_id, 0xffffffffU);
  NvmeAdminCommand huge = ana_log_page(0xffffffff, milliseconds{5});
  EXPECT_EQ(huge.data_in_bytes, 65536U);
  EXPECT_EQ(identify_namespace(7, milliseconds{5}).namespace_id, 7U);
  EXPECT_EQ(identify_controller(milliseconds{5}).command_dwords[0], 1U);
}

TEST(Ana, AGroupBeyondTheEndIsNotFound) {
  std::vector<std::uint8_t> log(16 + 32, 0);
  log[8] = 9;
  log[16] = 1;
  log[16 + 16] = 2;
  EXPECT_EQ(*find_ana_state(log, 1), AnaState::non_optimized);
  EXPECT_EQ(find_ana_state(log, 2).error().code, ErrorCode::not_found);
  log[16 + 4] = log[16 + 5] = log[16 + 6] = log[16 + 7] = 0xff;
  EXPECT_EQ(find_ana_state(log, 2).error().code, ErrorCode::not_found) << "a list of namespaces without end";
  EXPECT_EQ(find_ana_state(Bytes(log).first(8), 1).error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace mpath::wire
