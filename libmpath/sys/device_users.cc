// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/device_users.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/base/unique_fd.h"
#include "libmpath/sys/sysfs.h"

namespace mpath::sys {

namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr std::string_view our_programs[] = {"multipathd", "multipath", "mpathctl", "mpathpersist"};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

/// A file of /proc, cut off at a limit.
std::string read_text(const std::string& name) {
  UniqueFd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[4096];
  while (file && text.size() < limits::mount_table_bytes) {
    ssize_t got = ::read(file.get(), part, sizeof part);
    if (got <= 0) break;
    text.append(part, static_cast<std::size_t>(got));
  }
  return text;
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
    std::string directory = fmt::format("{}/dev/block/{}/holders", sources_.sys, to_string(number));
    Directory open(::opendir(directory.c_str()));
    if (!open) return;
    while (const dirent* entry = ::readdir(open.get())) {
      std::string name = entry->d_name;
      if (name.starts_with('.') || enough()) continue;
      SysfsDirectory holder(directory + "/" + name);
      auto holders_number = parse_devnum(holder.text_or_empty("dev"));
      if (holders_number && is_ours(*holders_number)) continue;
      std::string dm_name = holder.text_or_empty("dm/name");
      add(dm_name.empty() ? fmt::format("held by {}", escape(name)) : fmt::format("held by {} ({})", escape(dm_name), escape(name)));
    }
  }

  /// proc_pid_mountinfo(5): the third word is the device, the fifth where it is mounted, with octal escapes.
  void look_at_mounts() {
    const std::string table = read_text(sources_.proc + "/self/mountinfo");
    for (std::string_view line : split(table, '\n')) {
      auto words = split_words(line);
      if (words.size() < 5) continue;
      auto number = parse_devnum(words[2]);
      if (number && is_ours(*number)) add(fmt::format("mounted on {}", escape(words[4])));
    }
  }

  void look_at_swap() {
    const std::string table = read_text(sources_.proc + "/swaps");
    for (std::string_view line : split(table, '\n')) {
      auto words = split_words(line);
      if (!words.empty() && is_node_of_ours(std::string(words[0]))) add("used as swap");
    }
  }

  void look_at_processes() {
    Directory processes(::opendir(sources_.proc.c_str()));
    if (!processes) return;
    while (const dirent* entry = ::readdir(processes.get())) {
      std::string_view name = entry->d_name;
      if (enough()) return;
      if (!std::ranges::all_of(name, is_digit) || is_family(std::string(name))) continue;
      if (has_open(fmt::format("{}/{}/fd", sources_.proc, name))) {
        std::string command = read_text(fmt::format("{}/{}/comm", sources_.proc, name));
        // They open no map; one that has a map open got the descriptor from whoever started it, and that is the user.
        if (std::ranges::find(our_programs, trim(command)) != std::end(our_programs)) continue;
        add(fmt::format("open by {} ({})", escape(trim(command)), name));
      }
    }
  }

  /// This process, or one that it or its child has made.
  [[nodiscard]] bool is_family(std::string process) const {
    const std::string own = std::to_string(::getpid());
    for (int generation = 0; generation < 3 && !process.empty(); ++generation) {
      if (process == own) return true;
      // proc_pid_stat(5): the parent is the second word after the name, which may hold any byte.
      const std::string text = read_text(fmt::format("{}/{}/stat", sources_.proc, process));
      const auto words = split_words(std::string_view(text).substr(std::min(text.size(), text.rfind(')') + 1)));
      process = words.size() < 2 ? std::string() : std::string(words[1]);
    }
    return false;
  }

  [[nodiscard]] bool has_open(const std::string& descriptors) const {
    Directory open(::opendir(descriptors.c_str()));
    if (!open) return false;
    while (const dirent* entry = ::readdir(open.get())) {
      if (entry->d_name[0] == '.') continue;
      if (SteadyClock::now() > end_) return false;
      char target[256];
      ssize_t length = ::readlinkat(::dirfd(open.get()), entry->d_name, target, sizeof target);
      if (length > 0 && is_node_of_ours(std::string(target, static_cast<std::size_t>(length)))) return true;
    }
    return false;
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
  const std::string directory = fmt::format("{}/dev/block/{}/holders", sources.sys, to_string(device));
  Directory open(::opendir(directory.c_str()));
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    if (auto number = parse_devnum(SysfsDirectory(directory + "/" + entry->d_name).text_or_empty("dev"))) found.push_back(*number);
  }
  return found;
}

std::vector<DevNum> partitions_of(DevNum device, const UserSources& sources) {
  std::vector<DevNum> found;
  const std::string directory = fmt::format("{}/dev/block/{}", sources.sys, to_string(device));
  Directory open(::opendir(directory.c_str()));
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    SysfsDirectory part(directory + "/" + entry->d_name);
    if (!part.has("partition")) continue;
    if (auto number = parse_devnum(part.text_or_empty("dev"))) found.push_back(*number);
  }
  return found;
}

std::string text_of(const std::vector<std::string>& users) { return fmt::format("{}", fmt::join(users, ", ")); }

}  // namespace mpath::sys
