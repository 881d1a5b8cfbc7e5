// SPDX-License-Identifier: LGPL-2.1-or-later
// What the configuration is read from (bytes and names; nobody opens a file here) and what is said about it. Any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mpath::config {

/// What part a file plays: a failure that is fatal in the main file is only reported in a drop-in.
enum class FileKind : std::uint8_t { main, drop_in, built_in };

struct SourceFile {
  std::string name;   ///< as it is shown to the user
  std::string bytes;  ///< the whole contents
  FileKind kind = FileKind::main;
};

enum class Severity : std::uint8_t {
  note,     ///< worth knowing, nothing is wrong
  warning,  ///< obeyed, but probably not meant
  error,    ///< rejected, ignored or misread
};
[[nodiscard]] std::string_view to_string(Severity severity);

/// One remark about one place of one file.
struct Diagnostic {
  std::uint32_t file = 0;    ///< index in the list of files that was parsed
  std::uint32_t line = 0;    ///< from 1; 0 when it is about the whole file
  std::uint32_t column = 0;  ///< in bytes from 1; 0 when it is about the whole line
  Severity severity = Severity::error;
  std::string_view id;       ///< stable name of the kind of remark, e.g. "unknown-keyword"; a literal
  std::string text;          ///< one sentence without full stop; bytes of the file in it are escaped
  std::string fix;           ///< what to write instead, may be empty
};

}  // namespace mpath::config
