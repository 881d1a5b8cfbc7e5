// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/keywords.h"

#include <algorithm>
#include <array>

#include "libmpath/config/keyword_table.h"

namespace mpath::config {

namespace {

using enum Key;

// Where each keyword may stand, in the order of the dump. A section's list is its definition.

constexpr Key defaults_keys[] = {
    verbosity, polling_interval, max_polling_interval, reassign_maps, multipath_dir, path_selector,
    path_grouping_policy, uid_attrs, uid_attribute, getuid_callout, prio, prio_args, features, path_checker, checker,
    alias_prefix, failback, rr_min_io, rr_min_io_rq, max_fds, rr_weight, no_path_retry, queue_without_daemon,
    checker_timeout, allow_usb_devices, pg_timeout, flush_on_last_del, user_friendly_names, mode, uid, gid,
    fast_io_fail_tmo, dev_loss_tmo, eh_deadline, max_retries, bindings_file, wwids_file, prkeys_file, log_checker_err,
    reservation_key, all_tg_pt, retain_attached_hw_handler, detect_prio, detect_checker, detect_pgpolicy,
    detect_pgpolicy_use_tpg, force_sync, strict_timing, deferred_remove, partition_delimiter, config_dir,
    delay_watch_checks, delay_wait_checks, san_path_err_threshold, san_path_err_forget_rate,
    san_path_err_recovery_time, marginal_path_err_sample_time, marginal_path_err_rate_threshold,
    marginal_path_err_recheck_gap_time, marginal_path_double_failed_time, find_multipaths, uxsock_timeout,
    retrigger_tries, retrigger_delay, missing_uev_wait_timeout, skip_kpartx, disable_changed_wwids, purge_disconnected,
    remove_retries, max_sectors_kb, ghost_delay, auto_resize, find_multipaths_timeout, enable_foreign,
    marginal_pathgroups, recheck_wwid, suspect_after};
static_assert(std::size(defaults_keys) == 77);

constexpr Key device_keys[] = {
    vendor, product, revision, product_blacklist, path_grouping_policy, uid_attribute, getuid_callout, path_selector,
    path_checker, checker, alias_prefix, features, hardware_handler, prio, prio_args, failback, rr_weight,
    no_path_retry, rr_min_io, rr_min_io_rq, pg_timeout, flush_on_last_del, fast_io_fail_tmo, dev_loss_tmo, eh_deadline,
    user_friendly_names, retain_attached_hw_handler, detect_prio, detect_checker, detect_pgpolicy,
    detect_pgpolicy_use_tpg, deferred_remove, delay_watch_checks, delay_wait_checks, san_path_err_threshold,
    san_path_err_forget_rate, san_path_err_recovery_time, marginal_path_err_sample_time,
    marginal_path_err_rate_threshold, marginal_path_err_recheck_gap_time, marginal_path_double_failed_time,
    skip_kpartx, purge_disconnected, max_sectors_kb, ghost_delay, all_tg_pt, vpd_vendor, recheck_wwid,
    suspect_after};
static_assert(std::size(device_keys) == 49);

constexpr Key overrides_keys[] = {
    path_grouping_policy, uid_attribute, getuid_callout, path_selector, path_checker, checker, alias_prefix, features,
    prio, prio_args, failback, rr_weight, no_path_retry, rr_min_io, rr_min_io_rq, flush_on_last_del, fast_io_fail_tmo,
    dev_loss_tmo, eh_deadline, user_friendly_names, retain_attached_hw_handler, detect_prio, detect_checker,
    detect_pgpolicy, detect_pgpolicy_use_tpg, deferred_remove, delay_watch_checks, delay_wait_checks,
    san_path_err_threshold, san_path_err_forget_rate, san_path_err_recovery_time, marginal_path_err_sample_time,
    marginal_path_err_rate_threshold, marginal_path_err_recheck_gap_time, marginal_path_double_failed_time,
    skip_kpartx, purge_disconnected, max_sectors_kb, ghost_delay, all_tg_pt, recheck_wwid, suspect_after};
static_assert(std::size(overrides_keys) == 42);

constexpr Key protocol_keys[] = {type, fast_io_fail_tmo, dev_loss_tmo, eh_deadline};

constexpr Key multipath_keys[] = {
    wwid, alias, path_grouping_policy, path_selector, prio, prio_args, failback, rr_weight, no_path_retry, rr_min_io,
    rr_min_io_rq, pg_timeout, flush_on_last_del, features, mode, uid, gid, reservation_key, user_friendly_names,
    deferred_remove, delay_watch_checks, delay_wait_checks, san_path_err_threshold, san_path_err_forget_rate,
    san_path_err_recovery_time, marginal_path_err_sample_time, marginal_path_err_rate_threshold,
    marginal_path_err_recheck_gap_time, marginal_path_double_failed_time, skip_kpartx, purge_disconnected,
    max_sectors_kb, ghost_delay};
static_assert(std::size(multipath_keys) == 33);

constexpr Key rule_keys[] = {devnode, wwid, property, protocol};
constexpr Key device_rule_keys[] = {vendor, product};

constexpr Block blocks[] = {
    {"defaults", Section::root, Section::defaults, false, true},
    {"blacklist", Section::root, Section::blacklist, false, true},
    {"blacklist_exceptions", Section::root, Section::exceptions, false, true},
    {"devices", Section::root, Section::devices, false, true},
    {"overrides", Section::root, Section::overrides, false, false},
    {"multipaths", Section::root, Section::multipaths, false, true},
    {"device", Section::blacklist, Section::blacklist_device, true, true},
    {"device", Section::exceptions, Section::exceptions_device, true, true},
    {"device", Section::devices, Section::device, true, true},
    {"protocol", Section::overrides, Section::protocol, true, false},
    {"multipath", Section::multipaths, Section::multipath, true, true},
};

constexpr std::string_view protocols[] = {
    "scsi:fcp",   "scsi:spi",  "scsi:ssa",   "scsi:sbp",    "scsi:srp",  "scsi:iscsi", "scsi:sas",
    "scsi:adt",   "scsi:ata",  "scsi:usb",   "scsi:unspec", "nvme:pcie", "nvme:rdma",  "nvme:fc",
    "nvme:tcp",   "nvme:loop", "nvme:apple-nvme", "nvme:unspec", "ccw",  "cciss",      "undef"};

constexpr std::span<const Key> list_of(Section section) {
  switch (section) {
    case Section::root: return {};
    case Section::defaults: return defaults_keys;
    case Section::blacklist: return rule_keys;
    case Section::blacklist_device: return device_rule_keys;
    case Section::exceptions: return rule_keys;
    case Section::exceptions_device: return device_rule_keys;
    case Section::devices: return {};
    case Section::device: return device_keys;
    case Section::overrides: return overrides_keys;
    case Section::protocol: return protocol_keys;
    case Section::multipaths: return {};
    case Section::multipath: return multipath_keys;
  }
  return {};
}

/// One bit for each section, for each keyword.
constexpr auto placements = [] {
  std::array<std::uint16_t, key_count> bits{};
  for (std::size_t section = 0; section < section_count; ++section) {
    for (Key key : list_of(static_cast<Section>(section))) {
      bits[static_cast<std::size_t>(key)] |= static_cast<std::uint16_t>(1u << section);
    }
  }
  return bits;
}();
static_assert(std::ranges::none_of(placements, [](auto bits) { return bits == 0; }),
              "a keyword may stand nowhere");

}  // namespace

std::string_view name(Section section) {
  switch (section) {
    case Section::root: return "file";
    case Section::defaults: return "defaults";
    case Section::blacklist: return "blacklist";
    case Section::exceptions: return "blacklist_exceptions";
    case Section::devices: return "devices";
    case Section::blacklist_device:
    case Section::exceptions_device:
    case Section::device: return "device";
    case Section::overrides: return "overrides";
    case Section::protocol: return "protocol";
    case Section::multipaths: return "multipaths";
    case Section::multipath: return "multipath";
  }
  return "?";
}

std::string_view path_name(Section section) {
  switch (section) {
    case Section::blacklist_device: return "blacklist/device";
    case Section::exceptions_device: return "blacklist_exceptions/device";
    case Section::device: return "devices/device";
    case Section::protocol: return "overrides/protocol";
    case Section::multipath: return "multipaths/multipath";
    case Section::root:
    case Section::defaults:
    case Section::blacklist:
    case Section::exceptions:
    case Section::devices:
    case Section::overrides:
    case Section::multipaths: return name(section);
  }
  return "?";
}

const Keyword& keyword(Key key) { return keyword_rows()[static_cast<std::size_t>(key)]; }

std::span<const Keyword> all_keywords() { return keyword_rows(); }

std::optional<Key> find_key(std::string_view word) {
  const auto rows = keyword_rows();
  const auto found = std::ranges::find(rows, word, &Keyword::name);
  if (found == rows.end()) return std::nullopt;
  return found->key;
}

std::span<const Key> keys_of(Section section) { return list_of(section); }

bool allowed(Section section, Key key) {
  return (placements[static_cast<std::size_t>(key)] >> static_cast<unsigned>(section) & 1u) != 0;
}

bool rules_repeat(Section section) {
  return section == Section::blacklist || section == Section::exceptions;
}

std::span<const Block> all_blocks() { return blocks; }

const Block* find_block(Section parent, std::string_view word) {
  const auto found = std::ranges::find_if(
      blocks, [&](const Block& block) { return block.parent == parent && block.name == word; });
  return found == std::end(blocks) ? nullptr : &*found;
}

bool is_block_word(std::string_view word) {
  return std::ranges::any_of(blocks,
                             [&](const Block& block) { return block.brace_forgiven && block.name == word; });
}

std::span<const std::string_view> protocol_names() { return protocols; }

}  // namespace mpath::config
