// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/dm_actors.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sem.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::sys {

namespace {

/// The upper half of the key of libdevmapper's semaphores.
constexpr std::uint32_t cookie_magic = 0x0d4d;
constexpr std::string_view programs[] = {"dmsetup", "multipath", "kpartx", "lvm", "lvremove", "vgchange", "lvchange", "blkdeactivate"};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

std::string read_text(const std::string& name) {
  UniqueFd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[4096];
  while (file && text.size() < limits::process_file_bytes) {
    const ssize_t got = ::read(file.get(), part, sizeof part);
    if (got <= 0) break;
    text.append(part, static_cast<std::size_t>(got));
  }
  return text;
}

/// proc_pid_stat(5): the parent is the second word after the name, which stands in parentheses and may hold any byte.
std::uint32_t parent_of_process(std::uint32_t process, const std::string& proc) {
  const std::string text = read_text(fmt::format("{}/{}/stat", proc, process));
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return 0;
  const auto words = split_words(std::string_view(text).substr(end + 1));
  const auto parent = words.size() < 2 ? std::nullopt : parse_decimal(words[1]);
  return parent && *parent <= UINT32_MAX ? static_cast<std::uint32_t>(*parent) : 0;
}

/// proc_pid_status(5): "Uid:", then the real user's number.
std::uint32_t user_of_process(std::uint32_t process, const std::string& proc) {
  const std::string text = read_text(fmt::format("{}/{}/status", proc, process));
  for (std::string_view line : split(text, '\n')) {
    const auto words = split_words(line);
    if (words.size() < 2 || words[0] != "Uid:") continue;
    const auto user = parse_decimal(words[1]);
    return user && *user <= UINT32_MAX ? static_cast<std::uint32_t>(*user) : 0;
  }
  return 0;
}

/// The last process that worked on a semaphore. udev's own program takes its part in it at the end and says nothing of who began.
std::optional<DmActor> owner_of(int semaphore, std::uint32_t user, const std::string& proc) {
  const int last = ::semctl(semaphore, 0, GETPID);
  if (last <= 0 || last == ::getpid()) return std::nullopt;
  DmActor actor{.command = command_of(static_cast<std::uint32_t>(last), proc), .process = static_cast<std::uint32_t>(last), .user = user};
  const std::string parent = command_of(parent_of_process(actor.process, proc), proc);
  if (actor.command.empty() || parent.contains("udev")) return DmActor{.command = {}, .process = 0, .user = user};
  return actor;
}

/// Words of a line: key, id, permissions, number, uid, gid, ...
void look_at_cookies(std::vector<DmActor>& found, const std::string& proc) {
  const std::string table = read_text(proc + "/sysvipc/sem");
  for (std::string_view line : split(table, '\n')) {
    const auto words = split_words(line);
    if (words.size() < 5 || found.size() >= limits::dm_actors) continue;
    const auto key = parse_decimal(words[0]);
    const auto id = parse_decimal(words[1]);
    const auto user = parse_decimal(words[4]);
    if (!key || !id || !user || *key > UINT32_MAX || *key >> 16 != cookie_magic || *id > INT32_MAX || *user > UINT32_MAX) continue;
    if (auto owner = owner_of(static_cast<int>(*id), static_cast<std::uint32_t>(*user), proc)) found.push_back(std::move(*owner));
  }
}

void look_at_programs(std::vector<DmActor>& found, const std::string& proc) {
  const auto end = std::chrono::steady_clock::now() + limits::device_users_time;
  std::unique_ptr<DIR, CloseDirectory> processes(::opendir(proc.c_str()));
  while (const dirent* entry = processes ? ::readdir(processes.get()) : nullptr) {
    if (found.size() >= limits::dm_actors || std::chrono::steady_clock::now() > end) return;
    const auto process = parse_decimal(entry->d_name);
    if (!process || *process > INT32_MAX || *process == static_cast<std::uint64_t>(::getpid())) continue;
    const auto number = static_cast<std::uint32_t>(*process);
    std::string command = command_of(number, proc);
    if (std::ranges::find(programs, command) == std::end(programs)) continue;
    if (std::ranges::find(found, number, &DmActor::process) != found.end()) continue;
    if (command_of(parent_of_process(number, proc), proc).contains("udev")) continue;
    found.push_back({.command = std::move(command), .process = number, .user = user_of_process(number, proc)});
  }
}

}  // namespace

std::string command_of(std::uint32_t process, const std::string& proc) {
  if (process == 0) return {};
  return std::string(trim(read_text(fmt::format("{}/{}/comm", proc, process))));
}

std::vector<DmActor> actors_on_device_mapper(const std::string& proc) {
  std::vector<DmActor> found;
  look_at_cookies(found, proc);
  look_at_programs(found, proc);
  return found;
}

}  // namespace mpath::sys
