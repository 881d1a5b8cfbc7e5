// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/history.h"

#include <nlohmann/json.hpp>

#include "libmpath/base/text.h"

namespace mpath::view {

namespace {

using engine::HistoryView;
using engine::Transition;
using nlohmann::ordered_json;

struct Line {
  const HistoryView* object = nullptr;
  const Transition* entry = nullptr;
};

/// Of all objects together, oldest first; those of one instant as they were found.
std::vector<Line> in_order(const engine::Snapshot& snapshot) {
  std::vector<Line> lines;
  for (const HistoryView& object : snapshot.history) {
    for (const Transition& entry : object.entries) lines.push_back({&object, &entry});
  }
  std::ranges::stable_sort(lines, {}, [](const Line& line) { return line.entry->at; });
  return lines;
}

std::string standing_text(const HistoryView& object, std::uint8_t byte) {
  if (object.is_map) return std::string(to_string(static_cast<engine::MapStanding>(byte)));
  return to_string(engine::PathStanding::unpacked(byte));
}

std::string duration_text(std::uint32_t span) {
  return span < 1'000'000 ? fmt::format("{:.1f} ms", span / 1000.0) : fmt::format("{:.1f} s", span / 1e6);
}

}  // namespace

std::string utc_text(MonoTime at, Duration utc_offset) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{floor<milliseconds>(at.time_since_epoch() + utc_offset)};
  const sys_days day = floor<days>(time);
  const year_month_day date{day};
  const hh_mm_ss clock{time - day};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                     static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(), clock.seconds().count(),
                     clock.subseconds().count());
}

std::string history_text(const engine::Snapshot& snapshot, const UtcOffsets& utc) {
  std::string text;
  for (const auto& [object, entry] : in_order(snapshot)) {
    text += fmt::format("{} {}", utc_text(entry->at, utc.at(entry->at)), escape(object->subject));
    if (!object->map.empty()) text += fmt::format(" ({})", escape(object->map));
    const bool moved = entry->before != entry->after;
    if (moved) text += fmt::format(": {} -> {}", standing_text(*object, entry->before), standing_text(*object, entry->after));
    if (moved) text += fmt::format(" [{}] {}", to_string(entry->cause), entry->reason_text());
    if (const std::string sense = entry->sense_text(); !sense.empty()) text += fmt::format(" (sense {})", sense);
    if (entry->follow_up != engine::FollowUp::none) {
      text += fmt::format("{} {} {} {}", moved ? ";" : ":", to_string(entry->follow_up), moved ? "after" : "in",
                          duration_text(entry->took_microseconds));
    }
    if (!moved && !entry->reason_text().empty()) text += fmt::format(" ({})", entry->reason_text());
    text += '\n';
  }
  return text.empty() ? "nothing has happened\n" : text;
}

std::string history_json(const engine::Snapshot& snapshot, const UtcOffsets& utc) {
  ordered_json transitions = ordered_json::array();
  for (const auto& [object, entry] : in_order(snapshot)) {
    ordered_json one;
    one["time"] = utc_text(entry->at, utc.at(entry->at));
    one["monotonic"] = std::chrono::duration<double>(entry->at.time_since_epoch()).count();
    one["kind"] = object->is_map ? "map" : "path";
    one["name"] = escape(object->subject);
    if (!object->map.empty()) one["map"] = escape(object->map);
    one["old_state"] = standing_text(*object, entry->before);
    one["new_state"] = standing_text(*object, entry->after);
    one["cause"] = to_string(entry->cause);
    one["reason"] = entry->reason_text();
    if (const std::string sense = entry->sense_text(); !sense.empty()) one["sense"] = sense;
    if (entry->follow_up != engine::FollowUp::none) {
      one["action"] = to_string(entry->follow_up);
      one["seconds"] = entry->took_microseconds / 1e6;
    }
    transitions.push_back(std::move(one));
  }
  ordered_json document;
  document["version"] = 1;
  document["transitions"] = std::move(transitions);
  return document.dump(2, ' ', false, ordered_json::error_handler_t::replace) + '\n';
}

}  // namespace mpath::view
