// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tools/client/client.h"

#include <unistd.h>

#include <cstdlib>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "tools/client/connection.h"

namespace mpath::client {

namespace {

constexpr std::string_view fail_line = "fail\n";

void print(std::FILE* file, std::string_view text) { std::fwrite(text.data(), 1, text.size(), file); }

void print_reply(std::FILE* file, std::string_view text) {
  if (::isatty(::fileno(file)) == 1) {
    print(file, text);
  } else {
    print(file, without_escape_sequences(text));
  }
}

bool is_quoted(std::string_view word) { return word.size() >= 2 && word.front() == '"' && word.back() == '"'; }

std::string quoted(std::string_view word) {
  std::string out = "\"";
  for (char c : word) {
    if (c == '"') out += '"';
    out += c;
  }
  return out += '"';
}

/// The next line without its newline; false at the end of the input.
bool read_line(std::FILE* file, std::string& line) {
  line.clear();
  int c = 0;
  while ((c = std::getc(file)) != EOF && c != '\n') {
    if (line.size() <= limits::command_bytes) line += static_cast<char>(c);
  }
  return c != EOF || !line.empty();
}

UniqueFd connect_or_complain(milliseconds time_limit, Terminal terminal) {
  auto fd = connect_to_daemon(time_limit);
  if (fd) return std::move(*fd);
  print(terminal.err, "ERROR: failed to connect to multipathd\n");
  return UniqueFd();
}

}  // namespace

Result<std::string> join_words(std::span<const std::string> words) {
  std::string command;
  for (const std::string& word : words) {
    if (!command.empty()) command += ' ';
    const bool is_plain = words.size() == 1 || word.find(' ') == std::string::npos || is_quoted(word);
    command += is_plain ? word : quoted(word);
  }
  if (command.size() + 1 > words_bytes) {
    return fail(ErrorCode::limit, "command line", "multipathd command too large");
  }
  return command;
}

std::string without_escape_sequences(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\x1b' || i + 1 == text.size() || text[i + 1] != '[') {
      out += text[i];
      continue;
    }
    // A control sequence ends with a byte from '@' to '~' (ECMA-48 5.4).
    i += 2;
    while (i < text.size() && (text[i] < '@' || text[i] > '~')) ++i;
  }
  return out;
}

int run_client(std::string_view command, milliseconds time_limit, Terminal terminal) {
  const UniqueFd fd = connect_or_complain(time_limit, terminal);
  if (!fd) return EXIT_FAILURE;
  const auto reply = exchange(fd.get(), command, time_limit);
  if (!reply) {
    print(terminal.out, reply.error().what + '\n');
    return EXIT_FAILURE;
  }
  if (!reply->starts_with(fail_line)) {
    print_reply(terminal.out, *reply);
    return EXIT_SUCCESS;
  }
  const std::string_view detail = std::string_view(*reply).substr(fail_line.size());
  print_reply(terminal.out, detail.empty() ? fail_line : detail);
  return EXIT_FAILURE;
}

int run_interactive(milliseconds time_limit, Terminal terminal) {
  const UniqueFd fd = connect_or_complain(time_limit, terminal);
  if (!fd) return EXIT_FAILURE;
  std::string line;
  for (;;) {
    print(terminal.out, prompt);
    std::fflush(terminal.out);
    if (!read_line(terminal.in, line)) break;
    const std::string_view command = trim(line);
    if (command.empty()) continue;
    if (command == "quit" || command == "exit") return EXIT_SUCCESS;
    // The daemon would hang up on it.
    if (command.size() + 1 > limits::command_bytes) {
      print(terminal.err, "multipathd command too large\n");
      continue;
    }
    const auto reply = exchange(fd.get(), command, time_limit);
    if (!reply) {
      print(terminal.err, reply.error().what + '\n');
      return EXIT_SUCCESS;
    }
    print_reply(terminal.out, *reply);
  }
  if (::isatty(::fileno(terminal.in)) == 1) print(terminal.out, "\n");
  return EXIT_SUCCESS;
}

}  // namespace mpath::client
