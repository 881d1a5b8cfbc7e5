// SPDX-License-Identifier: LGPL-2.1-or-later
// The rows of the keyword table. Everything else about keywords is in keywords.cc.
#include "libmpath/config/keyword_table.h"

#include <array>
#include <limits>

namespace mpath::config {

namespace {

constexpr std::int64_t int_max = std::numeric_limits<std::int32_t>::max();
constexpr std::int64_t int_min = std::numeric_limits<std::int32_t>::min();

constexpr Choice log_checker_err_words[] = {{"once", 0}, {"always", 1}};
constexpr Choice auto_resize_words[] = {{"never", 0}, {"grow_only", 1}, {"grow_shrink", 2}};
constexpr Choice marginal_words[] = {{"off", 0}, {"on", 1}, {"fpin", 2}, {"no", 0}, {"0", 0}, {"yes", 1}, {"1", 1}};
constexpr Choice find_words[] = {{"off", 0},    {"on", 1}, {"strict", 2}, {"greedy", 3}, {"smart", 4},
                                 {"no", 0},     {"0", 0},  {"yes", 1},    {"1", 1}};
constexpr Choice vpd_words[] = {{"undef", 0}, {"hp3par", 1}};
constexpr Choice policy_words[] = {{"failover", 0},      {"multibus", 1},           {"group_by_serial", 2},
                                   {"group_by_prio", 3}, {"group_by_node_name", 4}, {"group_by_tpg", 5}};
constexpr Choice weight_words[] = {{"uniform", 0}, {"priorities", 1}};
constexpr Choice flush_words[] = {{"never", 0},      {"always", 1},     {"unused", 2},    {"no", 2, true},
                                  {"0", 2, true}, {"yes", 1, true}, {"1", 1, true}};
using enum ValueType;

// clang-format off
constexpr std::array<Keyword, key_count> rows{{
  {.key = Key::verbosity, .name = "verbosity", .type = number, .minimum = 0, .maximum = 4, .default_text = "2",
   .description = "how much is logged: 0 only fatal failures, 2 normal, 3 details, 4 everything", .example = "3"},
  {.key = Key::polling_interval, .name = "polling_interval", .type = unsigned_number, .minimum = 1, .maximum = 4294967294, .default_text = "5", .unit = "s",
   .description = "shortest time between two checks of a path", .example = "10"},
  {.key = Key::max_polling_interval, .name = "max_polling_interval", .type = unsigned_number, .minimum = 1, .maximum = 4294967294, .default_text = "20", .unit = "s",
   .description = "longest time between two checks of a path that stays good; 4 times polling_interval unless set", .example = "40"},
  {.key = Key::reassign_maps, .name = "reassign_maps", .type = yes_no, .default_text = "no",
   .description = "put other device-mapper devices that sit on a path onto the map of that path", .example = "yes"},
  {.key = Key::max_fds, .name = "max_fds", .type = file_limit, .minimum = 0, .default_text = "max",
   .description = "limit of open files that the daemon asks for when it starts; max is the kernel's limit", .example = "8192"},
  {.key = Key::queue_without_daemon, .name = "queue_without_daemon", .type = yes_no, .default_text = "no",
   .description = "leave queueing switched on when the daemon ends", .example = "yes"},
  {.key = Key::checker_timeout, .name = "checker_timeout", .type = number, .minimum = 0, .maximum = int_max, .zero_is_unset = true, .unit = "s",
   .description = "how long a check or a SCSI priority query may take; unset: the device's own timeout, or 30", .example = "15"},
  {.key = Key::allow_usb_devices, .name = "allow_usb_devices", .type = yes_no, .default_text = "no",
   .description = "look at USB disks as well", .example = "yes"},
  {.key = Key::force_sync, .name = "force_sync", .type = yes_no, .default_text = "no",
   .description = "run one check at a time per host, for hosts that cannot do better", .example = "yes"},
  {.key = Key::strict_timing, .name = "strict_timing", .type = yes_no, .default_text = "no",
   .description = "begin checks at full seconds", .example = "yes"},
  {.key = Key::log_checker_err, .name = "log_checker_err", .type = choice, .choices = log_checker_err_words, .default_text = "always",
   .description = "whether a path that stays down is logged at every check or only the first time", .example = "once"},
  {.key = Key::uxsock_timeout, .name = "uxsock_timeout", .type = number, .minimum = 4000, .maximum = int_max, .default_text = "4000", .unit = "ms",
   .description = "time that a command on the daemon's socket may take; at least 4000", .example = "10000"},
  {.key = Key::retrigger_tries, .name = "retrigger_tries", .type = number, .minimum = 0, .maximum = int_max, .default_text = "3",
   .description = "how often udev is asked again for a WWID that is missing", .example = "5"},
  {.key = Key::retrigger_delay, .name = "retrigger_delay", .type = number, .minimum = 0, .maximum = int_max, .default_text = "10", .unit = "s",
   .description = "pause before udev is asked again for a missing WWID", .example = "20"},
  {.key = Key::missing_uev_wait_timeout, .name = "missing_uev_wait_timeout", .type = number, .minimum = 0, .maximum = int_max, .default_text = "30", .unit = "s",
   .description = "how long a new map waits for udev before its table may be loaded again", .example = "60"},
  {.key = Key::remove_retries, .name = "remove_retries", .type = number, .minimum = 0, .maximum = int_max, .default_text = "0",
   .description = "how often multipath -f and -F try again to remove a map in use, one second apart", .example = "3"},
  {.key = Key::enable_foreign, .name = "enable_foreign", .type = expression, .default_text = "NONE",
   .description = "which foreign multipath implementations are shown, e.g. the kernel's own for NVMe", .example = "nvme"},
  {.key = Key::partition_delimiter, .name = "partition_delimiter", .type = name,
   .description = "text between map name and partition number when a renamed map's partitions are renamed", .example = "-part"},
  {.key = Key::auto_resize, .name = "auto_resize", .type = choice, .choices = auto_resize_words, .default_text = "never",
   .description = "whether a map follows its paths when they all report a new size", .example = "grow_only"},
  {.key = Key::max_retries, .name = "max_retries", .type = off_or_number, .minimum = 1, .maximum = 5,
   .description = "retries of the SCSI disk driver for each command; off lifts the limit", .example = "3"},
  {.key = Key::marginal_pathgroups, .name = "marginal_pathgroups", .type = choice, .choices = marginal_words, .default_text = "off",
   .description = "what becomes of a shaky path: kept out (off), or used last in a group of its own (on, fpin)", .example = "on"},
  {.key = Key::recheck_wwid, .name = "recheck_wwid", .type = yes_no, .default_text = "no",
   .description = "read the WWID again when a failed path returns, and drop the path if it has changed", .example = "yes"},

  {.key = Key::find_multipaths, .name = "find_multipaths", .type = choice, .choices = find_words, .default_text = "strict",
   .description = "which devices become multipath maps", .example = "smart"},
  {.key = Key::find_multipaths_timeout, .name = "find_multipaths_timeout", .type = number, .minimum = int_min, .maximum = int_max, .default_text = "-10", .zero_is_unset = true, .unit = "s",
   .description = "with find_multipaths smart: how long a device waits for a second path; negative: unknown products wait 1 s only", .example = "-20"},
  {.key = Key::uid_attrs, .name = "uid_attrs", .type = attribute_map,
   .description = "udev properties that hold the WWID, by the beginning of the device's kernel name", .example = "\"sd:ID_SERIAL dasd:ID_UID nvme:ID_WWN\""},
  {.key = Key::uid_attribute, .name = "uid_attribute", .type = text, .default_text = "ID_SERIAL",
   .description = "udev property that holds the WWID; empty: ask the device itself", .example = "ID_SERIAL"},
  {.key = Key::alias_prefix, .name = "alias_prefix", .type = name, .default_text = "mpath",
   .description = "beginning of the names that user_friendly_names makes", .example = "san"},
  {.key = Key::user_friendly_names, .name = "user_friendly_names", .type = yes_no, .default_text = "no",
   .description = "name maps mpatha, mpathb, ... instead of by WWID", .example = "yes"},
  {.key = Key::alias, .name = "alias", .type = name,
   .description = "the name of this map", .example = "oracle_data1"},
  {.key = Key::wwid, .name = "wwid", .type = text,
   .description = "the WWID of the map that the entry is about; in the blacklist an expression over WWIDs", .example = "3600508b4000156d700012000000b0000"},
  {.key = Key::vendor, .name = "vendor", .type = expression,
   .description = "expression over the vendor that the device reports", .example = "\"^IBM\""},
  {.key = Key::product, .name = "product", .type = expression,
   .description = "expression over the product that the device reports", .example = "\"^2145\""},
  {.key = Key::revision, .name = "revision", .type = expression,
   .description = "expression over the firmware revision that the device reports", .example = "\"^04\""},
  {.key = Key::product_blacklist, .name = "product_blacklist", .type = expression,
   .description = "products of the same vendor that are never multipath devices, e.g. management LUNs", .example = "\"Universal Xport\""},
  {.key = Key::vpd_vendor, .name = "vpd_vendor", .type = choice, .choices = vpd_words, .zero_is_unset = true,
   .description = "vendor-specific data to read for the %g format wildcard", .example = "hp3par"},
  {.key = Key::mode, .name = "mode", .type = permission_bits, .maximum = 0777,
   .description = "permission bits of the map's device node, octal", .example = "0660"},
  {.key = Key::uid, .name = "uid", .type = user,
   .description = "owner of the map's device node, name or number", .example = "oracle"},
  {.key = Key::gid, .name = "gid", .type = group,
   .description = "group of the map's device node: a number, or a user name that stands for that user's group", .example = "6"},

  {.key = Key::path_checker, .name = "path_checker", .type = text, .default_text = "tur",
   .description = "how a path is checked: tur, directio, readsector0, emc_clariion, hp_sw, rdac, cciss_tur, alua, none", .example = "directio"},
  {.key = Key::checker, .name = "checker", .type = text, .standing = Standing::alias, .successor = "path_checker",
   .description = "another spelling of path_checker", .example = "tur"},
  {.key = Key::detect_checker, .name = "detect_checker", .type = yes_no, .default_text = "yes",
   .description = "choose the checker by what the device supports, before path_checker", .example = "no"},
  {.key = Key::suspect_after, .name = "suspect_after", .type = off_or_number, .minimum = 1, .maximum = int_max, .default_text = "2", .dumped_when_set = true, .unit = "s",
   .description = "new I/O avoids a path whose check is unanswered for so long, and for 20 times what is usual, while a sibling answers", .example = "5"},
  {.key = Key::prio, .name = "prio", .type = text, .default_text = "const",
   .description = "how a path's priority is found: alua, ana, const, datacore, emc, hds, hp_sw, iet, ontap, path_latency, random, rdac, sysfs, weightedpath", .example = "alua"},
  {.key = Key::prio_args, .name = "prio_args", .type = text, .default_text = "",
   .description = "arguments of prio; they count only beside a prio of the same section", .example = "exclusive_pref_bit"},
  {.key = Key::detect_prio, .name = "detect_prio", .type = yes_no, .default_text = "yes",
   .description = "choose the priority method by what the device supports, before prio", .example = "no"},
  {.key = Key::path_grouping_policy, .name = "path_grouping_policy", .type = policy, .choices = policy_words, .default_text = "failover",
   .description = "which paths of a map are used together", .example = "group_by_prio"},
  {.key = Key::detect_pgpolicy, .name = "detect_pgpolicy", .type = yes_no, .default_text = "yes",
   .description = "group ALUA paths by priority, before path_grouping_policy", .example = "no"},
  {.key = Key::detect_pgpolicy_use_tpg, .name = "detect_pgpolicy_use_tpg", .type = yes_no, .default_text = "no",
   .description = "detect_pgpolicy groups by target port group instead of by priority", .example = "yes"},
  {.key = Key::failback, .name = "failback", .type = ValueType::failback, .minimum = 0, .maximum = int_max, .default_text = "manual", .zero_is_unset = true, .unit = "s",
   .description = "when I/O returns to a better path group: manual, immediate, followover, or after so many seconds", .example = "immediate"},
  {.key = Key::path_selector, .name = "path_selector", .type = counted_words, .minimum = 1, .default_text = "service-time 0",
   .description = "the kernel's path selector with the count of its arguments", .example = "\"queue-length 0\""},
  {.key = Key::rr_min_io, .name = "rr_min_io", .type = number, .minimum = 0, .maximum = int_max, .default_text = "1000", .zero_is_unset = true,
   .description = "requests on one path before the next is chosen, kernels before 2.6.31 only", .example = "100"},
  {.key = Key::rr_min_io_rq, .name = "rr_min_io_rq", .type = number, .minimum = 0, .maximum = int_max, .default_text = "1", .zero_is_unset = true,
   .description = "requests on one path before the next is chosen", .example = "8"},
  {.key = Key::rr_weight, .name = "rr_weight", .type = choice, .choices = weight_words, .default_text = "uniform",
   .description = "priorities multiplies rr_min_io_rq by the priority of the path", .example = "priorities"},

  {.key = Key::no_path_retry, .name = "no_path_retry", .type = retry, .minimum = 1, .maximum = int_max,
   .description = "what happens to I/O when no path is left: fail, queue for ever, or queue for so many checks", .example = "12"},
  {.key = Key::features, .name = "features", .type = counted_words, .minimum = 0, .default_text = "0",
   .description = "features of the kernel's multipath target, with the count of words", .example = "\"2 pg_init_retries 50\""},
  {.key = Key::hardware_handler, .name = "hardware_handler", .type = counted_words, .minimum = 0, .default_text = "0",
   .description = "the kernel's hardware handler, with the count of words", .example = "\"1 alua\""},
  {.key = Key::retain_attached_hw_handler, .name = "retain_attached_hw_handler", .type = yes_no, .default_text = "yes",
   .description = "keep the hardware handler that the kernel attached by itself; always so since kernel 4.3", .example = "yes"},
  {.key = Key::flush_on_last_del, .name = "flush_on_last_del", .type = choice, .choices = flush_words, .default_text = "unused",
   .description = "when a map whose last path was removed stops queueing: always, if unused, never", .example = "always"},
  {.key = Key::deferred_remove, .name = "deferred_remove", .type = yes_no, .default_text = "no",
   .description = "a map in use whose last path was removed goes as soon as its last user does", .example = "yes"},
  {.key = Key::skip_kpartx, .name = "skip_kpartx", .type = yes_no, .default_text = "no",
   .description = "make no partition devices on the map", .example = "yes"},
  {.key = Key::max_sectors_kb, .name = "max_sectors_kb", .type = number, .minimum = 0, .maximum = int_max, .zero_is_unset = true, .unit = "KiB",
   .description = "largest request of the map's paths, set when the map is created", .example = "1024"},
  {.key = Key::ghost_delay, .name = "ghost_delay", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "s",
   .description = "how long a new map that has only ghost paths waits for an active one", .example = "10"},
  {.key = Key::purge_disconnected, .name = "purge_disconnected", .type = yes_no, .default_text = "no",
   .description = "remove SCSI devices whose LUN the array no longer presents", .example = "yes"},

  {.key = Key::fast_io_fail_tmo, .name = "fast_io_fail_tmo", .type = off_or_number, .minimum = 1, .maximum = int_max, .default_text = "5", .unit = "s",
   .description = "how long after a lost remote port its I/O is failed to other paths", .example = "10"},
  {.key = Key::dev_loss_tmo, .name = "dev_loss_tmo", .type = loss_time, .zero_is_unset = true, .unit = "s",
   .description = "how long after a lost remote port its devices are removed", .example = "infinity"},
  {.key = Key::eh_deadline, .name = "eh_deadline", .type = off_or_number, .minimum = 1, .maximum = int_max, .unit = "s",
   .description = "limit of the kernel's SCSI error handling before it resets the host", .example = "20"},
  {.key = Key::type, .name = "type", .type = protocol_name,
   .description = "the transport that the protocol block is about", .example = "scsi:fcp"},
  {.key = Key::reservation_key, .name = "reservation_key", .type = ValueType::reservation_key,
   .description = "key for persistent reservations: hexadecimal, or file for /etc/multipath/prkeys", .example = "0x123abc"},
  {.key = Key::all_tg_pt, .name = "all_tg_pt", .type = yes_no, .default_text = "no",
   .description = "register reservation keys for all target ports at once", .example = "yes"},

  {.key = Key::marginal_path_double_failed_time, .name = "marginal_path_double_failed_time", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "s",
   .description = "two failures within this time make a path suspect", .example = "60"},
  {.key = Key::marginal_path_err_sample_time, .name = "marginal_path_err_sample_time", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "s",
   .description = "how long a suspect path is tested with reads; at least 120", .example = "180"},
  {.key = Key::marginal_path_err_rate_threshold, .name = "marginal_path_err_rate_threshold", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "per mille",
   .description = "rate of failed reads from which a tested path counts as shaky", .example = "10"},
  {.key = Key::marginal_path_err_recheck_gap_time, .name = "marginal_path_err_recheck_gap_time", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "s",
   .description = "pause before a shaky path is tested again", .example = "300"},
  {.key = Key::san_path_err_threshold, .name = "san_path_err_threshold", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .standing = Standing::deprecated, .successor = "marginal_path_err_rate_threshold",
   .description = "failures before a path counts as shaky (older method)", .example = "5"},
  {.key = Key::san_path_err_forget_rate, .name = "san_path_err_forget_rate", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "checks", .standing = Standing::deprecated, .successor = "marginal_path_double_failed_time",
   .description = "good checks that take one failure off the count (older method)", .example = "100"},
  {.key = Key::san_path_err_recovery_time, .name = "san_path_err_recovery_time", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "s", .standing = Standing::deprecated, .successor = "marginal_path_err_recheck_gap_time",
   .description = "how long a shaky path stays out (older method)", .example = "60"},
  {.key = Key::delay_watch_checks, .name = "delay_watch_checks", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "checks", .standing = Standing::deprecated, .successor = "marginal_path_double_failed_time",
   .description = "checks during which a returned path is watched (oldest method)", .example = "12"},
  {.key = Key::delay_wait_checks, .name = "delay_wait_checks", .type = no_or_number, .minimum = 1, .maximum = int_max, .default_text = "no", .unit = "checks", .standing = Standing::deprecated, .successor = "marginal_path_err_recheck_gap_time",
   .description = "good checks that a path must show before it is used again (oldest method)", .example = "12"},

  {.key = Key::devnode, .name = "devnode", .type = rule,
   .description = "expression over kernel device names", .example = "\"^sda$\""},
  {.key = Key::property, .name = "property", .type = rule,
   .description = "expression over the names of udev properties", .example = "\"ID_ATA\""},
  {.key = Key::protocol, .name = "protocol", .type = rule,
   .description = "expression over transports, as listed under type", .example = "\"scsi:(usb|ata)\""},

  {.key = Key::multipath_dir, .name = "multipath_dir", .type = ignored, .standing = Standing::ignored, .successor = "/usr/lib/multipath",
   .description = "where plug-ins are; there are none", .example = "/lib/multipath"},
  {.key = Key::bindings_file, .name = "bindings_file", .type = ignored, .standing = Standing::ignored, .successor = "/etc/multipath/bindings",
   .description = "where user-friendly names are kept", .example = "/etc/multipath/bindings"},
  {.key = Key::wwids_file, .name = "wwids_file", .type = ignored, .standing = Standing::ignored, .successor = "/etc/multipath/wwids",
   .description = "where known WWIDs are kept", .example = "/etc/multipath/wwids"},
  {.key = Key::prkeys_file, .name = "prkeys_file", .type = ignored, .standing = Standing::ignored, .successor = "/etc/multipath/prkeys",
   .description = "where reservation keys are kept", .example = "/etc/multipath/prkeys"},
  {.key = Key::config_dir, .name = "config_dir", .type = ignored, .standing = Standing::ignored, .successor = "/etc/multipath/conf.d",
   .description = "where drop-in files are", .example = "/etc/multipath/conf.d"},
  {.key = Key::disable_changed_wwids, .name = "disable_changed_wwids", .type = ignored, .standing = Standing::ignored, .successor = "yes",
   .description = "keep away from paths whose WWID changed", .example = "yes"},
  {.key = Key::getuid_callout, .name = "getuid_callout", .type = ignored, .standing = Standing::ignored, .successor = "(not set)",
   .description = "program that prints the WWID; see uid_attribute", .example = "\"/lib/udev/scsi_id --whitelisted --device=/dev/%n\""},
  {.key = Key::pg_timeout, .name = "pg_timeout", .type = ignored, .standing = Standing::ignored, .successor = "(not set)",
   .description = "timeout of path group initialisation in old kernels", .example = "none"},
}};
// clang-format on

consteval bool rows_stand_in_order() {
  for (std::size_t i = 0; i < rows.size(); ++i) {
    if (static_cast<std::size_t>(rows[i].key) != i) return false;
  }
  return true;
}
static_assert(rows_stand_in_order(), "a row of the keyword table is out of place");

}  // namespace

std::span<const Keyword> keyword_rows() { return rows; }

}  // namespace mpath::config
