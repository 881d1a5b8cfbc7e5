// SPDX-License-Identifier: LGPL-2.1-or-later
// One value of a keyword: read from the text of a file by its type, and written back. Pure; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "libmpath/config/effective.h"
#include "libmpath/config/keywords.h"
#include "libmpath/model/settings.h"

namespace mpath::config {

/// A value as it is kept. Numbers and enumerated words are numbers; which special numbers exist depends on the type:
/// off_or_number: off is -1. no_or_number: no is 0. retry: fail 0, queue -1. failback: manual -1, immediate -2, followover -3.
/// file_limit: max is -1. loss_time: infinity is 4294967295.
using Value = std::variant<std::int64_t, std::string, ReservationKey>;

namespace special {
inline constexpr std::int64_t off = -1;
inline constexpr std::int64_t no = 0;
inline constexpr std::int64_t fail = 0;
inline constexpr std::int64_t queue = -1;
inline constexpr std::int64_t manual = -1;
inline constexpr std::int64_t immediate = -2;
inline constexpr std::int64_t followover = -3;
inline constexpr std::int64_t max = -1;
inline constexpr std::int64_t infinity = 4294967295;
}  // namespace special

struct UserIds {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;  ///< the user's primary group
};
/// Asks the system for a user name; the caller provides it because this layer opens no file.
using UserLookup = std::function<std::optional<UserIds>(std::string_view)>;

/// What the system contributes to the meaning of values.
struct ValueContext {
  UserLookup lookup_user;                         ///< empty: only numbers and "root" are known
  std::optional<std::uint64_t> most_open_files;  ///< /proc/sys/fs/nr_open; unset: unknown
};

struct ParsedValue {
  enum class Outcome : std::uint8_t {
    accepted,
    cleared,   ///< the text means "not set"
    rejected,  ///< the previous value stays
    fatal,     ///< rejected, and the whole main file fails
  };
  Outcome outcome = Outcome::accepted;
  Value value{};
  std::string remark;    ///< why the text is not taken as it stands; empty when it is
  std::string_view id;   ///< with the remark
  std::string fix;       ///< with the remark, may be empty
  std::size_t offset = 0;  ///< byte of the text that the remark is about
};

/// Reads `text` as a value of `keyword`. Never called for ValueType::ignored.
[[nodiscard]] ParsedValue parse_value(const Keyword& keyword, std::string_view text, const ValueContext& context);

/// As the dump writes it: strings and words quoted, numbers bare.
[[nodiscard]] std::string format_value(const Keyword& keyword, const Value& value);

/// The built-in default of a keyword as a value; nothing when there is none.
[[nodiscard]] const Value* default_value(Key key);

/// The valid records of a uid_attrs string; `dropped` counts the others.
[[nodiscard]] std::vector<UidAttr> parse_uid_attrs(std::string_view text, std::size_t* dropped = nullptr);

/// The words a value of this type may be written as, for messages ("yes or no", "1..5 or off").
[[nodiscard]] std::string describe_values(const Keyword& keyword);

/// The fixed words among them, and the one that `text` was probably meant to be (empty: none is near).
[[nodiscard]] std::vector<std::string_view> value_words(const Keyword& keyword);
[[nodiscard]] std::string_view nearest_word(const Keyword& keyword, std::string_view text);

}  // namespace mpath::config
