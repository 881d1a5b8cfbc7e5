// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/device_users.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/sys/directory.h"
#include "libmpath/sys/processes.h"
#include "libmpath/sys/sysfs.h"

namespace mpath::sys {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view our_programs[] = {"multipathd", "multipath", "mpathctl", "mpathpersist"};

std::string block_directory(const UserSources& sources, DevNum device) {
  return fmt::format("{}/dev/block/{}", sources.sys, to_string(device));
}

class Search {
 public:
  Search(DevNum device, std::span<const DevNum> partitions, const UserSources& sources)
      : device_(device), partitions_(partitions), sources_(sources), end_(SteadyClock::now() + limits::device_users_time) {}

  std::vector<std::string> run() {
    look_at_holders(device_);
    for (DevNum partition : partitions_) look_at_holders(partition);
    look_at_mounts();
    look_at_swap();
    // A mount or a dm device says enough; processes are looked for where nothing else explains the use.
    if (users_.empty()) look_at_processes();
    return std::move(users_);
  }

 private:
  [[nodiscard]] bool is_ours(DevNum number) const {
    return number == device_ || std::ranges::find(partitions_, number) != partitions_.end();
  }
  [[nodiscard]] bool enough() const { return users_.size() >= limits::device_users || SteadyClock::now() > end_; }
  void add(std::string user) {
    if (!enough() && std::ranges::find(users_, user) == users_.end()) users_.push_back(std::move(user));
  }

  /// Only below /dev: a file of another process may lie where looking at it takes for ever.
  [[nodiscard]] bool is_node_of_ours(const std::string& name) const {
    struct stat information{};
    if (!name.starts_with("/dev/") || ::stat(name.c_str(), &information) != 0 || !S_ISBLK(information.st_mode)) return false;
    return is_ours({major(information.st_rdev), minor(information.st_rdev)});
  }

  void look_at_holders(DevNum number) {
    const std::string directory = block_directory(sources_, number) + "/holders";
    for_each_entry(directory, [&](int, const std::string& name) {
      SysfsDirectory holder(directory + "/" + name);
      auto holders_number = parse_devnum(holder.text_or_empty("dev"));
      if (holders_number && is_ours(*holders_number)) return true;
      std::string dm_name = holder.text_or_empty("dm/name");
      add(dm_name.empty() ? fmt::format("held by {}", escape(name)) : fmt::format("held by {} ({})", escape(dm_name), escape(name)));
      return !enough();
    });
  }

  /// proc_pid_mountinfo(5): the third word is the device, the fifth where it is mounted, with octal escapes.
  void look_at_mounts() {
    const std::string table = read_process_file(sources_.proc + "/self/mountinfo", limits::mount_table_bytes);
    for (std::string_view line : split(table, '\n')) {
      auto words = split_words(line);
      if (words.size() < 5) continue;
      auto number = parse_devnum(words[2]);
      if (number && is_ours(*number)) add(fmt::format("mounted on {}", escape(words[4])));
    }
  }

  void look_at_swap() {
    const std::string table = read_process_file(sources_.proc + "/swaps");
    for (std::string_view line : split(table, '\n')) {
      auto words = split_words(line);
      if (!words.empty() && is_node_of_ours(std::string(words[0]))) add("used as swap");
    }
  }

  void look_at_processes() {
    for_each_entry(sources_.proc, [&](int, const char* name) {
      const auto number = parse_decimal(name);
      if (!number || *number > INT32_MAX) return true;
      const auto process = static_cast<std::uint32_t>(*number);
      if (is_family(process) || !has_open(fmt::format("{}/{}/fd", sources_.proc, process))) return !enough();
      const std::string command = command_of(process, sources_.proc);
      // They open no map; one that has a map open got the descriptor from whoever started it, and that is the user.
      if (std::ranges::find(our_programs, command) == std::end(our_programs)) add(fmt::format("open by {} ({})", escape(command), process));
      return !enough();
    });
  }

  /// This process, or one that it or its child has made.
  [[nodiscard]] bool is_family(std::uint32_t process) const {
    for (int generation = 0; generation < 3 && process != 0; ++generation) {
      if (process == static_cast<std::uint32_t>(::getpid())) return true;
      process = parent_of_process(process, sources_.proc);
    }
    return false;
  }

  [[nodiscard]] bool has_open(const std::string& descriptors) const {
    bool found = false;
    for_each_entry(descriptors, [&](int directory, const char* name) {
      char target[256];
      const ssize_t length = ::readlinkat(directory, name, target, sizeof target);
      found = length > 0 && is_node_of_ours(std::string(target, static_cast<std::size_t>(length)));
      return !found && SteadyClock::now() <= end_;
    });
    return found;
  }

  DevNum device_;
  std::span<const DevNum> partitions_;
  const UserSources& sources_;
  SteadyClock::time_point end_;
  std::vector<std::string> users_;
};

}  // namespace

std::vector<std::string> users_of(DevNum device, std::span<const DevNum> partitions, const UserSources& sources) {
  return Search(device, partitions, sources).run();
}

std::vector<DevNum> holders_of(DevNum device, const UserSources& sources) {
  std::vector<DevNum> found;
  const std::string directory = block_directory(sources, device) + "/holders";
  for_each_entry(directory, [&](int, const std::string& name) {
    if (auto number = parse_devnum(SysfsDirectory(directory + "/" + name).text_or_empty("dev"))) found.push_back(*number);
    return true;
  });
  return found;
}

std::vector<DevNum> partitions_of(DevNum device, const UserSources& sources) {
  std::vector<DevNum> found;
  const std::string directory = block_directory(sources, device);
  for_each_entry(directory, [&](int, const std::string& name) {
    SysfsDirectory part(directory + "/" + name);
    if (!part.has("partition")) return true;
    if (auto number = parse_devnum(part.text_or_empty("dev"))) found.push_back(*number);
    return true;
  });
  return found;
}

std::string text_of(const std::vector<std::string>& users) { return fmt::format("{}", fmt::join(users, ", ")); }

}  // namespace mpath::sys
