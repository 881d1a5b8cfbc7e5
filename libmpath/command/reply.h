// SPDX-License-Identifier: LGPL-2.1-or-later
// The text that answers a request: rendered from a snapshot for those that only read, from its outcome for the others. Pure; render() is
// meant for a lane, because a reply may have megabytes.
#pragma once

#include <span>
#include <string>

#include "libmpath/base/utc_offsets.h"
#include "libmpath/engine/rehearsal.h"
#include "libmpath/engine/snapshot.h"
#include "libmpath/model/request.h"
#include "libmpath/view/status.h"

namespace mpath::command {

/// What a snapshot does not hold.
struct RenderContext {
  std::span<const view::BlockDevice> devices;  ///< for show_devices
  UtcOffsets utc;                              ///< what the machine's clock lacks to UTC, and lacked
  const engine::RehearsalInputs* inputs = nullptr;  ///< for requests of which needs_inputs() holds
  bool bold = false;                           ///< the daemon's own standard output is a terminal
};

/// For requests of which is_query() holds.
[[nodiscard]] std::string render(const Request& request, const engine::Snapshot& snapshot, const RenderContext& context = {});

/// "ok\n", "fail\n" with its detail, or the word for what happened instead.
[[nodiscard]] std::string reply_text(const RequestResult& result);

inline constexpr std::string_view timeout_reply = "fail\ntimeout\n";

}  // namespace mpath::command
