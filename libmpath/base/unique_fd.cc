// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/base/unique_fd.h"

#include <unistd.h>

namespace mpath {

void UniqueFd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

}  // namespace mpath
