// SPDX-License-Identifier: LGPL-2.1-or-later
// The example that is installed must be one: not a single remark about it.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "libmpath/config/parser.h"

namespace mpath::config {
namespace {

TEST(Example, IsReadWithoutRemark) {
  const std::string name = MPATH_SOURCE_DIR "/conf/multipath.conf.example";
  std::ifstream file(name);
  ASSERT_TRUE(file) << name;
  std::ostringstream bytes;
  bytes << file.rdbuf();

  const SourceFile source{.name = name, .bytes = bytes.str()};
  const ParseResult result = parse(std::span(&source, 1));
  for (const Diagnostic& remark : result.diagnostics) {
    ADD_FAILURE() << name << ':' << remark.line << ": " << remark.text << " (" << remark.fix << ')';
  }
  EXPECT_FALSE(result.fatal);
  EXPECT_EQ(result.config->multipaths.size(), 1u);
}

}  // namespace
}  // namespace mpath::config
