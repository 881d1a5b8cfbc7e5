// SPDX-License-Identifier: LGPL-2.1-or-later
// Answers to PERSISTENT RESERVE IN.
#include "libmpath/wire/reservation.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  Bytes bytes(data, size);
  auto keys = wire::parse_reservation_keys(bytes);
  if (keys.has_value() != (size >= 8)) std::abort();
  if (keys && keys->keys.size() * 8 > size - 8) std::abort();
  if (keys && !keys->is_truncated && keys->bytes_needed > size) std::abort();
  auto holder = wire::parse_reservation(bytes);
  if (holder && *holder && size < 22) std::abort();
  return 0;
}
