// The tool drawloom-run as people call it, and how options are read.
#include "runtime/train/Commands.h"
#include "test/train/FakeModel.h"
#include <CLI/CLI.hpp>
#include <cstdio>
#include <sys/wait.h>

namespace drawloom::test {
namespace {

/// Runs a shell command; its output (both streams) and its exit code.
std::pair<std::string, int> shell(const std::string &command) {
  std::string out;
  FILE *p = ::popen((command + " 2>&1").c_str(), "r");
  char chunk[4096];
  for (size_t n; (n = std::fread(chunk, 1, sizeof chunk, p)) > 0;) out.append(chunk, n);
  int status = ::pclose(p);
  return {out, WIFEXITED(status) ? WEXITSTATUS(status) : -1};
}

std::pair<std::string, int> tool(const std::string &arguments) {
  return shell(std::string(DRAWLOOM_RUN) + " " + arguments);
}

TEST(DrawloomRunTest, EveryHelpBeginsWithAnExample) {
  EXPECT_EQ(tool("--help").first.find("Example:  drawloom-run train M.loom"), 0u);
  for (std::string verb : {"train", "eval", "sample", "data"}) {
    auto [text, code] = tool(verb + " --help");
    EXPECT_EQ(code, 0);
    EXPECT_EQ(text.find("Example:  drawloom-run " + verb + " M.loom"), 0u) << text;
  }
}

TEST(DrawloomRunTest, TheToolsHelpListsItsVerbsInOneLineEach) {
  auto text = tool("--help").first;
  EXPECT_NE(text.find("\n  train                       Train a model on text, images or sound\n"),
            std::string::npos)
      << text;
}

TEST(DrawloomRunTest, WrongUsageExitsWithTwo) {
  for (std::string wrong : {"", "frobnicate", "train", "eval m.loom --split dev",
                            "sample m.loom --temperature -1", "train m.loom --steps x"})
    EXPECT_EQ(tool(wrong).second, 2) << wrong;
}

TEST(DrawloomRunTest, AMissingArtifactExitsWith66) {
  auto [text, code] = tool("train /nowhere/m.loom");
  EXPECT_EQ(code, 66);
  EXPECT_EQ(text.find("error: "), 0u) << text;
}

TEST(DrawloomRunTest, AFileThatIsNoArtifactExitsWith65) {
  ScratchFolder folder;
  writeText(folder / "m.loom", someText(5000));
  EXPECT_EQ(tool("eval " + (folder / "m.loom")).second, 65);
}

TEST(DrawloomRunTest, HasNoCompilerInItsProcess) {
  auto [text, code] = shell(std::string("ldd ") + DRAWLOOM_RUN);
  ASSERT_EQ(code, 0) << text;
  EXPECT_EQ(text.find("LLVM"), std::string::npos) << text;
  EXPECT_EQ(text.find("MLIR"), std::string::npos) << text;
}

TrainOptions parseTrain(std::vector<std::string> arguments) {
  CLI::App app("", "tool");
  TrainOptions o;
  addTrainOptions(*app.add_subcommand("train"), o, "M.loom");
  std::reverse(arguments.begin(), arguments.end()); // CLI11 takes them so
  app.parse(arguments);
  return o;
}

TEST(OptionsTest, ResumeTakesTheLatestOrAFolderAndNeverTheModel) {
  EXPECT_EQ(parseTrain({"train", "m.loom"}).resume, "");
  auto o = parseTrain({"train", "--resume", "m.loom"});
  EXPECT_EQ(o.resume, "latest");
  EXPECT_EQ(o.artifact, "m.loom");
  EXPECT_EQ(parseTrain({"train", "m.loom", "--resume=runs/a/step-00000003"}).resume, "runs/a/step-00000003");
}

TEST(OptionsTest, WhatIsNotGivenStaysAbsent) {
  auto o = parseTrain({"train", "m.loom"});
  EXPECT_FALSE(o.steps || o.stopAfter || o.seed || o.maxSeconds || o.threads);
  o = parseTrain({"train", "m.loom", "--steps", "0", "--seed", "18446744073709551615", "--max-seconds", "1.5",
                  "--threads", "2"});
  EXPECT_EQ(o.steps, 0);
  EXPECT_EQ(o.seed, ~uint64_t(0));
  EXPECT_EQ(o.maxSeconds, 1.5);
  EXPECT_EQ(o.threads, 2);
}

} // namespace
} // namespace drawloom::test
