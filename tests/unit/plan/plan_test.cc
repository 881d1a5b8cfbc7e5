// SPDX-License-Identifier: LGPL-2.1-or-later
// The decision for a map in the reference's order (behaviour, section 9), with our difference: what a message can do is never loaded.
#include "libmpath/plan/plan.h"

#include <gtest/gtest.h>

#include <functional>

#include "libmpath/wire/dm_table.h"

namespace mpath::plan {
namespace {

/// Two groups of two paths.
MapSpec spec() {
  MapSpec spec{.wwid = {"3600a"}, .name = {"data"}, .table = {}};
  spec.table.size_sectors = 2048;
  spec.table.hardware_handler = "1 alua";
  spec.table.next_group = 1;
  for (std::uint32_t group : {0U, 1U}) {
    KernelGroup& made = spec.table.groups.emplace_back();
    made.selector = "service-time 0";
    for (std::uint32_t path : {0U, 1U}) made.paths.push_back({.devnum = {8, (group * 2 + path) * 16}, .arguments = {"1"}});
  }
  return spec;
}

/// The kernel after it was loaded, by the way the kernel prints and we read.
KernelMap kernel_with(const MapSpec& loaded) {
  KernelMap kernel{.name = loaded.name, .uuid = "mpath-" + loaded.wwid.text, .devnum = {254, 0}, .table = {}};
  std::string text = wire::format_table(loaded.table);
  kernel.table = wire::parse_table(text, loaded.table.size_sectors).value();
  kernel.table_fingerprint = wire::table_fingerprint(text, loaded.table.size_sectors);
  return kernel;
}

TEST(Plan, AfterApplyingIsEmpty) {
  const std::function<void(MapSpec&)> variants[] = {
      [](MapSpec&) {},
      [](MapSpec& s) { s.table.features = "3 queue_if_no_path queue_mode bio"; },
      [](MapSpec& s) { s.table.features = "2 pg_init_retries 5"; },
      [](MapSpec& s) { s.table.hardware_handler = "0"; },
      [](MapSpec& s) { s.table.next_group = 2; },
      [](MapSpec& s) { s.table.groups.pop_back(); },
      [](MapSpec& s) { for (auto& g : s.table.groups) g.selector = "historical-service-time 2 10 20"; },
      [](MapSpec& s) { for (auto& g : s.table.groups) for (auto& p : g.paths) p.arguments = {"100"}; },
      [](MapSpec& s) { s.table.features = "2 queue_mode mq"; },
  };
  for (const auto& change : variants) {
    MapSpec wanted = spec();
    change(wanted);
    KernelMap kernel = kernel_with(wanted);
    EXPECT_TRUE(make_plan(wanted, &kernel, {}).empty()) << wire::format_table(wanted.table);
  }
}

TEST(Plan, SwitchesToNoGroupThatTheKernelWouldLeaveAtOnce) {
  MapSpec loaded = spec();
  MapSpec wanted = spec();
  // While the load that makes these groups of it has to wait, each path is alone.
  loaded.table.groups.clear();
  for (const KernelGroup& group : wanted.table.groups) {
    for (const KernelPath& path : group.paths) loaded.table.groups.push_back({.selector = group.selector, .paths = {path}});
  }
  KernelMap kernel = kernel_with(loaded);
  kernel.table.next_group = 2;
  kernel.table.groups[0].paths[0].state = KernelPathState::failed;
  EXPECT_TRUE(make_plan(wanted, &kernel, {.messages_only = true}).empty()) << "group 2 is the best that works";
  kernel.table.next_group = 3;
  Plan plan = make_plan(wanted, &kernel, {.messages_only = true});
  ASSERT_EQ(plan.messages.size(), 1U);
  EXPECT_EQ(plan.messages[0].message.group, 2U);
  kernel.table.groups[1].paths[0].state = KernelPathState::failed;
  EXPECT_EQ(make_plan(wanted, &kernel, {.messages_only = true}).messages.at(0).message.group, 1U) << "its paths are about to return";
}

TEST(Plan, DecidesInOrder) {
  using Kind = TableActionKind;
  const struct {
    std::string what;
    std::function<void(MapSpec&)> wanted;
    std::function<void(KernelMap&)> kernel;
    std::optional<Kind> action;
    ReasonKind reason;
    std::vector<std::string> messages;
  } cases[] = {
      {"name", [](MapSpec& s) { s.name = {"new"}; }, {}, Kind::rename, ReasonKind::name_differs, {}},
      {"name before size", [](MapSpec& s) { s.name = {"new"}; s.table.size_sectors = 4096; }, {}, Kind::rename, ReasonKind::name_differs, {}},
      {"size", [](MapSpec& s) { s.table.size_sectors = 4096; }, {}, Kind::resize, ReasonKind::size_differs, {}},
      {"size before groups", [](MapSpec& s) { s.table.size_sectors = 4096; s.table.groups.pop_back(); }, {}, Kind::resize, ReasonKind::size_differs, {}},
      {"unknown size", [](MapSpec& s) { s.table.size_sectors = 0; }, {}, {}, {}, {}},
      {"queueing on", [](MapSpec& s) { s.table.features = "1 queue_if_no_path"; }, {}, {}, {}, {"queue_if_no_path"}},
      {"queueing off", {}, [](KernelMap& k) { k.table.features = "1 queue_if_no_path"; }, {}, {}, {"fail_if_no_path"}},
      {"the kernel has no handler", {}, [](KernelMap& k) { k.table.hardware_handler = "0"; }, Kind::reload, ReasonKind::handler_differs, {}},
      {"another handler is retained", {}, [](KernelMap& k) { k.table.hardware_handler = "1 rdac"; }, {}, {}, {}},
      {"features", [](MapSpec& s) { s.table.features = "2 pg_init_retries 5"; }, {}, Kind::reload, ReasonKind::features_differ, {}},
      {"features in another order", [](MapSpec& s) { s.table.features = "4 pg_init_retries 5 queue_mode bio"; },
       [](KernelMap& k) { k.table.features = "4 queue_mode bio pg_init_retries 5"; }, {}, {}, {}},
      {"the kernel's own flag", {}, [](KernelMap& k) { k.table.features = "1 retain_attached_hw_handler"; }, {}, {}, {}},
      {"a new path", {}, [](KernelMap& k) { k.table.groups[1].paths.pop_back(); }, Kind::reload, ReasonKind::paths_differ, {}},
      {"a path too many", [](MapSpec& s) { s.table.groups[1].paths.pop_back(); }, {}, Kind::reload, ReasonKind::paths_differ, {}},
      {"selector", {}, [](KernelMap& k) { k.table.groups[0].selector = "round-robin 0"; }, Kind::reload, ReasonKind::selector_differs, {}},
      {"repeat count", {}, [](KernelMap& k) { k.table.groups[1].paths[1].arguments = {"7"}; }, Kind::reload, ReasonKind::arguments_differ, {}},
      {"the kernel prints what it was not given", [](MapSpec& s) { for (auto& g : s.table.groups) g.selector = "historical-service-time 0"; },
       [](KernelMap& k) { for (auto& g : k.table.groups) { g.selector = "historical-service-time 2 972 0"; for (auto& p : g.paths) p.arguments = {"0"}; } }, {}, {}, {}},
      {"a CPU mask in the kernel's form", [](MapSpec& s) { for (auto& g : s.table.groups) g.selector = "io-affinity 0"; },
       [](KernelMap& k) { for (auto& g : k.table.groups) { g.selector = "io-affinity 0"; for (auto& p : g.paths) p.arguments = {"00000000,00000001"}; } }, {}, {}, {}},
      {"the selector of the second group", {}, [](KernelMap& k) { k.table.groups[1].selector = "round-robin 0"; }, Kind::reload, ReasonKind::selector_differs, {}},
      {"a selector whose name is longer", {}, [](KernelMap& k) { for (auto& g : k.table.groups) g.selector = "service-time-x 0"; }, Kind::reload, ReasonKind::selector_differs, {}},
      {"request-based by another name", [](MapSpec& s) { s.table.features = "2 queue_mode mq"; }, {}, {}, {}, {}},
      {"a bio-based map prints no handler", [](MapSpec& s) { s.table.features = "2 queue_mode bio"; },
       [](KernelMap& k) { k.table.features = "2 queue_mode bio"; k.table.hardware_handler = "0"; }, {}, {}, {}},
      {"more arguments than ours", {}, [](KernelMap& k) { k.table.groups[0].paths[0].arguments = {"1", "1"}; }, {}, {}, {}},
      {"a path in the other group", {}, [](KernelMap& k) { std::swap(k.table.groups[0].paths[0], k.table.groups[1].paths[0]); },
       Kind::reload, ReasonKind::group_order, {}},
      {"groups in another order", {}, [](KernelMap& k) { std::swap(k.table.groups[0], k.table.groups[1]); k.table.next_group = 2; }, {}, {}, {}},
      {"paths in another order", {}, [](KernelMap& k) { std::swap(k.table.groups[0].paths[0], k.table.groups[0].paths[1]); }, {}, {}, {}},
      {"the other group is active", {}, [](KernelMap& k) { k.table.next_group = 2; }, {}, {}, {"switch_group 1"}},
      {"the best one has another number", [](MapSpec& s) { s.table.next_group = 2; },
       [](KernelMap& k) { std::swap(k.table.groups[0], k.table.groups[1]); k.table.next_group = 2; }, {}, {}, {"switch_group 1"}},
      {"queueing and group", [](MapSpec& s) { s.table.features = "1 queue_if_no_path"; s.table.next_group = 2; }, {}, {}, {},
       {"queue_if_no_path", "switch_group 2"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.what);
    MapSpec wanted = spec();
    KernelMap kernel = kernel_with(wanted);
    if (c.wanted) c.wanted(wanted);
    if (c.kernel) c.kernel(kernel);
    Plan plan = make_plan(wanted, &kernel, {});
    ASSERT_EQ(plan.table.has_value(), c.action.has_value());
    if (plan.table) {
      EXPECT_EQ(plan.table->kind, *c.action);
      EXPECT_EQ(plan.table->reason.kind, c.reason);
      EXPECT_EQ(plan.table->expected.uuid, "mpath-3600a");
      EXPECT_EQ(plan.table->expected.table_fingerprint, kernel.table_fingerprint);
      EXPECT_EQ(plan.table->current_name, kernel.name);
    }
    std::vector<std::string> messages;
    for (const PlannedMessage& planned : plan.messages) messages.push_back(to_string(planned.message));
    EXPECT_EQ(messages, c.messages);
  }
}

TEST(Plan, CreatesWhatIsMissing) {
  Plan plan = make_plan(spec(), nullptr, {});
  ASSERT_TRUE(plan.table);
  EXPECT_EQ(plan.table->kind, TableActionKind::create);
  EXPECT_EQ(plan.table->reason.kind, ReasonKind::map_missing);
  EXPECT_EQ(plan.table->expected.uuid, "") << "there must be no such device";
  EXPECT_TRUE(plan.messages.empty());
}

TEST(Plan, ObeysItsOptions) {
  MapSpec wanted = spec();
  KernelMap same = kernel_with(wanted);
  KernelMap regrouped = same;
  std::swap(regrouped.table.groups[0].paths[0], regrouped.table.groups[1].paths[0]);
  KernelMap elsewhere = same;
  elsewhere.table.next_group = 2;
  KernelMap handler = same;
  handler.table.hardware_handler = "1 rdac";
  EXPECT_TRUE(make_plan(wanted, &same, {.force = true}).table);
  EXPECT_EQ(make_plan(wanted, &same, {.force = true}).table->reason.kind, ReasonKind::forced);
  EXPECT_FALSE(make_plan(wanted, &regrouped, {.regroup = false}).table);
  EXPECT_TRUE(make_plan(wanted, &elsewhere, {.switch_group = false}).empty());
  EXPECT_TRUE(make_plan(wanted, &handler, {.retain_handler = false}).table);
  Plan meanwhile = make_plan(wanted, &regrouped, {.messages_only = true});
  EXPECT_FALSE(meanwhile.table) << "a load that must wait keeps no message waiting";
  EXPECT_EQ(meanwhile.messages.size(), 1U);
  wanted.name = {"new"};
  EXPECT_TRUE(make_plan(wanted, &same, {.name_is_free = false}).empty()) << "the old name stays";
}

TEST(Plan, ALoadNamesEverythingThatItChanges) {
  using Reason = ReasonKind;
  const struct {
    std::string what;
    std::function<void(MapSpec&)> change;
    Options options;
    std::vector<ReasonKind> reasons;
  } cases[] = {
      {"nothing", [](MapSpec&) {}, {}, {}},
      {"one", [](MapSpec& s) { s.table.features = "2 pg_init_retries 5"; }, {}, {Reason::features_differ}},
      {"queueing, by message", [](MapSpec& s) { s.table.features = "1 queue_if_no_path"; }, {}, {}},
      {"queueing, with a load",
       [](MapSpec& s) {
         s.table.features = "1 queue_if_no_path";
         for (auto& group : s.table.groups) group.selector = "queue-length 0";
       },
       {}, {Reason::selector_differs, Reason::queueing_differs}},
      {"a path leaves, the others stay together", [](MapSpec& s) { s.table.groups[1].paths.pop_back(); }, {}, {Reason::paths_differ}},
      {"a group leaves", [](MapSpec& s) { s.table.groups.pop_back(); }, {}, {Reason::paths_differ}},
      {"a path leaves and one moves",
       [](MapSpec& s) {
         s.table.groups[1].paths.pop_back();
         s.table.groups[1].paths.push_back(s.table.groups[0].paths.back());
         s.table.groups[0].paths.pop_back();
       },
       {}, {Reason::paths_differ, Reason::group_order}},
      {"size and repeat count",
       [](MapSpec& s) {
         s.table.size_sectors = 4096;
         s.table.groups[0].paths[0].arguments = {"7"};
       },
       {.regroup = false}, {Reason::size_differs, Reason::arguments_differ}},
      {"not worth it by itself", [](MapSpec& s) { s.table.groups[0].selector = "queue-length 0"; }, {.regroup = false}, {}},
      {"forced, and a new handler that counts",
       [](MapSpec& s) { s.table.hardware_handler = "1 rdac"; },
       {.force = true, .retain_handler = false}, {Reason::forced, Reason::handler_differs}},
      {"forced, and a new handler that does not", [](MapSpec& s) { s.table.hardware_handler = "1 rdac"; }, {.force = true}, {Reason::forced}},
  };
  for (const auto& c : cases) {
    const KernelMap kernel = kernel_with(spec());
    MapSpec wanted = spec();
    c.change(wanted);
    const Plan plan = make_plan(wanted, &kernel, c.options);
    std::vector<ReasonKind> reasons;
    if (plan.table) {
      reasons = plan.table->also_changes;
      reasons.insert(reasons.begin(), plan.table->reason.kind);
    }
    EXPECT_EQ(reasons, c.reasons) << c.what;
  }
}

TEST(Plan, ALoadSaysThatNothingNewIsInTheMapAndAResizeDoesNot) {
  MapSpec wanted = spec();
  KernelMap kernel = kernel_with(wanted);
  EXPECT_TRUE(make_plan(wanted, &kernel, {.force = true}).table->udev.reload);
  wanted.table.size_sectors = 4096;
  EXPECT_FALSE(make_plan(wanted, &kernel, {}).table->udev.reload);
}

TEST(Removal, NamesTheDeviceByUuidWhateverItsTable) {
  KernelMap kernel = kernel_with(spec());
  TableAction action = removal(kernel, ReasonKind::requested, "asked for");
  EXPECT_EQ(action.kind, TableActionKind::remove);
  EXPECT_EQ(action.current_name, MapName{"data"});
  EXPECT_EQ(action.expected.uuid, "mpath-3600a");
  EXPECT_EQ(action.expected.table_fingerprint, 0U);
}

}  // namespace
}  // namespace mpath::plan
