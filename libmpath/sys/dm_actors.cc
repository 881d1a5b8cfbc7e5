// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/dm_actors.h"

#include <sys/sem.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/sys/directory.h"
#include "libmpath/sys/processes.h"

namespace mpath::sys {

namespace {

/// The upper half of the key of libdevmapper's semaphores.
constexpr std::uint32_t cookie_magic = 0x0d4d;
constexpr std::string_view programs[] = {"dmsetup", "multipath", "kpartx", "lvm", "lvremove", "vgchange", "lvchange", "blkdeactivate"};

/// proc_pid_status(5): "Uid:", then the real user's number.
std::uint32_t user_of_process(std::uint32_t process, const std::string& proc) {
  const std::string text = read_process_file(fmt::format("{}/{}/status", proc, process));
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
  const std::string table = read_process_file(proc + "/sysvipc/sem");
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
  for_each_entry(proc, [&](int, const char* name) {
    if (found.size() >= limits::dm_actors || std::chrono::steady_clock::now() > end) return false;
    const auto process = parse_decimal(name);
    if (!process || *process > INT32_MAX || *process == static_cast<std::uint64_t>(::getpid())) return true;
    const auto number = static_cast<std::uint32_t>(*process);
    std::string command = command_of(number, proc);
    if (std::ranges::find(programs, command) == std::end(programs)) return true;
    if (std::ranges::find(found, number, &DmActor::process) != found.end()) return true;
    if (command_of(parent_of_process(number, proc), proc).contains("udev")) return true;
    found.push_back({.command = std::move(command), .process = number, .user = user_of_process(number, proc)});
    return true;
  });
}

}  // namespace

std::vector<DmActor> actors_on_device_mapper(const std::string& proc) {
  std::vector<DmActor> found;
  look_at_cookies(found, proc);
  look_at_programs(found, proc);
  return found;
}

}  // namespace mpath::sys
