// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/history.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace mpath::view {
namespace {

using engine::Bar;
using engine::Cause;
using engine::FollowUp;
using engine::HistoryView;
using engine::MapStanding;
using engine::PathStanding;
using engine::Transition;

Transition entry(Duration at, std::string_view reason, std::uint8_t before, std::uint8_t after, Cause cause) {
  Transition made{.at = MonoTime{at}, .reason = reason.data(), .reason_bytes = static_cast<std::uint16_t>(reason.size()), .before = before,
                  .after = after, .cause = cause};
  return made;
}

/// Noon of 2026-02-05 is one hour after the machine's start.
constexpr Duration offset = seconds{1770292800 - 3600};

UtcOffsets always(Duration utc) {
  UtcOffsets offsets;
  offsets.note(MonoTime{}, utc);
  return offsets;
}

engine::Snapshot sample() {
  const auto up = PathStanding{PathState::up}.packed();
  const auto down = PathStanding{PathState::down}.packed();
  const auto suspect = PathStanding{PathState::up, Bar::suspect, true}.packed();
  engine::Snapshot snapshot;
  HistoryView sda{"sda", "mpatha", false, {}};
  sda.entries.push_back(entry(seconds{3600} + milliseconds{7}, "not ready", up, down, Cause::check));
  sda.entries.back().sense = 0x020403;
  sda.entries.back().follow_up = FollowUp::failed;
  sda.entries.back().took_microseconds = 1234;
  sda.entries.push_back(entry(seconds{3700}, "slow", down, suspect, Cause::rule));
  HistoryView map{"mpa\ntha", "", true, {}};
  map.entries.push_back(entry(seconds{3650}, "paths differ", 1, 1, Cause::action));
  map.entries.back().follow_up = FollowUp::reloaded;
  map.entries.back().took_microseconds = 2500000;
  map.entries.push_back(entry(seconds{3660}, "no path works; I/O waits", static_cast<std::uint8_t>(MapStanding::serving),
                              static_cast<std::uint8_t>(MapStanding::queueing), Cause::check));
  snapshot.history = {sda, map};
  return snapshot;
}

TEST(History, IsOneLineForEachTransitionOldestFirst) {
  EXPECT_EQ(history_text(sample(), always(offset)),
            "2026-02-05T12:00:00.007Z sda (mpatha): up -> down [check] not ready (sense 2/04/03); failed in the map after 1.2 ms\n"
            "2026-02-05T12:00:50.000Z mpa\\x0atha: reloaded in 2.5 s (paths differ)\n"
            "2026-02-05T12:01:00.000Z mpa\\x0atha: serving -> queueing [check] no path works; I/O waits\n"
            "2026-02-05T12:01:40.000Z sda (mpatha): down -> up, suspect, marginal [rule] slow\n");
  EXPECT_EQ(history_text({}, always(offset)), "nothing has happened\n");
}

TEST(History, HasTheSameForPrograms) {
  auto document = nlohmann::json::parse(history_json(sample(), always(offset)));
  EXPECT_EQ(document["version"], 1);
  ASSERT_EQ(document["transitions"].size(), 4u);
  const auto& first = document["transitions"][0];
  EXPECT_EQ(first["time"], "2026-02-05T12:00:00.007Z");
  EXPECT_EQ(first["monotonic"], 3600.007);
  EXPECT_EQ(first["kind"], "path");
  EXPECT_EQ(first["old_state"], "up");
  EXPECT_EQ(first["new_state"], "down");
  EXPECT_EQ(first["sense"], "2/04/03");
  EXPECT_EQ(first["action"], "failed in the map");
  EXPECT_EQ(first["seconds"], 0.001234);
  EXPECT_EQ(document["transitions"][1]["kind"], "map");
  EXPECT_FALSE(document["transitions"][2].contains("action"));
}

TEST(History, WhatHappenedBeforeTheClockWasSetKeepsItsTime) {
  UtcOffsets offsets = always(offset);
  offsets.note(MonoTime{seconds{3655}}, offset + std::chrono::hours{2});
  const std::string text = history_text(sample(), offsets);
  EXPECT_TRUE(text.contains("2026-02-05T12:00:50.000Z mpa")) << text;
  EXPECT_TRUE(text.contains("2026-02-05T14:01:00.000Z mpa")) << text;
}

TEST(History, TimesAreUtc) {
  EXPECT_EQ(utc_text(MonoTime{}, seconds{0}), "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(utc_text(MonoTime{milliseconds{1}}, seconds{951868799}), "2000-02-29T23:59:59.001Z");
}

}  // namespace
}  // namespace mpath::view
