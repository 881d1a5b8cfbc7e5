// SPDX-License-Identifier: LGPL-2.1-or-later
// Paths that fail again and again although their checks are good between: when such a path is not trusted, and when it is again
// (san_path_err_*, delay_*_checks, marginal_path_*; behaviour of 0.14, section 15). Pure; any thread.
#pragma once

#include <cstdint>

#include "libmpath/base/time.h"
#include "libmpath/config/effective.h"

namespace mpath::policy {

/// Whether a path that answers its check may carry I/O.
enum class Trust : std::uint8_t {
  yes,
  not_yet,  ///< it is kept out, or used last
};

/// san_path_err_*: failures are counted, and forgotten one by one by good checks.
struct FailureCount {
  std::uint32_t failures = 0;
  std::int64_t forget_after = 0;  ///< good checks until one failure is forgotten
  bool kept_out = false;
  MonoTime since{};               ///< of being kept out, or of its last failure while it was

  /// At a good check. `returns`: the state before was a bad one. `lone`: no other path of the map works, which ends the waiting.
  [[nodiscard]] Trust good_check(const config::MarginalSettings& settings, bool returns, bool lone, MonoTime now);
  /// At a bad check: a path that is kept out waits anew.
  void bad_check(MonoTime now);
  /// When the waiting ends by itself.
  [[nodiscard]] MonoTime until(const config::MarginalSettings& settings) const { return time_after(since, settings.san_err_recovery_time.value); }
};

/// marginal_path_*: two failures within a while make a path suspicious; then test reads say how many fail.
struct FailurePair {
  MonoTime first{};
  bool seen = false;
  /// At a failure that the kernel reports. True if it is the second within double_failed_time.
  [[nodiscard]] bool failed(const config::MarginalSettings& settings, MonoTime now);
};

/// Whether so many errors are too many: more than the threshold, in one of a thousand reads.
[[nodiscard]] bool too_many_errors(std::uint64_t errors, std::uint64_t reads, std::uint32_t threshold);

/// How long after the begin of a sample no read is sent any more, so that all have ended when it is judged.
[[nodiscard]] Duration sampling_ends_after(seconds sample_time);

}  // namespace mpath::policy
