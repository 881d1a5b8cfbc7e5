// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/sys/sysfs.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

#include "libmpath/base/limits.h"
#include "libmpath/base/text.h"

namespace mpath::sys {

namespace {

constexpr std::size_t text_bytes = 4096;  ///< a page, the most that a text attribute holds

UniqueFd open_attribute(int directory, const char* attribute) {
  // O_NONBLOCK for the case that it is no attribute at all but something that waits for a partner.
  return UniqueFd(::openat(directory, attribute, O_RDONLY | O_CLOEXEC | O_NONBLOCK));
}

/// Up to `most` bytes; nothing after an error.
template <typename Container>
bool read_all(int fd, Container& out, std::size_t most) {
  constexpr std::size_t step = 4096;
  for (;;) {
    std::size_t have = out.size();
    if (have >= most) return true;
    out.resize(std::min(have + step, most));
    ssize_t got = ::read(fd, out.data() + have, out.size() - have);
    out.resize(have + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return false;
    if (got == 0) return true;
  }
}

/// Kernel names whose letters count: after the prefix come a, b, … z, aa, ab.
constexpr std::string_view lettered[] = {"dasd", "xvd", "sd", "vd", "hd"};

std::string_view lettered_prefix(std::string_view name) {
  for (std::string_view prefix : lettered) {
    if (!name.starts_with(prefix)) continue;
    std::string_view rest = name.substr(prefix.size());
    if (!rest.empty() && std::ranges::all_of(rest, [](char c) { return c >= 'a' && c <= 'z'; })) return prefix;
  }
  return {};
}

std::string_view leading_digits(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && is_digit(text[length])) ++length;
  return text.substr(0, length);
}

std::string_view without_zeros(std::string_view digits) {
  while (digits.size() > 1 && digits.front() == '0') digits.remove_prefix(1);
  return digits;
}

}  // namespace

SysfsDirectory::SysfsDirectory(const std::string& path)
    : fd_(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)) {}

std::optional<std::string> SysfsDirectory::text(const char* attribute) const {
  if (!exists()) return std::nullopt;
  UniqueFd fd = open_attribute(fd_.get(), attribute);
  std::string text;
  if (!fd || !read_all(fd.get(), text, text_bytes)) return std::nullopt;
  // A string of its own: the one that was read into has room for a whole page.
  return std::string(trim_right(std::string_view(text).substr(0, text.find('\n'))));
}

std::optional<std::uint64_t> SysfsDirectory::number(const char* attribute) const {
  auto value = text(attribute);
  return value ? parse_decimal(trim(*value)) : std::nullopt;
}

std::vector<std::uint8_t> SysfsDirectory::bytes(const char* attribute) const {
  std::vector<std::uint8_t> out;
  if (!exists()) return out;
  UniqueFd fd = open_attribute(fd_.get(), attribute);
  if (!fd || !read_all(fd.get(), out, limits::sysfs_attribute_bytes)) out.clear();
  out.shrink_to_fit();
  return out;
}

std::string SysfsDirectory::link_name(const char* link) const {
  char target[PATH_MAX];
  if (!exists()) return {};
  ssize_t length = ::readlinkat(fd_.get(), link, target, sizeof target);
  if (length <= 0) return {};
  return std::string(base_name({target, static_cast<std::size_t>(length)}));
}

bool SysfsDirectory::has(const char* attribute) const {
  return exists() && ::faccessat(fd_.get(), attribute, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

int SysfsDirectory::probe(const char* attribute) const {
  if (!exists()) return ENOENT;
  return open_attribute(fd_.get(), attribute) ? 0 : errno;
}

namespace {

Result<std::string> setting_path(const std::string& root, std::string_view object, std::string_view attribute) {
  std::string path = object.starts_with(root + "/") ? std::string(object) : root + "/" + std::string(object);
  bool outside = object.find("..") != std::string_view::npos || (object.starts_with('/') && !object.starts_with(root + "/"));
  if (outside || attribute.empty() || attribute.find('/') != std::string_view::npos) {
    return fail(ErrorCode::invalid_argument, std::string(object), "is no place in sysfs");
  }
  return path + "/" + std::string(attribute);
}

}  // namespace

Result<std::string> read_setting(const std::string& root, std::string_view object, std::string_view attribute) {
  auto path = setting_path(root, object, attribute);
  if (!path) return path;
  std::string directory = path->substr(0, path->rfind('/'));
  auto text = SysfsDirectory(directory).text(base_name(*path).data());
  if (text) return *text;
  return fail(ErrorCode::not_found, std::move(*path), "cannot be read");
}

Status write_setting(const std::string& root, std::string_view object, std::string_view attribute, std::string_view value) {
  auto path = setting_path(root, object, attribute);
  if (!path) return std::unexpected(std::move(path.error()));
  UniqueFd fd(::open(path->c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd || ::write(fd.get(), value.data(), value.size()) != static_cast<ssize_t>(value.size())) {
    return std::unexpected(error_from_errno(errno, std::move(*path), fmt::format("cannot be set to {}", value)));
  }
  return {};
}

std::string_view base_name(std::string_view path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::string_view parent_of(std::string_view path) {
  std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

bool natural_less(std::string_view a, std::string_view b) {
  if (std::string_view prefix = lettered_prefix(a); !prefix.empty() && prefix == lettered_prefix(b)) {
    return a.size() != b.size() ? a.size() < b.size() : a < b;
  }
  std::string_view whole_a = a;
  std::string_view whole_b = b;
  while (!a.empty() && !b.empty()) {
    std::string_view digits_a = leading_digits(a);
    std::string_view digits_b = leading_digits(b);
    if (!digits_a.empty() && !digits_b.empty()) {
      std::string_view number_a = without_zeros(digits_a);
      std::string_view number_b = without_zeros(digits_b);
      if (number_a.size() != number_b.size()) return number_a.size() < number_b.size();
      if (number_a != number_b) return number_a < number_b;
      a.remove_prefix(digits_a.size());
      b.remove_prefix(digits_b.size());
      continue;
    }
    if (a.front() != b.front()) return static_cast<unsigned char>(a.front()) < static_cast<unsigned char>(b.front());
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  if (a.size() != b.size()) return a.size() < b.size();
  return whole_a < whole_b;
}

}  // namespace mpath::sys
