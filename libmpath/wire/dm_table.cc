// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/dm_table.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <span>
#include <vector>

#include "libmpath/base/text.h"

namespace mpath::wire {

namespace {

/// Takes word after word; a failure is remembered, after it everything is empty.
class WordReader {
 public:
  WordReader(std::string_view text, std::string_view subject) : words_(split_words(text)), subject_(subject) {}

  [[nodiscard]] bool at_end() const { return at_ == words_.size(); }
  [[nodiscard]] std::size_t left() const { return words_.size() - at_; }
  [[nodiscard]] bool ok() const { return !error_; }

  void fail_with(ErrorCode code, std::string what) {
    if (!error_) error_ = Error{code, std::string(subject_), std::move(what), {}};
  }

  std::string_view word(std::string_view meaning) {
    if (!ok()) return {};
    if (at_end()) {
      fail_with(ErrorCode::corrupt, fmt::format("ends where {} is expected", meaning));
      return {};
    }
    return words_[at_++];
  }

  std::uint32_t number(std::string_view meaning) {
    std::string_view text = word(meaning);
    if (!ok()) return 0;
    auto value = parse_decimal(text);
    if (!value || *value > UINT32_MAX) {
      fail_with(ErrorCode::corrupt, fmt::format("'{}' is not {}", escape(text), meaning));
      return 0;
    }
    return static_cast<std::uint32_t>(*value);
  }

  /// A number of things that still have to come, each of at least one word.
  std::size_t count(std::string_view meaning) {
    std::size_t value = number(meaning);
    if (ok() && value > left()) {
      fail_with(ErrorCode::corrupt, fmt::format("{} {} does not fit the text", meaning, value));
    }
    return ok() ? value : 0;
  }

  DevNum device(std::string_view meaning) {
    std::string_view text = word(meaning);
    if (!ok()) return {};
    auto number = parse_devnum(text);
    if (!number || !number->valid()) {
      fail_with(ErrorCode::corrupt, fmt::format("'{}' is not {}", escape(text), meaning));
      return {};
    }
    return *number;
  }

  std::span<const std::string_view> words(std::size_t count) {
    if (!ok() || count > left()) return {};
    at_ += count;
    return std::span(words_).subspan(at_ - count, count);
  }

  Status finish() {
    if (ok() && !at_end()) fail_with(ErrorCode::corrupt, fmt::format("{} words too many", left()));
    if (!ok()) return std::unexpected(std::move(*error_));
    return {};
  }

 private:
  std::vector<std::string_view> words_;
  std::string_view subject_;
  std::size_t at_ = 0;
  std::optional<Error> error_;
};

/// "<count> word…", the count included.
std::string counted_words(WordReader& reader, std::string_view meaning) {
  std::size_t count = reader.count(meaning);
  std::string text = std::to_string(count);
  for (std::string_view word : reader.words(count)) text.append(" ").append(word);
  return text;
}

void check_next_group(WordReader& reader, std::uint32_t next_group, std::size_t groups) {
  if (next_group > groups || (next_group == 0 && groups != 0)) {
    reader.fail_with(ErrorCode::corrupt,
                     fmt::format("group {} of {} cannot be the next one", next_group, groups));
  }
}

KernelGroup read_group(WordReader& reader) {
  KernelGroup group;
  group.selector = reader.word("a path selector");
  group.selector += " " + counted_words(reader, "number of selector arguments");
  std::size_t paths = reader.count("number of paths");
  std::size_t arguments = reader.number("number of path arguments");
  for (std::size_t i = 0; i < paths && reader.ok(); ++i) {
    KernelPath path;
    path.devnum = reader.device("a path's device number");
    if (arguments > reader.left()) reader.fail_with(ErrorCode::corrupt, "ends in a path's arguments");
    for (std::string_view word : reader.words(arguments)) path.arguments.emplace_back(word);
    group.paths.push_back(std::move(path));
  }
  return group;
}

KernelGroupState read_group_state(WordReader& reader) {
  std::string_view letter = reader.word("a group's state");
  if (letter == "A") return KernelGroupState::active;
  if (letter == "E") return KernelGroupState::enabled;
  if (letter == "D") return KernelGroupState::disabled;
  reader.fail_with(ErrorCode::corrupt, fmt::format("'{}' is not a group's state", escape(letter)));
  return KernelGroupState::unknown;
}

KernelPathState read_path_state(WordReader& reader) {
  std::string_view letter = reader.word("a path's state");
  if (letter == "A") return KernelPathState::active;
  if (letter == "F") return KernelPathState::failed;
  reader.fail_with(ErrorCode::corrupt, fmt::format("'{}' is not a path's state", escape(letter)));
  return KernelPathState::unknown;
}

void apply_group_status(WordReader& reader, KernelGroup& group) {
  group.state = read_group_state(reader);
  reader.words(reader.count("number of selector status arguments"));
  std::size_t paths = reader.count("number of paths");
  if (reader.ok() && paths != group.paths.size()) {
    reader.fail_with(ErrorCode::conflict, "has other paths than the table");
  }
  std::size_t arguments = reader.number("number of path status arguments");
  if (!reader.ok()) return;
  for (KernelPath& path : group.paths) {
    DevNum devnum = reader.device("a path's device number");
    if (reader.ok() && devnum != path.devnum) {
      reader.fail_with(ErrorCode::conflict, "has other paths than the table");
    }
    path.state = read_path_state(reader);
    path.fail_count = reader.number("a fail count");
    if (arguments > reader.left()) reader.fail_with(ErrorCode::corrupt, "ends in a path's status arguments");
    reader.words(arguments);
    if (!reader.ok()) return;
  }
}

}  // namespace

std::string format_table(const MultipathTable& table) {
  std::string text = fmt::format("{} {} {} {}", table.features, table.hardware_handler, table.groups.size(),
                                 table.groups.empty() ? 0 : table.next_group);
  for (const KernelGroup& group : table.groups) {
    std::size_t arguments = group.paths.empty() ? 0 : group.paths.front().arguments.size();
    for (const KernelPath& path : group.paths) arguments = std::min(arguments, path.arguments.size());
    text += fmt::format(" {} {} {}", group.selector, group.paths.size(), arguments);
    for (const KernelPath& path : group.paths) {
      text += " " + to_string(path.devnum);
      for (std::size_t i = 0; i < arguments; ++i) text += " " + path.arguments[i];
    }
  }
  return text;
}

Result<MultipathTable> parse_table(std::string_view parameters, std::uint64_t size_sectors) {
  WordReader reader(parameters, "multipath table");
  MultipathTable table;
  table.size_sectors = size_sectors;
  table.features = counted_words(reader, "number of features");
  table.hardware_handler = counted_words(reader, "number of hardware handler arguments");
  // A group has at least selector, argument count, path count and path argument count.
  std::size_t groups = reader.number("number of groups");
  table.next_group = reader.number("the next group");
  if (reader.ok() && groups > reader.left() / 4) {
    reader.fail_with(ErrorCode::corrupt, fmt::format("number of groups {} does not fit the text", groups));
  }
  if (reader.ok()) check_next_group(reader, table.next_group, groups);
  for (std::size_t i = 0; i < groups && reader.ok(); ++i) table.groups.push_back(read_group(reader));
  if (auto status = reader.finish(); !status) return std::unexpected(std::move(status.error()));
  return table;
}

Status apply_status(MultipathTable& table, std::string_view status) {
  WordReader reader(status, "multipath status");
  MultipathTable updated = table;
  auto features = reader.words(reader.count("number of status features"));
  updated.queued_ios = 0;
  if (!features.empty()) {
    auto queued = parse_decimal(features.front());
    if (!queued)
      reader.fail_with(ErrorCode::corrupt, fmt::format("'{}' is not a number", escape(features.front())));
    if (queued) updated.queued_ios = static_cast<std::uint32_t>(std::min<std::uint64_t>(*queued, UINT32_MAX));
  }
  reader.words(reader.count("number of hardware handler status arguments"));
  std::size_t groups = reader.number("number of groups");
  updated.next_group = reader.number("the next group");
  if (reader.ok() && groups != updated.groups.size()) {
    reader.fail_with(ErrorCode::conflict, "has another number of groups than the table");
  }
  if (reader.ok()) check_next_group(reader, updated.next_group, groups);
  for (KernelGroup& group : updated.groups) {
    if (!reader.ok()) break;
    apply_group_status(reader, group);
  }
  if (auto result = reader.finish(); !result) return result;
  table = std::move(updated);
  return {};
}

std::uint64_t table_fingerprint(std::string_view parameters, std::uint64_t size_sectors) {
  std::uint64_t hash = fingerprint(std::to_string(size_sectors));
  for (std::string_view word : split_words(parameters)) hash = fingerprint(word, fingerprint(" ", hash));
  return hash;
}

}  // namespace mpath::wire
