// SPDX-License-Identifier: LGPL-2.1-or-later
// Reads keywords out of a chain of sections as typed values with their origin. For effective.cc.
#pragma once

#include <optional>
#include <string>

#include "libmpath/config/chain.h"
#include "libmpath/config/effective.h"
#include "libmpath/model/settings.h"

namespace mpath::config {

/// Where nobody sets a keyword its built-in default counts; the optional_ functions give nothing then.
class Typed {
 public:
  explicit Typed(const Chain& chain) : chain_(chain) {}

  [[nodiscard]] Effective<bool> flag(Key key) const { return {raw(key) != 0, origin(key)}; }
  template <typename T>
  [[nodiscard]] Effective<T> number(Key key) const {
    return {static_cast<T>(raw(key)), origin(key)};
  }
  template <typename T>
  [[nodiscard]] Effective<T> time(Key key) const {
    return {T{raw(key)}, origin(key)};
  }
  template <typename T>
  [[nodiscard]] Effective<T> choice(Key key) const {
    return {static_cast<T>(raw(key)), origin(key)};
  }
  [[nodiscard]] Effective<std::string> text(Key key) const;
  [[nodiscard]] Effective<std::optional<std::string>> optional_text(Key key) const;
  [[nodiscard]] Effective<std::optional<std::uint32_t>> optional_number(Key key) const;
  [[nodiscard]] Effective<std::optional<seconds>> optional_time(Key key) const;
  [[nodiscard]] Effective<std::optional<std::uint64_t>> file_limit(Key key) const;
  [[nodiscard]] Effective<TransportLimit> limit(Key key) const;
  [[nodiscard]] Effective<Failback> failback(Key key) const;
  [[nodiscard]] Effective<NoPathRetry> retry(Key key) const;
  [[nodiscard]] Effective<ReservationKey> reservation_key(Key key) const;

 private:
  [[nodiscard]] const Value* value(Key key) const;
  [[nodiscard]] std::int64_t raw(Key key) const;
  [[nodiscard]] Origin origin(Key key) const;

  const Chain& chain_;
};

}  // namespace mpath::config
