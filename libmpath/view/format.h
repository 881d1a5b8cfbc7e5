// SPDX-License-Identifier: LGPL-2.1-or-later
// The wildcards of `show paths format` and `show maps format`, one table for paths and one for maps. Topology, tables, JSON and the
// list of wildcards all print through them. A wildcard never fails: what is not known has its own word. Pure, any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libmpath/engine/snapshot.h"

namespace mpath::view {

/// A path as it is printed. Some values depend on whether it belongs to a map at all.
struct PathRow {
  const engine::PathView& path;
  bool in_map = false;
};

/// One wildcard. `print` appends the value, free of control bytes.
template <typename Row>
struct Wildcard {
  char letter;
  std::string_view header;
  void (*print)(std::string& out, const Row& row, MonoTime now);
};
using PathWildcard = Wildcard<PathRow>;
using MapWildcard = Wildcard<engine::MapView>;

[[nodiscard]] std::span<const PathWildcard> path_wildcards();
[[nodiscard]] std::span<const MapWildcard> map_wildcards();

/// Value of one wildcard; empty for a letter that is none.
[[nodiscard]] std::string value_of(char letter, const PathRow& row, MonoTime now);
[[nodiscard]] std::string value_of(char letter, const engine::MapView& map, MonoTime now);

enum class TableStyle {
  aligned,  ///< a header, every value padded to the width of its column, the last one too
  raw,      ///< values as they are, no header
};

inline constexpr std::string_view paths_columns = "%i %d %D %p %t %T %o %C";
inline constexpr std::string_view maps_columns = "%n %d %w";
inline constexpr std::string_view maps_status_columns = "%n %F %Q %N %t %r";
inline constexpr std::string_view maps_stats_columns = "%n %0 %1 %2 %3 %4";

/// One line for each path or map; empty without any. Text of `format` that is no wildcard is printed as it is; an unknown
/// wildcard vanishes together with its '%', a lone '%' at the end does too.
[[nodiscard]] std::string paths_table(const engine::Snapshot& snapshot, std::string_view format, TableStyle style);
[[nodiscard]] std::string maps_table(const engine::Snapshot& snapshot, std::string_view format, TableStyle style);
/// The line of one map as it stands in the aligned table of all maps.
[[nodiscard]] std::string map_line(const engine::Snapshot& snapshot, const engine::MapView& map, std::string_view format);

/// Reply of `show wildcards`.
[[nodiscard]] std::string wildcards_list();

}  // namespace mpath::view
