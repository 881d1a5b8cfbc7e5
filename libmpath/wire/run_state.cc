// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/wire/run_state.h"

#include <algorithm>

#include <fmt/format.h>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"
#include "libmpath/wire/names.h"

namespace mpath::wire {

namespace {

constexpr std::string_view heading = "multipathd state 1\n";
constexpr std::string_view any_heading = "multipathd state ";
constexpr std::string_view file_subject = "/run/multipath/state";

std::unexpected<Error> damaged(std::string_view why) {
  return fail(ErrorCode::corrupt, std::string(file_subject), "is damaged and not used; every path is verified anew", std::string(why));
}

/// "end COUNT FINGERPRINT\n" closes the file: without it, or with another fingerprint, it is not what was written.
std::string closing(std::size_t lines, std::string_view body) { return fmt::format("end {} {:016x}\n", lines, fingerprint(body)); }

std::optional<std::uint64_t> value_of(std::string_view word, std::string_view key) {
  if (!word.starts_with(key)) return std::nullopt;
  return parse_decimal(word.substr(key.size()));
}

/// A point in time of the machine's clock.
std::optional<MonoTime> time_of(std::string_view word, std::string_view key) {
  auto count = value_of(word, key);
  // Far from the end of what can be counted: sums with it must not overflow.
  if (!count || *count > static_cast<std::uint64_t>(Duration::max().count() / 2)) return std::nullopt;
  return MonoTime{Duration{static_cast<Duration::rep>(*count)}};
}

Duration::rep nanoseconds_of(MonoTime time) { return std::max(time.time_since_epoch(), Duration{0}).count(); }

std::optional<PathMarks> path_marks(const std::vector<std::string_view>& words) {
  if (words.size() < 4) return std::nullopt;
  auto devnum = parse_devnum(words[1]);
  auto sequence = parse_decimal(words[2]);
  if (!devnum || !sequence) return std::nullopt;
  PathMarks marks{.devnum = *devnum, .disk_sequence = *sequence, .wwid = {decode_dm_name(words[3])}};
  for (std::string_view word : std::span(words).subspan(4)) {
    marks.quarantined = marks.quarantined || word == "quarantined";
    marks.suspect = marks.suspect || word == "suspect";
    marks.unreliable = marks.unreliable || word == "unreliable";
    marks.disabled = marks.disabled || word == "disabled";
    if (auto identity = value_of(word, "identity=")) marks.identity = *identity;
    if (auto reasons = value_of(word, "marginal="); reasons && *reasons <= UINT8_MAX) {
      marks.marginal_reasons = MarginalReasons::from_bits(static_cast<std::uint8_t>(*reasons));
    }
  }
  return marks;
}

std::optional<MapMarks> map_marks(const std::vector<std::string_view>& words) {
  if (words.size() < 2) return std::nullopt;
  MapMarks marks{.wwid = {decode_dm_name(words[1])}};
  for (std::string_view word : std::span(words).subspan(2)) {
    marks.queueing_disabled = marks.queueing_disabled || word == "queueing-disabled";
    marks.suspended = marks.suspended || word == "suspended";
    marks.retries_expired = marks.retries_expired || word == "retries-expired";
    marks.reservation_over = marks.reservation_over || word == "reservation-over";
    if (auto since = time_of(word, "no-path-since=")) marks.no_path_since = *since;
    if (auto at = time_of(word, "ready-at=")) marks.ready_at = *at;
  }
  return marks;
}

/// "drain WWID PLACE until=NANOSECONDS|confirmed for=WORDS"
std::optional<DrainMarks> drain_marks(const std::vector<std::string_view>& words) {
  if (words.size() < 4) return std::nullopt;
  DrainMarks marks{.wwid = {decode_dm_name(words[1])}, .place = decode_dm_name(words[2]), .asked_for = {}};
  bool known = false;
  for (std::string_view word : std::span(words).subspan(3)) {
    if (word == "confirmed") known = true;
    if (word.starts_with("for=")) marks.asked_for = decode_dm_name(word.substr(4));
    if (auto deadline = time_of(word, "until=")) {
      marks.undo_at = *deadline;
      known = true;
    }
  }
  if (!known) return std::nullopt;
  return marks;
}

}  // namespace

std::string format_run_state(const RunState& state) {
  std::string text(heading);
  for (const PathMarks& marks : state.paths) {
    text += fmt::format("path {} {} {}", to_string(marks.devnum), marks.disk_sequence, encode_dm_name(marks.wwid.text));
    if (marks.quarantined) text += " quarantined";
    if (marks.identity != 0) text += fmt::format(" identity={}", marks.identity);
    if (marks.suspect) text += " suspect";
    if (marks.unreliable) text += " unreliable";
    if (marks.disabled) text += " disabled";
    if (marks.marginal_reasons.any()) text += fmt::format(" marginal={}", marks.marginal_reasons.bits());
    text += '\n';
  }
  for (const MapMarks& marks : state.maps) {
    text += "map " + encode_dm_name(marks.wwid.text);
    if (marks.queueing_disabled) text += " queueing-disabled";
    if (marks.suspended) text += " suspended";
    if (marks.no_path_since != no_deadline) text += fmt::format(" no-path-since={}", nanoseconds_of(marks.no_path_since));
    if (marks.retries_expired) text += " retries-expired";
    if (marks.reservation_over) text += " reservation-over";
    if (marks.ready_at != no_deadline) text += fmt::format(" ready-at={}", nanoseconds_of(marks.ready_at));
    text += '\n';
  }
  for (const DrainMarks& marks : state.drains) {
    text += fmt::format("drain {} {} ", encode_dm_name(marks.wwid.text), encode_dm_name(marks.place));
    if (marks.undo_at == no_deadline) {
      text += "confirmed";
    } else {
      text += fmt::format("until={}", nanoseconds_of(marks.undo_at));
    }
    text += fmt::format(" for={}\n", encode_dm_name(marks.asked_for));
  }
  return text + closing(state.paths.size() + state.maps.size() + state.drains.size(), text);
}

Result<RunState> parse_run_state(std::string_view text) {
  if (text.empty()) return RunState{};
  if (!text.starts_with(heading)) {
    if (!text.starts_with(any_heading)) return damaged("it does not begin as it should");
    return fail(ErrorCode::unsupported, std::string(file_subject), "was written by another version and is not used; every path is verified anew");
  }
  if (!text.ends_with('\n')) return damaged("it is cut off");
  std::size_t last = text.rfind('\n', text.size() - 2);
  std::string_view body = text.substr(0, last + 1);
  auto lines = static_cast<std::size_t>(std::ranges::count(body, '\n')) - 1;
  if (text.substr(last + 1) != closing(lines, body)) return damaged("its last line does not fit the others");
  if (lines > limits::run_state_entries) return damaged("it has too many lines");
  RunState state;
  for (std::string_view line : split(body.substr(heading.size()), '\n')) {
    std::vector<std::string_view> words = split_words(line);
    if (words.empty()) continue;
    if (words[0] == "path") {
      auto marks = path_marks(words);
      if (!marks || marks->wwid.text.size() > limits::wwid_bytes) return damaged("a line of a path makes no sense");
      state.paths.push_back(std::move(*marks));
    } else if (words[0] == "map") {
      auto marks = map_marks(words);
      if (!marks || marks->wwid.text.size() > limits::wwid_bytes) return damaged("a line of a map makes no sense");
      state.maps.push_back(std::move(*marks));
    } else if (words[0] == "drain") {
      auto marks = drain_marks(words);
      if (!marks || marks->wwid.text.size() > limits::wwid_bytes) return damaged("a line of a drained path makes no sense");
      state.drains.push_back(std::move(*marks));
    }
  }
  return state;
}

}  // namespace mpath::wire
