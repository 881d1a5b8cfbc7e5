// SPDX-License-Identifier: LGPL-2.1-or-later
// Remarks on settings that contradict each other or have no effect together.
#include <fmt/format.h>

#include "libmpath/config/features.h"
#include "libmpath/config/lint_rules.h"
#include "libmpath/config/prio_arguments.h"

namespace mpath::config {

namespace {

bool is_default(const Setting& setting) {
  const Value* value = default_value(setting.key);
  return value && std::holds_alternative<std::int64_t>(*value) && *std::get_if<std::int64_t>(value) == *std::get_if<std::int64_t>(&setting.value);
}

/// One section seen with what stands behind it, so that "effective" can be asked. Remarks go to settings of the section itself.
class Scope {
 public:
  Scope(LintPass& pass, const Settings& own, Chain chain) : pass_(pass), own_(own), chain_(std::move(chain)) {}

  void check() {
    check_queueing();
    check_priorities();
    check_failback();
    check_timeouts();
    check_round_robin();
    check_io_affinity();
    check_suspicion();
    check_shaky_paths();
    check_detection();
  }

 private:
  /// The setting if it stands in this very section and in a file of the user.
  const Setting* own(Key key) const {
    const Setting* setting = own_.find(key);
    return pass_.is_users(setting) ? setting : nullptr;
  }
  std::int64_t number(Key key) const {
    const Setting* setting = chain_.find(key);
    const Value* value = setting ? &setting->value : default_value(key);
    return value && std::holds_alternative<std::int64_t>(*value) ? std::get<std::int64_t>(*value) : 0;
  }
  std::string text(Key key) const {
    const Setting* setting = chain_.find(key);
    const Value* value = setting ? &setting->value : default_value(key);
    return value && std::holds_alternative<std::string>(*value) ? std::get<std::string>(*value) : "";
  }
  bool owns_one_of(std::initializer_list<Key> keys) const {
    for (Key key : keys) {
      if (own(key)) return true;
    }
    return false;
  }

  void check_queueing() {
    const Setting* features = own(Key::features);
    const Setting* retry = chain_.find(Key::no_path_retry);
    if (features && retry && std::get<std::string>(features->value).find(queue_feature) != std::string::npos) {
      pass_.add(*features, Severity::warning, "contradiction",
                fmt::format("queue_if_no_path is ignored because no_path_retry is {} ({})",
                            format_value(keyword(Key::no_path_retry), retry->value), pass_.place(retry->origin, features->origin)),
                "take queue_if_no_path out of features");
    }
  }

  bool groups_by_prio() const { return number(Key::path_grouping_policy) == std::int64_t(PathGroupingPolicy::group_by_prio); }
  /// Every path has the same priority and no detection will change that.
  bool has_constant_prio() const { return text(Key::prio) == "const" && number(Key::detect_prio) == 0; }

  void check_priorities() {
    if (owns_one_of({Key::path_grouping_policy, Key::prio, Key::detect_prio}) && groups_by_prio() && has_constant_prio()) {
      const Setting* where = own(Key::path_grouping_policy);
      if (!where) where = own(Key::prio);
      if (!where) where = own(Key::detect_prio);
      pass_.add(*where, Severity::warning, "contradiction",
                "group_by_prio with the constant priority and detect_prio no puts all paths into one group", "prio alua");
    }
    const Setting* policy = own(Key::path_grouping_policy);
    const Setting* prio = own(Key::prio);
    if (policy && prio && groups_by_prio() && text(Key::prio) == "const" && number(Key::detect_prio) != 0) {
      pass_.add(*prio, Severity::note, "contradiction",
                "group_by_prio with prio const separates paths only where the device's own priorities are detected", "prio alua");
    }
    const Setting* arguments = own(Key::prio_args);
    if (arguments && !std::get<std::string>(arguments->value).empty() && !own_.find(Key::prio)) {
      pass_.add(*arguments, Severity::warning, "no-effect", "prio_args without prio in the same section is ignored", "add a prio line");
    }
    if (arguments && std::get<std::string>(arguments->value).find("exclusive_pref_bit") != std::string::npos &&
        number(Key::detect_prio) != 0) {
      pass_.add(*arguments, Severity::warning, "no-effect", "prio_args are dropped when the priority method is detected", "detect_prio no");
    }
    if (prio) {
      const std::string given = arguments ? std::get<std::string>(arguments->value) : std::string{};
      for (const std::string& remark : parse_prio_arguments(std::get<std::string>(prio->value), given).remarks) {
        pass_.add(arguments ? *arguments : *prio, Severity::warning, "bad-arguments", remark, "see prio_args in multipath.conf(5)");
      }
    }
  }

  void check_failback() {
    const Setting* failback = own(Key::failback);
    if (!failback || std::get<std::int64_t>(failback->value) != special::followover) return;
    if (has_constant_prio()) {
      pass_.add(*failback, Severity::warning, "contradiction", "failback followover needs priorities, but every path has the same one",
                "prio alua");
    } else if (number(Key::path_grouping_policy) == std::int64_t(PathGroupingPolicy::multibus)) {
      pass_.add(*failback, Severity::warning, "contradiction", "failback followover has no effect with multibus: there is one group only",
                "path_grouping_policy group_by_prio");
    }
  }

  void check_timeouts() {
    const Setting* fast = chain_.find(Key::fast_io_fail_tmo);
    const Setting* loss = chain_.find(Key::dev_loss_tmo);
    const Setting* where = own(Key::dev_loss_tmo) ? own(Key::dev_loss_tmo) : own(Key::fast_io_fail_tmo);
    if (!where || !loss) return;
    const std::int64_t fast_time = number(Key::fast_io_fail_tmo);
    const std::int64_t loss_time = std::get<std::int64_t>(loss->value);
    if (fast_time > 0 && fast_time >= loss_time) {
      pass_.add(*where, Severity::warning, "contradiction",
                fmt::format("fast_io_fail_tmo {}{} is not below dev_loss_tmo {} ({}) and is switched off", fast_time,
                            fast ? fmt::format(" ({})", pass_.place(fast->origin, where->origin)) : " (the default)", loss_time,
                            pass_.place(loss->origin, where->origin)),
                "make dev_loss_tmo larger than fast_io_fail_tmo");
    }
    constexpr std::int64_t kernel_limit = 600;
    if (fast_time <= 0 && loss_time > kernel_limit && number(Key::no_path_retry) != special::queue) {
      pass_.add(*where, Severity::warning, "no-effect",
                "without fast_io_fail_tmo the kernel allows dev_loss_tmo up to 600 only", "fast_io_fail_tmo 5");
    }
    const Setting* retry = chain_.find(Key::no_path_retry);
    const std::int64_t checks = retry ? std::get<std::int64_t>(retry->value) : 0;
    const std::int64_t interval = number(Key::polling_interval);
    if (own(Key::dev_loss_tmo) && checks > 0 && loss_time < checks * interval) {
      pass_.add(*where, Severity::note, "raised",
                fmt::format("dev_loss_tmo is raised so that devices outlive no_path_retry {} at {} s a check", checks, interval));
    }
  }

  /// The kernel takes the one path argument that is written for this selector as its mask of processors, for one path of a group.
  void check_io_affinity() {
    const Setting* selector = own(Key::path_selector);
    const Setting* policy = own(Key::path_grouping_policy);
    const Setting* where = selector ? selector : policy;
    const bool one_path_groups = number(Key::path_grouping_policy) == std::int64_t(PathGroupingPolicy::failover) && number(Key::detect_pgpolicy) == 0;
    if (!where || !text(Key::path_selector).starts_with("io-affinity") || one_path_groups) return;
    pass_.add(*where, Severity::note, "contradiction",
              "io-affinity works with groups of one path only: every path of a group gets the same mask of processors, and the kernel refuses "
              "the second one",
              "path_grouping_policy failover and detect_pgpolicy no");
  }

  /// A check that is given up is no longer outstanding.
  void check_suspicion() {
    const Setting* suspect = own(Key::suspect_after);
    const Setting* timeout = chain_.find(Key::checker_timeout);
    if (!suspect || !timeout) return;
    const std::int64_t seconds = number(Key::suspect_after);
    const std::int64_t limit = std::get<std::int64_t>(timeout->value);
    if (seconds <= 0 || limit <= 0 || seconds < limit) return;
    pass_.add(*suspect, Severity::warning, "no-effect",
              fmt::format("suspect_after {} is not below checker_timeout {} ({}): a check is given up before its path can become suspect", seconds,
                          limit, pass_.place(timeout->origin, suspect->origin)),
              "suspect_after 2");
  }

  void check_round_robin() {
    const bool round_robin = text(Key::path_selector).starts_with("round-robin");
    if (const Setting* requests = own(Key::rr_min_io_rq); requests && std::get<std::int64_t>(requests->value) != 1 && !round_robin) {
      pass_.add(*requests, Severity::note, "no-effect", "rr_min_io_rq counts with the selector round-robin only", "path_selector \"round-robin 0\"");
    }
    if (const Setting* weight = own(Key::rr_weight); weight && std::get<std::int64_t>(weight->value) != 0 && !round_robin) {
      pass_.add(*weight, Severity::note, "no-effect", "rr_weight counts with the selector round-robin only", "path_selector \"round-robin 0\"");
    }
    if (const Setting* requests = own(Key::rr_min_io); requests && !is_default(*requests)) {
      pass_.add(*requests, Severity::note, "no-effect", "rr_min_io is for kernels before 2.6.31; see rr_min_io_rq", "remove the line");
    }
  }

  /// One of several settings that only count together.
  void check_together(std::span<const Key> keys, std::string_view method) {
    const Setting* given = nullptr;
    std::string missing;
    for (Key key : keys) {
      if (number(key) > 0) {
        if (const Setting* setting = own(key)) given = setting;
      } else {
        missing += fmt::format("{}{}", missing.empty() ? "" : ", ", keyword(key).name);
      }
    }
    if (!given || missing.empty()) return;
    pass_.add(*given, Severity::warning, "no-effect", fmt::format("{} has no effect without {}", method, missing));
  }

  void check_shaky_paths() {
    static constexpr Key marginal[] = {Key::marginal_path_double_failed_time, Key::marginal_path_err_sample_time,
                                                     Key::marginal_path_err_recheck_gap_time};
    static constexpr Key san[] = {Key::san_path_err_threshold, Key::san_path_err_forget_rate,
                                                Key::san_path_err_recovery_time};
    static constexpr Key delay[] = {Key::delay_watch_checks, Key::delay_wait_checks};
    if (number(Key::marginal_pathgroups) == std::int64_t(MarginalPathgroups::fpin)) {
      for (Key key : marginal) {
        if (const Setting* setting = own(key); setting && std::get<std::int64_t>(setting->value) > 0) {
          pass_.add(*setting, Severity::warning, "no-effect", fmt::format("{} has no effect with marginal_pathgroups fpin", keyword(key).name));
        }
      }
      return;
    }
    check_together(marginal, "shaky-path detection");
    check_together(san, "san_path_err detection");
    check_together(delay, "the delay method");
    bool marginal_works = true;
    for (Key key : marginal) marginal_works = marginal_works && number(key) > 0;
    const Setting* older = own(Key::san_path_err_threshold);
    if (marginal_works && older && std::get<std::int64_t>(older->value) > 0) {
      pass_.add(*older, Severity::warning, "contradiction", "san_path_err settings are ignored beside marginal_path settings", "remove the line");
    }
    const Setting* sample = own(Key::marginal_path_err_sample_time);
    if (sample && std::get<std::int64_t>(sample->value) > 0 && std::get<std::int64_t>(sample->value) < 120) {
      pass_.add(*sample, Severity::warning, "out-of-range", "marginal_path_err_sample_time below 120 is raised to 120",
                "marginal_path_err_sample_time 120");
    }
  }

  void check_detection() {
    const Setting* use_tpg = own(Key::detect_pgpolicy_use_tpg);
    if (use_tpg && std::get<std::int64_t>(use_tpg->value) != 0 && number(Key::detect_pgpolicy) == 0) {
      pass_.add(*use_tpg, Severity::warning, "no-effect", "detect_pgpolicy_use_tpg has no effect with detect_pgpolicy no", "detect_pgpolicy yes");
    }
    const Setting* recheck = own(Key::recheck_wwid);
    const std::string attribute = text(Key::uid_attribute);
    if (recheck && std::get<std::int64_t>(recheck->value) != 0 && !attribute.empty() && attribute != "ID_SERIAL") {
      pass_.add(*recheck, Severity::warning, "no-effect",
                fmt::format("recheck_wwid has no effect with uid_attribute {}; it needs ID_SERIAL", quoted(attribute)));
    }
  }

  static std::string quoted(const std::string& text) { return format_value(keyword(Key::uid_attribute), text); }

  LintPass& pass_;
  const Settings& own_;
  Chain chain_;
};

Chain chain_of(std::initializer_list<const Settings*> sections) {
  Chain chain;
  for (const Settings* section : sections) chain.add(section);
  return chain;
}

void lint_defaults(LintPass& pass) {
  const Settings& defaults = pass.config().defaults;
  const Setting* shortest = defaults.find(Key::polling_interval);
  const Setting* longest = defaults.find(Key::max_polling_interval);
  if (shortest && longest && std::get<std::int64_t>(shortest->value) > std::get<std::int64_t>(longest->value)) {
    pass.add(*shortest, Severity::warning, "contradiction",
             fmt::format("polling_interval is above max_polling_interval ({}); {} is used", pass.place(longest->origin, shortest->origin),
                         std::get<std::int64_t>(longest->value)),
             fmt::format("polling_interval {}", std::get<std::int64_t>(longest->value)));
  }
  const Setting* timeout = defaults.find(Key::find_multipaths_timeout);
  const Setting* mode = defaults.find(Key::find_multipaths);
  if (timeout && !is_default(*timeout) && (!mode || std::get<std::int64_t>(mode->value) != std::int64_t(FindMultipaths::smart))) {
    pass.add(*timeout, Severity::warning, "no-effect", "find_multipaths_timeout counts with find_multipaths smart only",
             "find_multipaths smart");
  }
}

}  // namespace

void lint_combinations(LintPass& pass) {
  const Config& config = pass.config();
  lint_defaults(pass);
  Scope(pass, config.defaults, chain_of({&config.defaults})).check();
  Scope(pass, config.overrides, chain_of({&config.overrides, &config.defaults})).check();
  for (const Entry& entry : config.protocols) {
    Scope(pass, entry.settings, chain_of({&entry.settings, &config.overrides, &config.defaults})).check();
  }
  for (const Entry& entry : config.devices) {
    if (!pass.is_users(entry.origin)) continue;
    Scope(pass, entry.settings, chain_of({&config.overrides, &entry.settings, &config.defaults})).check();
  }
  for (const Entry& entry : config.multipaths) {
    Scope(pass, entry.settings, chain_of({&entry.settings, &config.overrides, &config.defaults})).check();
  }
}

}  // namespace mpath::config
