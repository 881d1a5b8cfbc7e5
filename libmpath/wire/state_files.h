// SPDX-License-Identifier: LGPL-2.1-or-later
// Contents of the files under /etc/multipath that other programs share with us: wwids, bindings, prkeys.
// Everything here goes from bytes to values and back; reading, locking and replacing is the rim's. The files
// may have been edited by hand. Functions that give std::optional<std::string> suit ports::Files::update: new
// contents, or nothing if the file is right already. Pure, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/model/ids.h"

namespace mpath::wire {

// --- wwids: one line /WWID/ for each volume that was ever a map; LVM2 reads it too

/// Lines that do not begin with '/' do not count; nor do lines without the closing '/' and over-long WWIDs.
[[nodiscard]] std::set<Wwid> parse_wwids(std::string_view contents);
/// A whole new file.
[[nodiscard]] std::string format_wwids(std::span<const Wwid> wwids);
/// With the WWID added. Nothing if it is there already, or is not storable (wire/wwid.h).
[[nodiscard]] std::optional<std::string> add_wwid(std::string_view contents, const Wwid& wwid);
/// With every line of the WWID turned into a comment: '#' in place of its first '/'. Nothing if there is none.
[[nodiscard]] std::optional<std::string> remove_wwid(std::string_view contents, const Wwid& wwid);

// --- bindings: "alias WWID" lines

struct Binding {
  MapName alias;
  Wwid wwid;
  friend bool operator==(const Binding&, const Binding&) = default;
};
/// Order in memory and in the file: length of the alias, then its bytes.
[[nodiscard]] bool binding_less(const Binding& left, const Binding& right);

enum class BindingProblem {
  no_wwid,         ///< an alias alone; the line is dropped
  wwid_too_long,   ///< dropped
  unusable_bytes,  ///< control bytes in alias or WWID, or an alias longer than a map's name; dropped
  conflict,        ///< the alias is bound to another WWID further up; dropped
  extra_words,     ///< ignored, the binding counts
};
struct BindingDiagnostic {
  BindingProblem problem = BindingProblem::no_wwid;
  std::uint32_t line = 0;  ///< 1-based
  std::string text;        ///< for people, bytes of the file escaped
};
struct Bindings {
  std::vector<Binding> entries;  ///< sorted by binding_less, each alias once
  std::vector<BindingDiagnostic> diagnostics;  ///< at most limits::config_diagnostics
  bool needs_rewrite =
      false;  ///< lines were dropped, or the header is not ours: write format_bindings(entries)
};
[[nodiscard]] Bindings parse_bindings(std::string_view contents);
/// The whole file: header, then the entries in the order of binding_less.
[[nodiscard]] std::string format_bindings(std::span<const Binding> entries);

// --- prkeys: "0xKEY WWID" lines, the keys of persistent reservations

struct ReservationKeyEntry {
  Wwid wwid;
  std::uint64_t key = 0;
  bool aptpl = false;  ///< activate persist through power loss; written as 0X
  friend bool operator==(const ReservationKeyEntry&, const ReservationKeyEntry&) = default;
};
struct PrkeyDiagnostic {
  std::uint32_t line = 0;  ///< 1-based
  std::string text;        ///< for people, bytes of the file escaped
};
struct Prkeys {
  std::vector<ReservationKeyEntry> entries;  ///< in the file's order; the first of a WWID counts
  std::vector<PrkeyDiagnostic> diagnostics;  ///< lines that are neither a key nor a comment; at most limits::config_diagnostics
};
/// Unreadable lines do not count; no function here drops one.
[[nodiscard]] Prkeys parse_prkeys(std::string_view contents);
/// The first key of that WWID.
[[nodiscard]] std::optional<ReservationKeyEntry> find_prkey(std::string_view contents, const Wwid& wwid);
/// With this key for this WWID, in the place of its line or of the line it once had. Nothing if it is there
/// already, or the WWID is not storable.
[[nodiscard]] std::optional<std::string> set_prkey(std::string_view contents, const ReservationKeyEntry& entry);
/// With every line of the WWID turned into a comment. Nothing if there is none.
[[nodiscard]] std::optional<std::string> remove_prkey(std::string_view contents, const Wwid& wwid);

}  // namespace mpath::wire
