// SPDX-License-Identifier: LGPL-2.1-or-later
// Bytes of arrays: vendor specific pages, mode pages, NVMe identify structures and ANA log pages.
#include "libmpath/wire/ana.h"
#include "libmpath/wire/array_pages.h"
#include "libmpath/wire/scsi_command.h"
#include "libmpath/wire/sense.h"

#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  Bytes bytes(data, size);
  (void)wire::parse_rdac_page(bytes);
  (void)wire::parse_emc_page(bytes);
  (void)wire::lists_page(bytes, wire::vpd_rdac_access_control);
  (void)wire::hds_is_owner_path(bytes);
  (void)wire::datacore_server(bytes);
  (void)wire::parse_ontap_transport(bytes);
  (void)wire::ontap_is_proxy(bytes);
  (void)wire::task_aborted_status(bytes);
  auto select = wire::mode_select_task_aborted_status(bytes, milliseconds{1000});
  if (select && select->data_out.size() > std::size_t{4} + wire::control_mode_page_bytes) std::abort();
  (void)wire::parse_ana_support(bytes);
  (void)wire::parse_ana_group(bytes);
  for (std::uint32_t group : {0U, 1U, 0xffffffffU}) (void)wire::find_ana_state(bytes, group);
  return 0;
}
