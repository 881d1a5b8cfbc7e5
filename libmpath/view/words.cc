// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/words.h"

namespace mpath::view {

std::string size_text(std::uint64_t sectors) {
  static constexpr std::string_view units = "KMGTP";
  // Single precision, because the digits that programs compare were always made that way.
  const std::uint64_t kibibytes = sectors / 2;
  float size = static_cast<float>(kibibytes);
  std::size_t unit = 0;
  while (size >= 1024 && unit + 1 < units.size()) {
    size /= 1024;
    ++unit;
  }
  return size < 10 ? fmt::format("{:.1f}{}", size, units[unit]) : fmt::format("{:.0f}{}", size, units[unit]);
}

std::string_view word(KernelPathState state) {
  switch (state) {
    case KernelPathState::unknown: return "undef";
    case KernelPathState::active: return "active";
    case KernelPathState::failed: return "failed";
  }
  return "undef";
}

std::string_view word(KernelGroupState state) {
  switch (state) {
    case KernelGroupState::unknown: return "undef";
    case KernelGroupState::active: return "active";
    case KernelGroupState::enabled: return "enabled";
    case KernelGroupState::disabled: return "disabled";
  }
  return "undef";
}

std::string_view word(engine::PendingAction action) {
  using engine::PendingAction;
  switch (action) {
    case PendingAction::none: return "";
    case PendingAction::reject: return "reject";
    case PendingAction::rename: return "rename";
    case PendingAction::reload: return "reload";
    case PendingAction::create: return "create";
    case PendingAction::switchpg: return "switchpg";
  }
  return "";
}

std::string_view word(engine::InitState state) {
  using engine::InitState;
  switch (state) {
    case InitState::fresh: return "new";
    case InitState::failed: return "failed";
    case InitState::udev_missing: return "udev-missing";
    case InitState::udev_requested: return "udev-requested";
    case InitState::ok: return "ok";
    case InitState::removed: return "removed";
    case InitState::partial: return "partial";
  }
  return "undef";
}

std::string countdown_text(seconds left, seconds total) {
  std::string text;
  if (total.count() > 0) {
    // Bounded first: a deadline may lie further away than the interval, and the product must not overflow.
    const seconds shown = std::clamp(left, seconds{0}, total);
    const double tenths = static_cast<double>(shown.count()) * 10 / static_cast<double>(total.count());
    const auto filled = static_cast<std::size_t>(tenths);
    text.append(filled, 'X').append(10 - filled, '.');
  }
  return text + fmt::format(" {}/{}", left.count(), total.count());
}

seconds seconds_until(MonoTime now, MonoTime deadline) {
  if (deadline == no_deadline || deadline <= now) return seconds{0};
  return std::chrono::ceil<seconds>(deadline - now);
}

const PathFacts& facts_of(const engine::PathView& path) {
  static const PathFacts unknown;
  return path.facts ? *path.facts : unknown;
}

}  // namespace mpath::view
