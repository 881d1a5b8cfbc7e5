// SPDX-License-Identifier: LGPL-2.1-or-later
// Text of the kernel: the first line is a table, the rest its status. What is accepted must print as it was read.
#include <cstdlib>

#include "libmpath/wire/dm_table.h"
#include "libmpath/wire/features.h"
#include "libmpath/wire/path_selector.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  std::string_view first = text.substr(0, text.find('\n'));
  std::string_view rest = first.size() < text.size() ? text.substr(first.size() + 1) : std::string_view{};

  std::string features = wire::features_without(first, wire::queue_if_no_path);
  if (wire::features_has(features, wire::queue_if_no_path)) std::abort();
  (void)wire::parse_features(first);

  auto table = wire::parse_table(first, 1);
  if (!table) return 0;
  auto again = wire::parse_table(wire::format_table(*table), 1);
  if (!again || *again != *table) std::abort();
  for (const KernelGroup& group : table->groups) {
    if (!wire::selector_matches(group.selector, group.selector)) std::abort();
    for (const KernelPath& path : group.paths) {
      if (!wire::path_arguments_match(group.selector, path.arguments, path.arguments)) std::abort();
    }
  }
  if (!wire::apply_status(*table, rest) && *again != *table) std::abort();
  return 0;
}
