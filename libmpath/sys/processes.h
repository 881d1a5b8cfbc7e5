// SPDX-License-Identifier: LGPL-2.1-or-later
// What /proc says of processes. Bounded reads; a process that ends meanwhile has no name and no parent. Any
// lane. `proc` is where the process file system is mounted; tests put it elsewhere.
#pragma once

#include <cstdint>
#include <string>

namespace mpath::sys {

/// A file's text as far as limits::process_file_bytes, or the given limit; empty if it cannot be read.
[[nodiscard]] std::string read_process_file(const std::string& name);
[[nodiscard]] std::string read_process_file(const std::string& name, std::size_t limit_bytes);

/// Name of a running program, without its newline; empty if there is no such process.
[[nodiscard]] std::string command_of(std::uint32_t process, const std::string& proc = "/proc");

/// 0 if it has none, or there is no such process. proc_pid_stat(5).
[[nodiscard]] std::uint32_t parent_of_process(std::uint32_t process, const std::string& proc = "/proc");

}  // namespace mpath::sys
