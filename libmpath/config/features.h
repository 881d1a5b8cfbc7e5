// SPDX-License-Identifier: LGPL-2.1-or-later
// The counted word list of `features`, from which two old words are taken out because they have keywords of their own.
// For the merger, the resolver and the linter; any thread.
#pragma once

#include <string>
#include <string_view>

namespace mpath::config {

inline constexpr std::string_view queue_feature = "queue_if_no_path";
inline constexpr std::string_view retain_feature = "retain_attached_hw_handler";

/// Removes every word that contains `word` and lowers the count. Returns whether there was one.
bool remove_feature(std::string& features, std::string_view word);

}  // namespace mpath::config
