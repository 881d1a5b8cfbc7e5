// SPDX-License-Identifier: LGPL-2.1-or-later
// What a daemon does to its own process: background, pid file, and the means to go on working when the root file system is gone.
// Called by main() and the engine's thread during start-up.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::sys {

inline constexpr std::string_view pid_file_path = "/run/multipathd.pid";

/// Goes to the background: a new session, standard streams on /dev/null. The parent ends with status 0 at once, so only the daemon
/// returns. Before any thread is started.
[[nodiscard]] Status daemonise();

/// The pid file, locked as long as this lives; removed at the end.
class PidFile {
 public:
  /// ErrorCode::exists if a running process holds it; the text names its pid.
  [[nodiscard]] static Result<PidFile> take(std::string path);
  PidFile(PidFile&&) = default;
  PidFile& operator=(PidFile&&) = default;
  ~PidFile();

 private:
  PidFile(UniqueFd fd, std::string path) : fd_(std::move(fd)), path_(std::move(path)) {}
  UniqueFd fd_;
  std::string path_;
};

/// Locks all memory, takes a real-time priority for the calling thread (within RLIMIT_RTPRIO), asks to be spared by the OOM killer and
/// raises the limit of open files. Each step that fails is named in the result and costs nothing else; OOMScoreAdjust and LimitNOFILE in
/// the environment say that the service manager has decided.
[[nodiscard]] std::vector<Error> harden_process();

}  // namespace mpath::sys
