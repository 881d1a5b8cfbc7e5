// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/unix_socket.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace mpath::sys {
namespace {

namespace fs = std::filesystem;

class UnixSocketTest : public testing::Test {
 protected:
  UnixSocketTest() {
    std::string pattern = fs::temp_directory_path() / "mpath-sock-XXXXXX";
    root_ = mkdtemp(pattern.data());
  }
  ~UnixSocketTest() override { fs::remove_all(root_); }

  /// connect() to a path, or to an abstract name of exactly these bytes; 0 or errno.
  static int connect_to(const std::string& name, std::size_t extra = 0) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, name.data(), name.size());
    bool abstract = name.starts_with('@');
    if (abstract) address.sun_path[0] = '\0';
    auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size() + (abstract ? extra : 1));
    UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), length) == 0 ? 0 : errno;
  }
  fs::path root_;
};

TEST_F(UnixSocketTest, PathAndAbstractName) {
  std::string path = root_ / "socket";
  std::string abstract = "@mpath-test-" + root_.filename().string();
  auto sockets = open_listening_sockets(0, {path, abstract});
  ASSERT_TRUE(sockets) << sockets.error().message();
  EXPECT_EQ(sockets->size(), 2u);
  struct stat information{};
  ASSERT_EQ(::stat(path.c_str(), &information), 0);
  EXPECT_EQ(information.st_mode & 0777, 0666u) << "everybody may ask";
  EXPECT_EQ(connect_to(path), 0);
  EXPECT_EQ(connect_to(abstract), 0);
  EXPECT_EQ(connect_to(abstract, 1), ECONNREFUSED) << "the name ends with its last byte";
}

TEST_F(UnixSocketTest, ALeftOverSocketIsReplacedAndOtherFilesAreNot) {
  std::string path = root_ / "socket";
  ASSERT_TRUE(open_listening_sockets(0, {path}));
  EXPECT_EQ(connect_to(path), ECONNREFUSED);
  auto again = open_listening_sockets(0, {path});
  ASSERT_TRUE(again);
  EXPECT_EQ(connect_to(path), 0);

  std::string precious = root_ / "precious";
  std::ofstream(precious) << "data";
  auto refused = open_listening_sockets(0, {precious});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().subject, precious);
  EXPECT_TRUE(fs::is_regular_file(precious));
}

TEST_F(UnixSocketTest, OneGoodNameIsEnough) {
  std::string path = root_ / "socket";
  auto sockets = open_listening_sockets(0, {(root_ / "missing/socket").string(), path, std::string(200, 'x')});
  ASSERT_TRUE(sockets);
  EXPECT_EQ(sockets->size(), 1u);
  EXPECT_FALSE(open_listening_sockets(0, {}));
  EXPECT_FALSE(open_listening_sockets(0, {std::string(200, 'x')}));
}

}  // namespace
}  // namespace mpath::sys
