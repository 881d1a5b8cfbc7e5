// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/processes.h"

#include <fcntl.h>
#include <unistd.h>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::sys {

std::string read_process_file(const std::string& name) { return read_process_file(name, limits::process_file_bytes); }

std::string read_process_file(const std::string& name, std::size_t limit_bytes) {
  UniqueFd file(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  std::string text;
  char part[4096];
  while (file && text.size() < limit_bytes) {
    const ssize_t got = ::read(file.get(), part, sizeof part);
    if (got <= 0) break;
    text.append(part, static_cast<std::size_t>(got));
  }
  return text;
}

std::string command_of(std::uint32_t process, const std::string& proc) {
  if (process == 0) return {};
  return std::string(trim(read_process_file(fmt::format("{}/{}/comm", proc, process))));
}

std::uint32_t parent_of_process(std::uint32_t process, const std::string& proc) {
  // The parent is the second word after the name, which stands in parentheses and may hold any byte.
  const std::string text = read_process_file(fmt::format("{}/{}/stat", proc, process));
  const std::size_t end = text.rfind(')');
  if (end == std::string::npos) return 0;
  const auto words = split_words(std::string_view(text).substr(end + 1));
  const auto parent = words.size() < 2 ? std::nullopt : parse_decimal(words[1]);
  return parent && *parent <= UINT32_MAX ? static_cast<std::uint32_t>(*parent) : 0;
}

}  // namespace mpath::sys
