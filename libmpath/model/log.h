// SPDX-License-Identifier: LGPL-2.1-or-later
// What a line of the log carries beside its text. Plain values, any thread.
#pragma once

#include <string>
#include <string_view>

namespace mpath {

/// A field of the journal (systemd.journal-fields(7)): a name in capitals and a value, which may hold any byte.
struct LogField {
  std::string_view name;  ///< static text
  std::string value;
  friend bool operator==(const LogField&, const LogField&) = default;
};

}  // namespace mpath
