// SPDX-License-Identifier: LGPL-2.1-or-later
// Fills the page multipathd.8: reads a page from standard input and writes it to standard output, with the line @COMMANDS@ replaced
// by the daemon's command table. With --help-text prints the daemon's help text instead, which a test compares. Part of the build only.
#include <fmt/format.h>

#include <iostream>
#include <string>
#include <string_view>

#include "libmpath/command/commands.h"

namespace {

/// Text as roff prints it literally: no escapes, and hyphens that can be copied as such.
std::string literal(std::string_view text) {
  std::string result;
  for (char c : text) {
    switch (c) {
      case '\\': result += "\\e"; break;
      case '-': result += "\\-"; break;
      default: result += c;
    }
  }
  return result;
}

/// A command with its parameters ($map) set off from its words.
std::string styled_syntax(std::string_view syntax) {
  std::string result;
  while (!syntax.empty()) {
    const std::size_t end = syntax.find(' ');
    const std::string_view word = syntax.substr(0, end);
    if (!result.empty()) result += ' ';
    result += word.starts_with('$') ? "\\fI" + literal(word.substr(1)) + "\\fR" : "\\fB" + literal(word) + "\\fR";
    syntax.remove_prefix(end == std::string_view::npos ? syntax.size() : end + 1);
  }
  return result;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--help-text") {
    std::cout << mpath::command::help_text();
    return std::cout.flush() ? 0 : 1;
  }
  for (std::string line; std::getline(std::cin, line);) {
    if (line != "@COMMANDS@") {
      std::cout << line << '\n';
      continue;
    }
    for (const mpath::command::Command& command : mpath::command::commands()) {
      std::cout << ".TP\n" << styled_syntax(mpath::command::syntax(command)) << '\n' << literal(command.help) << ".\n";
    }
  }
  return std::cout.flush() ? 0 : 1;
}
