// SPDX-License-Identifier: LGPL-2.1-or-later
// Maps with a reservation key. The array knows of each disk (an I_T nexus of its own) with which key it is registered.
#include <gmock/gmock.h>

#include "tests/unit/engine/fixture.h"

namespace mpath::engine {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using enum TableActionKind;

constexpr std::uint64_t ours = 0x123abc;
constexpr std::uint64_t theirs = 0x777;
constexpr std::uint8_t reserve_in = 0x5e;
constexpr std::uint8_t reserve_out = 0x5f;
const std::string key_line = "reservation_key 0x123abc";

struct Reserved : Bench {
  explicit Reserved(const std::string& defaults = key_line) : Bench(defaults) {
    array = [this](const std::string& name, const ScsiCommand& command) { return answer_reservation(name, command); };
  }
  std::optional<CommandOutcome> answer_reservation(const std::string& name, const ScsiCommand& command) {
    CommandOutcome outcome;
    if (command.cdb[0] == reserve_in && refuses_reservations) return check_condition(5, 0x20, 0);
    if (command.cdb[0] == reserve_in && keys_unreadable.contains(name)) return check_condition(0x0b, 0, 0);
    if (command.cdb[0] == reserve_in && command.cdb[1] == 0) {
      sent.push_back(name + " keys");
      outcome.data = {0, 0, 0, 1, 0, 0, 0, static_cast<std::uint8_t>(registered.size() * 8)};
      for (const auto& [nexus, key] : registered) put(outcome.data, key);
      return outcome;
    }
    if (command.cdb[0] == reserve_in) {
      sent.push_back(name + " holder");
      outcome.data = {0, 0, 0, 1, 0, 0, 0, static_cast<std::uint8_t>(holder == 0 ? 0 : 16)};
      if (holder != 0) {
        put(outcome.data, holder);
        for (int byte : {0, 0, 0, 0, 0, 5, 0, 0}) outcome.data.push_back(static_cast<std::uint8_t>(byte));
      }
      return outcome;
    }
    if (command.cdb[0] != reserve_out) return std::nullopt;
    ByteReader parameters(command.data_out);
    const std::uint64_t key = *parameters.be64(0);
    const std::uint64_t fresh = *parameters.be64(8);
    const bool ignores = command.cdb[1] == 6;
    sent.push_back(ignores ? fmt::format("{} ignore>{:x}", name, fresh) : fmt::format("{} {:x}>{:x}", name, key, fresh));
    if (registration_fails.contains(name)) return check_condition(0x0b, 0, 0);
    const std::uint64_t present = registered.contains(name) ? registered.at(name) : 0;
    if (!ignores && key != present) {
      outcome.status = 0x18;
      return outcome;
    }
    if (before_register) std::exchange(before_register, nullptr)();
    if (fresh == 0) registered.erase(name);
    else registered[name] = fresh;
    return outcome;
  }
  static void put(std::vector<std::uint8_t>& data, std::uint64_t key) {
    for (int shift = 56; shift >= 0; shift -= 8) data.push_back(static_cast<std::uint8_t>(key >> shift));
  }
  static CommandOutcome check_condition(std::uint8_t key, std::uint8_t code, std::uint8_t qualifier) {
    CommandOutcome outcome;
    outcome.status = 2;
    outcome.sense = {0x72, key, code, qualifier};
    outcome.sense_bytes = 8;
    return outcome;
  }
  std::vector<std::string> take_sent() { return std::exchange(sent, {}); }
  std::string said(RequestKind kind) { return ask(kind).output; }
  Request about(RequestKind kind) { return Request{.kind = kind, .map = wwid_of(1)}; }
  /// Disks in a map of the kernel, all registered, nothing to do.
  void in_place(const std::vector<std::string>& names) {
    for (const std::string& name : names) {
      disk(name);
      registered[name] = ours;
    }
    kernel_map({names});
    start();
    take_sent();
    forget();
  }
  /// Another host preempts: our keys are gone.
  void preempt() {
    std::erase_if(registered, [](const auto& item) { return item.second == ours; });
    registered["elsewhere"] = theirs;
  }

  std::map<std::string, std::uint64_t> registered;
  std::uint64_t holder = 0;
  bool refuses_reservations = false;
  std::set<std::string> keys_unreadable;
  std::set<std::string> registration_fails;
  std::function<void()> before_register;
  std::vector<std::string> sent;
};

const std::string multibus = "path_grouping_policy multibus\n" + key_line;

// --- a new map ---------------------------------------------------------------------------------------------------

TEST(Reservations, AMapWithoutAKeyIsNotAskedForAny) {
  Reserved bench("");
  bench.registered["elsewhere"] = theirs;
  bench.disk("sda");
  bench.start();
  bench.run(minutes{5});
  EXPECT_THAT(bench.sent, IsEmpty());
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_EQ(bench.said(RequestKind::get_pr_hold), "unset\n");
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "none\n");
}

TEST(Reservations, AVolumeThatNobodyRegisteredIsUsedAsAnyOther) {
  Reserved bench(multibus);
  bench.disk("sda");
  bench.disk("sdb");
  bench.start();
  EXPECT_EQ(bench.groups(), "sda sdb");
  EXPECT_THAT(bench.sent, ElementsAre("sda keys", "sdb keys"));
  bench.run(minutes{5});
  EXPECT_EQ(bench.sent.size(), 2U) << "asked once";
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "0x123abc\n");
}

TEST(Reservations, PathsAreRegisteredBeforeTheMapIsMade) {
  Reserved bench(multibus);
  bench.registered["elsewhere"] = ours;
  bench.holder = ours;
  bench.disk("sda");
  bench.disk("sdb").unanswered = {reserve_out};
  bench.start();
  bench.run(seconds{4});
  EXPECT_EQ(bench.groups(), "sda") << "the one that is registered";
  EXPECT_THAT(bench.sent, ElementsAre("sda keys", "sdb keys", "sda 123abc>123abc", "sda ignore>123abc", "sda keys", "sda holder"));
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "set\n");
  EXPECT_EQ(bench.said(RequestKind::get_pr_hold), "set\n");
  bench.map_uevent();
  bench.answers_again("sdb");
  bench.run(seconds{3});
  EXPECT_EQ(bench.groups(), "sda sdb");
  EXPECT_EQ(bench.registered.at("sdb"), ours);
}

TEST(Reservations, ADeviceWithoutReservationsIsUsedAsAnyOther) {
  Reserved bench;
  bench.refuses_reservations = true;
  bench.disk("sda");
  bench.start();
  EXPECT_TRUE(bench.has_map());
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
}

TEST(Reservations, APathThatIsNoScsiDeviceHasNone) {
  Reserved bench;
  bench.disk("sda").found.facts.bus = Bus::nvme;
  bench.start();
  EXPECT_TRUE(bench.has_map());
  EXPECT_THAT(bench.sent, IsEmpty());
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
}

// --- maps in place -----------------------------------------------------------------------------------------------

TEST(Reservations, ARestartVerifiesAndDoesNothing) {
  Reserved bench(multibus);
  bench.holder = theirs;
  for (const char* name : {"sda", "sdb"}) bench.disk(name);
  bench.registered = {{"sda", ours}, {"sdb", ours}};
  bench.kernel_map({{"sda", "sdb"}});
  bench.start();
  bench.run(minutes{5});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_THAT(bench.sent, Not(Contains(HasSubstr("ignore"))));
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "set\n");
  EXPECT_EQ(bench.said(RequestKind::get_pr_hold), "unset\n");
}

TEST(Reservations, APathInServiceIsFailedOnlyWhenTheDeviceSaysThatItIsNotRegistered) {
  Reserved bench(multibus);
  for (const char* name : {"sda", "sdb"}) bench.disk(name);
  bench.registered = {{"sda", ours}};
  bench.disks.at("sdb").unanswered = {reserve_in};
  bench.kernel_map({{"sda", "sdb"}});
  bench.start();
  bench.run(seconds{2});
  EXPECT_THAT(bench.messages, IsEmpty()) << "nothing is known yet";
  bench.answers_again("sdb");
  EXPECT_THAT(bench.messages, ElementsAre("fail_path 8:16", "reinstate_path 8:16"));
  EXPECT_EQ(bench.registered.at("sdb"), ours);
  EXPECT_THAT(bench.actions, IsEmpty());
}

TEST(Reservations, AKilledDaemonsWorkIsTakenUpWhereItWas) {
  // Registered, and not reinstated yet.
  Reserved bench(multibus);
  for (const char* name : {"sda", "sdb"}) bench.disk(name);
  bench.registered = {{"sda", ours}, {"sdb", ours}};
  bench.kernel_map({{"sda", "sdb"}});
  bench.kernel_path("sdb")->state = KernelPathState::failed;
  bench.start();
  EXPECT_THAT(bench.messages, ElementsAre("reinstate_path 8:16"));
  EXPECT_THAT(bench.sent, Contains("sdb 123abc>123abc"));
}

TEST(Reservations, APathInServiceThatDoesNotTellStaysAndIsAskedAgain) {
  Reserved bench(multibus);
  for (const char* name : {"sda", "sdb"}) bench.disk(name);
  bench.registered = {{"sda", ours}, {"sdb", ours}};
  bench.keys_unreadable = {"sdb"};
  bench.kernel_map({{"sda", "sdb"}});
  bench.start();
  bench.run(minutes{10});
  EXPECT_THAT(bench.messages, IsEmpty());
  EXPECT_EQ(bench.times_logged("it stays in service; tried again in"), 1);
  bench.keys_unreadable.clear();
  bench.take_sent();
  bench.run(minutes{2});
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb keys", "sdb 123abc>123abc"));
}

// --- paths that come and return ------------------------------------------------------------------------------------

TEST(Reservations, APathThatAppearsIsRegisteredBeforeItIsLoaded) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  bench.disk("sdb").unanswered = {reserve_out};
  bench.appear("sdb");
  bench.run(seconds{20});
  EXPECT_THAT(bench.actions, IsEmpty());
  bench.answers_again("sdb");
  bench.run(seconds{3});
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
  EXPECT_EQ(bench.groups(), "sda sdb");
  EXPECT_EQ(bench.registered.at("sdb"), ours);
}

TEST(Reservations, APathThatReturnsIsRegisteredBeforeItIsReinstated) {
  Reserved bench(multibus);
  bench.in_place({"sda", "sdb"});
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{25});
  EXPECT_THAT(bench.take_messages(), ElementsAre("fail_path 8:16"));
  bench.registered.erase("sdb");
  bench.disks.at("sdb").unanswered = {reserve_out};
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(seconds{6});
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb keys")) << "what follows is not answered";
  EXPECT_THAT(bench.take_messages(), IsEmpty());
  bench.answers_again("sdb");
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb 123abc>123abc", "sdb ignore>123abc", "sdb keys"));
  EXPECT_THAT(bench.take_messages(), ElementsAre("reinstate_path 8:16"));
}

TEST(Reservations, AHangDuringTheRegistrationHoldsNobodyElse) {
  Reserved bench("checker_timeout 5\n" + multibus);
  bench.in_place({"sda"});
  bench.disk("sdb").unanswered = {reserve_in};
  bench.appear("sdb");
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{30});
  EXPECT_EQ(bench.groups(), "sda sdc");
  EXPECT_EQ(bench.health("sdb"), PathState::timeout);
  EXPECT_EQ(bench.hung.size(), 1U);
}

TEST(Reservations, APathThatCannotBeRegisteredSaysSoAndIsTriedAgainWithGrowingPauses) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  bench.disk("sdb");
  bench.registration_fails = {"sdb"};
  bench.appear("sdb");
  bench.run(seconds{3});
  EXPECT_EQ(bench.path("sdb")->bar, Bar::unregistered);
  EXPECT_EQ(bench.path("sdb")->registration_reason, "the registration cannot be verified");
  EXPECT_EQ(bench.times_logged("it stays out of service until it is registered"), 1);
  EXPECT_EQ(bench.times_logged("path is up, not registered: waits for the registration of its map's reservation key"), 1);
  bench.take_sent();
  bench.run(minutes{10});
  EXPECT_LE(bench.take_sent().size(), 2U * 15U);
  EXPECT_EQ(bench.groups(), "sda");
  bench.registration_fails.clear();
  bench.run(minutes{2});
  EXPECT_EQ(bench.groups(), "sda sdb");
  EXPECT_EQ(bench.path("sdb")->bar, Bar::none);
}

TEST(Reservations, APathOfTheTableThatCannotBeRegisteredLeavesItAfterAWhile) {
  Reserved bench(multibus);
  bench.in_place({"sda", "sdb"});
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{25});
  bench.registration_fails = {"sdb"};
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(seconds{8});
  bench.forget();
  // Meanwhile no load may bring it back for a moment.
  bench.disk("sdc");
  bench.registered["sdc"] = ours;
  bench.appear("sdc");
  bench.run(seconds{2});
  EXPECT_THAT(bench.actions, IsEmpty());
  EXPECT_EQ(bench.times_logged("sdb waits for the registration"), 0);
  bench.run(seconds{40});
  EXPECT_EQ(bench.groups(), "sda sdc");
  EXPECT_THAT(bench.take_kinds(), ElementsAre(reload));
}

TEST(Reservations, WithoutAnotherPathANewOneIsLoadedAndTheOthersLeft) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  bench.disks.at("sda").answer = Answer::dead;
  bench.run(seconds{25});
  bench.registration_fails = {"sda"};
  bench.registered["elsewhere"] = ours;
  bench.disks.at("sda").answer = Answer::good;
  bench.run(seconds{6});
  EXPECT_EQ(bench.kernel_state("sda"), KernelPathState::failed);
  bench.disk("sdb");
  bench.appear("sdb");
  bench.run(seconds{1});
  EXPECT_EQ(bench.groups(), "sdb");
}

TEST(Reservations, ARefusalOfOnePathSaysNothingOfTheOthers) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  bench.refuses_reservations = true;
  bench.disk("sdb");
  bench.appear("sdb");
  bench.run(seconds{3});
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "set\n");
  EXPECT_EQ(bench.groups(), "sda");
}

// --- preempted -----------------------------------------------------------------------------------------------------

TEST(Reservations, APreemptedHostIsNotRegisteredAgain) {
  Reserved bench(multibus);
  bench.in_place({"sda", "sdb"});
  bench.preempt();
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{25});
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb keys"));
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_EQ(bench.times_logged("is not registered for it any more"), 1);
  EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::active) << "whoever uses the map is told by the array";
  bench.disk("sdc");
  bench.appear("sdc");
  bench.run(seconds{3});
  EXPECT_EQ(bench.groups(), "sda sdb sdc");
  EXPECT_FALSE(bench.registered.contains("sdc"));
}

TEST(Reservations, AFreshRegistrationIsTakenBackIfTheOthersWerePreemptedMeanwhile) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  bench.before_register = [&] { bench.preempt(); };
  bench.disk("sdb");
  bench.appear("sdb");
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb keys", "sdb 123abc>123abc", "sdb ignore>123abc", "sdb keys", "sdb 123abc>0"));
  EXPECT_FALSE(bench.registered.contains("sdb"));
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
}

TEST(Reservations, AUnitAttentionMakesThePathAskBeforeAnybodyFallsOverIt) {
  Reserved bench(multibus);
  bench.in_place({"sda", "sdb"});
  bench.preempt();
  bench.disks.at("sda").sense = {0x72, 6, 0x2a, 5};
  bench.run(seconds{25});
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "set\n") << "it does not answer its checks";
  bench.disks.at("sda").sense.clear();
  bench.run(seconds{10});
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_THAT(bench.registered, testing::SizeIs(1));
}

TEST(Reservations, WhatIsOverStaysOverAfterARestart) {
  std::string state;
  {
    Reserved bench(multibus);
    bench.in_place({"sda", "sdb"});
    EXPECT_EQ(bench.ask(RequestKind::unset_pr_status).outcome, Outcome::ok);
    bench.run(seconds{1});
    state = bench.run_state_file;
  }
  Reserved bench(multibus);
  bench.run_state_file = state;
  for (const char* name : {"sda", "sdb"}) bench.disk(name);
  bench.registered = {{"sdb", ours}};
  bench.kernel_map({{"sda", "sdb"}});
  bench.kernel_path("sdb")->state = KernelPathState::failed;
  bench.start();
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb 123abc>0")) << "the path that could not be told when it was unregistered";
  EXPECT_THAT(bench.registered, IsEmpty());
  EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::active);
}

// --- commands ------------------------------------------------------------------------------------------------------

TEST(ReservationCommands, SetprstatusRegistersThePathsThatAreNotListed) {
  Reserved bench(multibus);
  for (const char* name : {"sda", "sdb", "sdc"}) bench.disk(name);
  bench.start();
  bench.take_sent();
  bench.registered = {{"sda", ours}, {"sdb", ours}};
  Request request = bench.about(RequestKind::set_pr_status);
  request.path_list = {bench.number("sda"), bench.number("sdb")};
  EXPECT_EQ(bench.ask(request).outcome, Outcome::ok);
  EXPECT_EQ(bench.registered.at("sdc"), ours) << "before the reply";
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdc keys", "sdc 123abc>123abc", "sdc ignore>123abc", "sdc keys"));
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "set\n");
}

TEST(ReservationCommands, SetprstatusWaitsForASickPathForTwoSeconds) {
  Reserved bench(multibus);
  for (const char* name : {"sda", "sdb"}) bench.disk(name);
  bench.start();
  bench.registered = {{"sda", ours}};
  bench.disks.at("sdb").unanswered = {reserve_out};
  EXPECT_EQ(bench.ask(bench.about(RequestKind::set_pr_status)).outcome, Outcome::timed_out) << "no reply yet";
  bench.run(seconds{3});
  EXPECT_EQ(bench.replies.rbegin()->second.outcome, Outcome::ok);
}

TEST(ReservationCommands, SetprstatusRegistersNobodyWhoWasPreemptedJustNow) {
  Reserved bench(multibus);
  bench.disk("sda");
  bench.start();
  bench.preempt();
  EXPECT_EQ(bench.ask(bench.about(RequestKind::set_pr_status)).outcome, Outcome::ok);
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_FALSE(bench.registered.contains("sda"));
}

TEST(ReservationCommands, UnsetprstatusClearsWhatReturnsWithARegistration) {
  Reserved bench(multibus);
  bench.in_place({"sda", "sdb"});
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{25});
  bench.registered.erase("sda");
  EXPECT_EQ(bench.ask(bench.about(RequestKind::unset_pr_status)).outcome, Outcome::ok);
  EXPECT_EQ(bench.said(RequestKind::get_pr_hold), "unset\n");
  bench.take_sent();
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb 123abc>0"));
  EXPECT_THAT(bench.registered, IsEmpty());
  EXPECT_EQ(bench.kernel_state("sdb"), KernelPathState::active);
}

TEST(ReservationCommands, ARegistrationUnderWayIsTakenBackByUnsetprstatus) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  bench.disk("sdb");
  bench.appear("sdb");
  bench.registered.erase("sdb");
  bench.disks.at("sdb").unanswered = {reserve_in};
  EXPECT_EQ(bench.ask(bench.about(RequestKind::set_pr_status)).outcome, Outcome::timed_out);
  bench.ask(bench.about(RequestKind::unset_pr_status));
  bench.take_sent();
  bench.answers_again("sdb");
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb keys", "sdb 123abc>0"));
  EXPECT_FALSE(bench.registered.contains("sdb"));
}

TEST(ReservationCommands, HoldIsWhatWasSaidLast) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  EXPECT_EQ(bench.said(RequestKind::get_pr_hold), "unset\n");
  EXPECT_EQ(bench.ask(RequestKind::set_pr_hold).outcome, Outcome::ok);
  EXPECT_EQ(bench.said(RequestKind::get_pr_hold), "set\n");
  EXPECT_EQ(bench.ask(RequestKind::unset_pr_hold).outcome, Outcome::ok);
  EXPECT_EQ(bench.said(RequestKind::get_pr_hold), "unset\n");
}

TEST(ReservationCommands, UnknownMapsAreNotFound) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  for (RequestKind kind : {RequestKind::get_pr_status, RequestKind::set_pr_status, RequestKind::unset_pr_status, RequestKind::get_pr_hold,
                           RequestKind::set_pr_hold, RequestKind::unset_pr_hold, RequestKind::get_pr_key, RequestKind::set_pr_key,
                           RequestKind::unset_pr_key}) {
    EXPECT_EQ(bench.ask(kind, {}, 0, 77).outcome, Outcome::not_found);
  }
}

TEST(ReservationCommands, KeysInTheFileAreSetAndUnset) {
  Reserved bench("path_grouping_policy multibus\nreservation_key file");
  bench.prkeys_file = "what is this\n0x99 " + wwid_of(2) + "\n";
  bench.disk("sda");
  bench.start();
  EXPECT_EQ(bench.times_logged("prkeys line 1: 'what is this' is no key and WWID"), 1);
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "none\n");
  EXPECT_THAT(bench.take_sent(), IsEmpty());
  Request request = bench.about(RequestKind::set_pr_key);
  request.key = ours;
  request.aptpl = true;
  EXPECT_EQ(bench.ask(request).outcome, Outcome::ok);
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "0x123abc:aptpl\n");
  EXPECT_THAT(bench.prkeys_file, AllOf(HasSubstr("0X0000000000123abc " + wwid_of(1)), HasSubstr("what is this\n"), HasSubstr("0x99 ")));
  bench.registered["sda"] = ours;
  bench.ask(bench.about(RequestKind::set_pr_status));
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "set\n");
  EXPECT_EQ(bench.ask(bench.about(RequestKind::unset_pr_status)).outcome, Outcome::ok);
  EXPECT_EQ(bench.ask(bench.about(RequestKind::unset_pr_key)).outcome, Outcome::ok);
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "none\n");
  EXPECT_THAT(bench.prkeys_file, HasSubstr("#X0000000000123abc"));
  bench.prkeys_error = Error{ErrorCode::io, "prkeys", "cannot be written", "read-only file system"};
  EXPECT_EQ(bench.ask(request).outcome, Outcome::failed);
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "none\n");
}

TEST(ReservationCommands, KeysOfTheConfigurationAreNotChanged) {
  Reserved bench(multibus);
  bench.in_place({"sda"});
  Request request = bench.about(RequestKind::set_pr_key);
  request.key = theirs;
  EXPECT_EQ(bench.ask(request).outcome, Outcome::failed);
  EXPECT_EQ(bench.ask(bench.about(RequestKind::unset_pr_key)).outcome, Outcome::failed);
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "0x123abc\n");
}

TEST(ReservationCommands, APathThatReturnsDuringAChangeOfTheKeyFollowsIt) {
  Reserved bench("path_grouping_policy multibus\nreservation_key file");
  bench.prkeys_file = "0x99 " + wwid_of(1) + "\n";
  for (const char* name : {"sda", "sdb"}) {
    bench.disk(name);
    bench.registered[name] = 0x99;
  }
  bench.kernel_map({{"sda", "sdb"}});
  bench.start();
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "set\n");
  bench.disks.at("sdb").answer = Answer::dead;
  bench.run(seconds{25});
  Request request = bench.about(RequestKind::set_pr_key);
  request.key = ours;
  bench.ask(request);
  bench.take_sent();
  bench.disks.at("sdb").answer = Answer::good;
  bench.run(seconds{10});
  EXPECT_THAT(bench.take_sent(), ElementsAre("sdb keys", "sdb 123abc>123abc", "sdb 99>123abc"));
  EXPECT_EQ(bench.registered.at("sdb"), ours);
}

TEST(Reservations, AnotherKeyInTheConfigurationBeginsAnew) {
  Reserved bench(multibus);
  bench.in_place({"sda", "sdb"});
  bench.configure("path_grouping_policy multibus\nreservation_key 0x777");
  bench.ask(RequestKind::reconfigure);
  bench.run(seconds{5});
  EXPECT_THAT(bench.take_sent(), ElementsAre("sda keys", "sdb keys"));
  EXPECT_EQ(bench.said(RequestKind::get_pr_status), "unset\n");
  EXPECT_THAT(bench.messages, IsEmpty());
  bench.configure("path_grouping_policy multibus");
  bench.ask(RequestKind::reconfigure);
  EXPECT_EQ(bench.said(RequestKind::get_pr_key), "none\n");
}

}  // namespace
}  // namespace mpath::engine
