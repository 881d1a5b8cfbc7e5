// SPDX-License-Identifier: LGPL-2.1-or-later
// A good result of a check allocates nothing. The program's own operator new counts.
#include <cstddef>
#include <cstdlib>
#include <new>

#include "tests/unit/engine/fixture.h"

namespace {
std::size_t allocations = 0;
std::size_t bytes_of_engine = 0;  ///< allocated while it was at work, and not freed yet

/// Before each block.
struct Header {
  std::size_t bytes;
  bool of_engine;
};
constexpr std::size_t header_bytes = 16;
static_assert(sizeof(Header) <= header_bytes);

void* counted(std::size_t bytes) noexcept {
  ++allocations;
  void* memory = std::malloc(bytes + header_bytes);
  if (memory == nullptr) return nullptr;
  *static_cast<Header*>(memory) = {bytes, mpath::engine::engine_at_work};
  if (mpath::engine::engine_at_work) bytes_of_engine += bytes + header_bytes;  // about what malloc itself adds
  return static_cast<char*>(memory) + header_bytes;
}

void* counted_or_throw(std::size_t bytes) {
  if (void* memory = counted(bytes)) return memory;
  throw std::bad_alloc();
}

void give_back(void* memory) noexcept {
  if (memory == nullptr) return;
  auto* header = reinterpret_cast<Header*>(static_cast<char*>(memory) - header_bytes);
  if (header->of_engine) bytes_of_engine -= header->bytes + header_bytes;
  std::free(header);
}
}  // namespace

void* operator new(std::size_t bytes) { return counted_or_throw(bytes); }
void* operator new[](std::size_t bytes) { return counted_or_throw(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return counted(bytes); }
void operator delete(void* memory) noexcept { give_back(memory); }
void operator delete[](void* memory) noexcept { give_back(memory); }
void operator delete(void* memory, std::size_t) noexcept { give_back(memory); }
void operator delete[](void* memory, std::size_t) noexcept { give_back(memory); }

namespace mpath::engine {
namespace {

/// A map of three paths that has settled, checked by hand.
struct Rounds {
  explicit Rounds(const std::string& defaults) : bench("polling_interval 5\nmax_polling_interval 5\n" + defaults) {
    for (const char* name : {"sda", "sdb", "sdc"}) bench.disk(name);
    bench.kernel_map({{"sda"}, {"sdb"}, {"sdc"}});
    bench.start();
    bench.run(minutes{5});
    effects.reserve(64);
  }

  /// What the engine allocates for the next deadline, the answers of the devices included.
  std::size_t next() {
    bench.now = std::max(bench.now, bench.engine.next_deadline());
    effects.clear();
    std::size_t before = allocations;
    bench.engine.step(TimeAdvanced{}, bench.now, effects);
    std::size_t of_engine = allocations - before;
    for (std::size_t i = 0; i < effects.size(); ++i) {
      const auto* command = std::get_if<SubmitCommand>(&effects[i]);
      if (command == nullptr) continue;
      ++checks;
      Event good = CommandFinished{command->op, command->path, {}};
      before = allocations;
      bench.engine.step(good, bench.now, effects);
      of_engine += allocations - before;
    }
    return of_engine;
  }

  Bench bench;
  std::vector<Effect> effects;
  std::size_t checks = 0;
};

TEST(Allocation, ARoundOfGoodChecksAllocatesNothing) {
  for (const char* defaults : {"", "path_grouping_policy multibus", "no_path_retry 5\nfailback 10", "features \"1 queue_if_no_path\""}) {
    SCOPED_TRACE(defaults);
    Rounds rounds(defaults);
    std::size_t readings = 0;
    // Each round compares the map with what it should be; now and then it is read, which does allocate.
    while (rounds.checks < 3 * 24) {
      std::size_t allocated = rounds.next();
      for (const Effect& effect : rounds.effects) {
        EXPECT_TRUE(std::holds_alternative<SubmitCommand>(effect) || std::holds_alternative<ReadMap>(effect)) << effect.index();
      }
      auto reading = std::ranges::find_if(rounds.effects, [](const Effect& effect) { return std::holds_alternative<ReadMap>(effect); });
      if (reading == rounds.effects.end()) {
        EXPECT_EQ(allocated, 0U);
        continue;
      }
      ++readings;
      const auto& question = std::get<ReadMap>(*reading);
      Event answer = MapRead{.op = question.op, .map = question.map, .result = rounds.bench.map()};
      rounds.bench.engine.step(answer, rounds.bench.now, rounds.effects);
    }
    EXPECT_GE(readings, 1U);
    EXPECT_LE(readings, 3U);
  }
}

TEST(Allocation, APathTakesLessThanFourKibibytes) {
  constexpr std::uint32_t volumes = 1024;
  constexpr std::uint32_t paths_each = 4;
  Bench bench;
  for (std::uint16_t port = 1; port <= paths_each; ++port) {
    for (std::uint32_t volume = 1; volume <= volumes; ++volume) {
      bench.disk(fmt::format("sda{}", bench.disks.size()), volume, port).found.facts.devnum = {8, static_cast<std::uint32_t>(bench.disks.size())};
    }
  }
  std::size_t before = bytes_of_engine;
  bench.start();
  bench.run(minutes{2});
  // What the bench itself has kept of the effects: maps, attached paths, messages, the log.
  auto snapshot = bench.picture();
  bench.actions = {};
  bench.logs = {};
  bench.messages = {};
  bench.states = {};
  std::size_t each = (bytes_of_engine - before) / bench.disks.size();
  EXPECT_EQ(snapshot->paths.size(), std::size_t{volumes} * paths_each);
  RecordProperty("bytes_for_each_path", static_cast<int>(each));
  EXPECT_LT(each, 4096U) << "its share of its map, and everything else of the engine, included";
}

}  // namespace
}  // namespace mpath::engine
