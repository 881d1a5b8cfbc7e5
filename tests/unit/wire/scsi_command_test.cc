// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/scsi_command.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mpath::wire {
namespace {

using testing::ElementsAre;

std::vector<int> cdb(const ScsiCommand& command) {
  return {command.cdb.begin(), command.cdb.begin() + command.cdb_bytes};
}

TEST(ScsiCommand, Inquiry) {
  ScsiCommand command = inquiry_page(vpd_device_identification, 0x0204, milliseconds{1500});
  EXPECT_THAT(cdb(command), ElementsAre(0x12, 1, 0x83, 2, 4, 0));
  EXPECT_EQ(command.data_in_bytes, 0x204u);
  EXPECT_EQ(command.timeout, milliseconds{1500});
  EXPECT_THAT(cdb(standard_inquiry(96, milliseconds{1})), ElementsAre(0x12, 0, 0, 0, 96, 0));
}

TEST(ScsiCommand, TestUnitReady) {
  ScsiCommand command = test_unit_ready(milliseconds{30000});
  EXPECT_THAT(cdb(command), ElementsAre(0, 0, 0, 0, 0, 0));
  EXPECT_EQ(command.data_in_bytes, 0u);
}

TEST(ScsiCommand, ReportTargetPortGroups) {
  EXPECT_THAT(cdb(report_target_port_groups(0x01020304, milliseconds{1})),
              ElementsAre(0xa3, 0x0a, 0, 0, 0, 0, 1, 2, 3, 4, 0, 0));
  EXPECT_THAT(cdb(report_target_port_groups(1024, milliseconds{1}, true)),
              ElementsAre(0xa3, 0x2a, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0));
}

}  // namespace
}  // namespace mpath::wire
