// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/base/error.h"

#include <cerrno>
#include <system_error>

#include "libmpath/base/text.h"

namespace mpath {

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::invalid_argument: return "invalid_argument";
    case ErrorCode::not_found: return "not_found";
    case ErrorCode::exists: return "exists";
    case ErrorCode::permission: return "permission";
    case ErrorCode::busy: return "busy";
    case ErrorCode::timeout: return "timeout";
    case ErrorCode::io: return "io";
    case ErrorCode::unsupported: return "unsupported";
    case ErrorCode::conflict: return "conflict";
    case ErrorCode::limit: return "limit";
    case ErrorCode::corrupt: return "corrupt";
    case ErrorCode::unavailable: return "unavailable";
    case ErrorCode::internal: return "internal";
  }
  return "internal";
}

std::string Error::message() const {
  std::string text = escape(subject);
  for (const std::string* part : {&what, &cause}) {
    if (part->empty()) continue;
    if (!text.empty()) text += ": ";
    text += escape(*part);
  }
  return text;
}

namespace {

ErrorCode code_for_errno(int error_number) {
  switch (error_number) {
    case ENOENT: case ENODEV: case ENXIO: case ESRCH: return ErrorCode::not_found;
    case EEXIST: return ErrorCode::exists;
    case EPERM: case EACCES: case EROFS: return ErrorCode::permission;
    case EBUSY: case EAGAIN: return ErrorCode::busy;
    case ETIMEDOUT: return ErrorCode::timeout;
    case ENOSYS: case ENOTTY: case EOPNOTSUPP: return ErrorCode::unsupported;
    case EINVAL: return ErrorCode::invalid_argument;
    case ENOMEM: case EMFILE: case ENFILE: case ENOSPC: return ErrorCode::limit;
    case ECONNREFUSED: return ErrorCode::unavailable;
    default: return ErrorCode::io;
  }
}

}  // namespace

Error error_from_errno(int error_number, std::string subject, std::string what) {
  return {code_for_errno(error_number), std::move(subject), std::move(what),
          std::system_category().message(error_number)};
}

}  // namespace mpath
