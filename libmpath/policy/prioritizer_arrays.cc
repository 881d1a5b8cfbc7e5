// SPDX-License-Identifier: LGPL-2.1-or-later
// Prioritizers that ask SCSI arrays in their own tongues.
#include "libmpath/policy/prioritizer_steps.h"
#include "libmpath/wire/array_pages.h"
#include "libmpath/wire/scsi_command.h"
#include "libmpath/wire/sense.h"

namespace mpath::policy {

namespace {

enum OntapStep : std::uint8_t { ontap_transport, ontap_proxy };
constexpr wire::Sense standby_by_host{0x2, 0x04, 0x02};
constexpr std::uint8_t ready_attempts = wire::tur_attempts;

/// Nothing came back from the device, or not all the way.
bool is_unanswered(const CommandOutcome& outcome) {
  if (outcome.failure == CommandFailure::not_a_scsi_device) return false;
  return outcome.failure != CommandFailure::none || outcome.host_status != HostStatus::ok;
}

PriorityTurn judge_emc(Bytes data) {
  auto page = wire::parse_emc_page(data);
  bool is_valid = page && page->is_unit_path_page && page->is_failover_mode && page->unit_state <= wire::emc_unit_active;
  if (!is_valid) return undefined_priority();
  return known_priority(page->unit_state + (page->default_owner == page->processor ? 2 : 0));
}

PriorityTurn judge_rdac(Bytes data) {
  auto page = wire::parse_rdac_page(data);
  if (!page || !page->is_volume_page) return known_priority(0);
  int priority = page->is_owner ? 2 : 0;
  if (page->path_priority == 1) priority += 4;
  if (page->path_priority == 2) priority += 1;
  return known_priority(priority + (page->ships_io ? 8 : 0));
}

PriorityTurn judge_hp_sw(PriorityMemory& memory, const PriorityContext& context, const CommandOutcome& outcome) {
  auto sense = wire::decode_sense(outcome.sense_data());
  if (wire::classify(outcome) == wire::OutcomeClass::good) return known_priority(4);
  if (sense == standby_by_host) return known_priority(2);
  if (sense && sense->key == 0x6 && sense->asc == 0x29 && ++memory.attempts < ready_attempts) {
    return ask_for_priority(wire::test_unit_ready(context.timeout));
  }
  return known_priority(0);
}

PriorityTurn judge_ontap(PriorityMemory& memory, const PriorityContext& context, const CommandOutcome& outcome) {
  bool good = wire::classify(outcome) == wire::OutcomeClass::good;
  if (memory.step == ontap_transport) {
    auto transport = wire::parse_ontap_transport(outcome.data);
    if (!good || !transport) return known_priority(0);
    switch (*transport) {
      case wire::OntapTransport::iscsi_software: return known_priority(2);
      case wire::OntapTransport::iscsi_hardware: return known_priority(3);
      case wire::OntapTransport::other: break;
    }
    memory.step = ontap_proxy;
    return ask_for_priority(wire::inquiry_page(wire::vpd_ontap_proxy, wire::ontap_proxy_bytes, context.timeout));
  }
  return known_priority(good && wire::ontap_is_proxy(outcome.data).value_or(false) ? 1 : 4);
}

DeviceCommand first_command(PriorityMethod method, milliseconds timeout) {
  switch (method) {
    case PriorityMethod::emc: return wire::inquiry_page(wire::vpd_emc_unit_path, wire::emc_page_bytes, timeout);
    case PriorityMethod::rdac: return wire::inquiry_page(wire::vpd_rdac_access_control, wire::rdac_page_bytes, timeout);
    case PriorityMethod::hds: return wire::standard_inquiry(wire::hds_inquiry_bytes, timeout);
    case PriorityMethod::datacore: return wire::standard_inquiry(wire::datacore_inquiry_bytes, timeout);
    case PriorityMethod::ontap: return wire::ontap_vendor_attributes(wire::ontap_transport_page, wire::ontap_transport_bytes, timeout);
    case PriorityMethod::hp_sw:
    case PriorityMethod::missing: case PriorityMethod::constant: case PriorityMethod::alua: case PriorityMethod::sysfs:
    case PriorityMethod::ana: case PriorityMethod::iet: case PriorityMethod::path_latency: case PriorityMethod::random:
    case PriorityMethod::weightedpath: break;
  }
  return wire::test_unit_ready(timeout);
}

}  // namespace

PriorityTurn begin_array_priority(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context) {
  memory.step = 0;
  memory.attempts = 0;
  return ask_for_priority(first_command(prioritizer.method, context.timeout));
}

PriorityTurn continue_array_priority(const Prioritizer& prioritizer, PriorityMemory& memory, const PriorityContext& context,
                                     const CommandOutcome& outcome) {
  if (is_unanswered(outcome)) return unchanged_priority();
  bool good = wire::classify(outcome) == wire::OutcomeClass::good;
  switch (prioritizer.method) {
    case PriorityMethod::emc: return good ? judge_emc(outcome.data) : undefined_priority();
    case PriorityMethod::rdac: return good ? judge_rdac(outcome.data) : known_priority(0);
    case PriorityMethod::hds: {
      auto is_owner = good ? wire::hds_is_owner_path(outcome.data) : std::nullopt;
      return is_owner ? known_priority(*is_owner ? 1 : 0) : undefined_priority();
    }
    case PriorityMethod::datacore: {
      auto server = good ? wire::datacore_server(outcome.data) : std::nullopt;
      return known_priority(server && server->contains(prioritizer.arguments.preferred) ? 1 : 0);
    }
    case PriorityMethod::ontap: return judge_ontap(memory, context, outcome);
    case PriorityMethod::hp_sw: return judge_hp_sw(memory, context, outcome);
    case PriorityMethod::missing: case PriorityMethod::constant: case PriorityMethod::alua: case PriorityMethod::sysfs:
    case PriorityMethod::ana: case PriorityMethod::iet: case PriorityMethod::path_latency: case PriorityMethod::random:
    case PriorityMethod::weightedpath: break;
  }
  return undefined_priority();
}

}  // namespace mpath::policy
