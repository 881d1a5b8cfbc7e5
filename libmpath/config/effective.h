// SPDX-License-Identifier: LGPL-2.1-or-later
// What the configuration says for one path, one map, and the process as a whole: every value typed, with its default filled in, and with
// where it came from. For policy, engine, view and command. What only the device can tell (detect_prio and its kin) is left to policy:
// here stand the configured value and the detect_ flag.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/time.h"
#include "libmpath/model/settings.h"

namespace mpath::config {

struct Config;

/// What is known of a path when its settings are looked up. Only the strings that are known; an unknown revision matches anything.
struct PathIdentity {
  std::string vendor;                   ///< trailing blanks removed; "NVME" for NVMe namespaces
  std::string product;                  ///< trailing blanks removed; the model for NVMe
  std::optional<std::string> revision;  ///< SCSI only
  std::string protocol;                 ///< "scsi:fcp", "nvme:tcp", ... (config type keyword); empty when unknown
  std::string kernel_name;              ///< "sda"
  std::string wwid;                     ///< empty while unknown; the multipaths entry may set prio
};

struct PathSettings {
  Effective<std::string> uid_attribute;  ///< empty: no udev property, sysfs is asked
  Effective<std::string> path_checker;
  Effective<bool> detect_checker;
  Effective<std::optional<seconds>> suspect_after;  ///< nothing: no path is ever suspect
  Effective<std::optional<seconds>> checker_timeout;  ///< unset: the SCSI device's own timeout, then 30 s
  Effective<std::string> prio;
  Effective<std::string> prio_args;
  Effective<bool> detect_prio;
  Effective<TransportLimit> fast_io_fail_tmo;
  Effective<std::optional<seconds>> dev_loss_tmo;  ///< dev_loss_infinity is the largest
  Effective<TransportLimit> eh_deadline;
  Effective<TransportLimit> max_retries;
  Effective<bool> recheck_wwid;
  Effective<VpdVendor> vpd_vendor;
  /// The checker that the `devices` layer alone names; the RDAC test depends on it.
  std::optional<std::string> devices_checker;
  /// At least one entry of devices or of the hardware table matches (find_multipaths_timeout depends on it).
  bool hardware_entry_matches = false;
};

/// Shaky-path detection after the rules that disable one method in favour of the other. Times and counts are 0 when off.
struct MarginalSettings {
  bool active = false;  ///< the marginal_path method runs
  Effective<seconds> double_failed_time;
  Effective<seconds> err_sample_time;  ///< at least 120 s when on
  Effective<std::uint32_t> err_rate_threshold;
  Effective<seconds> recheck_gap_time;

  bool san_active = false;  ///< the older san_path_err (or delay_*) method runs
  Effective<std::uint32_t> san_err_threshold;
  Effective<std::uint32_t> san_err_forget_rate;
  Effective<seconds> san_err_recovery_time;
};

struct MapSettings {
  Effective<std::optional<std::string>> alias;  ///< only from the multipaths section
  Effective<std::string> alias_prefix;
  Effective<bool> user_friendly_names;
  Effective<PathGroupingPolicy> path_grouping_policy;
  Effective<bool> detect_pgpolicy;
  Effective<bool> detect_pgpolicy_use_tpg;
  Effective<Failback> failback;
  Effective<std::string> path_selector;  ///< verbatim for the table, "service-time 0"
  Effective<std::uint32_t> rr_min_io;
  Effective<std::uint32_t> rr_min_io_rq;
  Effective<RrWeight> rr_weight;
  Effective<NoPathRetry> no_path_retry;
  Effective<std::string> features;          ///< counted, without queue_if_no_path and retain_attached_hw_handler
  Effective<std::string> hardware_handler;  ///< counted, "0" or "1 alua"
  Effective<bool> retain_attached_hw_handler;  ///< always true: the kernels we run on insist
  Effective<FlushOnLastDel> flush_on_last_del;
  Effective<bool> deferred_remove;
  Effective<bool> skip_kpartx;
  Effective<std::optional<std::uint32_t>> max_sectors_kb;
  Effective<seconds> ghost_delay;  ///< 0: off
  Effective<bool> purge_disconnected;
  Effective<std::optional<std::uint32_t>> mode;  ///< permission bits
  Effective<std::optional<std::uint32_t>> uid;
  Effective<std::optional<std::uint32_t>> gid;
  Effective<ReservationKey> reservation_key;
  Effective<bool> all_tg_pt;
  MarginalSettings marginal;
};

/// One record of uid_attrs: kernel names that begin with `prefix` take their WWID from the udev property `attribute`.
struct UidAttr {
  std::string prefix;
  std::string attribute;
  friend bool operator==(const UidAttr&, const UidAttr&) = default;
};

struct DaemonSettings {
  Effective<int> verbosity;
  Effective<seconds> polling_interval;      ///< at least 1 s
  Effective<seconds> max_polling_interval;  ///< at least polling_interval
  Effective<bool> reassign_maps;
  Effective<std::optional<std::uint64_t>> max_fds;  ///< unset: as many as the kernel allows
  Effective<bool> queue_without_daemon;
  Effective<std::optional<seconds>> checker_timeout;
  Effective<bool> allow_usb_devices;
  Effective<bool> force_sync;
  Effective<bool> strict_timing;
  Effective<LogCheckerErr> log_checker_err;
  Effective<milliseconds> uxsock_timeout;
  Effective<std::uint32_t> retrigger_tries;
  Effective<seconds> retrigger_delay;
  Effective<seconds> missing_uev_wait_timeout;
  Effective<std::uint32_t> remove_retries;
  Effective<std::string> enable_foreign;  ///< a regular expression
  Effective<std::optional<std::string>> partition_delimiter;
  Effective<AutoResize> auto_resize;
  Effective<MarginalPathgroups> marginal_pathgroups;
  Effective<FindMultipaths> find_multipaths;
  Effective<seconds> find_multipaths_timeout;  ///< negative: only for devices with a hardware entry, 1 s for others
  Effective<std::vector<UidAttr>> uid_attrs;   ///< not empty: uevents are merged
};

/// Resolves settings against one configuration and remembers what it found, so that the thousands of paths of one array share one
/// result and no expression is tried twice. Owned and used by one thread; make a new one after a reconfigure.
class Resolver {
 public:
  explicit Resolver(std::shared_ptr<const Config> config);
  Resolver(Resolver&&) noexcept;
  Resolver& operator=(Resolver&&) noexcept;
  ~Resolver();

  [[nodiscard]] const Config& config() const;
  [[nodiscard]] const DaemonSettings& daemon() const;
  /// Precedence: overrides/protocol, overrides, devices, defaults; prio asks the multipaths entry of the WWID first.
  [[nodiscard]] std::shared_ptr<const PathSettings> path(const PathIdentity& path);
  /// Precedence: multipaths, overrides, devices, defaults. `representative` is the path whose device entries count for the map.
  [[nodiscard]] std::shared_ptr<const MapSettings> map(std::string_view wwid, const PathIdentity& representative);
  /// Indexes into Config::devices of the entries that match the path, the deciding one first (for `show config local`).
  [[nodiscard]] std::vector<std::size_t> device_entries(const PathIdentity& path);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// "/etc/multipath.conf:12 (devices)", "hardware table:45", "built-in default": for logs, `why` and explanations.
[[nodiscard]] std::string describe(const Config& config, const Origin& origin);

}  // namespace mpath::config
