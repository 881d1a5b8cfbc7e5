// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/base/text.h"
#include "libmpath/view/format.h"
#include "libmpath/view/words.h"

namespace mpath::view {

namespace {

constexpr std::string_view undefined = "[undef]";

void put(std::string& out, std::string_view text) { out += escape(text); }
void put_or(std::string& out, std::string_view text, std::string_view missing) {
  out += text.empty() ? std::string(missing) : escape(text);
}

void wwid(std::string& out, const PathRow& row, MonoTime) { put(out, facts_of(row.path).wwid.text); }

void address(std::string& out, const PathRow& row, MonoTime) {
  const auto& address = facts_of(row.path).address;
  out += address ? to_string(*address) : "#:#:#:#";
}

void kernel_name(std::string& out, const PathRow& row, MonoTime) { put_or(out, facts_of(row.path).kernel_name, "-"); }

void device_number(std::string& out, const PathRow& row, MonoTime) {
  const DevNum number = facts_of(row.path).devnum;
  out += number.valid() ? to_string(number) : "#:#";
}

void kernel_state(std::string& out, const PathRow& row, MonoTime) { out += word(row.path.kernel_state); }

void device_state(std::string& out, const PathRow& row, MonoTime) {
  if (!row.in_map) {
    out += "unknown";
  } else {
    out += facts_of(row.path).sysfs_state == SysfsState::down ? "offline" : "running";
  }
}

void checker_state(std::string& out, const PathRow& row, MonoTime) {
  out += row.in_map ? checker_word(row.path.health.state) : "undef";
}

void vendor_product_revision(std::string& out, const PathRow& row, MonoTime) {
  const PathFacts& facts = facts_of(row.path);
  put_or(out, facts.vendor, "##");
  out += ',';
  put_or(out, facts.product, "##");
  out += ',';
  put_or(out, facts.revision, "##");
}

void checker(std::string& out, const PathRow& row, MonoTime) { put_or(out, row.path.checker, "(null)"); }

void next_check(std::string& out, const PathRow& row, MonoTime now) {
  if (row.in_map) {
    out += countdown_text(seconds_until(now, row.path.next_check), row.path.check_interval);
  } else {
    out += "orphan";
  }
}

void priority(std::string& out, const PathRow& row, MonoTime) { out += fmt::to_string(row.path.priority.value_or(-1)); }
void size(std::string& out, const PathRow& row, MonoTime) { out += size_text(facts_of(row.path).size_sectors); }
void serial(std::string& out, const PathRow& row, MonoTime) { put(out, facts_of(row.path).serial); }
void marginal(std::string& out, const PathRow& row, MonoTime) { out += row.path.marginal ? "marginal" : "normal"; }

void map_name(std::string& out, const PathRow& row, MonoTime) {
  if (row.in_map) {
    put_or(out, row.path.map_name, "[unknown]");
  } else {
    out += row.path.waiting_to_come_online ? "[offline]" : "[orphan]";
  }
}

void host_node(std::string& out, const PathRow& row, MonoTime) { put_or(out, facts_of(row.path).host_node, undefined); }
void target_node(std::string& out, const PathRow& row, MonoTime) { put_or(out, facts_of(row.path).target_node, undefined); }
void host_port(std::string& out, const PathRow& row, MonoTime) { put_or(out, facts_of(row.path).host_port, undefined); }
void target_port(std::string& out, const PathRow& row, MonoTime) { put_or(out, facts_of(row.path).target_port, undefined); }
void adapter(std::string& out, const PathRow& row, MonoTime) { put_or(out, facts_of(row.path).host_adapter, undefined); }
void foreign(std::string& out, const PathRow&, MonoTime) { out += "--"; }
void vendor_page(std::string& out, const PathRow&, MonoTime) { out += undefined; }
void failures(std::string& out, const PathRow& row, MonoTime) { out += fmt::to_string(row.path.failures); }
void protocol(std::string& out, const PathRow& row, MonoTime) { out += to_string(facts_of(row.path).protocol); }
void init_state(std::string& out, const PathRow& row, MonoTime) { out += word(row.path.init_state); }

void lun(std::string& out, const PathRow& row, MonoTime) {
  const auto& address = facts_of(row.path).address;
  std::uint64_t wire = ~std::uint64_t{0};
  if (address) {
    // SAM-6 4.7 has the first level in the first two bytes, the kernel's number in its lowest 16 bits.
    const std::uint64_t number = address->lun;
    wire = number << 48 | (number & 0xffff0000) << 16 | (number >> 16 & 0xffff0000) | number >> 48;
  }
  out += fmt::format("0x{:016x}", wire);
}

void target_port_group(std::string& out, const PathRow& row, MonoTime) {
  const auto& group = facts_of(row.path).target_port_group;
  out += group ? fmt::format("0x{:04x}", *group) : std::string(undefined);
}

void max_sectors(std::string& out, const PathRow& row, MonoTime) {
  const auto& most = facts_of(row.path).max_sectors_kib;
  out += most ? fmt::to_string(*most) : "n/a";
}

constexpr PathWildcard table[] = {
    {'w', "uuid", wwid},
    {'i', "hcil", address},
    {'d', "dev", kernel_name},
    {'D', "dev_t", device_number},
    {'t', "dm_st", kernel_state},
    {'o', "dev_st", device_state},
    {'T', "chk_st", checker_state},
    {'s', "vend/prod/rev", vendor_product_revision},
    {'c', "checker", checker},
    {'C', "next_check", next_check},
    {'p', "pri", priority},
    {'S', "size", size},
    {'z', "serial", serial},
    {'M', "marginal_st", marginal},
    {'m', "multipath", map_name},
    {'N', "host WWNN", host_node},
    {'n', "target WWNN", target_node},
    {'R', "host WWPN", host_port},
    {'r', "target WWPN", target_port},
    {'a', "host adapter", adapter},
    {'G', "foreign", foreign},
    {'g', "vpd page data", vendor_page},
    {'0', "failures", failures},
    {'P', "protocol", protocol},
    {'I', "init_st", init_state},
    {'L', "LUN hex", lun},
    {'A', "TPG", target_port_group},
    {'k', "max_sectors_kb", max_sectors},
};
static_assert(std::size(table) == 28);

}  // namespace

std::span<const PathWildcard> path_wildcards() { return table; }

}  // namespace mpath::view
