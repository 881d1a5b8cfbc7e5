// SPDX-License-Identifier: LGPL-2.1-or-later
// ports::Files: the configuration and the state files under /etc. Runs in lane files; the tools call it on their only thread.
#pragma once

#include <string>

#include "libmpath/ports/ports.h"

namespace mpath::sys {

/// Where things are; tests put them elsewhere.
struct FilePaths {
  std::string main_file = "/etc/multipath.conf";
  std::string drop_in_directory = "/etc/multipath/conf.d";
  std::string state_directory = "/etc/multipath";
  std::string run_directory = "/run/multipath";
  std::string nvme_multipath_parameter = "/sys/module/nvme_core/parameters/multipath";
  std::string most_open_files = "/proc/sys/fs/nr_open";
  std::string users = "/etc/passwd";
};

/// The bytes of a configuration file that somebody named. A directory, FIFO or device is an error and is not opened; so is a file larger
/// than limits::config_file_bytes. Any thread.
[[nodiscard]] Result<std::string> read_configuration_file(const std::string& name);

/// What the machine contributes to the meaning of any configuration: a ConfigFiles without files. Any thread.
[[nodiscard]] ports::ConfigFiles read_machine_facts(const FilePaths& paths = {});

/// The users of a text in the form of passwd(5), at most limits::known_users; lines that are none are left out. Any thread.
[[nodiscard]] std::vector<ports::SystemUser> parse_users(std::string_view text);

class Files final : public ports::Files {
 public:
  explicit Files(FilePaths paths) : paths_(std::move(paths)) {}

  /// What is no regular file (a directory, a FIFO) or larger than limits::config_file_bytes is an error, never a wait.
  ports::ConfigFiles read_configuration() override;
  Result<std::string> read(ports::StateFile file) override;
  Status update(ports::StateFile file,
                const std::function<std::optional<std::string>(std::string_view)>& change) override;
  /// /run/multipath/failed_wwids/<wwid>: an empty file, mode 0400.
  Status mark_failed(const Wwid& wwid, bool failed) override;
  std::vector<Wwid> marked_failed() override;

 private:
  [[nodiscard]] const std::string& directory_of(ports::StateFile file) const;
  [[nodiscard]] std::string path_of(ports::StateFile file) const;
  FilePaths paths_;
};

}  // namespace mpath::sys
