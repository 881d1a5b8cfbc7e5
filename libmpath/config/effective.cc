// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/effective.h"

#include <algorithm>
#include <map>
#include <tuple>

#include <fmt/format.h>

#include "libmpath/config/chain.h"
#include "libmpath/config/config.h"
#include "libmpath/config/features.h"
#include "libmpath/config/hardware.h"
#include "libmpath/config/intervals.h"
#include "libmpath/config/typed.h"

namespace mpath::config {

namespace {

Origin derived_from(Origin origin) {
  origin.layer = Layer::derived;
  return origin;
}

DaemonSettings daemon_settings(const Config& config) {
  Chain chain;
  chain.add(&config.defaults);
  const Typed get(chain);
  const PollingIntervals intervals = polling_intervals(config.defaults);
  DaemonSettings settings;
  settings.verbosity = get.number<int>(Key::verbosity);
  settings.polling_interval = intervals.shortest;
  settings.max_polling_interval = intervals.longest;
  settings.reassign_maps = get.flag(Key::reassign_maps);
  settings.max_fds = get.file_limit(Key::max_fds);
  settings.queue_without_daemon = get.flag(Key::queue_without_daemon);
  settings.checker_timeout = get.optional_time(Key::checker_timeout);
  settings.allow_usb_devices = get.flag(Key::allow_usb_devices);
  settings.force_sync = get.flag(Key::force_sync);
  settings.strict_timing = get.flag(Key::strict_timing);
  settings.log_checker_err = get.choice<LogCheckerErr>(Key::log_checker_err);
  settings.uxsock_timeout = get.time<milliseconds>(Key::uxsock_timeout);
  settings.retrigger_tries = get.number<std::uint32_t>(Key::retrigger_tries);
  settings.retrigger_delay = get.time<seconds>(Key::retrigger_delay);
  settings.missing_uev_wait_timeout = get.time<seconds>(Key::missing_uev_wait_timeout);
  settings.remove_retries = get.number<std::uint32_t>(Key::remove_retries);
  settings.enable_foreign = get.text(Key::enable_foreign);
  settings.partition_delimiter = get.optional_text(Key::partition_delimiter);
  settings.auto_resize = get.choice<AutoResize>(Key::auto_resize);
  settings.marginal_pathgroups = get.choice<MarginalPathgroups>(Key::marginal_pathgroups);
  settings.find_multipaths = get.choice<FindMultipaths>(Key::find_multipaths);
  settings.find_multipaths_timeout = get.time<seconds>(Key::find_multipaths_timeout);
  const Effective<std::string> records = get.text(Key::uid_attrs);
  settings.uid_attrs = {parse_uid_attrs(records.value), records.origin};
  return settings;
}

/// prio and its arguments come from the same section; only within devices may they come from different entries.
void resolve_prio(const Config& config, const Entry* multipath, const std::vector<std::size_t>& devices,
                  PathSettings& settings) {
  Chain hardware;
  for (std::size_t index : devices) hardware.add(&config.devices[index].settings);
  Chain layers[4];
  if (multipath) layers[0].add(&multipath->settings);
  layers[1].add(&config.overrides);
  layers[2] = hardware;
  layers[3].add(&config.defaults);
  for (const Chain& layer : layers) {
    if (!layer.find(Key::prio)) continue;
    const Typed get(layer);
    settings.prio = get.text(Key::prio);
    settings.prio_args = get.text(Key::prio_args);
    return;
  }
  const Chain nobody;
  const Typed get(nobody);
  settings.prio = get.text(Key::prio);
  settings.prio_args = get.text(Key::prio_args);
}

struct PathCase {
  const std::vector<std::size_t>* devices = nullptr;
  const Entry* protocol = nullptr;
  const Entry* multipath = nullptr;
  const UidAttr* uid_attr = nullptr;
  bool scsi = false;
  friend auto operator<=>(const PathCase&, const PathCase&) = default;
};

PathSettings path_settings(const Config& config, const DaemonSettings& daemon, const PathCase& path) {
  const Chain chain = make_chain(config, nullptr, nullptr, *path.devices);
  const Typed get(chain);
  const Chain with_protocol = make_chain(config, path.protocol, nullptr, *path.devices);
  const Typed transport(with_protocol);
  PathSettings settings;
  settings.uid_attribute = get.text(Key::uid_attribute);
  if (path.uid_attr) {
    settings.uid_attribute = {path.uid_attr->attribute, daemon.uid_attrs.origin};
    settings.uid_attribute.origin.layer = Layer::uid_attrs;
  }
  settings.path_checker = get.text(Key::path_checker);
  settings.detect_checker = get.flag(Key::detect_checker);
  settings.checker_timeout = daemon.checker_timeout;
  const auto suspect_after = get.number<std::int64_t>(Key::suspect_after);
  settings.suspect_after = {std::nullopt, suspect_after.origin};
  if (suspect_after.value > 0) settings.suspect_after.value = seconds{suspect_after.value};
  resolve_prio(config, path.multipath, *path.devices, settings);
  settings.detect_prio = get.flag(Key::detect_prio);
  settings.fast_io_fail_tmo = transport.limit(Key::fast_io_fail_tmo);
  settings.dev_loss_tmo = transport.optional_time(Key::dev_loss_tmo);
  settings.eh_deadline = transport.limit(Key::eh_deadline);
  settings.max_retries = get.limit(Key::max_retries);
  settings.recheck_wwid = get.flag(Key::recheck_wwid);
  const bool can_recheck = path.scsi && (settings.uid_attribute.value.empty() || settings.uid_attribute.value == "ID_SERIAL");
  if (settings.recheck_wwid.value && !can_recheck) {
    settings.recheck_wwid = {false, derived_from(settings.uid_attribute.origin)};
  }
  settings.vpd_vendor = get.choice<VpdVendor>(Key::vpd_vendor);
  for (std::size_t index : *path.devices) {
    const Setting* checker = config.devices[index].settings.find(Key::path_checker);
    if (!checker) continue;
    settings.devices_checker = std::get<std::string>(checker->value);
    break;
  }
  settings.hardware_entry_matches = !path.devices->empty();
  return settings;
}

MarginalSettings marginal_settings(const Chain& chain, const DaemonSettings& daemon) {
  const Typed get(chain);
  MarginalSettings result;
  const bool fpin = daemon.marginal_pathgroups.value == MarginalPathgroups::fpin;
  result.double_failed_time = get.time<seconds>(Key::marginal_path_double_failed_time);
  result.err_sample_time = get.time<seconds>(Key::marginal_path_err_sample_time);
  result.recheck_gap_time = get.time<seconds>(Key::marginal_path_err_recheck_gap_time);
  result.err_rate_threshold = get.number<std::uint32_t>(Key::marginal_path_err_rate_threshold);
  constexpr seconds shortest_sample{120};
  if (result.err_sample_time.value.count() > 0 && result.err_sample_time.value < shortest_sample) {
    result.err_sample_time = {shortest_sample, derived_from(result.err_sample_time.origin)};
  }
  // A threshold that nobody sets is 0 and lets the method run; an explicit "no" switches it off.
  const bool threshold_given = chain.find(Key::marginal_path_err_rate_threshold) != nullptr;
  const bool threshold_off = threshold_given && result.err_rate_threshold.value == 0;
  result.active = !fpin && result.double_failed_time.value.count() > 0 && result.err_sample_time.value.count() > 0 &&
                  result.recheck_gap_time.value.count() > 0 && !threshold_off;
  if (fpin) {
    const Origin origin = derived_from(daemon.marginal_pathgroups.origin);
    result.double_failed_time = result.err_sample_time = result.recheck_gap_time = {seconds{0}, origin};
    result.err_rate_threshold = {0, origin};
  }
  if (fpin || result.active) {
    const Origin origin = derived_from(fpin ? daemon.marginal_pathgroups.origin : result.double_failed_time.origin);
    result.san_err_threshold = result.san_err_forget_rate = {0, origin};
    result.san_err_recovery_time = {seconds{0}, origin};
    return result;
  }
  result.san_err_threshold = get.number<std::uint32_t>(Key::san_path_err_threshold);
  result.san_err_forget_rate = get.number<std::uint32_t>(Key::san_path_err_forget_rate);
  result.san_err_recovery_time = get.time<seconds>(Key::san_path_err_recovery_time);
  const bool san_given = result.san_err_threshold.value > 0 || result.san_err_forget_rate.value > 0 ||
                         result.san_err_recovery_time.value.count() > 0;
  const auto watch = get.number<std::uint32_t>(Key::delay_watch_checks);
  const auto wait = get.number<std::uint32_t>(Key::delay_wait_checks);
  if (!san_given && (watch.value > 0 || wait.value > 0)) {
    result.san_err_threshold = {1, derived_from(watch.value > 0 ? watch.origin : wait.origin)};
    if (watch.value > 0) result.san_err_forget_rate = {watch.value, derived_from(watch.origin)};
    if (wait.value > 0) {
      result.san_err_recovery_time = {wait.value * daemon.max_polling_interval.value, derived_from(wait.origin)};
    }
  }
  result.san_active = result.san_err_threshold.value > 0 && result.san_err_forget_rate.value > 0 &&
                      result.san_err_recovery_time.value.count() > 0;
  return result;
}

/// Takes the two old words out of features; queue_if_no_path counts where nobody sets no_path_retry.
void resolve_features(const Typed& get, MapSettings& settings) {
  settings.features = get.text(Key::features);
  std::string text = settings.features.value;
  if (remove_feature(text, queue_feature) && settings.no_path_retry.value.kind == NoPathRetry::Kind::undefined) {
    settings.no_path_retry = {{NoPathRetry::Kind::queue, 0}, derived_from(settings.features.origin)};
  }
  static_cast<void>(remove_feature(text, retain_feature));
  settings.features.value = std::move(text);
}

MapSettings map_settings(const Config& config, const DaemonSettings& daemon, const Entry* multipath,
                         const std::vector<std::size_t>& devices) {
  const Chain chain = make_chain(config, nullptr, multipath, devices);
  const Typed get(chain);
  MapSettings settings;
  settings.alias = get.optional_text(Key::alias);
  settings.alias_prefix = get.text(Key::alias_prefix);
  settings.user_friendly_names = get.flag(Key::user_friendly_names);
  settings.path_grouping_policy = get.choice<PathGroupingPolicy>(Key::path_grouping_policy);
  settings.detect_pgpolicy = get.flag(Key::detect_pgpolicy);
  settings.detect_pgpolicy_use_tpg = get.flag(Key::detect_pgpolicy_use_tpg);
  if (config.forced_grouping) {
    settings.path_grouping_policy = {*config.forced_grouping, {.layer = Layer::command_line}};
    settings.detect_pgpolicy = {false, {.layer = Layer::command_line}};
  }
  settings.failback = get.failback(Key::failback);
  settings.path_selector = get.text(Key::path_selector);
  settings.rr_min_io = get.number<std::uint32_t>(Key::rr_min_io);
  settings.rr_min_io_rq = get.number<std::uint32_t>(Key::rr_min_io_rq);
  settings.rr_weight = get.choice<RrWeight>(Key::rr_weight);
  settings.no_path_retry = get.retry(Key::no_path_retry);
  resolve_features(get, settings);
  settings.hardware_handler = get.text(Key::hardware_handler);
  settings.retain_attached_hw_handler = get.flag(Key::retain_attached_hw_handler);
  if (!settings.retain_attached_hw_handler.value) {
    settings.retain_attached_hw_handler = {true, derived_from(settings.retain_attached_hw_handler.origin)};
  }
  settings.flush_on_last_del = get.choice<FlushOnLastDel>(Key::flush_on_last_del);
  settings.deferred_remove = get.flag(Key::deferred_remove);
  settings.skip_kpartx = get.flag(Key::skip_kpartx);
  settings.max_sectors_kb = get.optional_number(Key::max_sectors_kb);
  settings.ghost_delay = get.time<seconds>(Key::ghost_delay);
  settings.purge_disconnected = get.flag(Key::purge_disconnected);
  settings.mode = get.optional_number(Key::mode);
  settings.uid = get.optional_number(Key::uid);
  settings.gid = get.optional_number(Key::gid);
  settings.reservation_key = get.reservation_key(Key::reservation_key);
  settings.all_tg_pt = get.flag(Key::all_tg_pt);
  settings.marginal = marginal_settings(chain, daemon);
  return settings;
}

}  // namespace

struct Resolver::State {
  explicit State(std::shared_ptr<const Config> given)
      : config(std::move(given)), daemon(daemon_settings(*config)), matcher(config) {}

  std::shared_ptr<const Config> config;
  DaemonSettings daemon;
  HardwareMatcher matcher;
  std::map<PathCase, std::shared_ptr<const PathSettings>> paths;
  std::map<std::pair<const Entry*, const std::vector<std::size_t>*>, std::shared_ptr<const MapSettings>> maps;
};

Resolver::Resolver(std::shared_ptr<const Config> config) : state_(std::make_unique<State>(std::move(config))) {}
Resolver::Resolver(Resolver&&) noexcept = default;
Resolver& Resolver::operator=(Resolver&&) noexcept = default;
Resolver::~Resolver() = default;

const Config& Resolver::config() const { return *state_->config; }
const DaemonSettings& Resolver::daemon() const { return state_->daemon; }

std::shared_ptr<const PathSettings> Resolver::path(const PathIdentity& path) {
  State& state = *state_;
  PathCase which;
  which.devices = &state.matcher.matches(path.vendor, path.product, path.revision);
  which.protocol = protocol_entry(*state.config, path.protocol);
  if (!path.wwid.empty()) which.multipath = multipath_entry(*state.config, path.wwid);
  if (which.multipath && !which.multipath->settings.find(Key::prio)) which.multipath = nullptr;
  for (const UidAttr& record : state.daemon.uid_attrs.value) {
    if (!path.kernel_name.starts_with(record.prefix)) continue;
    which.uid_attr = &record;
    break;
  }
  which.scsi = path.protocol.starts_with("scsi:") || (path.protocol.empty() && path.kernel_name.starts_with("sd"));
  std::shared_ptr<const PathSettings>& settings = state.paths[which];
  if (!settings) settings = std::make_shared<const PathSettings>(path_settings(*state.config, state.daemon, which));
  return settings;
}

std::shared_ptr<const MapSettings> Resolver::map(std::string_view wwid, const PathIdentity& representative) {
  State& state = *state_;
  const auto& devices = state.matcher.matches(representative.vendor, representative.product, representative.revision);
  const Entry* multipath = multipath_entry(*state.config, wwid);
  std::shared_ptr<const MapSettings>& settings = state.maps[{multipath, &devices}];
  if (!settings) {
    settings = std::make_shared<const MapSettings>(map_settings(*state.config, state.daemon, multipath, devices));
  }
  return settings;
}

std::vector<std::size_t> Resolver::device_entries(const PathIdentity& path) {
  return state_->matcher.matches(path.vendor, path.product, path.revision);
}

std::string describe(const Config& config, const Origin& origin) {
  const auto place = [&] {
    const std::string_view file = origin.file < config.files.size() ? std::string_view(config.files[origin.file].name) : "?";
    return fmt::format("{}:{}", file, origin.line);
  };
  switch (origin.layer) {
    case Layer::built_in: return "built-in default";
    case Layer::hardware_table: return place();
    case Layer::derived: return origin.line == 0 ? "derived" : fmt::format("derived from {}", place());
    case Layer::detected: return "detected from the device";
    case Layer::command_line: return "command line";
    case Layer::defaults:
    case Layer::devices:
    case Layer::overrides:
    case Layer::protocol:
    case Layer::multipaths:
    case Layer::blacklist:
    case Layer::uid_attrs: break;
  }
  return fmt::format("{} ({})", place(), to_string(origin.layer));
}

}  // namespace mpath::config
