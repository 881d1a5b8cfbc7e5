// SPDX-License-Identifier: LGPL-2.1-or-later
// Errors as values. Every fallible function of the library gives a Result<T>; the library itself never logs and never throws.
// Used by everybody, on any thread.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace mpath {

/// What kind of failure it is, for code that must decide; people read Error::message().
enum class ErrorCode {
  invalid_argument,  ///< the caller or the user gave something that can never work
  not_found,         ///< the named object does not exist
  exists,            ///< the named object exists already
  permission,        ///< the process may not do this
  busy,              ///< the object is in use
  timeout,           ///< no answer within the limit
  io,                ///< the device or the kernel reported a failure
  unsupported,       ///< the kernel, the device or the build lacks it
  conflict,          ///< the world is not what the precondition said
  limit,             ///< a named limit was reached
  corrupt,           ///< bytes that make no sense
  unavailable,       ///< a service (daemon, kernel module) cannot be reached
  internal,          ///< a defect of ours
};

/// The code as one lower-case word with underscores, e.g. "not_found".
[[nodiscard]] std::string_view to_string(ErrorCode code);

/// A failure with its subject: which object, what went wrong, and why.
struct Error {
  ErrorCode code = ErrorCode::internal;
  std::string subject;  ///< the object: a device, map, file or command name; may hold hostile bytes
  std::string what;     ///< what failed and, where there is one, the remedy
  std::string cause;    ///< the lower-level reason, may be empty

  /// "subject: what: cause", with control and non-ASCII bytes of each part escaped.
  [[nodiscard]] std::string message() const;
};

template <typename T>
using Result = std::expected<T, Error>;
using Status = std::expected<void, Error>;

/// Shorthand for `return fail(ErrorCode::busy, "mpatha", "the map is in use");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string subject,
                                                 std::string what, std::string cause = {}) {
  return std::unexpected(Error{code, std::move(subject), std::move(what), std::move(cause)});
}

/// An errno value as an Error: the code that fits it, and the system's text as the cause.
[[nodiscard]] Error error_from_errno(int error_number, std::string subject, std::string what);

}  // namespace mpath
