// SPDX-License-Identifier: LGPL-2.1-or-later
// The one table of the daemon's commands. Parser, help text, completion and manual read it; nothing else lists commands. Pure, any thread.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>

#include "libmpath/command/keywords.h"
#include "libmpath/model/request.h"

namespace mpath::command {

inline constexpr std::size_t longest_command = 4;  ///< keywords, parameters not counted

struct Command {
  std::array<Keyword, longest_command> keywords;  ///< Keyword::none after the last
  RequestKind kind;
  std::string_view help;  ///< one line for the manual, without a full stop
};

/// In the order of the help text.
[[nodiscard]] std::span<const Command> commands();

/// "list|show maps|multipaths raw format $format"
[[nodiscard]] std::string syntax(const Command& command);

/// First line of the help text. Scripts and installers look for it to learn which release they talk to.
inline constexpr std::string_view version_line = "multipath-tools v0.14.3 (02/05, 2026)";

/// The help text: version line, heading, one line for each command.
[[nodiscard]] std::string help_text();

}  // namespace mpath::command
