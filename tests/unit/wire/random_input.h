// SPDX-License-Identifier: LGPL-2.1-or-later
// Seeded random input for the property tests of this layer. The seed is printed; MPATH_TEST_SEED repeats a run.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace mpath::test {

class RandomInput {
 public:
  RandomInput() {
    const char* given = std::getenv("MPATH_TEST_SEED");
    std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    std::printf("MPATH_TEST_SEED=%llu\n", static_cast<unsigned long long>(seed));
    engine_.seed(seed);
  }

  /// 0 … limit - 1
  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(engine_() % limit); }
  bool chance(std::size_t in) { return below(in) == 0; }

  std::vector<std::uint8_t> bytes(std::size_t size) {
    std::vector<std::uint8_t> result(size);
    for (auto& byte : result) byte = static_cast<std::uint8_t>(below(256));
    return result;
  }

  /// Words that look like the grammar under test, blanks, line ends and a few arbitrary bytes.
  std::string text_of(const std::vector<std::string_view>& vocabulary, std::size_t words) {
    std::string text;
    for (std::size_t i = 0; i < words; ++i) {
      if (chance(20)) {
        text += static_cast<char>(below(256));
      } else {
        text += vocabulary[below(vocabulary.size())];
      }
      if (!chance(15)) text += ' ';
    }
    return text;
  }

  /// The text with a few bytes changed, dropped, doubled, or its end cut off.
  std::string damaged(std::string text) {
    std::size_t times = 1 + below(4);
    for (std::size_t i = 0; i < times && !text.empty(); ++i) {
      std::size_t at = below(text.size());
      switch (below(4)) {
        case 0: text[at] = static_cast<char>(below(256)); break;
        case 1: text.erase(at, 1 + below(4)); break;
        case 2: text.insert(at, 1, static_cast<char>('0' + below(10))); break;
        default: text.resize(at); break;
      }
    }
    return text;
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace mpath::test
