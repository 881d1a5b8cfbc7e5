// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/config/typed.h"

#include "libmpath/config/value.h"

namespace mpath::config {

const Value* Typed::value(Key key) const {
  const Setting* setting = chain_.find(key);
  return setting ? &setting->value : default_value(key);
}

std::int64_t Typed::raw(Key key) const {
  const Value* found = value(key);
  const auto* number = found ? std::get_if<std::int64_t>(found) : nullptr;
  return number ? *number : 0;
}

Origin Typed::origin(Key key) const {
  const Setting* setting = chain_.find(key);
  return setting ? setting->origin : Origin{};
}

Effective<std::string> Typed::text(Key key) const {
  const Value* found = value(key);
  const auto* string = found ? std::get_if<std::string>(found) : nullptr;
  return {string ? *string : std::string{}, origin(key)};
}

Effective<std::optional<std::string>> Typed::optional_text(Key key) const {
  if (!chain_.find(key)) return {};
  auto [string, where] = text(key);
  return {std::move(string), where};
}

Effective<std::optional<std::uint32_t>> Typed::optional_number(Key key) const {
  if (!chain_.find(key)) return {};
  return {static_cast<std::uint32_t>(raw(key)), origin(key)};
}

Effective<std::optional<seconds>> Typed::optional_time(Key key) const {
  if (!chain_.find(key)) return {};
  return {seconds{raw(key)}, origin(key)};
}

Effective<std::optional<std::uint64_t>> Typed::file_limit(Key key) const {
  const std::int64_t number = raw(key);
  if (number == special::max) return {std::nullopt, origin(key)};
  return {static_cast<std::uint64_t>(number), origin(key)};
}

Effective<TransportLimit> Typed::limit(Key key) const {
  if (!value(key)) return {};
  const std::int64_t number = raw(key);
  if (number == special::off) return {{TransportLimit::Kind::off, 0}, origin(key)};
  return {{TransportLimit::Kind::value, static_cast<std::uint32_t>(number)}, origin(key)};
}

Effective<Failback> Typed::failback(Key key) const {
  const std::int64_t number = raw(key);
  Failback result;
  switch (number) {
    case special::manual: result.kind = Failback::Kind::manual; break;
    case special::immediate: result.kind = Failback::Kind::immediate; break;
    case special::followover: result.kind = Failback::Kind::followover; break;
    default: result = {Failback::Kind::after, seconds{number}}; break;
  }
  return {result, origin(key)};
}

Effective<NoPathRetry> Typed::retry(Key key) const {
  if (!chain_.find(key)) return {};
  const std::int64_t number = raw(key);
  if (number == special::fail) return {{NoPathRetry::Kind::fail, 0}, origin(key)};
  if (number == special::queue) return {{NoPathRetry::Kind::queue, 0}, origin(key)};
  return {{NoPathRetry::Kind::checks, static_cast<std::uint32_t>(number)}, origin(key)};
}

Effective<ReservationKey> Typed::reservation_key(Key key) const {
  const Setting* setting = chain_.find(key);
  if (!setting) return {};
  return {std::get<ReservationKey>(setting->value), setting->origin};
}

}  // namespace mpath::config
