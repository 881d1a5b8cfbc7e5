// SPDX-License-Identifier: LGPL-2.1-or-later
// Owns one file descriptor and closes it. Move-only. Any thread, one at a time.
#pragma once

#include <utility>

namespace mpath {

class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  explicit operator bool() const { return valid(); }
  [[nodiscard]] int release() { return std::exchange(fd_, -1); }
  /// Closes what is owned and takes `fd`. An error of close() is of no use to anybody and is dropped.
  void reset(int fd = -1);

 private:
  int fd_ = -1;
};

}  // namespace mpath
