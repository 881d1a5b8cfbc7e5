// SPDX-License-Identifier: LGPL-2.1-or-later
// The one table of keywords: name, where it may stand, type, default, and what it is for. Parser, resolver, dump, linter and the manual
// page are all driven by it, so a new keyword is a new row here. Constant data; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace mpath::config {

/// The places where a keyword can stand. `root` is the file itself.
enum class Section : std::uint8_t {
  root,
  defaults,
  blacklist,
  blacklist_device,
  exceptions,
  exceptions_device,
  devices,
  device,
  overrides,
  protocol,
  multipaths,
  multipath,
};
inline constexpr std::size_t section_count = 12;
/// The word that opens the section, "file" for root.
[[nodiscard]] std::string_view name(Section section);
/// With its parent: "devices/device".
[[nodiscard]] std::string_view path_name(Section section);

// clang-format off
enum class Key : std::uint8_t {
  // general and daemon
  verbosity, polling_interval, max_polling_interval, reassign_maps, max_fds, queue_without_daemon, checker_timeout,
  allow_usb_devices, force_sync, strict_timing, log_checker_err, uxsock_timeout, retrigger_tries, retrigger_delay,
  missing_uev_wait_timeout, remove_retries, enable_foreign, partition_delimiter, auto_resize, max_retries,
  marginal_pathgroups, recheck_wwid,
  // discovery, naming, identity
  find_multipaths, find_multipaths_timeout, uid_attrs, uid_attribute, alias_prefix, user_friendly_names, alias, wwid,
  vendor, product, revision, product_blacklist, vpd_vendor, mode, uid, gid,
  // checking, priorities, grouping
  path_checker, checker, detect_checker, suspect_after, prio, prio_args, detect_prio, path_grouping_policy, detect_pgpolicy,
  detect_pgpolicy_use_tpg, failback, path_selector, rr_min_io, rr_min_io_rq, rr_weight,
  // queueing, removal, table
  no_path_retry, features, hardware_handler, retain_attached_hw_handler, flush_on_last_del, deferred_remove,
  skip_kpartx, max_sectors_kb, ghost_delay, purge_disconnected,
  // transport, persistent reservations
  fast_io_fail_tmo, dev_loss_tmo, eh_deadline, type, reservation_key, all_tg_pt,
  // shaky paths
  marginal_path_double_failed_time, marginal_path_err_sample_time, marginal_path_err_rate_threshold,
  marginal_path_err_recheck_gap_time, san_path_err_threshold, san_path_err_forget_rate, san_path_err_recovery_time,
  delay_watch_checks, delay_wait_checks,
  // blacklist rules
  devnode, property, protocol,
  // accepted and ignored
  multipath_dir, bindings_file, wwids_file, prkeys_file, config_dir, disable_changed_wwids, getuid_callout, pg_timeout,
};
// clang-format on
inline constexpr std::size_t key_count = static_cast<std::size_t>(Key::pg_timeout) + 1;

enum class ValueType : std::uint8_t {
  yes_no,            ///< yes, 1, no, 0
  unsigned_number,   ///< decimal digits up to 2^32-1, anything else is rejected
  number,            ///< signed, capped to [minimum, maximum]
  choice,            ///< one of `choices`
  policy,            ///< path_grouping_policy: a word that begins with one of `choices`
  text,              ///< anything
  name,              ///< anything without a slash
  expression,        ///< POSIX extended regular expression, tried when first needed
  rule,              ///< the same for a blacklist, with `!` for not; a bad one is fatal in the main file
  counted_words,     ///< words; the one at index `minimum` says how many follow it
  off_or_number,     ///< off, 0, or 1..maximum
  no_or_number,      ///< no (0), or 1..maximum
  retry,             ///< no_path_retry
  failback,          ///< failback
  loss_time,         ///< dev_loss_tmo
  file_limit,        ///< max_fds
  permission_bits,   ///< octal up to 0777
  user,              ///< user name or number
  group,             ///< user name (its primary group) or number
  reservation_key,   ///< `file`, or a hexadecimal key with optional `:aptpl`
  attribute_map,     ///< uid_attrs
  protocol_name,     ///< a transport, e.g. scsi:fcp
  ignored,           ///< accepted for old files' sake
};

/// A word of an enumerated value and the number that stands for it.
struct Choice {
  std::string_view word;
  std::int64_t number = 0;
  bool deprecated = false;
};

enum class Standing : std::uint8_t {
  current,
  alias,       ///< another spelling of `successor`; not printed
  deprecated,  ///< works, with a better successor; printed
  ignored,     ///< has no effect; never printed
};

struct Keyword {
  Key key;
  std::string_view name;
  ValueType type = ValueType::text;
  std::int64_t minimum = 0;
  std::int64_t maximum = 0;
  std::span<const Choice> choices{};
  /// The built-in default in the language of the file; nothing when it is "unset".
  std::optional<std::string_view> default_text{};
  /// A number 0 means "not set" and lets the next layer decide.
  bool zero_is_unset = false;
  /// Ours: a dump shows it only where somebody sets it, so that a file's dump stays what other programs make of it.
  bool dumped_when_set = false;
  std::string_view unit{};
  Standing standing = Standing::current;
  std::string_view successor{};    ///< for alias and deprecated: what to write; for ignored: the value that is used
  std::string_view description{};  ///< one line, for the manual page and the linter
  std::string_view example{};      ///< a value as it would be written
};

[[nodiscard]] const Keyword& keyword(Key key);
[[nodiscard]] std::span<const Keyword> all_keywords();
/// By its exact, case-sensitive name.
[[nodiscard]] std::optional<Key> find_key(std::string_view name);

/// The keywords of a section in the order in which a dump prints them.
[[nodiscard]] std::span<const Key> keys_of(Section section);
[[nodiscard]] bool allowed(Section section, Key key);
/// The keywords of the section form a list, so each may stand several times in one block.
[[nodiscard]] bool rules_repeat(Section section);

/// A word that opens a block.
struct Block {
  std::string_view name;
  Section parent;
  Section section;
  bool repeatable;       ///< several in one parent are normal
  bool brace_forgiven;   ///< opened even when `{` is missing on its line
};
[[nodiscard]] std::span<const Block> all_blocks();
[[nodiscard]] const Block* find_block(Section parent, std::string_view name);
/// One of the words whose line must end in `{`, wherever it stands.
[[nodiscard]] bool is_block_word(std::string_view word);

/// The transports of `type` and of the blacklist criterion `protocol`.
[[nodiscard]] std::span<const std::string_view> protocol_names();

}  // namespace mpath::config
