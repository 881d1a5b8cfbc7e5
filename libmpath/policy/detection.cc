// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/detection.h"

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
  return facts.tpg_support != TpgSupport::undetermined ? facts.tpg_support : answers.tpg_support;
}

std::optional<Probe> next_probe(const PathFacts& facts, const config::PathSettings& settings, const ProbeAnswers& answers) {
  if (facts.bus != Bus::scsi || answers.unanswered >= probe_attempts) return std::nullopt;
  bool detects = settings.detect_checker.value || settings.detect_prio.value;
  if (detects && tpg_support(facts, answers) == TpgSupport::undetermined) return Probe::inquiry;
  if (!settings.detect_checker.value || answers.is_rdac || !may_be_rdac(settings, answers)) return std::nullopt;
  if (!settings.devices_checker && !answers.lists_rdac_page) return Probe::supported_pages;
  return Probe::rdac_page;
}

ScsiCommand probe_command(Probe probe, milliseconds timeout) {
  switch (probe) {
    case Probe::inquiry: return wire::standard_inquiry(wire::standard_inquiry_bytes, timeout);
    case Probe::supported_pages: return wire::inquiry_page(wire::vpd_supported_pages, supported_pages_bytes, timeout);
    case Probe::rdac_page: return wire::inquiry_page(wire::vpd_rdac_access_control, wire::rdac_page_bytes, timeout);
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

}  // namespace mpath::policy
