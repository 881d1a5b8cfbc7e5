// SPDX-License-Identifier: LGPL-2.1-or-later
// `mpathctl lint` and `mpathctl why` as they are run: output, exit status, and files that are none. Nothing here needs root or hardware.
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace {

namespace fs = std::filesystem;

struct Outcome {
  int exit_status = -1;  ///< 124 for a program that hangs
  std::string output;    ///< standard output and standard error
};

Outcome run(const std::string& arguments, const fs::path& directory = ".") {
  const std::string command = "cd '" + directory.string() + "' && timeout 60 '" MPATH_PROGRAM "' " + arguments + " </dev/null 2>&1";
  Outcome outcome;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return outcome;
  char buffer[65536];
  for (std::size_t got; (got = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;) outcome.output.append(buffer, got);
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) outcome.exit_status = WEXITSTATUS(status);
  return outcome;
}

/// A directory of this test, removed with all its files.
class Mpathctl : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "mpathctl-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    directory_ = name;
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(directory_, ignored);
  }
  void write(const std::string& name, std::string_view text) { std::ofstream(directory_ / name, std::ios::binary) << text; }
  Outcome in_directory(const std::string& arguments) { return run(arguments, directory_); }

  fs::path directory_;
};

TEST_F(Mpathctl, LintPrintsLikeACompiler) {
  write("a.conf",
        "defaults {\n"
        "\tpolling_intervall 10\n"
        "\tfailback inmediate\n"
        "}\n"
        "blacklist {\n"
        "    devnode \"^(sd\"\n"
        "}\n"
        "multipaths {\n"
        "\tmultipath {\n"
        "\t\twwid 36\n"
        "\t\tpath_checker tur\n"
        "\t\talias x\n"
        "\t}\n");
  const Outcome lint = in_directory("lint a.conf");
  EXPECT_EQ(lint.exit_status, 2);
  EXPECT_EQ(lint.output,
            "a.conf:2:2: error: invalid keyword in the defaults section: polling_intervall; did you mean polling_interval? "
            "[unknown-keyword]\n"
            "    2 | \tpolling_intervall 10\n"
            "      | \t^\n"
            "      = fix: polling_interval\n"
            "a.conf:3:11: error: invalid value for failback: \"inmediate\"; expected manual, immediate, followover or a number "
            "from 1 [invalid-value]\n"
            "    3 | \tfailback inmediate\n"
            "      | \t         ^\n"
            "      = fix: failback immediate\n"
            "a.conf:6:15: error: devnode: not a valid regular expression: Unmatched ( or \\( [bad-expression]\n"
            "    6 |     devnode \"^(sd\"\n"
            "      |               ^\n"
            "a.conf:11:3: error: invalid keyword in the multipath section: path_checker; it belongs in defaults, devices/device, "
            "overrides [wrong-section]\n"
            "   11 | \t\tpath_checker tur\n"
            "      | \t\t^\n"
            "a.conf:13:2: warning: missing '}' at the end of the file: multipaths of line 8 is still open [missing-brace]\n"
            "   13 | \t}\n"
            "      | \t^\n"
            "      = fix: }\n");
}

TEST_F(Mpathctl, LintExitStatus) {
  write("clean.conf", "defaults {\n\tuser_friendly_names yes\n}\n");
  write("warning.conf", "defaults {\n\tverbosity 6\n}\n");
  write("error.conf", "defaults {\n\tverbosity x\n}\n");
  const struct {
    std::string_view arguments;
    int exit_status;
  } cases[] = {
      {"lint clean.conf", 0},
      {"lint warning.conf", 1},
      {"lint -W error warning.conf", 2},
      {"lint -W error clean.conf", 0},
      {"lint error.conf", 2},
      {"lint --json error.conf", 2},
      {"lint clean.conf warning.conf", 1},
      {"lint -W all clean.conf", 64},
      {"lint --what", 64},
      {"", 64},
  };
  for (const auto& c : cases) EXPECT_EQ(in_directory(std::string(c.arguments)).exit_status, c.exit_status) << c.arguments;
  EXPECT_EQ(in_directory("lint clean.conf").output, "");
}

TEST_F(Mpathctl, LintTakesSeveralFilesAsMainFileAndDropIns) {
  write("main.conf", "defaults {\n\tfailback 5\n}\n");
  write("drop.conf", "defaults {\n\tfailback manual\n}\n");
  EXPECT_EQ(in_directory("lint main.conf drop.conf").output,
            "main.conf:2:11: note: failback is overridden by drop.conf:2 [overridden]\n"
            "    2 | \tfailback 5\n"
            "      | \t         ^\n");
}

TEST_F(Mpathctl, LintSaysWhatCannotBeRead) {
  fs::create_directory(directory_ / "directory");
  ASSERT_EQ(::mkfifo((directory_ / "fifo").c_str(), 0600), 0);
  write("huge", "");
  fs::resize_file(directory_ / "huge", 100u << 20);
  write("warning.conf", "defaults {\n\tverbosity 6\n}\n");
  const struct {
    std::string_view file;
    std::string_view text;
  } cases[] = {
      {"directory", "is no regular file"},
      {"fifo", "is no regular file"},
      {"/dev/zero", "is no regular file"},
      {"huge", "larger than any configuration"},
      {"vanished", "No such file"},
  };
  for (const auto& c : cases) {
    const Outcome lint = in_directory("lint warning.conf " + std::string(c.file));
    EXPECT_EQ(lint.exit_status, 2) << c.file;
    EXPECT_NE(lint.output.find("warning.conf:2:12: warning"), std::string::npos) << "the other file is read all the same\n" << lint.output;
    EXPECT_NE(lint.output.find(std::string(c.file) + ": error: "), std::string::npos) << lint.output;
    EXPECT_NE(lint.output.find(c.text), std::string::npos) << lint.output;
    const auto json = nlohmann::json::parse(in_directory("lint --json " + std::string(c.file)).output);
    EXPECT_EQ(json["errors"], 1);
    EXPECT_EQ(json["diagnostics"][0]["id"], "unreadable-file");
  }
}

TEST_F(Mpathctl, LintEndsWhateverTheFileHolds) {
  const std::string million(1u << 20, '{');
  std::string nested;
  for (int i = 0; i < 200000; ++i) nested += "devices {\ndevice {\n";
  const std::pair<std::string_view, std::string> files[] = {
      {"braces", million},
      {"nested", nested},
      {"line", "defaults {\nverbosity " + std::string(4u << 20, '3') + "\n}\n"},
      {"nul", std::string("defaults {\n\0verbosity\0 3\n}\n", 27)},
      {"bytes", "defaults {\n\x1b]0;title\x07 \xff\xfe 3\n}\n"},
  };
  for (const auto& [name, text] : files) {
    write(std::string(name), text);
    const Outcome lint = in_directory("lint " + std::string(name));
    EXPECT_TRUE(lint.exit_status >= 0 && lint.exit_status <= 2) << name << " " << lint.exit_status << lint.output.substr(0, 2000);
    EXPECT_EQ(lint.output.find('\x1b'), std::string::npos) << name;
    EXPECT_LT(lint.output.size(), 2u << 20) << name;
  }
}

TEST_F(Mpathctl, LintOfTheSystem) {
  const Outcome lint = run("lint");
  EXPECT_TRUE(lint.exit_status >= 0 && lint.exit_status <= 2) << lint.output;
}

TEST_F(Mpathctl, LintOfRealFiles) {
  const fs::path corpus = fs::path(MPATH_SOURCE_DIR) / "../shared/corpus";
  if (!fs::is_directory(corpus / "conf")) GTEST_SKIP() << "no corpus of real files at " << corpus;
  std::size_t files = 0;
  for (const auto& entry : fs::directory_iterator(corpus / "conf")) {
    if (entry.path().extension() != ".conf") continue;
    ++files;
    const std::string name = entry.path().filename();
    const Outcome lint = run("lint '" + name + "'", corpus / "conf");
    const bool errors = lint.output.find(": error: ") != std::string::npos;
    const bool warnings = lint.output.find(": warning: ") != std::string::npos;
    EXPECT_EQ(lint.exit_status, errors ? 2 : warnings ? 1 : 0) << name << "\n" << lint.output;
    // What the reference rejects as a whole is an error.
    std::ifstream reference(corpus / "expected" / (entry.path().stem().string() + ".rc"));
    int status = 0;
    reference >> status;
    if (status != 0) {
      EXPECT_EQ(lint.exit_status, 2) << name;
    }
  }
  EXPECT_GT(files, 0u);
}

TEST_F(Mpathctl, WhyExplainsAProductWithoutHardware) {
  write("a.conf", "devices {\n\tdevice {\n\t\tvendor NETAPP\n\t\tproduct LUN\n\t\tno_path_retry 12\n\t}\n}\n");
  write("b.conf", "overrides {\n\tno_path_retry fail\n}\n");
  const Outcome why = in_directory("why NETAPP,LUN no_path_retry --config a.conf --config b.conf");
  EXPECT_EQ(why.exit_status, 0);
  EXPECT_TRUE(why.output.starts_with("vendor \"NETAPP\", product \"LUN\"\n"
                                     "no_path_retry \"fail\"                     b.conf:2 (overrides)\n"
                                     "    not 12                               a.conf:5 (devices)\n"
                                     "    not \"queue\"                          hardware table:"))
      << why.output;
  const auto json = nlohmann::json::parse(in_directory("why NETAPP,LUN,C-Mode --json --config a.conf").output);
  EXPECT_EQ(json["device"]["vendor"], "NETAPP");
  EXPECT_EQ(json["device"]["revision"], "C-Mode");
  EXPECT_GT(json["settings"].size(), 40u) << "every setting";
  const std::string short_answer = in_directory("why NETAPP,LUN --set --config a.conf").output;
  EXPECT_NE(short_answer.find("no_path_retry"), std::string::npos);
  EXPECT_EQ(short_answer.find("ghost_delay"), std::string::npos);
}

TEST_F(Mpathctl, WhyRefusesWhatItDoesNotKnow) {
  write("a.conf", "");
  write("broken.conf", "blacklist {\n\tdevnode \"^(sd\"\n}\n");
  const struct {
    std::string_view arguments;
    int exit_status;
    std::string_view text;
  } cases[] = {
      {"why A,B failbak --config a.conf", 64, "did you mean failback?"},
      {"why A,B vendor --config a.conf", 64, "vendor: names an entry"},
      {"why A,B multipath_dir --config a.conf", 64, "has no effect"},
      {"why no-such-disk --config a.conf", 1, "no-such-disk: there is no such block device"},
      {"why ../etc/passwd --config a.conf", 1, "is not the name of a block device"},
      {"why A,B --config broken.conf", 1, "the configuration cannot be used"},
      {"why A,B --config vanished.conf", 1, "No such file"},
      {"why", 64, "DEVICE"},
  };
  for (const auto& c : cases) {
    const Outcome why = in_directory(std::string(c.arguments));
    EXPECT_EQ(why.exit_status, c.exit_status) << c.arguments << why.output;
    EXPECT_NE(why.output.find(c.text), std::string::npos) << c.arguments << ": " << why.output;
  }
  EXPECT_EQ(in_directory("why A,B checker --config a.conf").output.find("path_checker \"tur\""), std::string("vendor \"A\", product \"B\"\n").size());
}

}  // namespace
