// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/model/ids.h"

#include <limits>

#include "libmpath/base/text.h"

namespace mpath {

std::string to_string(DevNum number) { return fmt::format("{}:{}", number.major, number.minor); }

std::optional<DevNum> parse_devnum(std::string_view text) {
  std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  auto major = parse_decimal(text.substr(0, colon));
  auto minor = parse_decimal(text.substr(colon + 1));
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  if (!major || !minor || *major > most || *minor > most) return std::nullopt;
  return DevNum{static_cast<std::uint32_t>(*major), static_cast<std::uint32_t>(*minor)};
}

std::string to_string(const Hctl& address) {
  return fmt::format("{}:{}:{}:{}", address.host, address.channel, address.target, address.lun);
}

}  // namespace mpath
