// SPDX-License-Identifier: LGPL-2.1-or-later
#include "libmpath/view/format.h"

namespace mpath::view {

namespace {

/// A longer value is printed whole, but does not widen its column further.
constexpr std::size_t widest_counted = 255;

template <typename Row>
const Wildcard<Row>* find(std::span<const Wildcard<Row>> table, char letter) {
  for (const auto& wildcard : table) {
    if (wildcard.letter == letter) return &wildcard;
  }
  return nullptr;
}

/// A piece of a format string: text as it is, then a wildcard's value, which the last piece may lack.
template <typename Row>
struct Piece {
  std::string text;
  const Wildcard<Row>* wildcard = nullptr;
  std::size_t width = 0;
};

template <typename Row>
std::vector<Piece<Row>> compile(std::string_view format, std::span<const Wildcard<Row>> table) {
  std::vector<Piece<Row>> pieces(1);
  for (std::size_t at = 0; at < format.size(); ++at) {
    if (format[at] != '%') {
      pieces.back().text += format[at];
    } else if (++at < format.size()) {
      pieces.back().wildcard = find(table, format[at]);
      if (pieces.back().wildcard) pieces.emplace_back();
    }
  }
  return pieces;
}

template <typename Row>
using Rows = std::vector<const Row*>;

template <typename Row>
void widen(std::vector<Piece<Row>>& pieces, const Rows<Row>& rows, MonoTime now) {
  std::string value;
  for (auto& piece : pieces) {
    if (!piece.wildcard) continue;
    piece.width = piece.wildcard->header.size();
    for (const Row* row : rows) {
      value.clear();
      piece.wildcard->print(value, *row, now);
      piece.width = std::max(piece.width, std::min(value.size(), widest_counted));
    }
  }
}

template <typename Row>
void print_line(std::string& out, const std::vector<Piece<Row>>& pieces, const Row& row, MonoTime now) {
  for (const auto& piece : pieces) {
    out += piece.text;
    if (!piece.wildcard) continue;
    const std::size_t begin = out.size();
    piece.wildcard->print(out, row, now);
    if (const std::size_t length = out.size() - begin; length < piece.width) out.append(piece.width - length, ' ');
  }
  out += '\n';
}

template <typename Row>
std::string print_table(std::vector<Piece<Row>> pieces, const Rows<Row>& rows, MonoTime now, TableStyle style) {
  std::string out;
  if (rows.empty()) return out;
  if (style == TableStyle::aligned) {
    widen(pieces, rows, now);
    for (const auto& piece : pieces) {
      out += piece.text;
      if (piece.wildcard) out += fmt::format("{:<{}}", piece.wildcard->header, piece.width);
    }
    out += '\n';
  }
  for (const Row* row : rows) print_line(out, pieces, *row, now);
  return out;
}

Rows<engine::MapView> map_rows(const engine::Snapshot& snapshot) {
  Rows<engine::MapView> rows;
  for (const auto& map : snapshot.maps) {
    if (map) rows.push_back(map.get());
  }
  return rows;
}

template <typename Row>
void list_wildcards(std::string& out, std::span<const Wildcard<Row>> table) {
  for (const auto& wildcard : table) out += fmt::format("%{}  {}\n", wildcard.letter, wildcard.header);
}

}  // namespace

std::string value_of(char letter, const PathRow& row, MonoTime now) {
  std::string value;
  if (const auto* wildcard = find(path_wildcards(), letter)) wildcard->print(value, row, now);
  return value;
}

std::string value_of(char letter, const engine::MapView& map, MonoTime now) {
  std::string value;
  if (const auto* wildcard = find(map_wildcards(), letter)) wildcard->print(value, map, now);
  return value;
}

std::string paths_table(const engine::Snapshot& snapshot, std::string_view format, TableStyle style) {
  std::vector<PathRow> paths;
  for (const auto& path : snapshot.paths) {
    if (path) paths.push_back({*path, !path->map_name.empty()});
  }
  Rows<PathRow> rows;
  for (const PathRow& path : paths) rows.push_back(&path);
  return print_table(compile(format, path_wildcards()), rows, snapshot.now, style);
}

std::string maps_table(const engine::Snapshot& snapshot, std::string_view format, TableStyle style) {
  return print_table(compile(format, map_wildcards()), map_rows(snapshot), snapshot.now, style);
}

std::string map_line(const engine::Snapshot& snapshot, const engine::MapView& map, std::string_view format) {
  auto pieces = compile(format, map_wildcards());
  widen(pieces, map_rows(snapshot), snapshot.now);
  std::string out;
  print_line(out, pieces, map, snapshot.now);
  return out;
}

std::string wildcards_list() {
  std::string out = "multipath format wildcards:\n";
  list_wildcards(out, map_wildcards());
  out += "\npath format wildcards:\n";
  list_wildcards(out, path_wildcards());
  return out;
}

}  // namespace mpath::view
