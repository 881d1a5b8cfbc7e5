// SPDX-License-Identifier: LGPL-2.1-or-later
// Bounded reads of sysfs attributes. Reading may block as long as a driver likes: lane discovery, or before the engine starts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/base/error.h"
#include "libmpath/base/unique_fd.h"

namespace mpath::sys {

/// One directory of sysfs, kept open so that its attributes are read without walking the long path again.
class SysfsDirectory {
 public:
  SysfsDirectory() = default;
  explicit SysfsDirectory(const std::string& path);

  [[nodiscard]] bool exists() const { return fd_.valid(); }
  /// First line without trailing blanks; nothing if the attribute does not exist or cannot be read.
  [[nodiscard]] std::optional<std::string> text(const char* attribute) const;
  /// The text, or empty.
  [[nodiscard]] std::string text_or_empty(const char* attribute) const { return text(attribute).value_or(""); }
  [[nodiscard]] std::optional<std::uint64_t> number(const char* attribute) const;
  /// A binary attribute, at most limits::sysfs_attribute_bytes; empty if it cannot be read.
  [[nodiscard]] std::vector<std::uint8_t> bytes(const char* attribute) const;
  /// Last component of a symbolic link's target: "subsystem", "driver", "generic".
  [[nodiscard]] std::string link_name(const char* link) const;
  [[nodiscard]] bool has(const char* attribute) const;
  /// errno of an attempt to open the attribute; 0 if it opens.
  [[nodiscard]] int probe(const char* attribute) const;

 private:
  UniqueFd fd_;
};

/// First line of an attribute; `object` is a directory below `root`, absolute or relative to it.
[[nodiscard]] Result<std::string> read_setting(const std::string& root, std::string_view object, std::string_view attribute);
/// Writes `value` in one go; what the kernel says against it is the error.
[[nodiscard]] Status write_setting(const std::string& root, std::string_view object, std::string_view attribute, std::string_view value);

/// Last component of a path.
[[nodiscard]] std::string_view base_name(std::string_view path);
/// The path without its last component; empty at the top.
[[nodiscard]] std::string_view parent_of(std::string_view path);

/// Order of kernel names as people count: sda, sdb, … sdz, sdaa; nvme0n1, nvme0n2, nvme0n10. True if a comes before b.
[[nodiscard]] bool natural_less(std::string_view a, std::string_view b);

}  // namespace mpath::sys
