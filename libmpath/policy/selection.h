// SPDX-License-Identifier: LGPL-2.1-or-later
// Which paths a word of an administrator means: one path, or all that share a host, an adapter or a port of the fabric. Pure, any thread.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "libmpath/model/path.h"

namespace mpath::policy {

enum class SelectedBy : std::uint8_t { path, host, host_adapter, host_port, target_port };
/// "path", "host", "host adapter", "host port", "target port".
[[nodiscard]] std::string_view to_string(SelectedBy kind);

/// Whether `word` selects the path, and as what: its kernel name ("sda", "/dev/sda"), device number ("8:16") or SCSI address
/// ("1:0:0:3"); "host1"; the host adapter's bus id; the port or node name of the host or of the target. World-wide names may be written
/// with or without "0x", with colons, in either case.
[[nodiscard]] std::optional<SelectedBy> selects(std::string_view word, const PathFacts& facts);

/// Whether any of the words selects it.
[[nodiscard]] bool selected_by_any(std::span<const std::string> words, const PathFacts& facts);
/// What is to be said of a word that selects none.
inline constexpr std::string_view selects_nothing = "is no path, host, host port or target port that is known here";

/// What stays the same when the device of a path goes and comes back as another device: its SCSI address and target port, or its place in
/// sysfs where it has no address.
[[nodiscard]] std::string place_of(const PathFacts& facts);

}  // namespace mpath::policy
