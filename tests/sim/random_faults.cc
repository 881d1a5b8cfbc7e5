// SPDX-License-Identifier: LGPL-2.1-or-later
// Runs random scenarios, and the named mutations against them.
//   sim_random_faults [--seeds N] [--from M]      N scenarios from seed M on (200 from 1); with --coverage it prints what they exercised
//                                                 and fails if a kind of fault, command, action… was not
//   sim_random_faults --seed S [--mutation NAME]  one, with its trace
//   sim_random_faults --mutations                 every mutation until it is caught: its known seed, then at most N
#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "tests/sim/scenario.h"

namespace {

using mpath::sim::Mutation;
using mpath::sim::Report;

void print_report(const Report& report, std::size_t lines) {
  std::size_t first = report.trace.size() > lines ? report.trace.size() - lines : 0;
  for (std::size_t at = first; at < report.trace.size(); ++at) fmt::print("{}\n", report.trace[at]);
  for (const auto& violation : report.violations) fmt::print("seed {}: {}: {}\n", report.seed, violation.rule, violation.text);
}

int run_one(std::uint64_t seed, Mutation mutation) {
  Report report = mpath::sim::run_scenario(seed, mutation, 100000);
  fmt::print("{}", report.configuration);
  print_report(report, report.trace.size());
  fmt::print("seed {}: {} requests, {} failed, {} loads, trace {:016x}: {}\n", seed, report.requests, report.failures,
             report.table_loads, report.trace_hash, report.violations.empty() ? "ok" : "VIOLATED");
  return report.violations.empty() ? 0 : 1;
}

/// False if something was never exercised.
bool print_coverage(const mpath::sim::Coverage& coverage) {
  for (const auto& [what, count] : coverage.counts()) fmt::print("{:12} {}\n", count, what);
  std::vector<std::string> missing = coverage.missing();
  for (const std::string& what : missing) fmt::print("never exercised: {}\n", what);
  return missing.empty();
}

int run_many(std::uint64_t from, std::uint64_t count, bool with_coverage) {
  mpath::sim::Coverage coverage;
  std::uint64_t failed = 0;
  std::uint64_t requests = 0;
  std::uint64_t loads = 0;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    Report report = mpath::sim::run_scenario(seed);
    coverage.add(report.coverage);
    requests += report.requests;
    loads += report.table_loads;
    if (report.violations.empty()) continue;
    ++failed;
    if (failed == 1) print_report(report, 60);
    fmt::print("seed {} violates \"{}\": {}\n  repeat with: sim_random_faults --seed {}\n", seed, report.violations[0].rule,
               report.violations[0].text, seed);
    std::fflush(stdout);
  }
  fmt::print("{} seeds from {}: {} violated, {} requests verified, {} table loads\n", count, from, failed, requests, loads);
  bool covered = !with_coverage || print_coverage(coverage);
  return failed == 0 && covered ? 0 : 1;
}

/// True if a run with the seed catches it.
bool catches(std::uint64_t seed, const mpath::sim::NamedMutation& mutation) {
  Report report = mpath::sim::run_scenario(seed, mutation.mutation);
  if (report.violations.empty()) return false;
  fmt::print("{}: caught with seed {}: {}: {}\n", mutation.name, seed, report.violations[0].rule, report.violations[0].text);
  return true;
}

/// The seed in the table first; it goes out of date when the random draw changes, which costs time and no more.
bool caught(const mpath::sim::NamedMutation& mutation, std::uint64_t from, std::uint64_t count) {
  if (catches(mutation.seed, mutation)) return true;
  for (std::uint64_t seed = from; seed < from + count; ++seed) {
    if (seed != mutation.seed && catches(seed, mutation)) return true;
  }
  return false;
}

int run_mutations(std::uint64_t from, std::uint64_t count) {
  int missed = 0;
  for (const mpath::sim::NamedMutation& mutation : mpath::sim::named_mutations) {
    if (!caught(mutation, from, count)) {
      ++missed;
      fmt::print("{}: NOT CAUGHT within {} seeds\n", mutation.name, count);
    }
    std::fflush(stdout);
  }
  return missed == 0 ? 0 : 1;
}

std::uint64_t number(const char* text) {
  std::uint64_t value = 0;
  auto [end, error] = std::from_chars(text, text + std::strlen(text), value);
  if (error != std::errc{} || *end != 0) {
    fmt::print(stderr, "not a number: {}\n", text);
    std::exit(64);
  }
  return value;
}

}  // namespace

int main(int argc, char** argv) {
  std::uint64_t from = 1;
  std::uint64_t count = 200;
  std::optional<std::uint64_t> only;
  bool mutations = false;
  bool with_coverage = false;
  Mutation mutation = Mutation::none;
  for (int at = 1; at < argc; ++at) {
    std::string_view word = argv[at];
    bool has_value = at + 1 < argc;
    if (word == "--mutations") {
      mutations = true;
    } else if (word == "--coverage") {
      with_coverage = true;
    } else if (word == "--seeds" && has_value) {
      count = number(argv[++at]);
    } else if (word == "--from" && has_value) {
      from = number(argv[++at]);
    } else if (word == "--seed" && has_value) {
      only = number(argv[++at]);
    } else if (word == "--mutation" && has_value) {
      std::string_view name = argv[++at];
      for (const mpath::sim::NamedMutation& known : mpath::sim::named_mutations) {
        if (known.name == name) mutation = known.mutation;
      }
      if (mutation == Mutation::none) {
        fmt::print(stderr, "no such mutation: {}\n", name);
        return 64;
      }
    } else {
      fmt::print(stderr, "usage: sim_random_faults [--seeds N] [--from M] [--coverage] [--seed S] [--mutation NAME] [--mutations]\n");
      return 64;
    }
  }
  if (only) return run_one(*only, mutation);
  return mutations ? run_mutations(from, count) : run_many(from, count, with_coverage);
}
