// SPDX-License-Identifier: LGPL-2.1-or-later
// Contents of the state files, names of devices and WWIDs as text.
#include <cstdlib>

#include "libmpath/wire/names.h"
#include "libmpath/wire/state_files.h"
#include "libmpath/wire/wwid.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  const Wwid wwid{"3600a"};
  if (auto changed = wire::add_wwid(text, wwid)) {
    if (!wire::parse_wwids(*changed).contains(wwid)) std::abort();
  }
  if (auto changed = wire::remove_wwid(text, wwid)) {
    if (wire::parse_wwids(*changed).contains(wwid)) std::abort();
  }
  auto bindings = wire::parse_bindings(text);
  if (wire::parse_bindings(wire::format_bindings(bindings.entries)).entries != bindings.entries) std::abort();
  const wire::ReservationKeyEntry entry{wwid, 42, true};
  if (auto changed = wire::set_prkey(text, entry)) {
    if (wire::find_prkey(*changed, wwid) != entry) std::abort();
  }
  if (auto changed = wire::remove_prkey(text, wwid)) {
    if (wire::find_prkey(*changed, wwid)) std::abort();
  }
  if (wire::decode_dm_name(wire::encode_dm_name(text)) != text) std::abort();
  (void)wire::normalise_wwid(text);
  (void)wire::dasd_wwid(text);
  std::string_view left = text.substr(0, size / 2), right = text.substr(size / 2);
  if ((wire::compare_kernel_names(left, right) < 0) != (wire::compare_kernel_names(right, left) > 0)) std::abort();
  return 0;
}
