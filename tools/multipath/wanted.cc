// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/multipath/wanted.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "libmpath/base/text.h"

namespace mpath::tool {

namespace {

bool is_device_mapper(DevNum number) { return ::access(fmt::format("/sys/dev/block/{}/dm", to_string(number)).c_str(), F_OK) == 0; }

}  // namespace

Result<Wanted> resolve(const std::string& argument) {
  if (argument.empty()) return Wanted{};
  struct stat information{};
  std::optional<DevNum> number;
  if (::stat(argument.c_str(), &information) == 0 && S_ISBLK(information.st_mode)) {
    number = DevNum{major(information.st_rdev), minor(information.st_rdev)};
  } else {
    number = parse_devnum(argument);
  }
  if (number) return Wanted{.kind = is_device_mapper(*number) ? Wanted::Kind::map_device : Wanted::Kind::device, .name = {}, .devnum = *number};
  if (argument.contains('/')) return fail(ErrorCode::invalid_argument, {}, "'" + argument + "' is not a valid argument");
  return Wanted{.kind = Wanted::Kind::name, .name = argument, .devnum = {}};
}

bool names(const Wanted& wanted, const MapName& name, const Wwid& wwid, DevNum devnum) {
  if (wanted.kind != Wanted::Kind::name) return devnum == wanted.devnum;
  return name.text == wanted.name || wwid.text == wanted.name || wanted.name == fmt::format("dm-{}", devnum.minor);
}

bool is_wanted(const engine::MapView& map, const Wanted& wanted) {
  if (wanted.kind == Wanted::Kind::everything || names(wanted, map.name, map.wwid, map.devnum)) return true;
  if (wanted.kind == Wanted::Kind::name) return false;
  for (const engine::GroupView& group : map.groups) {
    for (const auto& path : group.paths) {
      if (path->facts->devnum == wanted.devnum) return true;
    }
  }
  return false;
}

}  // namespace mpath::tool
