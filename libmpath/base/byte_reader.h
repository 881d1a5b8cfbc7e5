// SPDX-License-Identifier: LGPL-2.1-or-later
// Bounded reads of bytes that came from a device. SCSI fields are big-endian, NVMe fields little-endian; the name says which.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace mpath {

using Bytes = std::span<const std::uint8_t>;

/// Reads fields at given offsets; a field that is not wholly inside gives nothing, never a stray byte.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t size() const { return bytes_.size(); }

  [[nodiscard]] std::optional<std::uint8_t> u8(std::size_t offset) const {
    if (offset >= bytes_.size()) return std::nullopt;
    return bytes_[offset];
  }
  [[nodiscard]] std::optional<std::uint16_t> be16(std::size_t offset) const {
    return big_endian<std::uint16_t>(offset);
  }
  [[nodiscard]] std::optional<std::uint32_t> be32(std::size_t offset) const {
    return big_endian<std::uint32_t>(offset);
  }
  [[nodiscard]] std::optional<std::uint64_t> be64(std::size_t offset) const {
    return big_endian<std::uint64_t>(offset);
  }
  [[nodiscard]] std::optional<std::uint16_t> le16(std::size_t offset) const {
    return little_endian<std::uint16_t>(offset);
  }
  [[nodiscard]] std::optional<std::uint32_t> le32(std::size_t offset) const {
    return little_endian<std::uint32_t>(offset);
  }
  /// `length` bytes from `offset`, or as many as there are.
  [[nodiscard]] Bytes clipped(std::size_t offset, std::size_t length) const {
    if (offset >= bytes_.size()) return {};
    return bytes_.subspan(offset, length < bytes_.size() - offset ? length : bytes_.size() - offset);
  }
  /// Exactly `length` bytes from `offset`, or nothing.
  [[nodiscard]] std::optional<Bytes> exact(std::size_t offset, std::size_t length) const {
    if (offset > bytes_.size() || length > bytes_.size() - offset) return std::nullopt;
    return bytes_.subspan(offset, length);
  }

 private:
  template <typename T>
  [[nodiscard]] std::optional<T> big_endian(std::size_t offset) const {
    auto field = exact(offset, sizeof(T));
    if (!field) return std::nullopt;
    std::uint64_t value = 0;
    for (std::uint8_t byte : *field) value = value << 8 | byte;
    return static_cast<T>(value);
  }

  template <typename T>
  [[nodiscard]] std::optional<T> little_endian(std::size_t offset) const {
    auto field = exact(offset, sizeof(T));
    if (!field) return std::nullopt;
    std::uint64_t value = 0;
    for (std::size_t i = sizeof(T); i-- > 0;) value = value << 8 | (*field)[i];
    return static_cast<T>(value);
  }

  Bytes bytes_;
};

}  // namespace mpath
