// SPDX-License-Identifier: LGPL-2.1-or-later
// A client's request, old grammar or mpathctl's, and the same bytes as a reply that mpathctl takes. A refusal always says something.
#include <cstdlib>

#include "libmpath/command/mpathctl.h"
#include "libmpath/command/parser.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto request = command::parse(text); !request && request.error().reply.empty()) std::abort();
  if (const auto request = command::parse_mpathctl(text); !request && !command::decode_reply(request.error().reply)) std::abort();
  if (const auto reply = command::decode_reply(text)) {
    const auto again = command::decode_reply(command::encode_reply(*reply));
    if (!again || again->exit_status != reply->exit_status) std::abort();
  }
  return 0;
}
