// SPDX-License-Identifier: LGPL-2.1-or-later
// A good result of a check allocates nothing. The program's own operator new counts.
#include <cstdlib>
#include <new>

#include "tests/unit/engine/fixture.h"

namespace {
std::size_t allocations = 0;

void* counted(std::size_t bytes) {
  ++allocations;
  if (void* memory = std::malloc(bytes == 0 ? 1 : bytes)) return memory;
  throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t bytes) { return counted(bytes); }
void* operator new[](std::size_t bytes) { return counted(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(bytes == 0 ? 1 : bytes);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace mpath::engine {
namespace {

TEST(Allocation, AGoodCheckAllocatesNothing) {
  Bench bench;
  for (const char* name : {"sda", "sdb", "sdc"}) bench.disk(name);
  bench.kernel_map({{"sda"}, {"sdb"}, {"sdc"}});
  bench.start();
  bench.run(minutes{2});
  std::vector<Effect> effects;
  effects.reserve(64);
  // The first good check of a round may have the map read again; those of the map's other paths only check.
  std::size_t before = allocations;
  while (effects.size() < 3) {
    bench.now = std::max(bench.now, bench.engine.next_deadline());
    bench.engine.step(TimeAdvanced{}, bench.now, effects);
  }
  EXPECT_EQ(allocations, before) << "asking";
  for (std::size_t i = 0; i < 3; ++i) {
    const auto* command = std::get_if<SubmitCommand>(&effects.at(i));
    ASSERT_NE(command, nullptr);
    Event good = CommandFinished{command->op, command->path, {}};
    before = allocations;
    bench.engine.step(good, bench.now, effects);
    EXPECT_TRUE(i == 0 || allocations == before) << "answer " << i << " of 3";
  }
  EXPECT_LE(effects.size(), 4U) << "one reading of the map at most";
}

}  // namespace
}  // namespace mpath::engine
