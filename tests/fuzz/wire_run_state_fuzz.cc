// SPDX-License-Identifier: LGPL-2.1-or-later
// Contents of /run/multipath/state: whatever is read can be written and read again. The closing line is made to fit, so that the fuzzer
// gets past it.
#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "libmpath/base/text.h"
#include "libmpath/wire/run_state.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mpath;
  std::string body(reinterpret_cast<const char*>(data), size);
  (void)wire::parse_run_state(body);
  if (body.empty() || body.back() != '\n') body += '\n';
  body = "multipathd state 1\n" + body;
  body += fmt::format("end {} {:016x}\n", std::count(body.begin(), body.end(), '\n') - 1, fingerprint(body));
  auto state = wire::parse_run_state(body);
  if (!state) return 0;
  auto again = wire::parse_run_state(wire::format_run_state(*state));
  if (!again || !(*again == *state)) std::abort();
  return 0;
}
