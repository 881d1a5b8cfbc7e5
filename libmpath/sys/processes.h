// SPDX-License-Identifier: LGPL-2.1-or-later
// What /proc says of processes, and the entries of a directory. Bounded reads; a process that ends meanwhile has no name and no parent. Any
// lane. `proc` is where the process file system is mounted; tests put it elsewhere.
#pragma once

#include <dirent.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace mpath::sys {

/// A file's text as far as limits::process_file_bytes, or the given limit; empty if it cannot be read.
[[nodiscard]] std::string read_process_file(const std::string& name);
[[nodiscard]] std::string read_process_file(const std::string& name, std::size_t limit_bytes);

/// Name of a running program, without its newline; empty if there is no such process.
[[nodiscard]] std::string command_of(std::uint32_t process, const std::string& proc = "/proc");

/// 0 if it has none, or there is no such process. proc_pid_stat(5).
[[nodiscard]] std::uint32_t parent_of_process(std::uint32_t process, const std::string& proc = "/proc");

/// Calls `look(directory's descriptor, entry's name)` for each entry whose name does not begin with a dot, until it says false. A directory
/// that cannot be read has none.
template <typename Look>
void for_each_entry(const std::string& directory, Look look) {
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  std::unique_ptr<DIR, Close> open(::opendir(directory.c_str()));
  while (const dirent* entry = open ? ::readdir(open.get()) : nullptr) {
    if (entry->d_name[0] != '.' && !look(::dirfd(open.get()), entry->d_name)) return;
  }
}

}  // namespace mpath::sys
