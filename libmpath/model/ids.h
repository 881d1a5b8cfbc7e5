// SPDX-License-Identifier: LGPL-2.1-or-later
// Names of things, as strong types: no bare string or number travels through the library. Plain values, any thread.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace mpath {

/// World-wide identifier of a volume: what the kernel's dm uuid holds after "mpath-". At most limits::wwid_bytes bytes.
struct Wwid {
  std::string text;
  [[nodiscard]] bool empty() const { return text.empty(); }
  friend auto operator<=>(const Wwid&, const Wwid&) = default;
};

/// Name of a map under /dev/mapper: its alias or its WWID.
struct MapName {
  std::string text;
  [[nodiscard]] bool empty() const { return text.empty(); }
  friend auto operator<=>(const MapName&, const MapName&) = default;
};

/// Device number of a block device.
struct DevNum {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  [[nodiscard]] bool valid() const { return major != 0; }
  friend auto operator<=>(const DevNum&, const DevNum&) = default;
};
/// "8:16"
[[nodiscard]] std::string to_string(DevNum number);
/// The whole of `text` as MAJOR:MINOR in decimal, or nothing.
[[nodiscard]] std::optional<DevNum> parse_devnum(std::string_view text);

/// SCSI address host:channel:target:lun; for NVMe controller:cntlid:namespace instance:nsid.
struct Hctl {
  std::uint32_t host = 0;
  std::uint32_t channel = 0;
  std::uint32_t target = 0;
  std::uint64_t lun = 0;
  friend auto operator<=>(const Hctl&, const Hctl&) = default;
};
[[nodiscard]] std::string to_string(const Hctl& address);

/// A path of the engine: a slot of its table and the slot's generation, so that a name is never used twice.
struct PathId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;  ///< 0 names nothing
  [[nodiscard]] bool valid() const { return generation != 0; }
  friend auto operator<=>(const PathId&, const PathId&) = default;
};

/// A map of the engine, likewise.
struct MapId {
  std::uint32_t slot = 0;
  std::uint32_t generation = 0;
  [[nodiscard]] bool valid() const { return generation != 0; }
  friend auto operator<=>(const MapId&, const MapId&) = default;
};

/// An operation that an effect started and whose completion is awaited. Never reused.
enum class OpId : std::uint64_t { none = 0 };

/// A request of a client, for the reply to find its way.
enum class RequestId : std::uint64_t { none = 0 };

}  // namespace mpath

template <>
struct std::hash<mpath::DevNum> {
  std::size_t operator()(mpath::DevNum number) const noexcept {
    return (static_cast<std::size_t>(number.major) << 32 | number.minor) * 0x9e3779b97f4a7c15ULL;
  }
};
template <>
struct std::hash<mpath::Wwid> {
  std::size_t operator()(const mpath::Wwid& wwid) const noexcept {
    return std::hash<std::string>{}(wwid.text);
  }
};
template <>
struct std::hash<mpath::MapName> {
  std::size_t operator()(const mpath::MapName& name) const noexcept {
    return std::hash<std::string>{}(name.text);
  }
};
