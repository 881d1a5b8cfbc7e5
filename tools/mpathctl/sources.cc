// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/mpathctl/sources.h"

#include "libmpath/sys/files.h"

namespace mpath::ctl {

ports::ConfigFiles read_sources(const std::vector<std::string>& names) {
  if (names.empty()) return sys::Files(sys::FilePaths{}).read_configuration();
  ports::ConfigFiles all = sys::read_machine_facts();
  for (std::size_t i = 0; i < names.size(); ++i) {
    auto bytes = sys::read_configuration_file(names[i]);
    if (bytes) {
      all.files.push_back({.name = names[i], .bytes = std::move(*bytes), .is_drop_in = i != 0});
    } else {
      all.errors.push_back(std::move(bytes.error()));
      all.main_file_failed = all.main_file_failed || i == 0;
    }
  }
  return all;
}

}  // namespace mpath::ctl
