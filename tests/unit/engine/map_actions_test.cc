// SPDX-License-Identifier: LGPL-2.1-or-later
// What is done to maps besides loading tables: names, sizes, removal, suspension.
#include <gmock/gmock.h>

#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using enum TableActionKind;

/// A map of two paths that is right, and nothing to do.
struct TwoPaths : Bench {
  explicit TwoPaths(const std::string& defaults = {}) : Bench("path_grouping_policy multibus\n" + defaults) {
    disk("sda");
    disk("sdb");
    kernel_map({{"sda", "sdb"}});
    start();
    run(seconds{30});
    EXPECT_THAT(take_kinds(), IsEmpty());
    messages.clear();
  }
  void alias(const std::string& name, std::uint32_t volume = 1) {
    aliases_ += "multipath {\nwwid " + wwid_of(volume) + "\nalias " + name + "\n}\n";
    configure("path_grouping_policy multibus", "multipaths {\n" + aliases_ + "}\n");
  }
  void reconfigure() {
    ask(RequestKind::reconfigure);
    run(seconds{5});
  }
  [[nodiscard]] KernelMap* named(const std::string& name) {
    auto at = kernel.find(MapName{name});
    return at == kernel.end() ? nullptr : &at->second;
  }
  RequestResult ask_map(RequestKind kind, const std::string& name) {
    auto id = static_cast<RequestId>(5000 + replies.size());
    step(RequestArrived{id, Request{.kind = kind, .map = name}});
    return replies.contains(id) ? replies.at(id) : RequestResult{Outcome::timed_out, "no reply"};
  }

 private:
  std::string aliases_;
};

// --- configuration that changes nothing --------------------------------------------------------------------------------

TEST(Configuration, OfWhatIsRightTakesNoAction) {
  TwoPaths bench;
  EXPECT_EQ(bench.times_logged("configured: 1 maps, 2 paths; 0 actions"), 1);
  EXPECT_EQ(bench.picture()->configuration_actions, 0U);
  bench.reconfigure();
  EXPECT_EQ(bench.times_logged("0 actions"), 2);
  bench.ask(RequestKind::reconfigure_all);
  bench.run(seconds{5});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

TEST(Configuration, ASecondRequestForAllDuringTheFirstLoadsOnce) {
  TwoPaths bench;
  bench.hold<SubmitCommand>();  // no path is fresh, so the load waits
  bench.run(seconds{3});
  bench.ask(RequestKind::reconfigure_all);
  bench.run(seconds{1});
  bench.ask(RequestKind::reconfigure_all);
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  bench.release<SubmitCommand>();
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

TEST(ReadOnly, FollowsThePaths) {
  TwoPaths bench;
  bench.disks.at("sdb").found.facts.read_only = true;
  bench.appear("sdb");
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_TRUE(bench.map().read_only);
  bench.disks.at("sdb").found.facts.read_only = false;
  bench.appear("sdb");
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_FALSE(bench.map().read_only);
}

// --- names ---------------------------------------------------------------------------------------------------------------

TEST(Rename, FollowsTheAliasAtReconfigure) {
  TwoPaths bench;
  bench.alias("data");
  bench.run(minutes{1});
  EXPECT_THAT(bench.actions, IsEmpty());
  bench.reconfigure();
  EXPECT_THAT(bench.take_kinds(), ElementsAre(rename));
  ASSERT_NE(bench.named("data"), nullptr);
  EXPECT_EQ(bench.picture()->maps.at(0)->name.text, "data");
  EXPECT_EQ(bench.ask_map(RequestKind::reload_map, "data").outcome, Outcome::ok);
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

TEST(Rename, ANameThatIsTakenIsWaitedFor) {
  TwoPaths bench;
  bench.disk("sdc", 2);
  bench.disk("sdd", 2);
  bench.appear("sdc");
  bench.appear("sdd");
  bench.run(seconds{5});
  ASSERT_TRUE(bench.has_map(2));
  bench.actions.clear();
  // The first map gets the second one's name, and the second one another.
  bench.alias(wwid_of(2));
  bench.reconfigure();
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_EQ(bench.times_logged("keeps its name"), 1);
  bench.alias("other", 2);
  bench.reconfigure();
  EXPECT_THAT(bench.take_kinds(), ElementsAre(rename, rename));
  ASSERT_NE(bench.named("other"), nullptr);
  EXPECT_EQ(bench.named("other")->wwid().text, wwid_of(2));
  EXPECT_EQ(bench.named(wwid_of(2))->wwid().text, wwid_of(1));
}

TEST(Rename, FromOutsideIsNoRemoval) {
  TwoPaths bench;
  KernelMap device = bench.map();
  bench.kernel.erase(device.name);
  KernelMap moved = device;
  moved.name = {"moved"};
  bench.kernel[moved.name] = moved;
  bench.step(MapsChanged{{{moved.name, moved.uuid, moved.devnum, 1}}, {{device.name, device.uuid, device.devnum, 0}}});
  bench.run(minutes{1});
  EXPECT_EQ(bench.picture()->maps.at(0)->name.text, "moved");
  EXPECT_EQ(bench.times_logged("removed"), 0);
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
}

// --- sizes ---------------------------------------------------------------------------------------------------------------

TEST(Resize, LooksAtThePathsItself) {
  TwoPaths bench;
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).new_size = 8192;
  EXPECT_EQ(bench.ask(RequestKind::resize_map).outcome, Outcome::ok);
  EXPECT_THAT(bench.take_kinds(), ElementsAre(resize));
  EXPECT_EQ(bench.map().table.size_sectors, 8192U) << "it is answered when it is done";
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).new_size = 1024;
  bench.run(seconds{2});
  (void)bench.ask(RequestKind::resize_map);
  bench.run(seconds{2});
  EXPECT_EQ(bench.map().table.size_sectors, 1024U);
}

TEST(Resize, NamesThePathThatLags) {
  TwoPaths bench;
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{5});
  bench.actions.clear();
  for (const char* name : {"sda", "sdc"}) bench.disks.at(name).new_size = 8192;
  RequestResult result = bench.ask(RequestKind::resize_map);
  EXPECT_EQ(result.outcome, Outcome::failed);
  EXPECT_THAT(result.detail, HasSubstr("sdb still has 2048 sectors, the others have 8192"));
  bench.run(minutes{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  bench.disks.at("sdb").new_size = 8192;
  (void)bench.ask(RequestKind::resize_map);
  bench.run(seconds{2});
  EXPECT_EQ(bench.map().table.size_sectors, 8192U);
}

TEST(Resize, SaysWhatItWaitsFor) {
  TwoPaths bench;
  bench.hold<RescanPath>();
  (void)bench.ask(RequestKind::resize_map);
  bench.run(seconds{4});
  EXPECT_EQ(bench.replies.rbegin()->second.outcome, Outcome::failed);
  EXPECT_THAT(bench.replies.rbegin()->second.detail, HasSubstr("sda does not answer the rescan"));
}

TEST(Resize, OfTheSizeItHasIsDone) {
  TwoPaths bench;
  EXPECT_EQ(bench.ask(RequestKind::resize_map).outcome, Outcome::ok);
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
}

TEST(Resize, ByItselfWhereAutoResizeAllowsIt) {
  const struct {
    std::string setting;
    std::uint64_t size;
    bool follows;
  } cases[] = {{"never", 4096, false},     {"grow_only", 4096, true},   {"grow_only", 1024, false},
               {"grow_shrink", 4096, true}, {"grow_shrink", 1024, true}};
  for (const auto& c : cases) {
    SCOPED_TRACE(fmt::format("{} to {}", c.setting, c.size));
    TwoPaths bench("auto_resize " + c.setting);
    // One path tells; the other is asked.
    bench.disks.at("sda").found.facts.size_sectors = c.size;
    bench.disks.at("sdb").new_size = c.size;
    if (!c.follows) bench.disks.at("sdb").found.facts.size_sectors = c.size;
    bench.appear("sda");
    if (!c.follows) bench.appear("sdb");
    bench.run(seconds{5});
    EXPECT_EQ(bench.map().table.size_sectors, c.follows ? c.size : 2048U);
    EXPECT_EQ(bench.times_logged("multipathd resize map") > 0, !c.follows);
  }
}

TEST(Resize, AtAReconfigurationAMapTakesTheSizeOfItsPaths) {
  TwoPaths bench;
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).found.facts.size_sectors = 4096;
  bench.reconfigure();
  EXPECT_THAT(bench.take_kinds(), ElementsAre(resize));
  bench.disks.at("sda").found.facts.size_sectors = 6144;
  bench.reconfigure();
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_EQ(bench.times_logged("sdb still has 4096 sectors"), 1);
}

TEST(Resize, WaitsUntilIoHasNotFailedForAWhileWhereIoIsQueued) {
  TwoPaths bench("no_path_retry queue");
  for (const char* name : {"sda", "sdb"}) bench.disks.at(name).new_size = 8192;
  bench.kernel_fails("sda");
  bench.run(seconds{1});
  (void)bench.ask(RequestKind::resize_map);
  bench.run(milliseconds{3500});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_THAT(bench.replies.rbegin()->second.detail, HasSubstr("the map is resized as soon as it can be"));
  bench.run(seconds{2});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(resize));
}

TEST(Load, ThatTookLongIsFollowedByAnotherWhenIoWasCarriedForAsLong) {
  TwoPaths bench;
  bench.hold<RunTableAction>();
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{12});
  bench.release<RunTableAction>();
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  bench.disk("sdd");
  bench.appear("sdd");
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_EQ(bench.picture()->maps.at(0)->deferred, "reload deferred: the map stood still for long a moment ago");
  bench.run(seconds{2});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

// --- removal -------------------------------------------------------------------------------------------------------------

TEST(Removal, IsTriedAgainAsOftenAsConfigured) {
  TwoPaths bench("remove_retries 2\nno_path_retry queue");
  bench.messages.clear();
  bench.table_error = Error{ErrorCode::busy, wwid_of(1), "map in use", "mounted on /mnt"};
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::timed_out);
  bench.run(seconds{5});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(remove, remove, remove));
  EXPECT_EQ(bench.replies.rbegin()->second.outcome, Outcome::in_use);
  EXPECT_THAT(bench.replies.rbegin()->second.detail, HasSubstr("mounted on /mnt"));
  EXPECT_THAT(bench.messages, IsEmpty()) << "queueing is as it was";
  bench.run(minutes{2});
  EXPECT_THAT(bench.take_kinds(), IsEmpty()) << "nobody asks any more";
}

TEST(Removal, OfAllMapsKeepsThoseInUseAndSaysWhich) {
  TwoPaths bench;
  bench.disk("sdc", 2);
  bench.appear("sdc");
  bench.run(seconds{5});
  bench.actions.clear();
  bench.used_map = wwid_of(2);
  RequestResult result = bench.ask(RequestKind::remove_all_maps);
  EXPECT_EQ(result.outcome, Outcome::in_use);
  EXPECT_THAT(result.detail, HasSubstr(wwid_of(2)));
  EXPECT_FALSE(bench.has_map(1));
  EXPECT_TRUE(bench.has_map(2));
  bench.used_map.clear();
  EXPECT_EQ(bench.ask(RequestKind::remove_all_maps).outcome, Outcome::ok);
  EXPECT_EQ(bench.ask(RequestKind::remove_all_maps).outcome, Outcome::ok) << "there is none any more";
}

TEST(Removal, ThatWasDeferredIsCalledOffByAPath) {
  TwoPaths bench;
  bench.map().deferred_remove = true;
  bench.map_event();
  bench.run(seconds{1});
  EXPECT_THAT(bench.take_messages(), ElementsAre("@cancel_deferred_remove"));
  EXPECT_FALSE(bench.map().deferred_remove);
}

// --- suspension ----------------------------------------------------------------------------------------------------------

TEST(Suspension, ByCommandLastsUntilResume) {
  TwoPaths bench;
  EXPECT_EQ(bench.ask(RequestKind::suspend_map).outcome, Outcome::timed_out) << "the mark is written first";
  bench.run(seconds{2});
  EXPECT_EQ(bench.replies.rbegin()->second.outcome, Outcome::ok);
  EXPECT_TRUE(bench.map().suspended);
  EXPECT_THAT(bench.take_kinds(), ElementsAre(suspend));
  bench.disks.at("sda").answer = Answer::dead;
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(minutes{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty()) << "a suspended map takes none";
  EXPECT_EQ(bench.ask(RequestKind::resume_map).outcome, Outcome::ok);
  bench.run(seconds{40});
  EXPECT_FALSE(bench.map().suspended);
  EXPECT_THAT(bench.take_kinds(), ElementsAre(resume, reload));
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
}

TEST(Suspension, StaysWrittenDownUntilTheMapGoesOn) {
  TwoPaths bench;
  bench.ask(RequestKind::suspend_map);
  bench.run(seconds{2});
  bench.hold<RunTableAction>();
  bench.ask(RequestKind::resume_map);
  bench.run(seconds{2});
  ASSERT_TRUE(bench.map().suspended);
  EXPECT_NE(bench.run_state_file, "") << "whoever comes after us has to know that it is ours";
  bench.release<RunTableAction>();
  bench.run(seconds{2});
  EXPECT_FALSE(bench.map().suspended);
  EXPECT_EQ(bench.run_state_file, "");
}

TEST(Suspension, IsEndedByAResumeThatComesBeforeItIsDone) {
  TwoPaths bench;
  bench.hold<RunTableAction>();
  (void)bench.ask(RequestKind::suspend_map);
  bench.run(seconds{2});
  EXPECT_EQ(bench.ask(RequestKind::resume_map).outcome, Outcome::timed_out);
  bench.release<RunTableAction>();
  bench.run(seconds{2});
  EXPECT_FALSE(bench.map().suspended);
  EXPECT_THAT(bench.take_kinds(), ElementsAre(suspend, resume));
  for (const auto& [id, result] : bench.replies) EXPECT_EQ(result.outcome, Outcome::ok);
  EXPECT_EQ(bench.run_state_file, "");
}

TEST(Suspension, AskedForWhileTheMapIsAboutToGoOnIsAnsweredWhenItStandsStillAgain) {
  TwoPaths bench;
  (void)bench.ask(RequestKind::suspend_map);
  bench.run(seconds{2});
  bench.hold<RunTableAction>();
  (void)bench.ask(RequestKind::resume_map);
  EXPECT_EQ(bench.ask(RequestKind::suspend_map).outcome, Outcome::timed_out);
  bench.release<RunTableAction>();
  EXPECT_EQ(bench.replies.size() == 3, bench.map().suspended) << "not before it stands still";
  bench.run(seconds{2});
  EXPECT_TRUE(bench.map().suspended);
  EXPECT_EQ(bench.replies.rbegin()->second.outcome, Outcome::ok);
}

/// Behind `name` there is another volume from now on, and udev says so.
void exchange(TwoPaths& bench, const std::string& name) {
  Disk& disk = bench.disks.at(name);
  disk.volume = 2;
  disk.found.properties = {{"ID_WWN", "0x6"}, {"ID_SERIAL", wwid_of(2)}};
  disk.found.vpd_page_83 = page_83(2, 1);
  bench.appear(name);
  bench.run(seconds{40});
}

TEST(Suspension, IsNotEndedWithAPathToAnotherVolume) {
  TwoPaths bench;
  (void)bench.ask(RequestKind::suspend_map);
  bench.run(seconds{2});
  exchange(bench, "sda");
  EXPECT_EQ(bench.groups(1), "sda sdb") << "nothing is done to a map that stands still";
  EXPECT_EQ(bench.groups(2), "sda");
  (void)bench.take_kinds();
  EXPECT_EQ(bench.ask(RequestKind::resume_map).outcome, Outcome::ok);
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload)) << "its I/O would be faster than any message";
  EXPECT_FALSE(bench.map().suspended);
  EXPECT_EQ(bench.groups(1), "sdb");
}

TEST(Suspension, EndsWithoutAPathRatherThanWithOneToAnotherVolume) {
  TwoPaths bench("no_path_retry queue");
  bench.disappear("sdb");
  bench.run(seconds{5});
  ASSERT_EQ(bench.groups(1), "sda");
  (void)bench.ask(RequestKind::suspend_map);
  bench.run(seconds{2});
  bench.disks.at("sda").volume = 2;
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{20});
  bench.disks.at("sda").answer = Answer::good;
  bench.run(seconds{20});
  ASSERT_EQ(bench.times_logged("another volume answers"), 1);
  EXPECT_EQ(bench.ask(RequestKind::resume_map).outcome, Outcome::ok);
  EXPECT_FALSE(bench.map().suspended);
  EXPECT_EQ(bench.groups(1), "");
  bench.disks.at("sda").volume = 1;
  bench.run(seconds{20});
  EXPECT_EQ(bench.groups(1), "sda");
}

TEST(Suspension, OfTheDaemonBeforeEndsWhenItIsKnownWhereThePathsLead) {
  TwoPaths before;
  (void)before.ask(RequestKind::suspend_map);
  before.run(seconds{2});
  exchange(before, "sda");
  Bench after("path_grouping_policy multibus");
  after.disks = before.disks;
  after.kernel_map({{"sda", "sdb"}}).suspended = true;
  after.run_state_file = before.run_state_file;
  after.hold<ListDisks>();
  after.start();
  EXPECT_TRUE(after.map().suspended);
  after.release<ListDisks>();
  after.run(seconds{5});
  EXPECT_FALSE(after.map().suspended);
  EXPECT_EQ(after.groups(1), "sdb");
  EXPECT_THAT(after.take_kinds(), testing::Not(testing::Contains(resume)));
}

TEST(Suspension, DoesNotPutOffARemovalUntilTheMapGoesOn) {
  TwoPaths bench;
  (void)bench.ask(RequestKind::suspend_map);
  bench.run(seconds{2});
  EXPECT_EQ(bench.ask(RequestKind::remove_map).outcome, Outcome::ok);
  EXPECT_FALSE(bench.has_map());
  TwoPaths used;
  used.used_map = wwid_of(1);
  (void)used.ask(RequestKind::suspend_map);
  used.run(seconds{2});
  EXPECT_EQ(used.ask(RequestKind::remove_map).outcome, Outcome::in_use);
  (void)used.ask(RequestKind::resume_map);
  used.used_map.clear();
  used.run(seconds{10});
  EXPECT_FALSE(used.map().suspended);
  EXPECT_TRUE(used.has_map()) << "it was refused";
}

TEST(Suspension, OfTheDaemonBeforeEnds) {
  TwoPaths before;
  (void)before.ask(RequestKind::suspend_map);
  before.run(seconds{2});
  ASSERT_TRUE(before.map().suspended);
  Bench after("path_grouping_policy multibus");
  after.disk("sda");
  after.disk("sdb");
  after.kernel_map({{"sda", "sdb"}}).suspended = true;
  after.run_state_file = before.run_state_file;
  after.start();
  after.run(seconds{5});
  EXPECT_FALSE(after.map().suspended);
  EXPECT_THAT(after.take_kinds(), ElementsAre(resume));
}

TEST(Suspension, BySomebodyElseIsSaidAndLeftAlone) {
  TwoPaths bench;
  bench.map().suspended = true;
  bench.map_event();
  bench.run(minutes{1});
  EXPECT_THAT(bench.take_kinds(), IsEmpty());
  EXPECT_EQ(bench.times_logged("is suspended, not by this daemon"), 1);
  EXPECT_EQ(bench.ask(RequestKind::resume_map).outcome, Outcome::ok);
  bench.run(seconds{1});
  EXPECT_FALSE(bench.map().suspended);
}

TEST(Suspension, KnowsMapsByTheirNameOnly) {
  TwoPaths bench;
  EXPECT_EQ(bench.ask_map(RequestKind::suspend_map, "dm-1").outcome, Outcome::failed);
  EXPECT_EQ(bench.ask_map(RequestKind::resume_map, "nothing").outcome, Outcome::failed);
}

TEST(Queueing, ForcedByCommandOutlivesTheDaemon) {
  for (bool forced : {false, true}) {
    TwoPaths bench("queue_without_daemon no\nno_path_retry queue");
    bench.messages.clear();
    if (forced) {
      EXPECT_EQ(bench.ask(RequestKind::force_queueing).outcome, Outcome::ok);
    }
    bench.ask(RequestKind::shutdown);
    EXPECT_EQ(bench.messages.size(), forced ? 0U : 1U);
  }
}

}  // namespace
}  // namespace mpath::engine
