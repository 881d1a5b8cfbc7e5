// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/state_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/wire/wwid.h"

namespace mpath::wire {

namespace {

constexpr std::string_view wwids_header =
    "# Multipath wwids, Version : 1.0\n"
    "# NOTE: Kept by multipath and multipathd. Change it with multipath -a, -w and -W.\n"
    "#\n"
    "# Valid WWIDs:\n"
    "#\n";

constexpr std::string_view bindings_version = "# Multipath bindings, Version : 1.0\n";
constexpr std::string_view bindings_header =
    "# Multipath bindings, Version : 1.0\n"
    "# NOTE: Kept by multipath and multipathd. A name that should last for ever belongs into\n"
    "# a multipaths section of multipath.conf.\n"
    "#\n"
    "# Format:\n"
    "# alias wwid\n"
    "#\n";

constexpr std::string_view prkeys_header =
    "# Multipath persistent reservation keys, Version : 1.0\n"
    "# NOTE: Kept by multipathd for maps with `reservation_key file`. Change it with\n"
    "# the commands setprkey and unsetprkey.\n"
    "#\n"
    "# Format:\n"
    "# prkey wwid\n"
    "#\n";

/// Takes the next line without its newline; false at the end.
bool next_line(std::string_view& rest, std::string_view& line) {
  if (rest.empty()) return false;
  std::size_t end = rest.find('\n');
  line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  return true;
}

/// The contents as the start of a new file: with a header, and with its last line ended.
std::string continued(std::string_view contents, std::string_view header) {
  std::string text(contents.empty() ? header : contents);
  if (text.back() != '\n') text += '\n';
  return text;
}

/// The WWID of a wwids line, or an empty text.
std::string_view wwid_of_line(std::string_view line) {
  if (!line.starts_with('/')) return {};
  std::size_t end = line.find('/', 1);
  if (end == std::string_view::npos || end - 1 > limits::wwid_bytes) return {};
  return line.substr(1, end - 1);
}

template <typename IsMatch>
std::optional<std::string> comment_out(std::string_view contents, IsMatch is_match) {
  std::string changed(contents);
  bool found = false;
  std::string_view rest = contents;
  std::string_view line;
  while (next_line(rest, line)) {
    if (line.empty() || !is_match(line)) continue;
    changed[static_cast<std::size_t>(line.data() - contents.data())] = '#';
    found = true;
  }
  if (!found) return std::nullopt;
  return changed;
}

std::optional<ReservationKeyEntry> parse_prkey_line(std::string_view line) {
  auto words = split_words(line);
  if (words.size() < 2 || words[0].size() < 3 || words[0][0] != '0' || words[1].size() > limits::wwid_bytes) {
    return std::nullopt;
  }
  char prefix = words[0][1];
  auto key = parse_hex(words[0].substr(2));
  if ((prefix != 'x' && prefix != 'X') || !key || *key == 0) return std::nullopt;  // 0 stands for "not registered"
  return ReservationKeyEntry{Wwid{std::string(words[1])}, *key, prefix == 'X'};
}

/// Whether the line once held a key of that WWID and was removed: '#' stands for its first digit.
bool is_removed_slot(std::string_view line, const Wwid& wwid) {
  if (!line.starts_with('#')) return false;
  std::string as_it_was = "0" + std::string(line.substr(1));
  auto entry = parse_prkey_line(as_it_was);
  return entry && entry->wwid == wwid;
}

bool has_control_bytes(std::string_view text) {
  return std::ranges::any_of(text, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
}

class BindingsParser {
 public:
  void take_line(std::string_view line) {
    ++line_;
    auto words = split_words(line.substr(0, line.find('#')));
    if (words.empty()) return;
    std::string_view alias = words[0];
    if (words.size() < 2)
      return drop(BindingProblem::no_wwid, fmt::format("no WWID after '{}'", escape(alias)));
    std::string_view wwid = words[1];
    if (wwid.size() > limits::wwid_bytes) {
      return drop(BindingProblem::wwid_too_long, fmt::format("the WWID of '{}' is too long", escape(alias)));
    }
    if (alias.size() > limits::map_name_bytes || has_control_bytes(alias) || has_control_bytes(wwid)) {
      return drop(BindingProblem::unusable_bytes, fmt::format("'{}' cannot be used as a name", escape(alias)));
    }
    auto [known, is_new] = by_alias_.try_emplace(std::string(alias), wwid);
    if (!is_new) {
      if (known->second == wwid) return;
      return drop(BindingProblem::conflict, fmt::format("'{}' is bound to {} already, {} is ignored",
                                                        escape(alias), escape(known->second), escape(wwid)));
    }
    if (words.size() > 2) {
      note(BindingProblem::extra_words, fmt::format("words after the WWID of '{}' are ignored", escape(alias)));
    }
  }

  Bindings finish(bool header_is_ours) {
    for (auto& [alias, wwid] : by_alias_) result_.entries.push_back({MapName{alias}, Wwid{std::string(wwid)}});
    std::ranges::sort(result_.entries, binding_less);
    result_.needs_rewrite |= !header_is_ours;
    return std::move(result_);
  }

 private:
  void note(BindingProblem problem, std::string text) {
    if (result_.diagnostics.size() < limits::config_diagnostics) {
      result_.diagnostics.push_back({problem, line_, std::move(text)});
    }
  }
  void drop(BindingProblem problem, std::string text) {
    note(problem, std::move(text));
    result_.needs_rewrite = true;
  }

  Bindings result_;
  std::map<std::string, std::string_view> by_alias_;
  std::uint32_t line_ = 0;
};

}  // namespace

std::set<Wwid> parse_wwids(std::string_view contents) {
  std::set<Wwid> wwids;
  std::string_view line;
  while (next_line(contents, line)) {
    std::string_view wwid = wwid_of_line(line);
    if (!wwid.empty()) wwids.insert(Wwid{std::string(wwid)});
  }
  return wwids;
}

std::string format_wwids(std::span<const Wwid> wwids) {
  std::string text(wwids_header);
  for (const Wwid& wwid : wwids) {
    if (is_storable(wwid)) text += fmt::format("/{}/\n", wwid.text);
  }
  return text;
}

std::optional<std::string> add_wwid(std::string_view contents, const Wwid& wwid) {
  if (!is_storable(wwid)) return std::nullopt;
  std::string_view rest = contents;
  std::string_view line;
  while (next_line(rest, line)) {
    if (wwid_of_line(line) == wwid.text) return std::nullopt;
  }
  return continued(contents, wwids_header) + fmt::format("/{}/\n", wwid.text);
}

std::optional<std::string> remove_wwid(std::string_view contents, const Wwid& wwid) {
  if (wwid.empty()) return std::nullopt;
  return comment_out(contents, [&](std::string_view line) { return wwid_of_line(line) == wwid.text; });
}

bool binding_less(const Binding& left, const Binding& right) {
  if (left.alias.text.size() != right.alias.text.size())
    return left.alias.text.size() < right.alias.text.size();
  return left.alias.text < right.alias.text;
}

Bindings parse_bindings(std::string_view contents) {
  BindingsParser parser;
  std::string_view rest = contents;
  std::string_view line;
  while (next_line(rest, line)) parser.take_line(line);
  return parser.finish(contents.starts_with(bindings_version));
}

std::string format_bindings(std::span<const Binding> entries) {
  std::vector<Binding> sorted(entries.begin(), entries.end());
  std::ranges::sort(sorted, binding_less);
  std::string text(bindings_header);
  for (const Binding& binding : sorted) text += fmt::format("{} {}\n", binding.alias.text, binding.wwid.text);
  return text;
}

Prkeys parse_prkeys(std::string_view contents) {
  Prkeys file;
  std::set<Wwid> known;
  std::string_view line;
  auto note = [&](std::uint32_t number, std::string text) {
    if (file.diagnostics.size() < limits::config_diagnostics) file.diagnostics.push_back({number, std::move(text)});
  };
  for (std::uint32_t number = 1; next_line(contents, line); ++number) {
    if (split_words(line).empty() || line.starts_with('#')) continue;
    auto entry = parse_prkey_line(line);
    if (!entry) {
      note(number, fmt::format("'{}' is no key and WWID (0x123abc WWID) and is ignored", escape(line.substr(0, limits::wwid_bytes))));
    } else if (!known.insert(entry->wwid).second) {
      note(number, fmt::format("{} has a key already further up, this one is ignored", escape(entry->wwid.text)));
    } else {
      file.entries.push_back(std::move(*entry));
    }
  }
  return file;
}

std::optional<ReservationKeyEntry> find_prkey(std::string_view contents, const Wwid& wwid) {
  std::string_view line;
  while (next_line(contents, line)) {
    auto entry = parse_prkey_line(line);
    if (entry && entry->wwid == wwid) return entry;
  }
  return std::nullopt;
}

std::optional<std::string> set_prkey(std::string_view contents, const ReservationKeyEntry& entry) {
  if (!is_storable(entry.wwid)) return std::nullopt;
  auto present = find_prkey(contents, entry.wwid);
  if (present == entry) return std::nullopt;
  std::string new_line = fmt::format("0{}{:016x} {}\n", entry.aptpl ? 'X' : 'x', entry.key, entry.wwid.text);
  std::string text;
  bool is_placed = false;
  std::string_view rest = contents;
  std::string_view line;
  while (next_line(rest, line)) {
    auto old = parse_prkey_line(line);
    bool is_its_slot = present ? old && old->wwid == entry.wwid : is_removed_slot(line, entry.wwid);
    if (is_its_slot && !is_placed) {
      text += new_line;
      is_placed = true;
    } else {
      text.append(line).append("\n");
    }
  }
  if (is_placed) return text;
  return continued(contents, prkeys_header) + new_line;
}

std::optional<std::string> remove_prkey(std::string_view contents, const Wwid& wwid) {
  return comment_out(contents, [&](std::string_view line) {
    auto entry = parse_prkey_line(line);
    return entry && entry->wwid == wwid;
  });
}

}  // namespace mpath::wire
