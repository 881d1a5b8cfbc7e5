// SPDX-License-Identifier: LGPL-2.1-or-later
// A path that answers, but far worse than its siblings.
#include "tests/unit/engine/fixture.h"

#include <gmock/gmock.h>

namespace mpath::engine {
namespace {

using testing::IsEmpty;

/// One volume with four paths in one group; settled.
struct FourPaths : Bench {
  explicit FourPaths(const std::string& defaults = {}) : Bench("path_grouping_policy multibus\n" + defaults) {
    std::uint16_t port = 0;
    for (const char* name : {"sda", "sdb", "sdc", "sdd"}) disk(name, 1, ++port).round_trip = milliseconds{2};
    kernel_map({{"sda", "sdb", "sdc", "sdd"}});
    start();
    run(minutes{3});
    actions.clear();
    messages.clear();
    logs.clear();
  }
};

TEST(Differential, ASlowPathIsReportedWithTheEvidenceAndNothingIsDone) {
  FourPaths bench;
  bench.disks.at("sda").round_trip = milliseconds{1900};
  bench.run(minutes{4});
  EXPECT_EQ(bench.times_logged("sda: works, but"), 0);
  bench.run(minutes{3});
  EXPECT_EQ(bench.times_logged("sda: works, but far worse than its siblings: p99 1.9 s, siblings 2 ms, for 5 min"), 1);
  auto view = bench.path("sda");
  ASSERT_TRUE(view->outlier);
  EXPECT_FALSE(view->marginal) << "marginal_pathgroups is off";
  EXPECT_EQ(view->health.state, PathState::up);
  bench.run(minutes{30});
  EXPECT_EQ(bench.times_logged("sda: works, but"), 1) << "said once";
  EXPECT_THAT(bench.take_actions(), IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
}

TEST(Differential, WithMarginalPathgroupsItIsUsedLastUntilItIsLikeTheOthersAgain) {
  FourPaths bench("marginal_pathgroups on");
  bench.disks.at("sda").round_trip = milliseconds{1900};
  bench.run(minutes{8});
  EXPECT_EQ(bench.groups(), "sdb sdc sdd | sda");
  EXPECT_TRUE(bench.path("sda")->marginal);
  EXPECT_EQ(bench.take_actions().size(), 1U);
  bench.disks.at("sda").round_trip = milliseconds{2};
  bench.run(minutes{12});
  EXPECT_EQ(bench.groups(), "sdb sdc sdd sda");
  EXPECT_EQ(bench.take_actions().size(), 1U);
  EXPECT_EQ(bench.times_logged("sda: its checks go like those of its siblings again"), 1);
}

TEST(Differential, AnArrayThatIsSlowOnEveryPathMarksNone) {
  FourPaths bench("marginal_pathgroups on");
  for (auto& [name, known] : bench.disks) known.round_trip = milliseconds{1900};
  bench.run(minutes{15});
  EXPECT_THAT(bench.logs, IsEmpty());
  EXPECT_THAT(bench.take_actions(), IsEmpty());
}

TEST(Differential, TheLastPathThatIsFitIsNotMarked) {
  FourPaths bench("marginal_pathgroups on");
  for (const char* name : {"sdb", "sdc"}) bench.disks.at(name).answer = Answer::dead;
  bench.disks.at("sdd").round_trip = milliseconds{1};
  bench.disks.at("sda").round_trip = milliseconds{1900};
  bench.run(minutes{4});
  bench.disks.at("sdd").answer = Answer::dead;
  bench.run(minutes{20});
  EXPECT_FALSE(bench.path("sda")->marginal);
}

TEST(Differential, GroupsOfAMapChangeAtMostEveryFiveMinutes) {
  FourPaths bench("marginal_pathgroups on");
  bench.disks.at("sda").round_trip = milliseconds{1900};
  bench.run(minutes{2});
  bench.disks.at("sdb").round_trip = milliseconds{1900};
  bench.run(minutes{6});
  EXPECT_EQ(bench.times_logged("works, but far worse"), 2) << "both are reported at once";
  EXPECT_EQ(bench.groups(), "sdb sdc sdd | sda");
  bench.run(minutes{5});
  EXPECT_EQ(bench.groups(), "sdc sdd | sdb sda");
  EXPECT_EQ(bench.take_actions().size(), 2U);
}

}  // namespace
}  // namespace mpath::engine
