// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/detection.h"

#include "libmpath/wire/ana.h"
#include "libmpath/wire/array_pages.h"
#include "libmpath/wire/scsi_command.h"
#include "libmpath/wire/sense.h"
#include "libmpath/wire/vpd.h"

namespace mpath::policy {

namespace {

constexpr std::uint16_t supported_pages_bytes = 255;

/// Whether the RDAC test can end with yes: an entry for the device may name another checker, or the device has no such page.
bool may_be_rdac(const config::PathSettings& settings, const ProbeAnswers& answers) {
  if (settings.devices_checker) return *settings.devices_checker == to_string(Checker::rdac);
  return answers.lists_rdac_page.value_or(true);
}

}  // namespace

TpgSupport tpg_support(const PathFacts& facts, const ProbeAnswers& answers) {
  if (answers.refuses_port_groups) return TpgSupport::none;
  return facts.tpg_support != TpgSupport::undetermined ? facts.tpg_support : answers.tpg_support;
}

std::optional<Probe> next_probe(const PathFacts& facts, const config::PathSettings& settings, const ProbeAnswers& answers) {
  if (answers.unanswered >= probe_attempts) return std::nullopt;
  if (facts.bus == Bus::nvme && settings.detect_prio.value && !answers.reports_ana) return Probe::ana;
  if (facts.bus != Bus::scsi) return std::nullopt;
  bool detects = settings.detect_checker.value || settings.detect_prio.value;
  if (detects && tpg_support(facts, answers) == TpgSupport::undetermined) return Probe::inquiry;
  if (!settings.detect_checker.value || answers.is_rdac || !may_be_rdac(settings, answers)) return std::nullopt;
  if (!settings.devices_checker && !answers.lists_rdac_page) return Probe::supported_pages;
  return Probe::rdac_page;
}

DeviceCommand probe_command(Probe probe, milliseconds timeout) {
  switch (probe) {
    case Probe::inquiry: return wire::standard_inquiry(wire::standard_inquiry_bytes, timeout);
    case Probe::supported_pages: return wire::inquiry_page(wire::vpd_supported_pages, supported_pages_bytes, timeout);
    case Probe::rdac_page: return wire::inquiry_page(wire::vpd_rdac_access_control, wire::rdac_page_bytes, timeout);
    case Probe::ana: return wire::identify_controller(timeout);
  }
  return {};
}

void take_probe(Probe probe, const CommandOutcome& outcome, ProbeAnswers& answers) {
  wire::OutcomeClass kind = wire::classify(outcome);
  bool refused = kind == wire::OutcomeClass::illegal_request || kind == wire::OutcomeClass::unsupported;
  if (kind != wire::OutcomeClass::good && !refused) {
    ++answers.unanswered;
    return;
  }
  switch (probe) {
    case Probe::inquiry: {
      auto inquiry = wire::parse_standard_inquiry(outcome.data);
      if (refused || !inquiry) ++answers.unanswered;
      else answers.tpg_support = inquiry->tpg_support;
      break;
    }
    case Probe::supported_pages: answers.lists_rdac_page = !refused && wire::lists_page(outcome.data, wire::vpd_rdac_access_control); break;
    case Probe::rdac_page: {
      auto page = wire::parse_rdac_page(outcome.data);
      answers.is_rdac = !refused && page && page->is_volume_page;
      break;
    }
    case Probe::ana: {
      auto support = wire::parse_ana_support(outcome.data);
      // A controller that cannot be asked counts as one that may report it.
      answers.reports_ana = refused || !wire::nvme_succeeded(outcome) || (support && support->is_reported);
      break;
    }
  }
}

Checker choose_checker(const PathFacts& facts, const config::PathSettings& settings, const ProbeAnswers& answers) {
  Checker configured = parse_checker(settings.path_checker.value);
  bool port_groups = facts.bus == Bus::scsi && supports_port_groups(tpg_support(facts, answers));
  if (settings.detect_checker.value && facts.bus == Bus::scsi) {
    if (answers.is_rdac.value_or(false) && may_be_rdac(settings, answers)) return Checker::rdac;
    if (port_groups) return configured == Checker::alua ? Checker::alua : Checker::tur;
  }
  if (configured == Checker::alua && !port_groups) return Checker::tur;
  return configured;
}

PriorityChoice choose_priority(const PathFacts& facts, const config::PathSettings& settings, const ProbeAnswers& answers) {
  bool detects = settings.detect_prio.value;
  TpgSupport support = tpg_support(facts, answers);
  if (detects && facts.bus == Bus::nvme && answers.reports_ana.value_or(true)) return {PriorityMethod::ana, true};
  if (detects && facts.bus == Bus::scsi && support != TpgSupport::none) return {PriorityMethod::alua, true};
  PriorityMethod method = parse_priority_method(settings.prio.value);
  bool has_groups = facts.bus == Bus::scsi && support != TpgSupport::none;
  return {method == PriorityMethod::alua && !has_groups ? PriorityMethod::constant : method, false};
}

}  // namespace mpath::policy
