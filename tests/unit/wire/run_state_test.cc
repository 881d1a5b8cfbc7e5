// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/run_state.h"

#include <gtest/gtest.h>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::wire {
namespace {

RunState sample() {
  RunState state;
  state.paths.push_back({.devnum = {8, 16}, .disk_sequence = 12, .wwid = {"3600a"}, .quarantined = true, .identity = 99, .disabled = true});
  state.paths.push_back({.devnum = {259, 3}, .disk_sequence = 0, .wwid = {"1ATA  a\nb"}, .suspect = true, .unreliable = true,
                         .marginal_reasons = MarginalReasons::from_bits(5)});
  state.maps.push_back({.wwid = {"3600b"}, .queueing_disabled = true});
  state.maps.push_back({.wwid = {"3600c"}, .ready_at = MonoTime{seconds{9}}});
  state.drains.push_back({.wwid = {"3600a"}, .place = "1:0:0:1 0x50", .asked_for = "host1 sdc", .undo_at = MonoTime{seconds{77}}});
  state.drains.push_back({.wwid = {"3600b"}, .place = "/sys/x", .asked_for = "sdd"});
  return state;
}

std::string closed(std::string body) {
  auto lines = static_cast<std::size_t>(std::count(body.begin(), body.end(), '\n')) - 1;
  std::uint64_t hash = fingerprint(body);
  return body + fmt::format("end {} {:016x}\n", lines, hash);
}

TEST(RunState, ComesBackAsItWent) {
  auto back = parse_run_state(format_run_state(sample()));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(*back, sample());
}

TEST(RunState, LooksLikeThis) {
  EXPECT_TRUE(format_run_state(sample()).starts_with("multipathd state 1\n"
                                                     "path 8:16 12 3600a quarantined identity=99 disabled\n"
                                                     "path 259:3 0 1ATA\\x20\\x20a\\x0ab suspect unreliable marginal=5\n"
                                                     "map 3600b queueing-disabled\n"
                                                     "map 3600c ready-at=9000000000\n"
                                                     "drain 3600a 1:0:0:1\\x200x50 until=77000000000 for=host1\\x20sdc\n"
                                                     "drain 3600b \\x2fsys\\x2fx confirmed for=sdd\n"
                                                     "end 6 "));
}

TEST(RunState, AnEmptyFileIsAnEmptyState) {
  auto state = parse_run_state("");
  ASSERT_TRUE(state);
  EXPECT_TRUE(state->empty());
  EXPECT_EQ(*parse_run_state(format_run_state({})), RunState{});
}

TEST(RunState, WhatALaterVersionAddsIsIgnored) {
  auto state = parse_run_state(closed("multipathd state 1\npath 8:0 1 3600a quarantined colour=red painted\nhost 3 tired\nmap 3600a x\n"));
  ASSERT_TRUE(state) << state.error().message();
  ASSERT_EQ(state->paths.size(), 1u);
  EXPECT_TRUE(state->paths[0].quarantined);
  ASSERT_EQ(state->maps.size(), 1u);
  EXPECT_FALSE(state->maps[0].queueing_disabled);
}

TEST(RunState, AnotherVersionIsSaidToBeOne) {
  auto state = parse_run_state(closed("multipathd state 2\npath 8:0 1 3600a quarantined\n"));
  ASSERT_FALSE(state);
  EXPECT_EQ(state.error().code, ErrorCode::unsupported);
}

TEST(RunState, EveryCutAndEveryChangedByteIsNoticed) {
  std::string whole = format_run_state(sample());
  for (std::size_t length = 1; length < whole.size(); ++length) {
    EXPECT_FALSE(parse_run_state(whole.substr(0, length))) << length;
  }
  for (std::size_t at = 0; at < whole.size(); ++at) {
    std::string changed = whole;
    changed[at] = static_cast<char>(changed[at] ^ 1);
    EXPECT_FALSE(parse_run_state(changed)) << at;
  }
}

TEST(RunState, LinesThatMakeNoSenseAreRefused) {
  for (std::string_view line : {"path", "path 8:0 1", "path 8 1 w", "path 8:0 x w", "map", "drain", "drain w p", "drain w p until=x", "drain w p for=a"}) {
    EXPECT_FALSE(parse_run_state(closed(fmt::format("multipathd state 1\n{}\n", line)))) << line;
  }
  std::string many = "multipathd state 1\n";
  for (std::size_t i = 0; i <= limits::run_state_entries; ++i) many += "map 3\n";
  EXPECT_FALSE(parse_run_state(closed(many)));
}

}  // namespace
}  // namespace mpath::wire
