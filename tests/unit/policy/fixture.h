// SPDX-License-Identifier: LGPL-2.1-or-later
// Configurations and paths for the tests of policy and plan.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "libmpath/config/effective.h"
#include "libmpath/config/parser.h"
#include "libmpath/model/discovery.h"

namespace mpath::policy {

inline std::shared_ptr<const config::Config> parse_text(std::string text) {
  const config::SourceFile file{"mp.conf", std::move(text), config::FileKind::main};
  config::ParseOptions options;
  options.hardware_table = false;
  return config::parse(std::span(&file, 1), options).config;
}

/// With these lines in the defaults section.
inline config::Resolver resolver_of(const std::string& defaults, const std::string& more = {}) {
  return config::Resolver(parse_text("defaults {\n" + defaults + "\n}\n" + more));
}

inline std::shared_ptr<const config::MapSettings> map_settings(const std::string& defaults, const std::string& more = {}) {
  return resolver_of(defaults, more).map("3600a", {});
}

/// sda, sdb, … with the number 8:0, 8:16, …
inline PathFacts facts_of(const std::string& name) {
  PathFacts facts;
  facts.kernel_name = name;
  facts.devnum = {8, static_cast<std::uint32_t>(name.back() - 'a') * 16};
  facts.bus = Bus::scsi;
  facts.protocol = Protocol::scsi_fcp;
  facts.size_sectors = 2048;
  facts.tpg_support = TpgSupport::none;
  return facts;
}

}  // namespace mpath::policy
