// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/policy/flapping.h"

#include <algorithm>

namespace mpath::policy {

namespace {
constexpr seconds reads_may_last{60};
}  // namespace

Trust FailureCount::good_check(const config::MarginalSettings& settings, bool returns, bool lone, MonoTime now) {
  if (!settings.san_active) {
    *this = {};
    return Trust::yes;
  }
  if (kept_out) {
    if (!lone && now < until(settings)) return Trust::not_yet;
    *this = {};
    return Trust::yes;
  }
  if (returns) {
    if (failures++ == 0) forget_after = settings.san_err_forget_rate.value;
    if (failures <= settings.san_err_threshold.value || lone) return Trust::yes;
    kept_out = true;
    since = now;
    return Trust::not_yet;
  }
  if (failures > 0 && --forget_after < 0) {
    --failures;
    forget_after = settings.san_err_forget_rate.value;
  }
  return Trust::yes;
}

void FailureCount::bad_check(MonoTime now) {
  if (kept_out) since = now;
}

bool FailurePair::failed(const config::MarginalSettings& settings, MonoTime now) {
  if (!settings.active) return false;
  if (seen && now - first <= settings.double_failed_time.value) {
    seen = false;
    return true;
  }
  seen = true;
  first = now;
  return false;
}

bool too_many_errors(std::uint64_t errors, std::uint64_t reads, std::uint32_t threshold) {
  return reads > 0 && errors * 1000 > std::uint64_t{threshold} * reads;
}

Duration sampling_ends_after(seconds sample_time) { return std::max(sample_time - reads_may_last, seconds{1}); }

}  // namespace mpath::policy
