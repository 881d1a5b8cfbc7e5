// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/base/text.h"
#include "libmpath/view/format.h"
#include "libmpath/view/words.h"

namespace mpath::view {

namespace {

using engine::MapView;

/// The first path in group order for which `has` holds; nothing if there is none.
template <typename Predicate>
const PathFacts* first_path(const MapView& map, Predicate has) {
  for (const auto& group : map.groups) {
    for (const auto& path : group.paths) {
      if (path && has(facts_of(*path))) return &facts_of(*path);
    }
  }
  return nullptr;
}

void put_member(std::string& out, const MapView& map, std::string PathFacts::* member) {
  const PathFacts* facts = first_path(map, [&](const PathFacts& path) { return !(path.*member).empty(); });
  out += facts ? escape(facts->*member) : "##";
}

void name(std::string& out, const MapView& map, MonoTime) { out += escape(map.name.empty() ? map.wwid.text : map.name.text); }
void wwid(std::string& out, const MapView& map, MonoTime) { out += escape(map.wwid.text); }

void device(std::string& out, const MapView& map, MonoTime) {
  out += map.devnum.valid() ? fmt::format("dm-{}", map.devnum.minor) : "undef";
}

void failback(std::string& out, const MapView& map, MonoTime now) {
  if (!map.failback_configured) {
    out += "undef";
  } else if (map.failback.kind != Failback::Kind::after) {
    out += to_string(map.failback);
  } else if (map.failback_due != no_deadline) {
    out += countdown_text(seconds_until(now, map.failback_due), map.failback.delay);
  } else {
    out += fmt::format("deferred:{}", map.failback.delay.count());
  }
}

void queueing(std::string& out, const MapView& map, MonoTime now) {
  switch (map.no_path_retry.kind) {
    case NoPathRetry::Kind::undefined: out += "-"; return;
    case NoPathRetry::Kind::fail: out += "off"; return;
    case NoPathRetry::Kind::queue: out += "on"; return;
    case NoPathRetry::Kind::checks: break;
  }
  if (map.retry_deadline != no_deadline) {
    out += fmt::format("{} sec", seconds_until(now, map.retry_deadline).count());
  } else if (map.usable_paths > 0) {
    out += fmt::format("{} chk", map.no_path_retry.checks);
  } else {
    out += "off";
  }
}

void usable_paths(std::string& out, const MapView& map, MonoTime) { out += fmt::to_string(map.usable_paths); }

void write_protection(std::string& out, const MapView& map, MonoTime) {
  out += !map.read_only ? "undef" : *map.read_only ? "ro" : "rw";
}

void device_state(std::string& out, const MapView& map, MonoTime) {
  out += !map.suspended ? "undef" : *map.suspended ? "suspend" : "active";
}

void size(std::string& out, const MapView& map, MonoTime) { out += size_text(map.size_sectors); }
void features(std::string& out, const MapView& map, MonoTime) { out += escape(map.features); }
void failures(std::string& out, const MapView& map, MonoTime) { out += fmt::to_string(map.failures); }
void hardware_handler(std::string& out, const MapView& map, MonoTime) { out += escape(map.hardware_handler); }
void action(std::string& out, const MapView& map, MonoTime) { out += word(map.pending); }
void path_faults(std::string& out, const MapView& map, MonoTime) { out += fmt::to_string(map.path_faults); }
void group_switches(std::string& out, const MapView& map, MonoTime) { out += fmt::to_string(map.group_switches); }
void map_loads(std::string& out, const MapView& map, MonoTime) { out += fmt::to_string(map.map_loads); }
void queue_time(std::string& out, const MapView& map, MonoTime) { out += fmt::to_string(map.total_queue_time.count()); }
void queue_timeouts(std::string& out, const MapView& map, MonoTime) { out += fmt::to_string(map.queue_timeouts); }

void vendor_product(std::string& out, const MapView& map, MonoTime) {
  const PathFacts* facts =
      first_path(map, [](const PathFacts& path) { return !path.vendor.empty() && !path.product.empty(); });
  out += facts ? escape(facts->vendor) + ',' + escape(facts->product) : "##,##";
}

void vendor(std::string& out, const MapView& map, MonoTime) { put_member(out, map, &PathFacts::vendor); }
void product(std::string& out, const MapView& map, MonoTime) { put_member(out, map, &PathFacts::product); }
void revision(std::string& out, const MapView& map, MonoTime) { put_member(out, map, &PathFacts::revision); }
void foreign(std::string& out, const MapView&, MonoTime) { out += "--"; }
void vendor_page(std::string& out, const MapView&, MonoTime) { out += "[undef]"; }

void max_sectors(std::string& out, const MapView& map, MonoTime) {
  out += map.max_sectors_kib ? fmt::to_string(*map.max_sectors_kib) : "n/a";
}

constexpr MapWildcard table[] = {
    {'n', "name", name},
    {'w', "uuid", wwid},
    {'d', "sysfs", device},
    {'F', "failback", failback},
    {'Q', "queueing", queueing},
    {'N', "paths", usable_paths},
    {'r', "write_prot", write_protection},
    {'t', "dm-st", device_state},
    {'S', "size", size},
    {'f', "features", features},
    {'x', "failures", failures},
    {'h', "hwhandler", hardware_handler},
    {'A', "action", action},
    {'0', "path_faults", path_faults},
    {'1', "switch_grp", group_switches},
    {'2', "map_loads", map_loads},
    {'3', "total_q_time", queue_time},
    {'4', "q_timeouts", queue_timeouts},
    {'s', "vend/prod", vendor_product},
    {'v', "vend", vendor},
    {'p', "prod", product},
    {'e', "rev", revision},
    {'G', "foreign", foreign},
    {'g', "vpd page data", vendor_page},
    {'k', "max_sectors_kb", max_sectors},
};
static_assert(std::size(table) == 25);

}  // namespace

std::span<const MapWildcard> map_wildcards() { return table; }

}  // namespace mpath::view
