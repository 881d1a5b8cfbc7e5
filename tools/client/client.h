// SPDX-License-Identifier: LGPL-2.1-or-later
// multipathd as a client of the running daemon: `multipathd show paths`, `multipathd -k"show paths"`, `multipathd -k`. What is printed
// where, and the exit statuses, are what programs of twenty years depend on.
#pragma once

#include <cstdio>
#include <span>
#include <string>
#include <string_view>

#include "libmpath/base/error.h"
#include "libmpath/base/time.h"

namespace mpath::client {

inline constexpr std::string_view prompt = "multipathd> ";

/// Longest command that may be made of command line words, its newline included.
inline constexpr std::size_t words_bytes = 160;

/// Words of the command line as one command: joined with blanks, a word that holds a blank in quotes, unless it comes in quotes
/// already or is the only word and so a whole command. ErrorCode::limit with "multipathd command too large" beyond words_bytes.
[[nodiscard]] Result<std::string> join_words(std::span<const std::string> words);

/// Without escape sequences (ECMA-48 control sequences), for output that goes to no terminal.
[[nodiscard]] std::string without_escape_sequences(std::string_view text);

/// Where a client reads and writes; tests put files here.
struct Terminal {
  std::FILE* in = stdin;
  std::FILE* out = stdout;
  std::FILE* err = stderr;
};

/// Sends one command and prints its reply. Gives the exit status: 0, or 1 if the daemon says "fail" or is not reachable, in which case
/// nothing is printed on standard output.
[[nodiscard]] int run_client(std::string_view command, milliseconds time_limit, Terminal terminal = {});

/// A prompt, a line, a reply, until the end of the input, `quit` or `exit`. Gives the exit status: 1 if the daemon is not reachable;
/// 0 also when the connection is lost later.
[[nodiscard]] int run_interactive(milliseconds time_limit, Terminal terminal = {});

}  // namespace mpath::client
