// SPDX-License-Identifier: LGPL-2.1-or-later
// conf/hardware.conf, whose bytes the build embeds.
#include <cstddef>
#include <string_view>

#include "libmpath/config/config.h"

namespace mpath::config {

extern const unsigned char embedded_hardware_table[];
extern const std::size_t embedded_hardware_table_size;

std::string_view hardware_table_text() {
  return {reinterpret_cast<const char*>(embedded_hardware_table), embedded_hardware_table_size};
}

}  // namespace mpath::config
