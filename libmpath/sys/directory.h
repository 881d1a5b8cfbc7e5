// SPDX-License-Identifier: LGPL-2.1-or-later
// The entries of a directory. Any lane; blocks as long as the file system does.
#pragma once

#include <dirent.h>

#include <memory>
#include <string>

namespace mpath::sys {

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
