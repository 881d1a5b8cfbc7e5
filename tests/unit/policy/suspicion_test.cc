// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/suspicion.h"

#include <gtest/gtest.h>

namespace mpath::policy {
namespace {

TEST(Suspicion, NeedsTwoSecondsAndTwentyTimesWhatIsUsual) {
  EXPECT_EQ(suspect_age(seconds{2}, Duration{0}), seconds{2}) << "nothing known of the siblings";
  EXPECT_EQ(suspect_age(seconds{2}, milliseconds{3}), seconds{2});
  EXPECT_EQ(suspect_age(seconds{2}, milliseconds{500}), seconds{10});
  EXPECT_EQ(suspect_age(seconds{30}, milliseconds{500}), seconds{30});
  EXPECT_EQ(late_age(seconds{2}, milliseconds{3}), milliseconds{500});
  EXPECT_EQ(late_age(seconds{2}, seconds{1}), seconds{5});
}

TEST(Suspicion, MovesNoVolumeAndTakesNoLastPath) {
  struct Case {
    SuspectSituation situation;
    SuspectAction expected;
  };
  constexpr auto avoid = SuspectAction::avoid;
  constexpr auto report = SuspectAction::report;
  const Case cases[] = {
      {{.other_usable = false, .usable_in_active_group = false, .has_hardware_handler = false, .implicit_only = false}, report},
      {{.other_usable = false, .usable_in_active_group = false, .has_hardware_handler = false, .implicit_only = true}, report},
      {{.other_usable = true, .usable_in_active_group = true, .has_hardware_handler = true, .implicit_only = false}, avoid},
      {{.other_usable = true, .usable_in_active_group = false, .has_hardware_handler = true, .implicit_only = false}, report},
      {{.other_usable = true, .usable_in_active_group = false, .has_hardware_handler = true, .implicit_only = true}, avoid},
      {{.other_usable = true, .usable_in_active_group = false, .has_hardware_handler = false, .implicit_only = false}, avoid},
  };
  for (const Case& c : cases) EXPECT_EQ(action_for_suspect(c.situation), c.expected) << &c - cases;
}

}  // namespace
}  // namespace mpath::policy
