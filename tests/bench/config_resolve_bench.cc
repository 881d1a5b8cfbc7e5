// SPDX-License-Identifier: LGPL-2.1-or-later
// Goals on one thread: parsing the largest file of the corpus with the built-in table under 20 ms; resolving all settings of 16,384
// paths of 40 products under 50 ms.
#include <benchmark/benchmark.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "libmpath/config/dump.h"
#include "libmpath/config/effective.h"
#include "libmpath/config/parser.h"

namespace mpath::config {
namespace {

/// The largest real file, or where there is no corpus the built-in table's own dump, which is about as large.
SourceFile largest_file() {
  namespace fs = std::filesystem;
  fs::path largest;
  std::uintmax_t size = 0;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(fs::path(MPATH_SOURCE_DIR) / "../shared/corpus/conf", ignored)) {
    if (entry.path().extension() != ".conf" || entry.file_size() <= size) continue;
    size = entry.file_size();
    largest = entry.path();
  }
  if (largest.empty()) return {"dump", dump_config(*parse({}).config), FileKind::main};
  std::ifstream stream(largest, std::ios::binary);
  return {largest.filename().string(), {std::istreambuf_iterator<char>(stream), {}}, FileKind::main};
}

void parse_largest_file(benchmark::State& state) {
  const SourceFile file = largest_file();
  state.SetLabel(file.name);
  for (auto _ : state) benchmark::DoNotOptimize(parse(std::span(&file, 1)));
}
BENCHMARK(parse_largest_file)->Unit(benchmark::kMillisecond);

void resolve_16384_paths_of_40_products(benchmark::State& state) {
  const SourceFile file = largest_file();
  const ParseResult parsed = parse(std::span(&file, 1));
  std::vector<PathIdentity> paths;
  const std::size_t products = std::min<std::size_t>(40, parsed.config->devices.size());
  for (std::size_t i = 0; i < 16384; ++i) {
    const Settings& device = parsed.config->devices[i % products].settings;
    paths.push_back({std::string(device.text(Key::vendor)), std::string(device.text(Key::product)), "1.0", "scsi:fcp",
                     fmt::format("sd{}", i), fmt::format("3600{:028}", i / 4)});
  }
  for (auto _ : state) {
    Resolver resolver(parsed.config);  // nothing is remembered from the round before
    for (const PathIdentity& path : paths) {
      benchmark::DoNotOptimize(resolver.path(path));
      benchmark::DoNotOptimize(resolver.map(path.wwid, path));
    }
  }
}
BENCHMARK(resolve_16384_paths_of_40_products)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace mpath::config
