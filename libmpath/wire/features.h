// SPDX-License-Identifier: LGPL-2.1-or-later
// The feature string of the multipath target, "<count> word…" (dm-mpath.rst). Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mpath::wire {

inline constexpr std::string_view queue_if_no_path = "queue_if_no_path";
inline constexpr std::string_view retain_attached_hw_handler = "retain_attached_hw_handler";

/// All functions take a string with or without the count, the count right or wrong; what they give has a
/// right one and single blanks. Words are compared as they are. A word that takes a value is given without
/// it.

/// "0" for an empty text.
[[nodiscard]] std::string normalise_features(std::string_view features);
[[nodiscard]] bool features_has(std::string_view features, std::string_view word);
/// The value of a word that takes one: "bio" of queue_mode. Empty without the word.
[[nodiscard]] std::string feature_value(std::string_view features, std::string_view word);
/// Whether a table with these features makes a bio-based map.
[[nodiscard]] bool is_bio_based(std::string_view features);
/// With `word` at the end, unless it is there already. `word` may carry a value: "queue_mode bio".
[[nodiscard]] std::string features_with(std::string_view features, std::string_view word);
/// Without any `word`, and without its value if it takes one.
[[nodiscard]] std::string features_without(std::string_view features, std::string_view word);

/// The string taken apart, for comparing what was asked for with what the kernel prints: it prints its own
/// order, drops what equals its defaults (`queue_mode rq`, a delay of 2000 ms) and adds
/// retain_attached_hw_handler on its own.
struct FeatureSet {
  bool queues_if_no_path = false;
  bool retains_hardware_handler = false;
  std::string queue_mode = "rq";                        ///< rq (mq is the same), bio, or what else was written
  std::uint64_t pg_init_retries = 0;                    ///< 0: not given
  std::optional<std::uint64_t> pg_init_delay_msecs;     ///< nothing: not given, or the kernel's default
  std::vector<std::string> others;                      ///< in their order
  friend bool operator==(const FeatureSet&, const FeatureSet&) = default;
};
[[nodiscard]] FeatureSet parse_features(std::string_view features);

}  // namespace mpath::wire
