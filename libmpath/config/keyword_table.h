// SPDX-License-Identifier: LGPL-2.1-or-later
// The rows of the keyword table, indexed by Key. Only for keywords.cc; everybody else uses keywords.h.
#pragma once

#include "libmpath/config/keywords.h"

namespace mpath::config {

[[nodiscard]] std::span<const Keyword> keyword_rows();

}  // namespace mpath::config
