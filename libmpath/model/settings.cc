// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/model/settings.h"

#include <fmt/format.h>

namespace mpath {

std::string_view to_string(Layer layer) {
  switch (layer) {
    case Layer::built_in: return "built-in default";
    case Layer::defaults: return "defaults";
    case Layer::devices: return "devices";
    case Layer::hardware_table: return "hardware table";
    case Layer::overrides: return "overrides";
    case Layer::protocol: return "overrides protocol";
    case Layer::multipaths: return "multipaths";
    case Layer::blacklist: return "blacklist";
    case Layer::uid_attrs: return "uid_attrs";
    case Layer::derived: return "derived";
    case Layer::detected: return "detected";
    case Layer::command_line: return "command line";
  }
  return "?";
}

std::string_view to_string(PathGroupingPolicy policy) {
  switch (policy) {
    case PathGroupingPolicy::failover: return "failover";
    case PathGroupingPolicy::multibus: return "multibus";
    case PathGroupingPolicy::group_by_serial: return "group_by_serial";
    case PathGroupingPolicy::group_by_prio: return "group_by_prio";
    case PathGroupingPolicy::group_by_node_name: return "group_by_node_name";
    case PathGroupingPolicy::group_by_tpg: return "group_by_tpg";
  }
  return "?";
}

std::string to_string(const Failback& failback) {
  switch (failback.kind) {
    case Failback::Kind::manual: return "manual";
    case Failback::Kind::immediate: return "immediate";
    case Failback::Kind::followover: return "followover";
    case Failback::Kind::after: return fmt::to_string(failback.delay.count());
  }
  return "?";
}

std::string to_string(const NoPathRetry& retry) {
  switch (retry.kind) {
    case NoPathRetry::Kind::undefined: return "undefined";
    case NoPathRetry::Kind::fail: return "fail";
    case NoPathRetry::Kind::queue: return "queue";
    case NoPathRetry::Kind::checks: return fmt::to_string(retry.checks);
  }
  return "?";
}

std::string_view to_string(FlushOnLastDel value) {
  switch (value) {
    case FlushOnLastDel::never: return "never";
    case FlushOnLastDel::always: return "always";
    case FlushOnLastDel::unused: return "unused";
  }
  return "?";
}

std::string_view to_string(RrWeight value) {
  switch (value) {
    case RrWeight::uniform: return "uniform";
    case RrWeight::priorities: return "priorities";
  }
  return "?";
}

std::string_view to_string(FindMultipaths value) {
  switch (value) {
    case FindMultipaths::off: return "off";
    case FindMultipaths::on: return "on";
    case FindMultipaths::strict: return "strict";
    case FindMultipaths::greedy: return "greedy";
    case FindMultipaths::smart: return "smart";
  }
  return "?";
}

std::string_view to_string(MarginalPathgroups value) {
  switch (value) {
    case MarginalPathgroups::off: return "off";
    case MarginalPathgroups::on: return "on";
    case MarginalPathgroups::fpin: return "fpin";
  }
  return "?";
}

std::string_view to_string(LogCheckerErr value) {
  switch (value) {
    case LogCheckerErr::once: return "once";
    case LogCheckerErr::always: return "always";
  }
  return "?";
}

std::string_view to_string(AutoResize value) {
  switch (value) {
    case AutoResize::never: return "never";
    case AutoResize::grow_only: return "grow_only";
    case AutoResize::grow_shrink: return "grow_shrink";
  }
  return "?";
}

std::string_view to_string(VpdVendor value) {
  switch (value) {
    case VpdVendor::undef: return "undef";
    case VpdVendor::hp3par: return "hp3par";
  }
  return "?";
}

std::string to_string(const TransportLimit& limit) {
  switch (limit.kind) {
    case TransportLimit::Kind::unset: return "unset";
    case TransportLimit::Kind::off: return "off";
    case TransportLimit::Kind::value: return fmt::to_string(limit.value);
  }
  return "?";
}

}  // namespace mpath
