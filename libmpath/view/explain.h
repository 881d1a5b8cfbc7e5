// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl explain`: why a map looks as it does, why a path is in its state, why a disk is not multipathed; each with the line of the
// configuration behind it. Pure, any thread.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libmpath/config/why.h"
#include "libmpath/engine/rehearsal.h"
#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// One statement, and what of the configuration it rests on.
struct Explanation {
  std::string topic;  ///< "groups", "state"
  std::string text;
  std::vector<config::WhyLine> settings;
};

struct Explained {
  std::string subject;  ///< "mpatha (3600…) dm-3", "sda 8:0 0:0:0:1"
  std::string kind;     ///< "map", "path", "disk"
  std::vector<Explanation> statements;
};

/// `word`: a map's name, WWID or dm-N; a path's or another disk's kernel name, number or address. Nothing if there is neither.
[[nodiscard]] std::optional<Explained> explain(const engine::Snapshot& snapshot, const engine::RehearsalInputs& inputs, std::string_view word);

[[nodiscard]] std::string explain_text(const Explained& explained);
/// One JSON object.
[[nodiscard]] std::string explain_json(const std::vector<Explained>& explained);

/// "reload failed: no memory; tried again in 3 s".
[[nodiscard]] std::string failed_text(const engine::FailedActionView& failed, MonoTime now);

/// What stands against I/O on a path, in words; empty for none.
[[nodiscard]] std::string bar_text(const engine::PathView& path, MonoTime now);

}  // namespace mpath::view
