// SPDX-License-Identifier: LGPL-2.1-or-later
// Real files from the field, with what the reference prints for each. They are not part of this tree; without them the tests skip.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "libmpath/base/text.h"
#include "libmpath/config/dump.h"
#include "libmpath/config/lint.h"
#include "libmpath/config/parser.h"
#include "libmpath/config/why.h"

namespace mpath::config {
namespace {

namespace fs = std::filesystem;

fs::path corpus() { return fs::path(MPATH_SOURCE_DIR) / "../shared/corpus"; }

std::string read(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  if (!fs::is_directory(corpus() / "conf")) return found;
  for (const auto& entry : fs::directory_iterator(corpus() / "conf")) {
    if (entry.path().extension() == ".conf") found.push_back(entry.path().stem().string());
  }
  std::ranges::sort(found);
  return found;
}

ParseResult parse_text(std::string text) {
  const SourceFile file{"/etc/multipath.conf", std::move(text), FileKind::main};
  ParseOptions options;
  options.context.lookup_user = [](std::string_view name) -> std::optional<UserIds> {
    if (name == "root") return UserIds{0, 0};
    return std::nullopt;
  };
  options.context.most_open_files = 1048576;
  return parse(std::span(&file, 1), options);
}

/// The line numbers that the reference's messages speak of.
std::set<std::uint32_t> lines_with_messages(const std::string& messages) {
  std::set<std::uint32_t> lines;
  for (std::size_t at = 0; (at = messages.find("line ", at)) != std::string::npos;) {
    at += 5;
    const std::size_t end = std::min(messages.find_first_not_of("0123456789", at), messages.size());
    if (end > at) lines.insert(static_cast<std::uint32_t>(std::stoul(messages.substr(at, end - at))));
  }
  return lines;
}

/// The reference leaves a blacklist device block open when it has only a vendor, so its dump cannot be read back. Ours closes it.
std::string close_vendor_only_blocks(const std::string& dump) {
  std::string repaired = dump;
  for (std::size_t at = 0; (at = repaired.find("\tdevice {\n\t\tvendor \"", at)) != std::string::npos;) {
    at = repaired.find('\n', at + 11) + 1;
    const std::string_view rest = std::string_view(repaired).substr(at);
    if (rest.starts_with("\tdevice {") || rest.starts_with("}")) repaired.insert(at, "\t}\n");
  }
  return repaired;
}

/// The first line that differs, so that a failure can be read.
std::string first_difference(const std::string& ours, const std::string& theirs) {
  const auto ours_lines = split(ours, '\n');
  const auto their_lines = split(theirs, '\n');
  for (std::size_t i = 0; i < std::max(ours_lines.size(), their_lines.size()); ++i) {
    const auto mine = i < ours_lines.size() ? ours_lines[i] : "<end>";
    const auto other = i < their_lines.size() ? their_lines[i] : "<end>";
    if (mine != other) return fmt::format("line {}: ours '{}', reference '{}'", i + 1, mine, other);
  }
  return {};
}

class Corpus : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(Corpus);
INSTANTIATE_TEST_SUITE_P(Files, Corpus, testing::ValuesIn(names()), [](const auto& parameter) {
  std::string name = parameter.param;
  std::ranges::replace_if(name, [](char c) { return !isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

TEST(CorpusIsThere, OrTheTestsAreSkipped) {
  if (names().empty()) GTEST_SKIP() << "no corpus of real files at " << corpus();
}

TEST_P(Corpus, DumpEqualsTheReference) {
  const ParseResult result = parse_text(read(corpus() / "conf" / (GetParam() + ".conf")));
  const std::string expected = close_vendor_only_blocks(read(corpus() / "expected" / (GetParam() + ".out")));
  EXPECT_EQ(first_difference(dump_config(*result.config), expected), "");
  EXPECT_EQ(result.fatal, !read(corpus() / "expected" / (GetParam() + ".rc")).starts_with("0"));
}

TEST_P(Corpus, DiagnosticsOnTheSameLines) {
  const ParseResult result = parse_text(read(corpus() / "conf" / (GetParam() + ".conf")));
  const std::string expected = read(corpus() / "expected" / (GetParam() + ".err"));
  std::set<std::uint32_t> ours;
  for (const Diagnostic& diagnostic : result.diagnostics) ours.insert(diagnostic.line);
  for (std::uint32_t line : lines_with_messages(expected)) {
    EXPECT_TRUE(ours.contains(line)) << "no diagnostic on line " << line;
  }
}

TEST_P(Corpus, DumpIsReadBack) {
  const std::string first = dump_config(*parse_text(read(corpus() / "conf" / (GetParam() + ".conf"))).config);
  const ParseResult again = parse_text(first);
  EXPECT_EQ(first_difference(dump_config(*again.config), first), "");
  for (const Diagnostic& diagnostic : again.diagnostics) {
    EXPECT_NE(diagnostic.severity, Severity::error) << diagnostic.line << ": " << diagnostic.text;
  }
}

/// Every setting of one path and its map as text.
std::string resolved(Resolver& resolver, const PathIdentity& path) {
  std::string text;
  for (const WhyLine& line : why(resolver, path)) text += fmt::format("{} {}\n", keyword(line.key).name, line.value);
  const DaemonSettings& daemon = resolver.daemon();
  return text + fmt::format("{} {} {}", daemon.polling_interval.value.count(), daemon.max_polling_interval.value.count(),
                            to_string(daemon.find_multipaths.value));
}

TEST_P(Corpus, DumpMeansTheSame) {
  const ParseResult original = parse_text(read(corpus() / "conf" / (GetParam() + ".conf")));
  Resolver first(original.config);
  Resolver second(parse_text(dump_config(*original.config)).config);
  std::vector<PathIdentity> paths = {{"NETAPP", "LUN", "1", "scsi:fcp", "sda", ""}, {"IBM", "2145", "1", "scsi:fcp", "sda", ""},
                                     {"NVME", "Linux", std::nullopt, "nvme:tcp", "nvme0n1", ""}, {"X", "Y", "1", "scsi:sas", "sdb", ""}};
  for (const Entry& device : original.config->devices) {
    if (device.origin.layer != Layer::devices || paths.size() > 20) continue;
    paths.push_back({std::string(device.settings.text(Key::vendor)), std::string(device.settings.text(Key::product)), "1", "scsi:iscsi", "sdc", ""});
  }
  for (const Entry& map : original.config->multipaths) {
    if (paths.size() > 40) continue;
    paths.push_back(paths.front());
    paths.back().wwid = map.settings.text(Key::wwid);
  }
  for (const PathIdentity& path : paths) {
    EXPECT_EQ(first_difference(resolved(first, path), resolved(second, path)), "") << path.vendor << "/" << path.product;
  }
}

TEST_P(Corpus, LintFindsWhatTheReferenceFinds) {
  const SourceFile file{"/etc/multipath.conf", read(corpus() / "conf" / (GetParam() + ".conf")), FileKind::main};
  const LintReport report = lint(std::span(&file, 1));
  const std::string expected = read(corpus() / "expected" / (GetParam() + ".err"));
  for (std::uint32_t line : lines_with_messages(expected)) {
    EXPECT_TRUE(std::ranges::any_of(report.diagnostics, [&](const Diagnostic& d) { return d.line == line; })) << "line " << line;
  }
  const SourceFile dump{"dump", dump_config(*parse(std::span(&file, 1)).config), FileKind::main};
  for (const Diagnostic& diagnostic : lint(std::span(&dump, 1)).diagnostics) {
    // A regular expression that never matches is still printed, and still an error.
    if (diagnostic.id == "bad-expression" || diagnostic.id == "unknown-name" || diagnostic.id == "alias-clash") continue;
    EXPECT_NE(diagnostic.severity, Severity::error) << diagnostic.line << ": " << diagnostic.text;
  }
}

}  // namespace
}  // namespace mpath::config
