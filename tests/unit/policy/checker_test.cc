// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/checker.h"

#include <gmock/gmock.h>

#include "tests/unit/policy/method_fixture.h"

namespace mpath::policy {
namespace {

using testing::ElementsAre;

/// A path whose device answers what the test gave it, in this order; the last answer stays.
struct Checked {
  explicit Checked(Checker with) : checker(with) {}

  CheckTurn check(std::vector<CommandOutcome> answers) {
    commands.clear();
    CheckContext context{.facts = facts, .timeout = milliseconds{7000}, .is_out_of_time = out_of_time, .may_configure = may_configure};
    CheckTurn turn = begin_check(checker, memory, context);
    bool identity = turn.needs_identity_check;
    for (std::size_t at = 0; turn.command && at < 50; ++at) {
      commands.push_back(name_of(*turn.command));
      if (const auto* scsi = std::get_if<ScsiCommand>(&*turn.command)) {
        EXPECT_EQ(scsi->timeout, milliseconds{7000});
        if (!scsi->data_out.empty()) sent = scsi->data_out;
      }
      if (!turn.remark.empty()) remark = turn.remark;
      turn = continue_check(checker, memory, volume, context, answers[std::min(at, answers.size() - 1)]);
      identity = identity || turn.needs_identity_check;
    }
    EXPECT_FALSE(turn.command) << "endless";
    EXPECT_FALSE(turn.reason.empty());
    turn.needs_identity_check = identity;
    return turn;
  }

  Checker checker;
  PathFacts facts = facts_of("sda");
  CheckerMemory memory;
  VolumeMemory volume;
  bool out_of_time = false;
  bool may_configure = false;
  std::vector<std::string> commands;
  std::vector<std::uint8_t> sent;
  std::string_view remark;
};

/// What a device answers in turn, and what comes of it.
struct AnswersRow {
  const char* what;
  std::vector<CommandOutcome> outcomes;
  PathState state;
  std::size_t commands;
};

/// The path after a check with these answers; state and number of commands have been compared.
Checked follow(Checker checker, const AnswersRow& row) {
  SCOPED_TRACE(row.what);
  Checked path(checker);
  EXPECT_EQ(path.check(row.outcomes).state, row.state);
  EXPECT_EQ(path.commands.size(), row.commands);
  return path;
}

PathState verdict(Checker checker, std::vector<CommandOutcome> answers) { return Checked(checker).check(std::move(answers)).state; }

TEST(CheckerName, RoundTrip) {
  for (const char* name : {"tur", "directio", "readsector0", "rdac", "hp_sw", "emc_clariion", "cciss_tur", "none", "alua"}) {
    EXPECT_EQ(to_string(parse_checker(name)), name);
  }
  EXPECT_EQ(parse_checker("hds"), Checker::missing);
  EXPECT_EQ(to_string(Checker::missing), "");
}

TEST(CheckerMissing, LeavesThePathUnchecked) {
  Checked path(Checker::missing);
  EXPECT_EQ(path.check({good()}).state, PathState::unchecked);
  EXPECT_TRUE(path.commands.empty());
}

// --- none: behaviour 3.3 ---------------------------------------------------------------------------------------------------
TEST(CheckerNone, FollowsTheKernelsState) {
  struct Row {
    Bus bus;
    std::string_view text;
    PathState state;
  };
  const Row rows[] = {
      {Bus::scsi, "running\n", PathState::up},         {Bus::scsi, "offline\n", PathState::down},
      {Bus::scsi, "blocked\n", PathState::pending},    {Bus::scsi, "quiesce\n", PathState::pending},
      {Bus::scsi, "created\n", PathState::down},       {Bus::scsi, "transport-offline\n", PathState::down},
      {Bus::scsi, "cancel\n", PathState::down},        {Bus::scsi, "", PathState::down},
      {Bus::nvme, "live\n", PathState::up},            {Bus::nvme, "dead\n", PathState::down},
      {Bus::nvme, "new\n", PathState::pending},        {Bus::nvme, "deleting\n", PathState::pending},
      {Bus::nvme, "connecting\n", PathState::down},    {Bus::nvme, "resetting\n", PathState::down},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.text);
    Checked path(Checker::none);
    path.facts.bus = row.bus;
    EXPECT_EQ(path.check({good_text(row.text)}).state, row.state);
    EXPECT_THAT(path.commands, ElementsAre("device state"));
  }
}

TEST(CheckerNone, OtherBusesAreUpAndAGoneDeviceIsDown) {
  for (Bus bus : {Bus::ccw, Bus::cciss, Bus::unknown}) {
    Checked path(Checker::none);
    path.facts.bus = bus;
    EXPECT_EQ(path.check({good()}).state, PathState::up);
    EXPECT_TRUE(path.commands.empty());
  }
  EXPECT_EQ(verdict(Checker::none, {failed(CommandFailure::gone)}), PathState::down);
}

TEST(CheckerNone, WithoutAnAnswerTheStateOfTheLastDiscoveryHolds) {
  Checked path(Checker::none);
  path.facts.sysfs_state = SysfsState::down;
  EXPECT_EQ(path.check({failed(CommandFailure::submit_failed)}).state, PathState::down);
  path.facts.sysfs_state = SysfsState::up;
  EXPECT_EQ(path.check({failed(CommandFailure::submit_failed)}).state, PathState::up);
}

// --- tur: behaviour 4.1 ----------------------------------------------------------------------------------------------------
TEST(CheckerTur, EveryRow) {
  struct Row {
    const char* what;
    CommandOutcome outcome;
    PathState state;
    std::size_t attempts;
  };
  CommandOutcome conflict_with_error = status(0x18);
  conflict_with_error.host_status = HostStatus::error;
  CommandOutcome busy_with_standby = sense(0x2, 0x04, 0x0b);
  busy_with_standby.host_status = HostStatus::bus_busy;
  const Row rows[] = {
      {"no SCSI device", failed(CommandFailure::not_a_scsi_device), PathState::wild, 1},
      {"cannot be opened", failed(CommandFailure::open_failed), PathState::down, 1},
      {"kernel refuses", failed(CommandFailure::submit_failed), PathState::down, 1},
      {"gone", failed(CommandFailure::gone), PathState::down, 1},
      {"reservation conflict", status(0x18), PathState::up, 1},
      {"reservation conflict before host status", conflict_with_error, PathState::up, 1},
      {"good", good(), PathState::up, 1},
      {"no connection", host(HostStatus::no_connect), PathState::down, 1},
      {"bad target", host(HostStatus::bad_target), PathState::down, 1},
      {"aborted", host(HostStatus::abort), PathState::down, 1},
      {"transport failed fast", host(HostStatus::transport_fail_fast), PathState::down, 1},
      {"bus busy", host(HostStatus::bus_busy), PathState::down, 5},
      {"host error", host(HostStatus::error), PathState::down, 5},
      {"transport disrupted", host(HostStatus::transport_disrupted), PathState::down, 5},
      {"command timed out", host(HostStatus::time_out), PathState::down, 5},
      {"bus busy, then its sense", busy_with_standby, PathState::ghost, 5},
      {"unit attention", sense(0x6, 0x29, 0x00), PathState::down, 5},
      {"standby", sense(0x2, 0x04, 0x0b), PathState::ghost, 1},
      {"in transition", sense(0x2, 0x04, 0x0a), PathState::pending, 1},
      {"no such unit", sense(0x5, 0x25, 0x00), PathState::disconnected, 1},
      {"unavailable", sense(0x2, 0x04, 0x0c), PathState::down, 1},
      {"becoming ready", sense(0x2, 0x04, 0x01), PathState::down, 1},
      {"medium error", sense(0x3, 0x11, 0x00), PathState::down, 1},
      {"busy", status(0x08), PathState::down, 1},
      {"task set full", status(0x28), PathState::down, 1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Checked path(Checker::tur);
    EXPECT_EQ(path.check({row.outcome}).state, row.state);
    EXPECT_EQ(path.commands.size(), row.attempts);
  }
}

TEST(CheckerTur, AUnitAttentionIsAskedAgainAndMakesTheIdentityDoubtful) {
  Checked path(Checker::tur);
  CheckTurn turn = path.check({sense(0x6, 0x29, 0x00), good()});
  EXPECT_EQ(turn.state, PathState::up);
  EXPECT_TRUE(turn.needs_identity_check);
  EXPECT_EQ(path.commands.size(), 2U);
}

TEST(CheckerTur, NothingIsSentAgainAfterTheTimeoutHasPassed) {
  Checked path(Checker::tur);
  path.out_of_time = true;
  EXPECT_EQ(path.check({sense(0x6, 0x29, 0x00), good()}).state, PathState::down);
  EXPECT_EQ(path.commands.size(), 1U);
}

// --- directio, readsector0, cciss_tur: 4.2, 4.3, 4.7 -----------------------------------------------------------------------
TEST(CheckerDirectio, EveryRow) {
  EXPECT_EQ(verdict(Checker::directio, {good()}), PathState::up);
  EXPECT_EQ(verdict(Checker::directio, {failed(CommandFailure::io_error)}), PathState::down);
  EXPECT_EQ(verdict(Checker::directio, {failed(CommandFailure::submit_failed)}), PathState::unchecked);
  EXPECT_EQ(verdict(Checker::directio, {failed(CommandFailure::gone)}), PathState::down);
  EXPECT_EQ(verdict(Checker::directio, {failed(CommandFailure::open_failed)}), PathState::down);
  EXPECT_EQ(state_when_late(Checker::directio), PathState::down);
  EXPECT_EQ(state_when_late(Checker::tur), PathState::timeout);
}

TEST(CheckerReadsector0, EveryRow) {
  const AnswersRow rows[] = {
      {"read", {good(std::vector<std::uint8_t>(512))}, PathState::up, 1},
      {"unit attention once", {sense(6, 0x29, 0), good()}, PathState::up, 2},
      {"unit attention for ever", {sense(6, 0x29, 0)}, PathState::down, 3},
      {"no memory to send it", {failed(CommandFailure::submit_failed)}, PathState::unchecked, 1},
      {"not SCSI", {failed(CommandFailure::not_a_scsi_device)}, PathState::wild, 1},
      {"recovered error: the block was read", {sense(1, 0x17, 0)}, PathState::up, 1},
      {"not ready", {sense(2, 4, 3)}, PathState::down, 1},
      {"no connection", {host(HostStatus::no_connect)}, PathState::down, 1},
      {"busy", {status(0x08)}, PathState::down, 1},
      {"reservation conflict", {status(0x18)}, PathState::down, 1},
  };
  for (const AnswersRow& row : rows) EXPECT_EQ(follow(Checker::readsector0, row).commands.front(), "read");
}

TEST(CheckerCciss, AnyErrorIsDown) {
  EXPECT_EQ(verdict(Checker::cciss_tur, {good()}), PathState::up);
  for (CommandFailure failure : {CommandFailure::io_error, CommandFailure::gone, CommandFailure::not_a_scsi_device}) {
    EXPECT_EQ(verdict(Checker::cciss_tur, {failed(failure)}), PathState::down);
  }
}

// --- rdac: behaviour 4.4 ---------------------------------------------------------------------------------------------------
TEST(CheckerRdac, EveryRow) {
  auto not_connected = rdac_page(0x01);
  not_connected[0] = 0x20;
  auto other_type = rdac_page(0x01);
  other_type[0] = 0x1f;
  struct Row {
    const char* what;
    CommandOutcome outcome;
    PathState state;
    std::size_t attempts;
  };
  CommandOutcome recovered = sense(1, 0, 0);
  recovered.data = rdac_page(0x01);
  const Row rows[] = {
      {"no SCSI device", failed(CommandFailure::not_a_scsi_device), PathState::wild, 1},
      {"illegal request", sense(5, 0x24, 0), PathState::wild, 1},
      {"bus busy", host(HostStatus::bus_busy), PathState::down, 5},
      {"host error", host(HostStatus::error), PathState::down, 5},
      {"soft error", host(HostStatus::soft_error), PathState::down, 5},
      {"transport disrupted", host(HostStatus::transport_disrupted), PathState::down, 5},
      {"no connection", host(HostStatus::no_connect), PathState::down, 1},
      {"timed out", host(HostStatus::time_out), PathState::down, 1},
      {"recovered error", recovered, PathState::up, 1},
      {"not ready", sense(2, 4, 3), PathState::down, 1},
      {"unit attention", sense(6, 0x29, 0), PathState::down, 1},
      {"reservation conflict", status(0x18), PathState::down, 1},
      {"qualifier 1", good(not_connected), PathState::down, 1},
      {"no disk", good(other_type), PathState::down, 1},
      {"unavailable", good(rdac_page(0x11, 0, 0x03)), PathState::down, 1},
      {"transitioning alone", good(rdac_page(0x11, 0, 0x0f, 0x00)), PathState::down, 1},
      {"both transitioning", good(rdac_page(0x11, 0, 0x0f, 0x0f)), PathState::up, 1},
      {"states without their flag", good(rdac_page(0x01, 0, 0x03)), PathState::up, 1},
      {"owner", good(rdac_page(0x01)), PathState::up, 1},
      {"ships I/O", good(rdac_page(0x20)), PathState::up, 1},
      {"passive", good(rdac_page(0x00)), PathState::ghost, 1},
      {"cut off", good({0, 0xc9, 0, 40}), PathState::down, 1},
  };
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Checked path(Checker::rdac);
    EXPECT_EQ(path.check({row.outcome}).state, row.state);
    EXPECT_EQ(path.commands.size(), row.attempts);
    EXPECT_EQ(path.commands.front(), "inquiry c9");
  }
}

std::vector<std::uint8_t> control_page(std::uint8_t flags) {
  std::vector<std::uint8_t> data = {15, 0, 0, 0, 0x8a, 10, 0, 0, 0, flags, 0, 0, 0, 0, 0, 0};
  return data;
}

TEST(CheckerRdac, SeesOnceToTheTaskAbortedStatus) {
  Checked path(Checker::rdac);
  path.may_configure = true;
  EXPECT_EQ(path.check({good(control_page(0x40)), good(control_page(0x00)), good(), good(rdac_page(0x01))}).state, PathState::up);
  EXPECT_THAT(path.commands, ElementsAre("mode sense changeable", "mode sense", "mode select", "inquiry c9"));
  ASSERT_EQ(path.sent.size(), 16U);
  EXPECT_EQ(path.sent[4], 0x0a) << "the page code alone";
  EXPECT_EQ(path.sent[9], 0x40);
  EXPECT_EQ(path.check({good(rdac_page(0x01))}).state, PathState::up);
  EXPECT_THAT(path.commands, ElementsAre("inquiry c9"));
}

TEST(CheckerRdac, LeavesTheSettingThatIsRightOrCannotBeChanged) {
  struct Row {
    std::vector<CommandOutcome> answers;
    std::vector<std::string> commands;
  };
  const Row rows[] = {
      {{good(control_page(0x00)), good(rdac_page(1))}, {"mode sense changeable", "inquiry c9"}},
      {{good(control_page(0x40)), good(control_page(0x40)), good(rdac_page(1))}, {"mode sense changeable", "mode sense", "inquiry c9"}},
      {{sense(5, 0x20, 0), good(rdac_page(1))}, {"mode sense changeable", "inquiry c9"}},
      {{good({1, 2}), good(rdac_page(1))}, {"mode sense changeable", "inquiry c9"}},
  };
  for (const Row& row : rows) {
    Checked path(Checker::rdac);
    path.may_configure = true;
    EXPECT_EQ(path.check(row.answers).state, PathState::up);
    EXPECT_EQ(path.commands, row.commands);
    path.check({good(rdac_page(1))});
    EXPECT_THAT(path.commands, ElementsAre("inquiry c9"));
  }
}

TEST(CheckerRdac, ARefusedSettingIsOnlyRemarkedAndAnUnansweredOneTriedAgain) {
  Checked path(Checker::rdac);
  path.may_configure = true;
  EXPECT_EQ(path.check({good(control_page(0x40)), good(control_page(0x00)), sense(5, 0x26, 0), good(rdac_page(1))}).state, PathState::up);
  EXPECT_FALSE(path.remark.empty());
  Checked mute(Checker::rdac);
  mute.may_configure = true;
  EXPECT_EQ(mute.check({host(HostStatus::no_connect)}).state, PathState::down);
  EXPECT_EQ(mute.check({good(control_page(0x00)), good(rdac_page(1))}).state, PathState::up);
  EXPECT_THAT(mute.commands, ElementsAre("mode sense changeable", "inquiry c9"));
}

// --- hp_sw: behaviour 4.5 --------------------------------------------------------------------------------------------------
TEST(CheckerHpSw, EveryRow) {
  const AnswersRow rows[] = {
      {"not SCSI", {failed(CommandFailure::not_a_scsi_device)}, PathState::wild, 1},
      {"no serial page", {sense(5, 0x24, 0)}, PathState::wild, 1},
      {"INQUIRY fails", {host(HostStatus::no_connect)}, PathState::down, 1},
      {"ready", {good(), good()}, PathState::up, 2},
      {"recovered error", {good(), sense(1, 0, 0)}, PathState::up, 2},
      {"recovered error of INQUIRY", {sense(1, 0, 0), good()}, PathState::up, 2},
      {"standby", {good(), sense(2, 4, 2)}, PathState::ghost, 2},
      {"any error", {good(), host(HostStatus::time_out)}, PathState::ghost, 2},
      {"unit attention", {good(), sense(6, 0x29, 0)}, PathState::ghost, 2},
  };
  for (const AnswersRow& row : rows) EXPECT_EQ(follow(Checker::hp_sw, row).commands.front(), "inquiry 80");
}

// --- emc_clariion: behaviour 4.6 -------------------------------------------------------------------------------------------
TEST(CheckerEmc, EveryRow) {
  auto with = [](std::size_t at, std::uint8_t value, std::uint8_t unit_state = 2) {
    auto page = emc_page(unit_state);
    page[at] = value;
    return good(std::move(page));
  };
  const AnswersRow rows[] = {
      {"not SCSI", {failed(CommandFailure::not_a_scsi_device)}, PathState::wild, 1},
      {"illegal request", {sense(5, 0x24, 0)}, PathState::wild, 1},
      {"transport", {host(HostStatus::bus_busy)}, PathState::down, 5},
      {"other sense", {sense(2, 4, 3)}, PathState::down, 1},
      {"other error", {host(HostStatus::no_connect)}, PathState::down, 1},
      {"another page", {with(1, 0x83)}, PathState::down, 1},
      {"unknown revision", {with(9, 1)}, PathState::down, 1},
      {"path type", {with(27, 2)}, PathState::down, 1},
      {"failover mode 1", {with(28, 1)}, PathState::down, 1},
      {"failover mode 6", {with(28, 6), good()}, PathState::up, 2},
      {"array commpath", {with(30, 0)}, PathState::down, 1},
      {"upgrade", {with(48, 1)}, PathState::shaky, 1},
      {"unbound", {good(emc_page(0))}, PathState::down, 1},
      {"passive", {good(emc_page(1))}, PathState::up, 1},
      {"active, reads", {good(emc_page(2)), good()}, PathState::up, 2},
      {"active, reads after unit attention", {good(emc_page(2)), sense(6, 0x29, 0), good()}, PathState::up, 3},
      {"active, does not read", {good(emc_page(2)), sense(2, 4, 3)}, PathState::down, 2},
      {"active, reads with a recovered error", {good(emc_page(2)), sense(1, 0x17, 0)}, PathState::up, 2},
      {"unit attention on the page", {sense(6, 0x29, 0)}, PathState::down, 1},
      {"cut off", {good({0, 0xc0})}, PathState::down, 1},
  };
  for (const AnswersRow& row : rows) EXPECT_FALSE(follow(Checker::emc_clariion, row).volume.is_inactive_snapshot);
}

TEST(CheckerEmc, AnotherVolumeThanTheFirstIsDown) {
  Checked path(Checker::emc_clariion);
  EXPECT_EQ(path.check({good(emc_page(1))}).state, PathState::up);
  auto other = emc_page(1);
  other[25] = 0x02;
  CheckTurn turn = path.check({good(other)});
  EXPECT_EQ(turn.state, PathState::down);
  EXPECT_TRUE(turn.needs_identity_check);
  EXPECT_EQ(path.check({good(emc_page(1))}).state, PathState::up);
}

TEST(CheckerEmc, AnInactiveSnapshotTakesThePassivePathsOutUntilItReads) {
  Checked active(Checker::emc_clariion);
  EXPECT_EQ(active.check({good(emc_page(2)), sense(5, 0x25, 0x01)}).state, PathState::down);
  EXPECT_TRUE(active.volume.is_inactive_snapshot);
  Checked passive(Checker::emc_clariion);
  passive.volume = active.volume;
  EXPECT_EQ(passive.check({good(emc_page(1))}).state, PathState::down);
  EXPECT_EQ(active.check({good(emc_page(2)), good()}).state, PathState::up);
  passive.volume = active.volume;
  EXPECT_EQ(passive.check({good(emc_page(1))}).state, PathState::up);
}

// --- alua ------------------------------------------------------------------------------------------------------------------
std::vector<std::uint8_t> groups(std::uint8_t group, std::uint8_t state) {
  return {0, 0, 0, 12, state, 0x8f, 0, group, 0, 0, 0, 1, 0, 0, 0, 1};
}

TEST(CheckerAlua, TheStateOfThePortGroupIsThatOfThePath) {
  const std::pair<std::uint8_t, PathState> rows[] = {
      {0x0, PathState::up},   {0x1, PathState::up},      {0x2, PathState::ghost},  {0x3, PathState::down},
      {0x4, PathState::up},   {0xe, PathState::down},    {0xf, PathState::pending}, {0x7, PathState::down},
  };
  for (auto [state, expected] : rows) {
    Checked path(Checker::alua);
    path.facts.target_port_group = 5;
    EXPECT_EQ(path.check({good(groups(5, state))}).state, expected) << int{state};
    EXPECT_THAT(path.commands, ElementsAre("groups"));
  }
}

TEST(CheckerAlua, AnswersOfOtherKindsAreJudgedAsThoseOfTestUnitReady) {
  Checked path(Checker::alua);
  path.facts.target_port_group = 5;
  EXPECT_EQ(path.check({host(HostStatus::no_connect)}).state, PathState::down);
  EXPECT_EQ(path.check({sense(6, 0x2a, 6), good(groups(5, 0))}).state, PathState::up);
  EXPECT_EQ(path.check({sense(5, 0x25, 0)}).state, PathState::disconnected);
  EXPECT_EQ(path.check({good({1})}).state, PathState::down) << "makes no sense";
  CheckTurn moved = path.check({good(groups(6, 0))});
  EXPECT_EQ(moved.state, PathState::up);
  EXPECT_TRUE(moved.needs_identity_check) << "the port may have moved to another group";
}

}  // namespace
}  // namespace mpath::policy
