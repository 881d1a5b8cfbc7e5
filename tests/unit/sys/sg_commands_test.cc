// SPDX-License-Identifier: LGPL-2.1-or-later
// SgCommands against a kernel played by the test: the node is one end of a socket pair that carries the same headers.
#include "libmpath/sys/sg_commands.h"

#include <gmock/gmock.h>
#include <poll.h>
#include <scsi/sg.h>
#include <sys/socket.h>
#include <unistd.h>

#include <deque>
#include <filesystem>
#include <fstream>

#include "libmpath/base/limits.h"

namespace mpath::sys {
namespace {

namespace fs = std::filesystem;
using ports::CommandReply;
using ports::Continuation;

class SetClock final : public ports::Clock {
 public:
  [[nodiscard]] MonoTime now() const override { return time; }
  /// So near to the machine's start that the kernel's timers, set to times of this clock, are due at once.
  MonoTime time{seconds{1}};
};

/// Runs tasks when told; the test is both threads.
class StepLanes final : public ports::Lanes {
 public:
  bool submit(ports::Lane lane, std::uint64_t key, ports::LaneTask task) override {
    EXPECT_EQ(lane, ports::Lane::submit);
    if (refuse) return false;
    tasks.push_back({key, std::move(task)});
    return true;
  }
  std::size_t run() {
    std::size_t done = 0;
    for (; !tasks.empty(); ++done) {
      ports::LaneTask task = std::move(tasks.front().second);
      tasks.pop_front();
      Continuation continuation = task();
      task = nullptr;
      if (continuation) continuation();
    }
    return done;
  }
  /// One task; true if it had something to say.
  bool run_task() {
    ports::LaneTask task = std::move(tasks.front().second);
    tasks.pop_front();
    Continuation continuation = task();
    if (continuation) continuation();
    return static_cast<bool>(continuation);
  }
  bool refuse = false;
  std::deque<std::pair<std::uint64_t, ports::LaneTask>> tasks;
};

/// The far end of one open node.
struct Kernel {
  UniqueFd fd;
  sg_io_hdr next() {
    sg_io_hdr header{};
    EXPECT_EQ(::recv(fd.get(), &header, sizeof header, MSG_DONTWAIT), static_cast<ssize_t>(sizeof header));
    return header;
  }
  bool empty() {
    sg_io_hdr header{};
    return ::recv(fd.get(), &header, sizeof header, MSG_DONTWAIT) < 0;
  }
  bool empty_now() {
    pollfd poll{.fd = fd.get(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) == 0;
  }
  void answer(sg_io_hdr header) { EXPECT_EQ(::send(fd.get(), &header, sizeof header, 0), static_cast<ssize_t>(sizeof header)); }
};

class SgCommandsTest : public testing::Test {
 protected:
  SgCommandsTest() {
    std::string pattern = fs::temp_directory_path() / "mpath-sg-XXXXXX";
    root_ = mkdtemp(pattern.data());
    SgOptions options;
    options.sysfs_root = root_;
    options.open = [this](const PathFacts& facts) -> Result<UniqueFd> {
      ++opens_;
      if (refuse_open_) return fail(ErrorCode::conflict, facts.kernel_name, "is another device by now");
      int ends[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends), 0);
      kernel_[facts.kernel_name].fd.reset(ends[1]);
      return UniqueFd(ends[0]);
    };
    commands_ = SgCommands::create(lanes_, clock_, std::move(options)).value();
  }
  ~SgCommandsTest() override { fs::remove_all(root_); }

  void attach(PathId path, const std::string& name, std::uint32_t host, Bus bus = Bus::scsi) {
    PathFacts facts;
    facts.kernel_name = name;
    facts.bus = bus;
    facts.address = Hctl{host, 0, 0, path.slot};
    facts.command_node = "/dev/sg" + std::to_string(path.slot);
    facts.sysfs_path = root_ + "/" + name;
    commands_->attach(path, std::make_shared<const PathFacts>(facts));
  }
  void submit(PathId path, std::uint64_t op, std::uint32_t data = 0) {
    commands_->submit({.op = OpId{op}, .path = path, .command = ScsiCommand{.data_in_bytes = data, .timeout = seconds{7}}});
  }
  /// One command, as far as its host's lane.
  void send(PathId path, std::uint64_t op, std::uint32_t data = 0) {
    submit(path, op, data);
    commands_->flush();
  }
  /// The next command that waits at the far end is answered as it was sent.
  void answer(const std::string& name) { kernel_[name].answer(kernel_[name].next()); }
  std::vector<CommandReply> collect() {
    std::vector<CommandReply> replies;
    commands_->collect(replies);
    return replies;
  }
  bool readable() {
    pollfd poll{.fd = commands_->event_fd(), .events = POLLIN, .revents = 0};
    return ::poll(&poll, 1, 0) > 0;
  }
  void host_file(std::uint32_t host, const std::string& name, int value) {
    std::string directory = root_ + "/class/scsi_host/host" + std::to_string(host);
    fs::create_directories(directory);
    std::ofstream(directory + "/" + name) << value << "\n";
  }

  static constexpr PathId a{.slot = 0, .generation = 1};
  static constexpr PathId b{.slot = 1, .generation = 1};
  static constexpr PathId c{.slot = 2, .generation = 1};
  std::string root_;
  SetClock clock_;
  StepLanes lanes_;
  std::map<std::string, Kernel> kernel_;
  int opens_ = 0;
  bool refuse_open_ = false;
  std::unique_ptr<SgCommands> commands_;
};

TEST_F(SgCommandsTest, ACommandGoesThereAndBack) {
  attach(a, "sda", 3);
  send(a, 77);
  clock_.time += milliseconds{5};
  EXPECT_EQ(lanes_.run(), 1u);
  sg_io_hdr sent = kernel_["sda"].next();
  EXPECT_EQ(sent.interface_id, 'S');
  EXPECT_EQ(sent.dxfer_direction, SG_DXFER_NONE);
  EXPECT_EQ(sent.cmd_len, 6);
  EXPECT_EQ(sent.timeout, 7000u);
  EXPECT_EQ(sent.pack_id, 77);
  EXPECT_TRUE(collect().empty());
  EXPECT_FALSE(readable());

  clock_.time += milliseconds{2};
  kernel_["sda"].answer(sent);
  EXPECT_TRUE(readable());
  auto replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].op, OpId{77});
  EXPECT_EQ(replies[0].path, a);
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::none);
  EXPECT_EQ(replies[0].outcome.status, 0);
  EXPECT_EQ(replies[0].outcome.round_trip, milliseconds{2});
  EXPECT_TRUE(collect().empty());
  EXPECT_FALSE(readable());
}

TEST_F(SgCommandsTest, StatusSenseAndDataComeBack) {
  attach(a, "sda", 3);
  send(a, 1, 64);
  lanes_.run();
  sg_io_hdr sent = kernel_["sda"].next();
  EXPECT_EQ(sent.dxfer_direction, SG_DXFER_FROM_DEV);
  EXPECT_EQ(sent.dxfer_len, 64u);
  static_cast<std::uint8_t*>(sent.dxferp)[0] = 0xab;
  static_cast<std::uint8_t*>(sent.sbp)[2] = 0x05;
  sent.status = 2;
  sent.sb_len_wr = 18;
  sent.host_status = 3;
  sent.driver_status = 8;
  sent.resid = 60;
  kernel_["sda"].answer(sent);
  auto replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  const CommandOutcome& outcome = replies[0].outcome;
  EXPECT_EQ(outcome.status, 2);
  EXPECT_EQ(outcome.host_status, HostStatus::time_out);
  EXPECT_EQ(outcome.driver_status, 8);
  EXPECT_EQ(outcome.sense_data().size(), 18u);
  EXPECT_EQ(outcome.sense_data()[2], 0x05);
  EXPECT_THAT(outcome.data, testing::ElementsAre(0xab, 0, 0, 0));
}

TEST_F(SgCommandsTest, NonsenseFromTheKernelSideIsBounded) {
  attach(a, "sda", 3);
  send(a, 1, 8);
  lanes_.run();
  sg_io_hdr sent = kernel_["sda"].next();
  sg_io_hdr strange = sent;
  strange.usr_ptr = nullptr;
  kernel_["sda"].answer(strange);
  strange.usr_ptr = reinterpret_cast<void*>(std::uintptr_t{0x7fffffff});
  kernel_["sda"].answer(strange);
  strange = sent;
  strange.pack_id = 99;
  kernel_["sda"].answer(strange);
  EXPECT_TRUE(collect().empty());
  sent.resid = 1000;
  sent.sb_len_wr = 255;
  kernel_["sda"].answer(sent);
  auto replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_TRUE(replies[0].outcome.data.empty());
  EXPECT_EQ(replies[0].outcome.sense_data().size(), 32u);
}

TEST_F(SgCommandsTest, OneTaskForEachHostAndNoneWhileItIsInTheLane) {
  attach(a, "sda", 3);
  attach(b, "sdb", 3);
  attach(c, "sdc", 4);
  submit(a, 1);
  submit(b, 2);
  send(c, 3);
  ASSERT_EQ(lanes_.tasks.size(), 2u);
  EXPECT_EQ(lanes_.tasks[0].first, 3u);
  EXPECT_EQ(lanes_.tasks[1].first, 4u);
  send(a, 4);
  EXPECT_EQ(lanes_.tasks.size(), 2u);
  lanes_.run();
  EXPECT_EQ(opens_, 3);
  for (const char* name : {"sda", "sdb", "sdc"}) answer(name);
  answer("sda");
  EXPECT_EQ(collect().size(), 4u);
}

TEST_F(SgCommandsTest, AReplyMayComeBeforeTheLaneSaysThatItSubmitted) {
  attach(a, "sda", 3);
  send(a, 1);
  lanes_.run();
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);

  send(a, 2);
  send(a, 9);  // so that the lane is awaited
  ports::LaneTask task = std::move(lanes_.tasks.front().second);
  lanes_.tasks.pop_front();
  Continuation done = task();
  answer("sda");
  auto replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].op, OpId{2});
  done();
  lanes_.run();
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);
  send(a, 3);
  lanes_.run();
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);
  EXPECT_EQ(opens_, 1);
}

TEST_F(SgCommandsTest, WhatCannotBeAskedFailsAtOnceButNotInTheCall) {
  attach(a, "nvme0n1", 0, Bus::nvme);
  submit(a, 1);
  submit(b, 2);  // never attached
  EXPECT_TRUE(readable());
  auto replies = collect();
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::not_a_scsi_device);
  EXPECT_EQ(replies[1].outcome.failure, CommandFailure::open_failed);
  EXPECT_FALSE(readable());
}

TEST_F(SgCommandsTest, ANodeThatIsAnotherDeviceIsNotUsed) {
  refuse_open_ = true;
  attach(a, "sda", 3);
  send(a, 1);
  lanes_.run();
  EXPECT_TRUE(readable());
  auto replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::open_failed);

  refuse_open_ = false;
  send(a, 2);
  lanes_.run();
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);
}

TEST_F(SgCommandsTest, AfterDetachNoReplyComesAndTheNodeIsClosedInTheLane) {
  attach(a, "sda", 3);
  send(a, 1, 512);
  lanes_.run();
  sg_io_hdr sent = kernel_["sda"].next();
  commands_->detach(a);
  ASSERT_EQ(lanes_.tasks.size(), 1u);
  kernel_["sda"].answer(sent);
  EXPECT_TRUE(collect().empty());
  lanes_.run();
  char byte = 0;
  EXPECT_LE(::recv(kernel_["sda"].fd.get(), &byte, 1, MSG_DONTWAIT), 0);
  EXPECT_TRUE(errno == ECONNRESET || errno == 0 || errno == EAGAIN);
  EXPECT_TRUE(collect().empty());
}

TEST_F(SgCommandsTest, DetachWhileTheLaneHasTheCommand) {
  attach(a, "sda", 3);
  send(a, 1);
  commands_->detach(a);
  PathId next{.slot = a.slot, .generation = 2};
  attach(next, "sdz", 3);
  send(next, 2);
  lanes_.run();
  commands_->flush();
  lanes_.run();
  answer("sdz");
  auto replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].path, next);
}

TEST_F(SgCommandsTest, DetachOfAWaitingCommandAndOfUnknownPaths) {
  attach(a, "sda", 3);
  submit(a, 1);
  commands_->detach(a);
  commands_->detach(a);
  commands_->detach(b);
  commands_->flush();
  EXPECT_TRUE(lanes_.tasks.empty());
  EXPECT_TRUE(collect().empty());
}

TEST_F(SgCommandsTest, ARemovedDeviceAnswersGoneAndIsOpenedAgainLater) {
  attach(a, "sda", 3);
  send(a, 1);
  lanes_.run();
  kernel_["sda"].next();
  kernel_["sda"].fd.reset();
  EXPECT_TRUE(readable());
  auto replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::gone);
  lanes_.run();

  send(a, 2);
  lanes_.run();
  EXPECT_EQ(opens_, 2);
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);
}

TEST_F(SgCommandsTest, AFullHostIsAskedAgainShortly) {
  host_file(3, "can_queue", 32);
  host_file(3, "host_busy", 32);
  attach(a, "sda", 3);
  attach(b, "sdb", 3);
  submit(a, 1);
  send(b, 2);
  lanes_.run();
  EXPECT_TRUE(kernel_["sda"].empty());
  EXPECT_TRUE(commands_->stalled(seconds{1}).empty());
  clock_.time += seconds{2};
  auto stalled = commands_->stalled(seconds{1});
  ASSERT_EQ(stalled.size(), 1u);
  EXPECT_EQ(stalled[0].host, 3u);
  EXPECT_EQ(stalled[0].waiting, 2u);
  EXPECT_FALSE(stalled[0].in_kernel);

  host_file(3, "host_busy", 31);
  EXPECT_TRUE(readable()) << "its timer has gone off";
  EXPECT_TRUE(collect().empty());
  lanes_.run();
  answer("sda");
  EXPECT_TRUE(kernel_["sdb"].empty()) << "there was room for one";
  EXPECT_EQ(collect().size(), 1u);

  host_file(3, "host_busy", 0);
  clock_.time += limits::full_host_retry_most;
  (void)collect();
  lanes_.run();
  answer("sdb");
  EXPECT_EQ(collect().size(), 1u);
  EXPECT_TRUE(commands_->stalled(Duration{0}).empty());
}

TEST_F(SgCommandsTest, AFullHostThatWorksOnTakesOneAtATime) {
  host_file(3, "can_queue", 4);
  host_file(3, "host_busy", 4);
  attach(a, "sda", 3);
  attach(b, "sdb", 3);
  auto done = [&](const char* count) {
    fs::create_directories(root_ + "/sda/device");
    std::ofstream(root_ + "/sda/device/iodone_cnt") << count << "\n";
  };
  auto again = [&] {
    clock_.time += limits::full_host_retry_most;
    commands_->flush();
    lanes_.run();
  };
  done("0x10");
  send(a, 1);
  lanes_.run();
  again();  // learns the count
  again();
  EXPECT_TRUE(kernel_["sda"].empty());
  EXPECT_EQ(commands_->stalled(limits::full_host_retry_most).size(), 1u);
  std::vector<std::uint32_t> busy;
  commands_->collect_busy_hosts(busy);
  EXPECT_TRUE(busy.empty());
  done("0x11");
  submit(b, 2);
  again();
  EXPECT_FALSE(kernel_["sda"].empty());
  EXPECT_TRUE(commands_->stalled(limits::full_host_retry_most).empty()) << "it works, though a command still waits";
  commands_->collect_busy_hosts(busy);
  EXPECT_EQ(busy, std::vector<std::uint32_t>{3});
  busy.clear();
  commands_->collect_busy_hosts(busy);
  EXPECT_TRUE(busy.empty()) << "told once";
}

TEST_F(SgCommandsTest, RepliesOfABurstAreTakenTogether) {
  constexpr std::uint32_t paths = limits::sg_burst + 2;
  for (std::uint32_t slot = 0; slot < paths; ++slot) {
    attach({slot, 1}, "sd" + std::to_string(slot), 3);
    submit({slot, 1}, slot + 1);
  }
  commands_->flush();
  lanes_.run();
  auto answer_slot = [&](std::uint32_t slot) { answer("sd" + std::to_string(slot)); };
  answer_slot(0);
  EXPECT_TRUE(collect().empty()) << "they are gathered";
  for (std::uint32_t slot = 1; slot < 4; ++slot) answer_slot(slot);
  clock_.time += limits::sg_burst_window;
  EXPECT_EQ(collect().size(), 4u);
  // The rest is too few to be gathered once more: it comes as it comes.
  EXPECT_FALSE(readable());
  answer_slot(4);
  EXPECT_TRUE(readable());
  EXPECT_EQ(collect().size(), 1u);
  for (std::uint32_t slot = 5; slot < paths; ++slot) answer_slot(slot);
  EXPECT_EQ(collect().size(), paths - 5);
  EXPECT_FALSE(readable());
}

TEST_F(SgCommandsTest, TheNextBurstIsGatheredAboutAsLongAsTheLastOneTook) {
  constexpr std::uint32_t paths = limits::sg_burst + 2;
  for (std::uint32_t slot = 0; slot < paths; ++slot) attach({slot, 1}, "sd" + std::to_string(slot), 3);
  auto ask_all = [&] {
    for (std::uint32_t slot = 0; slot < paths; ++slot) submit({slot, 1}, slot + 1);
    commands_->flush();
    lanes_.run();
  };
  auto answer_all = [&] {
    for (std::uint32_t slot = 0; slot < paths; ++slot) {
      Kernel& far_end = kernel_["sd" + std::to_string(slot)];
      if (!far_end.empty_now()) far_end.answer(far_end.next());
    }
  };
  ask_all();
  answer("sd0");
  clock_.time += limits::sg_burst_window;
  EXPECT_EQ(collect().size(), 1u) << "the rest takes longer";
  clock_.time += 2 * limits::sg_burst_window;
  answer_all();
  EXPECT_EQ(collect().size(), paths - 1);

  clock_.time += seconds{1};
  ask_all();
  answer_all();
  clock_.time += 2 * limits::sg_burst_window;
  EXPECT_TRUE(collect().empty()) << "the last one took three windows";
  clock_.time += limits::sg_burst_window;
  EXPECT_EQ(collect().size(), paths);
}

TEST_F(SgCommandsTest, ALaneThatRefusesIsAskedAgain) {
  attach(a, "sda", 3);
  lanes_.refuse = true;
  send(a, 1);
  EXPECT_TRUE(lanes_.tasks.empty());
  lanes_.refuse = false;
  clock_.time += limits::full_host_retry_most;
  (void)collect();
  EXPECT_EQ(lanes_.run(), 1u);
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);
}

TEST_F(SgCommandsTest, AStuckSubmissionIsShown) {
  attach(a, "sda", 3);
  send(a, 1);
  clock_.time += seconds{9};
  auto stalled = commands_->stalled(seconds{1});
  ASSERT_EQ(stalled.size(), 1u);
  EXPECT_TRUE(stalled[0].in_kernel);
  EXPECT_EQ(stalled[0].waiting, 1u);
}

TEST_F(SgCommandsTest, WhatIsSimplyWithTheKernelCallsNobody) {
  attach(a, "sda", 3);
  send(a, 1);
  EXPECT_TRUE(lanes_.run_task()) << "the node was opened: that is to be told";
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);

  send(a, 2);
  EXPECT_FALSE(lanes_.run_task());
  clock_.time += seconds{9};
  EXPECT_TRUE(commands_->stalled(seconds{1}).empty()) << "the lane is done with it";
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);

  // A second batch finds the lane done, whether or not the first has been answered.
  send(a, 3);
  EXPECT_FALSE(lanes_.run_task());
  send(a, 4);
  EXPECT_FALSE(lanes_.run_task());
  answer("sda");
  answer("sda");
  EXPECT_EQ(collect().size(), 2u);
}

TEST_F(SgCommandsTest, ALaneThatIsAwaitedCalls) {
  attach(a, "sda", 3);
  send(a, 1);
  lanes_.run();
  send(a, 2);
  send(a, 3);
  EXPECT_EQ(lanes_.tasks.size(), 1u) << "one batch of a host at a time";
  EXPECT_TRUE(lanes_.run_task()) << "another waits behind it";
  EXPECT_EQ(lanes_.tasks.size(), 1u);
  EXPECT_FALSE(lanes_.run_task());
  for (int i = 0; i < 3; ++i) answer("sda");
  EXPECT_EQ(collect().size(), 3u);
}

TEST_F(SgCommandsTest, AHostIsForgottenWithItsLastDeviceThoughItsLaneCalledNobody) {
  attach(a, "sda", 3);
  send(a, 1);
  lanes_.run();
  send(a, 2);
  EXPECT_FALSE(lanes_.run_task());
  commands_->detach(a);
  lanes_.run();
  attach(a, "sda", 3);
  send(a, 3);
  lanes_.run();
  EXPECT_EQ(opens_, 2);
  answer("sda");
  EXPECT_EQ(collect().size(), 1u);
}

TEST_F(SgCommandsTest, ATaskMayOutliveTheOwner) {
  attach(a, "sda", 3);
  send(a, 1);
  ports::LaneTask task = std::move(lanes_.tasks.front().second);
  lanes_.tasks.clear();
  Continuation done = task();
  commands_.reset();
  done();
}

}  // namespace
}  // namespace mpath::sys
