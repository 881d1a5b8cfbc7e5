// SPDX-License-Identifier: LGPL-2.1-or-later
// Vectors that are filled and emptied again and again. They keep their room so that nothing is allocated for what comes every second, but
// not what one large burst needed: a daemon's memory is locked.
#pragma once

#include <cstddef>
#include <vector>

namespace mpath {

/// Empties it. What it has room for afterwards is at most `room`.
template <typename T>
void empty_but_keep(std::vector<T>& vector, std::size_t room) {
  vector.clear();
  if (vector.capacity() <= room) return;
  vector.shrink_to_fit();
  vector.reserve(room);
}

}  // namespace mpath
