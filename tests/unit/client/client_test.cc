// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/client/client.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <thread>

#include "libmpath/base/unique_fd.h"
#include "libmpath/ipc/frame.h"
#include "libmpath/ipc/names.h"
#include "tools/client/connection.h"

namespace mpath::client {
namespace {

constexpr milliseconds patient{10000};

TEST(JoinWords, MakesOneCommand) {
  struct Case {
    std::vector<std::string> words;
    std::string command;
  };
  const Case cases[] = {
      {{"show", "paths"}, "show paths"},
      {{"show", "paths", "raw", "format", "%d %m"}, "show paths raw format \"%d %m\""},
      {{"show", "maps", "raw", "format", "\"", "%w,%d", "\""}, "show maps raw format \" %w,%d \""},
      {{"show", "maps", "raw", "format", "\"%w %d\""}, "show maps raw format \"%w %d\""},
      {{"show", "maps", "format", "say \"%n\""}, "show maps format \"say \"\"%n\"\"\""},
      {{"resize map mpatha"}, "resize map mpatha"},
      {{}, ""},
  };
  for (const Case& c : cases) EXPECT_EQ(join_words(c.words).value(), c.command);
}

TEST(JoinWords, RefusesMoreThanTheOldLimit) {
  EXPECT_TRUE(join_words(std::vector<std::string>{std::string(words_bytes - 1, 'x')}));
  const auto refused = join_words(std::vector<std::string>{std::string(words_bytes, 'x')});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().what, "multipathd command too large");
}

TEST(WithoutEscapeSequences, LeavesTheText) {
  const std::pair<std::string, std::string> cases[] = {
      {"\x1b[1mmpatha dm-0\x1b[0m\n", "mpatha dm-0\n"}, {"plain", "plain"}, {"a\x1b[31;1mb", "ab"}, {"a\x1b[", "a"}, {"a\x1b", "a\x1b"}, {"", ""},
  };
  for (const auto& [text, stripped] : cases) EXPECT_EQ(without_escape_sequences(text), stripped);
}

/// Serves one connection with prepared replies and keeps the commands. An empty reply hangs up instead.
class Daemon {
 public:
  explicit Daemon(std::vector<std::string> replies) : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const std::string name = "@mpath-test-" + std::to_string(::getpid()) + "-" + std::to_string(++daemons);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path + 1, name.data() + 1, name.size() - 1);
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    EXPECT_EQ(::listen(listener_.get(), 1), 0);
    ::setenv(ipc::socket_variable, name.c_str(), 1);
    thread_ = std::thread([this, replies = std::move(replies)] { serve(replies); });
  }
  ~Daemon() {
    ::unsetenv(ipc::socket_variable);
    ::shutdown(listener_.get(), SHUT_RDWR);
    join();
  }
  const std::vector<std::string>& commands() {
    join();
    return commands_;
  }

 private:
  void join() {
    if (thread_.joinable()) thread_.join();
  }
  void serve(const std::vector<std::string>& replies) {
    const UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    ipc::FrameDecoder decoder = ipc::FrameDecoder::for_requests();
    for (const std::string& reply : replies) {
      while (!decoder.complete()) {
        char buffer[512];
        const ssize_t count = ::recv(fd.get(), buffer, std::min(sizeof buffer, decoder.wanted()), 0);
        if (count <= 0 || !decoder.feed({buffer, static_cast<std::size_t>(count)})) return;
      }
      commands_.push_back(decoder.take());
      if (reply.empty()) return;
      const std::string frame = ipc::encode_frame(reply).value();
      for (char byte : frame) {
        if (::send(fd.get(), &byte, 1, MSG_NOSIGNAL) != 1) return;
      }
    }
    char rest[512];
    while (::recv(fd.get(), rest, sizeof rest, 0) > 0) continue;
  }

  static inline int daemons = 0;
  UniqueFd listener_;
  std::thread thread_;
  std::vector<std::string> commands_;
};

/// What a client printed and how it ended.
struct Outcome {
  int status = -1;
  std::string out;
  std::string err;
};

template <typename Function>
Outcome capture(const std::string& input, Function function) {
  char* out_text = nullptr;
  char* err_text = nullptr;
  std::size_t out_size = 0;
  std::size_t err_size = 0;
  Terminal terminal{std::tmpfile(), ::open_memstream(&out_text, &out_size), ::open_memstream(&err_text, &err_size)};
  std::fwrite(input.data(), 1, input.size(), terminal.in);
  std::rewind(terminal.in);
  Outcome run;
  run.status = function(terminal);
  for (std::FILE* file : {terminal.in, terminal.out, terminal.err}) std::fclose(file);
  run.out.assign(out_text, out_size);
  run.err.assign(err_text, err_size);
  std::free(out_text);
  std::free(err_text);
  return run;
}

Outcome command(std::string_view text, milliseconds limit = patient) {
  return capture("", [&](Terminal terminal) { return run_client(text, limit, terminal); });
}

Outcome interactive(const std::string& input) {
  return capture(input, [&](Terminal terminal) { return run_interactive(patient, terminal); });
}

TEST(RunClient, PrintsTheReply) {
  Daemon daemon({"running\n"});
  const Outcome run = command("show path sda");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, "running\n");
  EXPECT_EQ(run.err, "");
  EXPECT_EQ(daemon.commands(), std::vector<std::string>{"show path sda"});
}

TEST(RunClient, PrintsTheDetailOfAFailure) {
  const std::pair<std::string, std::string> cases[] = {
      {"fail\n", "fail\n"}, {"fail\ndevice not found\n", "device not found\n"}, {"fail\ntimeout\n", "timeout\n"}};
  for (const auto& [reply, out] : cases) {
    Daemon daemon({reply});
    const Outcome run = command("resize map x");
    EXPECT_EQ(run.status, 1);
    EXPECT_EQ(run.out, out);
  }
}

TEST(RunClient, StripsBoldTextForAPipe) {
  Daemon daemon({"\x1b[1mmpatha dm-0\x1b[0m\nsize=1G\n"});
  EXPECT_EQ(command("show topology").out, "mpatha dm-0\nsize=1G\n");
}

TEST(RunClient, SaysNothingOnStandardOutputWithoutADaemon) {
  ::setenv(ipc::socket_variable, "@mpath-test-nobody", 1);
  const Outcome run = command("show status");
  ::unsetenv(ipc::socket_variable);
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(run.err, "ERROR: failed to connect to multipathd\n");
}

TEST(RunClient, ReportsALostConnection) {
  Daemon daemon({""});
  const Outcome run = command("show status");
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "error 5 receiving packet\n");
}

TEST(RunClient, ReportsATimeout) {
  Daemon daemon({});
  const Outcome run = command("show status", milliseconds{1});
  EXPECT_EQ(run.status, 1);
  EXPECT_EQ(run.out, "timeout receiving packet\n");
}

TEST(RunClient, TakesAReplyOfMegabytes) {
  int ends[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
  const UniqueFd near(ends[0]);
  const UniqueFd far(ends[1]);
  const std::string text(3u << 20, 'x');
  std::thread server([&] {
    const std::string frame = ipc::encode_frame(text).value();
    std::string_view rest = frame;
    while (!rest.empty()) rest.remove_prefix(static_cast<std::size_t>(::send(far.get(), rest.data(), rest.size(), MSG_NOSIGNAL)));
  });
  const auto reply = exchange(near.get(), "show paths", patient);
  server.join();
  ASSERT_TRUE(reply);
  EXPECT_TRUE(*reply == text);
}

TEST(RunInteractive, OnAPipePrintsPromptsAndReplies) {
  Daemon daemon({"ok\n"});
  const Outcome run = interactive("add path sda\n");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, "multipathd> ok\nmultipathd> ");
  EXPECT_EQ(daemon.commands(), std::vector<std::string>{"add path sda"});
}

TEST(RunInteractive, SendsOneCommandForEachLine) {
  Daemon daemon({"ok\n", "fail\n", "running\n"});
  const Outcome run = interactive("reconfigure\n\n   \nresize map x\n  show path sda  \n");
  EXPECT_EQ(run.out, "multipathd> ok\nmultipathd> multipathd> multipathd> fail\nmultipathd> running\nmultipathd> ");
  EXPECT_EQ(daemon.commands(), (std::vector<std::string>{"reconfigure", "resize map x", "show path sda"}));
}

TEST(RunInteractive, LeavesAtQuitOrExit) {
  for (const std::string word : {"quit", " exit "}) {
    Daemon daemon({"ok\n", "ok\n", "ok\n"});
    const Outcome run = interactive("show maps\n" + word + "\nshow paths\n");
    EXPECT_EQ(run.status, 0);
    EXPECT_EQ(run.out, "multipathd> ok\nmultipathd> ");
    EXPECT_EQ(daemon.commands(), std::vector<std::string>{"show maps"});
  }
}

TEST(RunInteractive, EndsQuietlyWhenTheDaemonHangsUp) {
  Daemon daemon({""});
  const Outcome run = interactive("show maps\nshow maps\n");
  EXPECT_EQ(run.status, 0);
  EXPECT_EQ(run.out, "multipathd> ");
}

TEST(RunInteractive, KeepsTheConnectionAfterALineThatIsTooLong) {
  Daemon daemon({"ok\n"});
  const Outcome run = interactive(std::string(5000, 'x') + "\nshow maps\n");
  EXPECT_EQ(run.out, "multipathd> multipathd> ok\nmultipathd> ");
  EXPECT_EQ(run.err, "multipathd command too large\n");
}

TEST(SocketNames, AreTheEnvironmentsAloneOrPathThenAbstract) {
  ::setenv(ipc::socket_variable, "/tmp/other", 1);
  EXPECT_EQ(socket_names(), std::vector<std::string>{"/tmp/other"});
  ::unsetenv(ipc::socket_variable);
  EXPECT_EQ(socket_names(), (std::vector<std::string>{"/run/multipathd.socket", "@/org/kernel/linux/storage/multipathd"}));
}

TEST(ConnectToDaemon, RefusesImpossibleNames) {
  ::setenv(ipc::socket_variable, std::string(200, 'x').c_str(), 1);
  const auto fd = connect_to_daemon(milliseconds{1});
  ::unsetenv(ipc::socket_variable);
  ASSERT_FALSE(fd);
  EXPECT_EQ(fd.error().code, ErrorCode::invalid_argument);
}

}  // namespace
}  // namespace mpath::client
