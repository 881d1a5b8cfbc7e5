// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/naming.h"

#include <set>

#include "tests/unit/policy/fixture.h"

namespace mpath::policy {
namespace {

TEST(FriendlySuffix, IsBijectiveBase26) {
  const struct {
    std::uint64_t number;
    std::string letters;
  } cases[] = {{1, "a"}, {26, "z"}, {27, "aa"}, {52, "az"}, {53, "ba"}, {702, "zz"}, {703, "aaa"}, {2147483646, "fxshrxv"}};
  for (const auto& c : cases) {
    EXPECT_EQ(friendly_suffix(c.number), c.letters);
    EXPECT_EQ(parse_friendly_suffix(c.letters), c.number);
  }
  for (std::uint64_t number = 1; number < 20000; number += 7) EXPECT_EQ(parse_friendly_suffix(friendly_suffix(number)), number);
  for (const char* bad : {"", "A", "a1", "aaaaaaaa", "fxshrxw", "zzzzzzz", "\xc3"}) {
    EXPECT_EQ(parse_friendly_suffix(bad), std::nullopt) << bad;
  }
}

TEST(Bindings, KeepTheFirstOwnerOfAName) {
  Bindings bindings;
  EXPECT_TRUE(bindings.add({"mpatha"}, {"1"}));
  EXPECT_TRUE(bindings.add({"mpatha"}, {"1"}));
  EXPECT_FALSE(bindings.add({"mpatha"}, {"2"}));
  EXPECT_EQ(bindings.name_of({"2"}), nullptr);
  EXPECT_EQ(*bindings.wwid_of({"mpatha"}), Wwid{"1"});
}

TEST(Bindings, FillTheFirstGap) {
  Bindings bindings;
  auto none = [](const MapName&) { return false; };
  auto b_is_taken = [](const MapName& name) { return name.text == "mpathb"; };
  EXPECT_EQ(bindings.first_free("mpath", none), MapName{"mpatha"});
  bindings.add({"mpatha"}, {"1"});
  bindings.add({"mpathc"}, {"3"});
  EXPECT_EQ(bindings.first_free("mpath", none), MapName{"mpathb"});
  EXPECT_EQ(bindings.first_free("mpath", b_is_taken), MapName{"mpathd"});
  EXPECT_EQ(bindings.first_free("mpath", none), MapName{"mpathb"}) << "taken is not for ever";
  EXPECT_EQ(bindings.first_free("disk", none), MapName{"diska"});
  bindings.clear();
  EXPECT_EQ(bindings.first_free("mpath", none), MapName{"mpatha"});
}

/// The decision table of the reference: O the map exists under a name, A that name is bound, W the WWID is bound.
TEST(ChooseName, FollowsTheTable) {
  const struct {
    std::string row;
    std::optional<std::string> kernel;
    std::vector<std::pair<std::string, std::string>> bound;  // name, WWID
    std::set<std::string> taken;
    bool read_only;
    std::string name;
    bool new_binding;
  } cases[] = {
      {"no O, no W", {}, {}, {}, false, "mpatha", true},
      {"no O, no W, a foreign device has the first name", {}, {}, {"mpatha"}, false, "mpathb", true},
      {"no O, W", {}, {{"mpathd", "3600a"}}, {}, false, "mpathd", false},
      {"no O, W, but the name is another device's", {}, {{"mpathd", "3600a"}}, {"mpathd"}, false, "3600a", false},
      {"no O, no W, bindings are read-only", {}, {}, {}, true, "3600a", false},
      {"O, no A, no W: the old name is kept and bound", "mpathx", {}, {"mpathx"}, false, "mpathx", true},
      {"O with another pattern, no A, no W", "data1", {}, {}, false, "mpatha", true},
      {"O, no A, W", "mpathx", {{"mpathd", "3600a"}}, {}, false, "mpathd", false},
      {"O, A with the same WWID", "mpathx", {{"mpathx", "3600a"}}, {"mpathx"}, false, "mpathx", false},
      {"O, A with another WWID, no W", "mpatha", {{"mpatha", "3600b"}}, {}, false, "mpathb", true},
      {"O, A with another WWID, W", "mpathx", {{"mpathx", "3600b"}, {"mpathd", "3600a"}}, {}, false, "mpathd", false},
  };
  auto settings = map_settings("user_friendly_names yes");
  for (const auto& c : cases) {
    SCOPED_TRACE(c.row);
    Bindings bindings;
    for (const auto& [name, wwid] : c.bound) bindings.add({name}, {wwid});
    std::optional<MapName> kernel;
    if (c.kernel) kernel = MapName{*c.kernel};
    NameChoice choice = choose_name({"3600a"}, *settings, bindings, kernel, c.read_only,
                                    [&](const MapName& name) { return c.taken.contains(name.text); });
    EXPECT_EQ(choice.name.text, c.name);
    EXPECT_EQ(choice.new_binding, c.new_binding);
  }
}

TEST(ChooseName, AliasBeatsAllAndTheWwidIsTheLastResort) {
  auto free = [](const MapName&) { return false; };
  auto taken = [](const MapName&) { return true; };
  auto with_alias = map_settings("user_friendly_names yes", "multipaths {\nmultipath {\nwwid 3600a\nalias data\n}\n}\n");
  Bindings bindings;
  bindings.add({"mpatha"}, {"3600a"});
  EXPECT_EQ(choose_name({"3600a"}, *with_alias, bindings, {}, false, free).name.text, "data");
  EXPECT_EQ(choose_name({"3600a"}, *with_alias, bindings, {}, false, taken).name.text, "3600a");
  EXPECT_EQ(choose_name({"3600a"}, *with_alias, bindings, MapName{"data"}, false, taken).name.text, "data");
  EXPECT_EQ(choose_name({"3600a"}, *with_alias, bindings, MapName{"old"}, false, taken).name.text, "old");
  EXPECT_EQ(choose_name({"3600a"}, *with_alias, bindings, MapName{"old"}, false, free).name.text, "data");
  EXPECT_EQ(choose_name({"3600a"}, *map_settings(""), bindings, {}, false, free).name.text, "3600a");
}

}  // namespace
}  // namespace mpath::policy
