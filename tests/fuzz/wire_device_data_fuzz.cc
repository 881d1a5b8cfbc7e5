// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes of a device: INQUIRY pages, REPORT TARGET PORT GROUPS, sense data.
#include <algorithm>
#include <cstdlib>

#include "libmpath/wire/alua.h"
#include "libmpath/wire/sense.h"
#include "libmpath/wire/vpd.h"
#include "libmpath/wire/wwid.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  Bytes bytes(data, size);
  auto wwid = wire::choose_wwid(bytes);
  if (wwid && !wire::is_storable(*wwid)) std::abort();
  (void)wire::identity_fingerprint(bytes);
  (void)wire::target_port_group(bytes);
  (void)wire::relative_target_port(bytes);
  (void)wire::parse_unit_serial_number(bytes);
  (void)wire::parse_standard_inquiry(bytes);
  (void)wire::parse_target_port_groups(bytes, false);
  (void)wire::parse_target_port_groups(bytes, true);

  CommandOutcome outcome;
  outcome.sense_bytes = static_cast<std::uint8_t>(std::min(size, outcome.sense.size()));
  std::copy_n(data, outcome.sense_bytes, outcome.sense.begin());
  outcome.status = 2;
  auto verdict = wire::tur_verdict(outcome);
  if (verdict.sense) (void)wire::describe(*verdict.sense);
  return 0;
}
