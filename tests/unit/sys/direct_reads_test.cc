// SPDX-License-Identifier: LGPL-2.1-or-later
// DirectReads with its real child, which reads ordinary files; and against a child played by the test, which dies, is silent, or takes nothing.
#include "libmpath/sys/direct_reads.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <deque>
#include <filesystem>

#include "libmpath/base/limits.h"
#include "libmpath/sys/direct_read_helper.h"

namespace mpath::sys {
namespace {

namespace fs = std::filesystem;
using ports::CommandReply;
using ports::Continuation;

class RealClock final : public ports::Clock {
 public:
  [[nodiscard]] MonoTime now() const override {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return MonoTime(seconds(time.tv_sec) + Duration(time.tv_nsec)) + ahead;
  }
  Duration ahead{0};
};

/// Tasks wait until they are told to run.
class StepLanes final : public ports::Lanes {
 public:
  bool submit(ports::Lane lane, std::uint64_t, ports::LaneTask task) override {
    EXPECT_EQ(lane, ports::Lane::submit);
    if (refuse) return false;
    tasks.push_back(std::move(task));
    return true;
  }
  void run() {
    while (!tasks.empty()) {
      ports::LaneTask task = std::move(tasks.front());
      tasks.pop_front();
      if (Continuation done = task()) done();
    }
  }
  bool refuse = false;
  std::deque<ports::LaneTask> tasks;
};

class DirectReadsTest : public testing::Test {
 protected:
  DirectReadsTest() {
    std::string pattern = fs::temp_directory_path() / "mpath-reads-XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~DirectReadsTest() override { fs::remove_all(root_); }

  void make(std::function<Result<UniqueFd>()> new_reader) {
    reads_ = DirectReads::create(lanes_, clock_, {.new_reader = std::move(new_reader),
                                                  .open = [this](const PathFacts& facts) { return open(facts); }}).value();
  }
  void make_with_child() {
    helper_ = DirectReadHelper::start(nullptr).value();
    make([this] { return helper_->new_reader(); });
  }
  /// The test is the child: its end of the socket of each.
  void make_with_test_as_child() {
    make([this]() -> Result<UniqueFd> {
      int pair[2];
      EXPECT_EQ(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
      children_.emplace_back(pair[1]);
      return UniqueFd(pair[0]);
    });
  }
  Result<DirectNode> open(const PathFacts& facts) {
    ++opened_;
    UniqueFd fd(::open((root_ / facts.kernel_name).c_str(), O_RDONLY | O_CLOEXEC));
    if (!fd) return fail(ErrorCode::not_found, facts.kernel_name, "cannot be opened");
    return DirectNode{.fd = std::move(fd), .block_bytes = 512};
  }
  std::shared_ptr<const PathFacts> disk(const std::string& name, std::size_t bytes) {
    if (bytes > 0) {
      UniqueFd fd(::open((root_ / name).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      std::string content(bytes, 'x');
      EXPECT_EQ(::write(fd.get(), content.data(), bytes), static_cast<ssize_t>(bytes));
    }
    auto facts = std::make_shared<PathFacts>();
    facts->kernel_name = name;
    facts->bus = Bus::scsi;
    facts->address = Hctl{};
    return facts;
  }
  static PathId path(std::uint32_t slot) { return {.slot = slot, .generation = 1}; }
  void ask(std::uint32_t slot, std::uint64_t op, const std::shared_ptr<const PathFacts>& facts, BlockRead read = {}) {
    reads_->submit(OpId{op}, path(slot), read, facts);
  }
  std::vector<CommandReply> collect() {
    std::vector<CommandReply> replies;
    reads_->collect(replies);
    return replies;
  }
  /// What comes until `count` replies are there.
  std::vector<CommandReply> wait_for(std::size_t count) {
    std::vector<CommandReply> replies;
    reads_->collect(replies);
    while (replies.size() < count) {
      pollfd watched{.fd = reads_->event_fd(), .events = POLLIN, .revents = 0};
      if (::poll(&watched, 1, 20'000) <= 0) break;
      reads_->collect(replies);
    }
    std::ranges::sort(replies, {}, &CommandReply::op);
    return replies;
  }
  void go() {
    reads_->flush();
    lanes_.run();
  }
  std::vector<ReadFrame> frames(std::size_t child) {
    std::vector<ReadFrame> all;
    std::array<ReadFrame, frames_per_message> some;
    for (ssize_t got; (got = ::recv(children_[child].get(), some.data(), sizeof some, MSG_DONTWAIT)) > 0;) {
      all.insert(all.end(), some.begin(), some.begin() + got / static_cast<ssize_t>(sizeof(ReadFrame)));
    }
    return all;
  }

  fs::path root_;
  RealClock clock_;
  StepLanes lanes_;
  std::optional<DirectReadHelper> helper_;
  std::vector<UniqueFd> children_;
  std::unique_ptr<DirectReads> reads_;
  int opened_ = 0;
};

TEST_F(DirectReadsTest, ReadsOneBlockAndManyOfOnePath) {
  make_with_child();
  auto facts = disk("a", 8192);
  ask(0, 1, facts);
  go();
  std::vector<CommandReply> replies = wait_for(1);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].op, OpId{1});
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::none);
  EXPECT_TRUE(replies[0].outcome.data.empty());
  EXPECT_GT(replies[0].outcome.round_trip, Duration{0});
  for (std::uint64_t op = 10; op < 10 + limits::direct_reads_per_path; ++op) ask(0, op, facts, {.offset_bytes = 4096, .bytes = 4096});
  ask(0, 99, facts);  // one too many
  go();
  replies = wait_for(limits::direct_reads_per_path + 1);
  ASSERT_EQ(replies.size(), limits::direct_reads_per_path + 1);
  EXPECT_EQ(replies.back().outcome.failure, CommandFailure::submit_failed);
  for (std::size_t i = 0; i + 1 < replies.size(); ++i) EXPECT_EQ(replies[i].outcome.failure, CommandFailure::none);
  EXPECT_EQ(opened_, 1);
}

TEST_F(DirectReadsTest, FewerBytesThanAskedAreAnError) {
  make_with_child();
  ask(0, 1, disk("short", 100));
  ask(1, 2, disk("none", 0));
  ask(2, 3, disk("long", 4096), {.bytes = static_cast<std::uint32_t>(limits::direct_read_bytes) + 1});
  go();
  std::vector<CommandReply> replies = wait_for(3);
  ASSERT_EQ(replies.size(), 3u);
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::io_error);
  EXPECT_EQ(replies[1].outcome.failure, CommandFailure::open_failed);
  EXPECT_EQ(replies[2].outcome.failure, CommandFailure::submit_failed);
}

TEST_F(DirectReadsTest, ADetachedPathGivesNoReply) {
  make_with_test_as_child();
  ask(0, 1, disk("a", 4096));
  reads_->flush();
  reads_->detach(path(0));  // while the lane opens it
  lanes_.run();
  EXPECT_TRUE(frames(0).empty());
  ask(1, 2, disk("b", 4096));
  go();
  ASSERT_EQ(frames(0).size(), 2u);
  reads_->detach(path(1));
  ReadReplyFrame late{.kind = ReadReplyFrame::Kind::done, .slot = 1, .generation = 1, .result = 512, .op = 2, .wanted = 512};
  ASSERT_GT(::send(children_[0].get(), &late, sizeof late, 0), 0);
  EXPECT_TRUE(collect().empty());
  auto told = frames(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, ReadFrame::Kind::close);
}

TEST_F(DirectReadsTest, AChildThatDiesFailsItsReadsAndIsReplaced) {
  make_with_test_as_child();
  auto facts = disk("a", 4096);
  ask(0, 1, facts);
  go();
  children_[0].reset();
  std::vector<CommandReply> replies = wait_for(1);
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::submit_failed);
  EXPECT_EQ(reads_->lost_children(), 1u);
  ask(0, 2, facts);
  go();
  replies = wait_for(1);
  ASSERT_EQ(replies.size(), 1u) << "it died young: there is a pause before the next one";
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::submit_failed);
  EXPECT_EQ(children_.size(), 1u);
  clock_.ahead += limits::direct_restart;
  ask(0, 3, facts);
  go();
  ASSERT_EQ(children_.size(), 2u);
  EXPECT_EQ(frames(1).size(), 2u) << "opened anew, and read";
  EXPECT_EQ(opened_, 2);
}

TEST_F(DirectReadsTest, ASilentChildIsAskedAndThenReplaced) {
  make_with_test_as_child();
  auto facts = disk("a", 4096);
  ask(0, 1, facts);
  go();
  EXPECT_EQ(frames(0).size(), 2u);
  ReadReplyFrame pong{.kind = ReadReplyFrame::Kind::pong};
  clock_.ahead += limits::direct_silence + milliseconds{1};
  reads_->tend();
  auto told = frames(0);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, ReadFrame::Kind::ping);
  ASSERT_GT(::send(children_[0].get(), &pong, sizeof pong, 0), 0);
  EXPECT_TRUE(collect().empty()) << "the read may take as long as it likes";
  clock_.ahead += limits::direct_silence + milliseconds{1};
  reads_->tend();
  EXPECT_EQ(frames(0).size(), 1u);
  clock_.ahead += limits::direct_patience + milliseconds{1};
  reads_->tend();
  std::vector<CommandReply> replies = collect();
  ASSERT_EQ(replies.size(), 1u);
  EXPECT_EQ(replies[0].outcome.failure, CommandFailure::submit_failed);
}

TEST_F(DirectReadsTest, AChildThatTakesNothingDoesNotHoldTheDaemon) {
  make_with_test_as_child();
  auto facts = disk("a", 4096);
  for (std::uint32_t slot = 0; slot < 3000; ++slot) ask(slot, slot + 1, facts);
  go();  // must come back
  std::size_t seen = frames(0).size();
  EXPECT_LT(seen, 6000u);
  for (int i = 0; i < 1000 && seen < 6000; ++i) {
    (void)collect();
    seen += frames(0).size();
  }
  EXPECT_EQ(seen, 6000u);
}

TEST_F(DirectReadsTest, WithoutAChildOrALaneReadsAreRefused) {
  make({});
  ask(0, 1, disk("a", 4096));
  go();
  EXPECT_EQ(collect().at(0).outcome.failure, CommandFailure::submit_failed);
  make_with_test_as_child();
  lanes_.refuse = true;
  ask(0, 2, disk("a", 4096));
  go();
  EXPECT_EQ(collect().at(0).outcome.failure, CommandFailure::submit_failed);
}

TEST_F(DirectReadsTest, TheChildKeepsNothingOpenAndEndsWithItsParent) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  UniqueFd far_end(pipe_ends[0]);
  {
    UniqueFd near_end(pipe_ends[1]);
    make_with_child();
    ask(0, 1, disk("a", 4096));
    go();
    EXPECT_EQ(wait_for(1).size(), 1u);
  }
  // The helper was forked while the pipe was open: if it or its reader had kept it, this would not end.
  pollfd watched{.fd = far_end.get(), .events = POLLIN, .revents = 0};
  ASSERT_EQ(::poll(&watched, 1, 10'000), 1);
  EXPECT_TRUE(watched.revents & POLLHUP);
  helper_.reset();
  EXPECT_GT(::waitpid(-1, nullptr, 0), 0);
}

}  // namespace
}  // namespace mpath::sys
