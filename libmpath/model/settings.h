// SPDX-License-Identifier: LGPL-2.1-or-later
// The typed values that settings of multipath.conf have after they were resolved: enumerations, and small unions such as "off, or so
// many seconds". Plain values for config, policy, plan, engine and view; any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "libmpath/base/time.h"

namespace mpath {

/// Which layer of the configuration decided a value. The order is the order of the dump's sections, not a precedence.
enum class Layer : std::uint8_t {
  built_in,        ///< the compiled-in default; there is no file and no line
  defaults,        ///< `defaults` section
  devices,         ///< a `device` entry of a file
  hardware_table,  ///< a `device` entry of the built-in hardware table
  overrides,       ///< `overrides` section
  protocol,        ///< `protocol` block in `overrides`
  multipaths,      ///< a `multipath` entry
  blacklist,       ///< a rule of the blacklist or its exceptions
  uid_attrs,       ///< a record of `uid_attrs`
  derived,         ///< follows from another setting (file and line are that one's)
  detected,        ///< asked of the device; set by the policy layer only
  command_line,    ///< given by the user for this run; set by the tools only
};
/// One lower-case word or two, e.g. "built-in default", "hardware table".
[[nodiscard]] std::string_view to_string(Layer layer);

/// Where a value came from. `file` indexes the list of files of the configuration that resolved it; line 0 means no line.
struct Origin {
  Layer layer = Layer::built_in;
  std::uint32_t file = 0;
  std::uint32_t line = 0;
  friend bool operator==(const Origin&, const Origin&) = default;
};

/// A value together with where it came from.
template <typename T>
struct Effective {
  T value{};
  Origin origin{};
  friend bool operator==(const Effective&, const Effective&) = default;
};

enum class PathGroupingPolicy : std::uint8_t {
  failover,            ///< each path its own group
  multibus,            ///< all paths in one group
  group_by_serial,     ///< one group for each serial number
  group_by_prio,       ///< one group for each priority
  group_by_node_name,  ///< one group for each FC target node name
  group_by_tpg,        ///< one group for each ALUA target port group
};
[[nodiscard]] std::string_view to_string(PathGroupingPolicy policy);

/// When I/O returns to a better path group that came back.
struct Failback {
  enum class Kind : std::uint8_t { manual, immediate, followover, after };
  Kind kind = Kind::manual;
  seconds delay{0};  ///< for `after` only, at least 1
  friend bool operator==(const Failback&, const Failback&) = default;
};
[[nodiscard]] std::string to_string(const Failback& failback);

/// What happens to I/O when no path is left.
struct NoPathRetry {
  enum class Kind : std::uint8_t {
    undefined,  ///< the flag of an existing map is left alone
    fail,       ///< errors at once
    queue,      ///< queue for ever
    checks,     ///< queue for so many checker intervals
  };
  Kind kind = Kind::undefined;
  std::uint32_t checks = 0;  ///< for `checks` only, at least 1
  friend bool operator==(const NoPathRetry&, const NoPathRetry&) = default;
};
[[nodiscard]] std::string to_string(const NoPathRetry& retry);

enum class FlushOnLastDel : std::uint8_t { never, always, unused };
[[nodiscard]] std::string_view to_string(FlushOnLastDel value);

enum class RrWeight : std::uint8_t { uniform, priorities };
[[nodiscard]] std::string_view to_string(RrWeight value);

enum class FindMultipaths : std::uint8_t { off, on, strict, greedy, smart };
[[nodiscard]] std::string_view to_string(FindMultipaths value);

enum class MarginalPathgroups : std::uint8_t { off, on, fpin };
[[nodiscard]] std::string_view to_string(MarginalPathgroups value);

enum class LogCheckerErr : std::uint8_t { once, always };
[[nodiscard]] std::string_view to_string(LogCheckerErr value);

enum class AutoResize : std::uint8_t { never, grow_only, grow_shrink };
[[nodiscard]] std::string_view to_string(AutoResize value);

/// Vendor-specific VPD page that is read for the `%g` wildcard.
enum class VpdVendor : std::uint8_t { undef, hp3par };
[[nodiscard]] std::string_view to_string(VpdVendor value);

/// A limit that may be left alone, switched off, or set (zero is a value like any other).
struct TransportLimit {
  enum class Kind : std::uint8_t { unset, off, value };
  Kind kind = Kind::unset;
  std::uint32_t value = 0;  ///< seconds for fast_io_fail_tmo and eh_deadline, a count for max_retries
  friend bool operator==(const TransportLimit&, const TransportLimit&) = default;
};
/// "unset", "off" or the number.
[[nodiscard]] std::string to_string(const TransportLimit& limit);

/// `dev_loss_tmo infinity`.
inline constexpr seconds dev_loss_infinity{4294967295};

/// The persistent reservation key of a map.
struct ReservationKey {
  enum class Kind : std::uint8_t { unset, from_file, key };
  Kind kind = Kind::unset;
  std::uint64_t key = 0;
  bool aptpl = false;  ///< activate persist through power loss
  friend bool operator==(const ReservationKey&, const ReservationKey&) = default;
};

}  // namespace mpath
